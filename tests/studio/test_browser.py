"""The page in a real browser: uploads, sliders, drawings, downloads, and whom it talks to."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from studio import replay
from tests.studio.browsing import PHOTO, pixels, settled, turn, upload
from tests.studio.conftest import FakeModels

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")

pytestmark = pytest.mark.browser


def test_a_slider_that_is_turned_by_keys_changes_the_edit_and_not_the_reconstruction(page):
    upload(page)
    before = pixels(page, "Edit"), pixels(page, "Reconstruction")
    turn(page, "#photo-controls input", "PageUp", 3)
    after = pixels(page, "Edit"), pixels(page, "Reconstruction")
    assert np.mean(after[0]) > np.mean(before[0]) + 5  # the control is called Light
    assert after[1] == before[1]
    page.click("#photo-reset")
    settled(page)
    assert pixels(page, "Edit") == before[0]


def test_what_is_saved_replays_bit_for_bit(page, tmp_path, monkeypatch):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    upload(page)
    turn(page, "#photo-controls input", "PageUp", 2)
    for link in ("#photo-save", "text=Settings >> visible=true"):
        with page.expect_download() as download:
            page.click(link)
        download.value.save_as(tmp_path / download.value.suggested_filename)
    settings = tmp_path / "edit.json"
    assert json.loads(settings.read_text())["values"]["Light"] > 0
    replay.main([str(settings), "--photo", str(PHOTO), "--out", str(tmp_path / "out")])
    with Image.open(tmp_path / "out" / "edit.png") as one, Image.open(tmp_path / "edit.png") as two:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_a_text_that_is_called_png_is_told_and_the_next_photograph_works(page, tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    page.set_input_files("#photo-file", str(tmp_path / "a.png"))
    page.wait_for_selector("#photo-error:not(:empty)")
    assert "cannot be read as an image" in page.inner_text("#photo-error")
    upload(page)
    assert page.inner_text("#photo-error") == ""


def test_the_eyes_are_placed_by_keys_alone(page):
    upload(page)
    before = pixels(page, "Original")
    page.focus("#photo-eyes")
    page.keyboard.press("Enter")
    for key, times in (("ArrowLeft", 4), ("Enter", 1), ("ArrowRight", 6), ("Enter", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    settled(page)
    assert page.inner_text("#photo-problem") == ""
    assert pixels(page, "Original") != before  # another square of the photograph


def test_a_digit_is_drawn_by_mouse_edited_and_taken_back(page):
    page.click("#tab-digits")
    page.wait_for_selector("#digit-timing:not(:empty)")
    example = pixels(page, "Original")
    box = page.locator("#pad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 40
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 160, steps=8)
    page.mouse.up()
    page.wait_for_timeout(600)
    drawn = np.array(pixels(page, "Original")).reshape(28, 28, 4)[..., 0]
    assert drawn.tolist() != np.array(example).reshape(28, 28, 4)[..., 0].tolist()
    assert drawn[4:24, 13:15].mean() > 200  # one stroke down the middle
    assert drawn[:, :8].max() == 0
    page.click("text=Slanted")
    settled(page)
    assert pixels(page, "Edit") != pixels(page, "Reconstruction")


def test_a_digit_is_drawn_by_keyboard_alone(page):
    page.click("#tab-digits")
    page.wait_for_selector("#digit-timing:not(:empty)")
    page.focus("#pad")
    page.keyboard.down("Shift")
    for _ in range(15):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.up("Shift")
    page.wait_for_timeout(600)
    drawn = np.array(pixels(page, "Original")).reshape(28, 28, 4)[..., 0]
    rows, columns = np.nonzero(drawn > 127)
    assert np.ptp(columns) > 2 * np.ptp(rows)  # a stroke to the right


def test_a_direction_is_made_of_two_drawings(page):
    page.click("#tab-digits")
    page.wait_for_selector("#digit-timing:not(:empty)")
    for digit, side in ((1, "without"), (8, "with")):
        page.click(f"[aria-label='Take the {digit}']")
        page.click(f"#set-{side}")
    settled(page)
    assert page.inner_text("#pairs [aria-pressed=true] b") == "Your own"
    # An 8 plus the step from 1 to 8, cut off at black and white.
    edited = np.array(pixels(page, "Edit")).reshape(28, 28, 4)[..., 0]
    files = (ROOT / "examples" / "digits" / f"digit-{n}.png" for n in (1, 8))
    one, eight = (np.asarray(Image.open(file), int) for file in files)
    np.testing.assert_array_equal(edited, np.clip(2 * eight - one, 0, 255))


def pixel(page: Any, name: str, x: int, y: int) -> list[int]:
    """One pixel of a canvas in the tab Brushes, by its label: red, green, blue."""
    return page.evaluate(
        """([name, x, y]) => [...document.querySelector(`#brushes canvas[aria-label="${name}"]`)
            .getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)""",
        [name, x, y],
    )


def picture(page: Any) -> str:
    """What is on the canvas that is painted on."""
    return page.evaluate("document.getElementById('easel').toDataURL()")


def paint(page: Any, *points: tuple[float, float]) -> None:
    """A stroke by the mouse, with its points as shares of the canvas, and all that follows it."""
    box = page.locator("#easel").bounding_box()
    for place, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if place == 0:
            page.mouse.down()
    page.mouse.up()
    settled(page)


def to_brushes(page: Any) -> None:
    page.click("#tab-brushes")
    page.wait_for_selector("#candidates button")
    settled(page)


def test_a_stroke_changes_the_canvas_and_undo_restores_it(page):
    to_brushes(page)
    assert page.inner_text("#brush-invitation") == "Draw a line: shades appear that follow it."
    page.locator("#brush-shade").fill("250")
    page.locator("#brush-shade").blur()
    empty = picture(page)
    paint(page, (0.25, 0.5), (0.75, 0.5))
    assert pixel(page, "Canvas", 224, 224) == [250, 250, 250]  # the stroke
    assert 230 < pixel(page, "Canvas", 20, 20)[0] < 250  # the image that follows it
    assert page.locator("#candidates button:visible").count() == 4
    assert page.inner_text("#brush-invitation") == ""
    page.click("#brush-undo")
    settled(page)
    page.locator("#brush-redo").focus()
    assert picture(page) == empty
    page.click("#brush-redo")
    settled(page)
    page.locator("#brush-undo").focus()
    assert pixel(page, "Canvas", 224, 224) == [250, 250, 250]


def test_a_stroke_is_drawn_by_keyboard_alone(page):
    to_brushes(page)
    page.focus("#easel")
    page.keyboard.down("Shift")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    page.keyboard.up("Shift")
    settled(page)
    (x0, y0), (x1, y1) = page.evaluate(
        """async () => { const told = await fetch('/result/brushes/edit.json?number=0');
            const { points } = (await told.json()).events[0].stroke;
            return [points[0], points.at(-1)]; }"""
    )
    assert (x0, y0, x1) == (0.5, 0.5, 0.5)
    assert y1 == pytest.approx(0.5 + 12 * 6 / 448, abs=1e-3)
    page.keyboard.press("Control+z")
    settled(page)
    assert page.locator("#brush-undo").is_disabled()


def test_going_on_from_a_candidate_gives_a_way_from_it_to_the_next(page):
    to_brushes(page)
    page.click("#candidates button >> nth=1")
    assert "candidate 2 of 4" in page.inner_text("#brush-result-name")
    page.click("#brush-fix")
    settled(page)
    start = pixel(page, "Result", 0, 0)[0]
    page.locator("#brush-shade").fill("255")
    paint(page, (0.5, 0.2), (0.5, 0.3))
    page.wait_for_selector("#brush-share:enabled")
    assert pixel(page, "Start", 0, 0)[0] == start
    end = pixel(page, "Result", 0, 0)[0]
    assert end > 250
    page.locator("#brush-share").fill("0")
    assert pixel(page, "Result", 0, 0)[0] == start
    assert "share=0" in page.get_attribute("#brush-save", "href")


def test_a_picture_is_painted_on_and_edited_at_its_own_size(page, tmp_path):
    to_brushes(page)
    Image.new("L", (90, 60), 250).save(tmp_path / "shoe.png")
    page.set_input_files("#brush-file", str(tmp_path / "shoe.png"))
    page.wait_for_selector("#brush-transfer:visible:enabled")
    settled(page)
    assert page.is_checked("#brush-invert")
    assert pixel(page, "Result", 0, 0)[0] < 10  # white paper is the model's black ground
    page.locator("#brush-shade").fill("255")
    paint(page, (0.5, 0.2), (0.5, 0.3))
    page.click("#brush-transfer")
    page.wait_for_selector("#brush-photo-figure:visible")
    # Lighter on black is darker on white, at the picture's own 90x60 pixels.
    assert max(pixel(page, "Your picture with the edit", 89, 59)) < 10


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("tab", ["photo", "digits", "directions", "brushes", "compare", "runs"])
def test_no_tab_is_wider_than_the_window_and_every_control_has_a_name(page, width, tab):
    page.set_viewport_size({"width": width, "height": 900})
    if tab == "photo":
        upload(page)
    page.click(f"#tab-{tab}")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, [tabindex]')]
            .filter(one => one.checkVisibility() && !(one.labels?.length || one.textContent.trim()
                || one.getAttribute('aria-label') || one.getAttribute('aria-labelledby')))
            .map(one => one.outerHTML)"""
    )
    assert nameless == []


def test_tabs_are_reached_by_arrow_keys(page):
    page.focus("#tab-photo")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-digits"
    assert page.locator("#digits").is_visible()
    assert not page.locator("#photo").is_visible()
