"""What tests do with the page in a browser: upload, turn sliders, save, and see pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.datasets import detection
from common.files import ROOT

PHOTO = ROOT / "examples" / "photos" / "astronaut.png"


def pixels(page: Any, name: str) -> list[int]:
    """The pixels of one of the canvases, by its label."""
    return page.evaluate(
        """name => { const c = [...document.querySelectorAll('section:not([hidden]) canvas')]
            .find(one => one.getAttribute('aria-label') === name);
            return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; }""",
        name,
    )


def upload(page: Any, file: Path = PHOTO) -> None:
    """Uploads a photograph and sees its face, by hand where nothing finds it."""
    page.set_input_files("#photo-file", str(file))
    page.wait_for_selector("#photo-desk:not([hidden])")
    if not detection.installed():
        for x, y in ((0.40, 0.2), (0.48, 0.2)):
            box = page.locator("#wipe-before").bounding_box()
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.wait_for_selector("#photo-timing:not(:empty)")
    settled(page)


def settled(page: Any) -> None:
    """Waits until the last edit is there."""
    page.wait_for_timeout(100)
    page.wait_for_selector("body:not([data-busy])")


def turn(page: Any, slider: str, key: str, times: int) -> None:
    """Turns a slider by the keyboard alone, and waits for the edit."""
    page.focus(slider)
    for _ in range(times):
        page.keyboard.press(key)
    settled(page)


def saved(page: Any, link: str, folder: Path) -> Path:
    """Clicks on a link that hands a file out; returns where it was saved."""
    with page.expect_download() as download:
        page.click(link)
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file
