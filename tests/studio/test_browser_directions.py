"""Tuning, animations and directions in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from common import tuning
from studio import replay
from tests.studio.browsing import PHOTO, pixels, saved, settled, turn, upload
from tests.studio.conftest import FakeModels

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")

pytestmark = pytest.mark.browser
RED = "#direction-sliders input"


def colour(page: Any, name: str) -> list[int]:
    """Red, green and blue of the first pixel of a canvas, by its label."""
    return pixels(page, name)[:3]


def flat_photo(page: Any) -> None:
    """A photograph, edited by the model that can be tuned."""
    upload(page)
    page.select_option("#photo-model", "flat")
    settled(page)


def tune(page: Any, seconds: int = 30) -> None:
    page.fill("#tune-seconds", str(seconds))
    page.click("#tune-begin")
    page.wait_for_selector("#tune-use-field:not([hidden])")
    settled(page)


def make_red(page: Any, folder: Path) -> None:
    """A direction from a black picture to a red one, in the tab Directions, with the flat model."""
    page.click("#tab-directions")
    page.wait_for_selector("#direction-timing:not(:empty)")
    for side, shade in (("without", 0), ("with", 100)):
        Image.new("RGB", (32, 32), (shade, 0, 0)).save(folder / f"{side}.png")
        page.set_input_files(f"#samples-{side}-files", str(folder / f"{side}.png"))
        page.wait_for_selector(f"#samples-{side} .samples img")
    page.fill("#direction-name", "more red")
    page.focus("#direction-make")
    page.keyboard.press("Enter")
    page.wait_for_selector(RED)
    settled(page)


def test_a_tuning_changes_the_reconstruction_and_the_way_back_is_a_tick(page):
    flat_photo(page)
    before, original = colour(page, "Reconstruction"), np.mean(pixels(page, "Original"))
    tune(page)
    after = colour(page, "Reconstruction")
    assert before != after
    assert abs(np.mean([*after, 255]) - original) < abs(np.mean([*before, 255]) - original)
    assert "steps: the error went from" in page.inner_text("#tune-status")
    page.focus("#tune-use")
    page.keyboard.press("Space")
    settled(page)
    assert colour(page, "Reconstruction") == before


def test_a_tuning_is_stopped_by_its_button_and_a_model_without_a_latent_has_none(page, monkeypatch):
    monkeypatch.setattr(tuning, "settled", lambda losses: False)  # the flat model's loss soon does
    flat_photo(page)
    page.fill("#tune-seconds", "300")
    page.click("#tune-begin")
    page.wait_for_selector("#tune-status >> text=/^Step/")
    page.click("#tune-stop")
    page.wait_for_selector("#tune-use-field:not([hidden])")
    settled(page)
    page.select_option("#photo-model", "bright")
    settled(page)
    assert page.is_disabled("#tune-begin")
    assert not page.is_visible("#tune-use")
    assert "cannot be tuned" in page.inner_text("#tune-status")


def test_a_wrong_number_of_seconds_is_one_sentence(page):
    flat_photo(page)
    page.fill("#tune-seconds", "0")
    page.click("#tune-begin")
    page.wait_for_selector("#tune-problem:not(:empty)")
    assert page.inner_text("#tune-problem") == "A tuning takes 1 to 300 seconds, not 0."


@pytest.mark.parametrize("form", ["webp", "gif"])
def test_an_animation_is_saved_from_nothing_to_the_edit_and_back(page, tmp_path, form):
    upload(page)
    turn(page, "#photo-controls input", "PageUp", 5)
    file = saved(page, f"#photo-{form}", tmp_path)
    assert file.name == f"edit.{form}"
    with Image.open(file) as image:
        frames = [np.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(image)]
    levels = [frame.mean() for frame in frames]
    assert len(frames) == 16
    assert np.argmax(levels) == 8
    assert levels[8] > levels[4] > levels[0] + 0.2


def test_a_direction_of_two_pictures_moves_the_image_by_its_strength(page, tmp_path):
    make_red(page, tmp_path)
    still = colour(page, "Reconstruction")
    assert colour(page, "Edit") == [min(255, still[0] + 50), *still[1:]]  # half of 100 at 1
    turn(page, RED, "Home", 1)  # -3
    assert colour(page, "Edit") == [max(0, still[0] - 150), *still[1:]]


def test_a_direction_is_a_slider_of_the_photo_and_goes_when_it_is_removed(page, tmp_path):
    flat_photo(page)
    make_red(page, tmp_path)
    page.click("#tab-photo")
    assert page.inner_text("#photo-along label") == "more red"
    still = colour(page, "Edit")
    turn(page, "#photo-along input", "PageUp", 2)
    assert colour(page, "Edit")[0] > still[0]
    page.select_option("#photo-model", "bright")
    assert page.locator("#photo-along input").count() == 0
    page.click("#tab-directions")
    page.click("[aria-label='Remove more red']")
    page.wait_for_selector("#direction-none:not([hidden])")
    assert page.locator(RED).count() == 0


def test_a_saved_direction_loads_back_on_another_page(page, browser, address, tmp_path):
    make_red(page, tmp_path)
    file = saved(page, "[aria-label='Save more red to a file']", tmp_path)
    assert file.name == "more-red.json"
    other = browser.new_context().new_page()
    other.goto(f"{address}/#directions")
    other.wait_for_selector("#direction-timing:not(:empty)")
    other.set_input_files("#direction-file", str(file))
    other.wait_for_selector(RED)
    settled(other)
    assert other.inner_text("#direction-sliders label") == "more red"
    still = colour(other, "Reconstruction")
    assert colour(other, "Edit") == [min(255, still[0] + 50), *still[1:]]
    other.context.close()


def test_a_file_that_is_no_direction_is_one_sentence_and_the_page_lives_on(page, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    page.click("#tab-directions")
    page.wait_for_selector("#direction-timing:not(:empty)")
    page.set_input_files("#direction-file", str(tmp_path / "a.json"))
    page.wait_for_selector("#direction-problem:not(:empty)")
    assert "a.json is no file of a direction" in page.inner_text("#direction-problem")
    page.select_option("#direction-how", "layer")
    page.click("#direction-make")
    page.wait_for_selector("#direction-sliders >> text=layer 3")
    assert page.inner_text("#direction-problem") == ""


def test_a_tuned_edit_along_a_direction_is_saved_and_replays_bit_for_bit(
    page, tmp_path, monkeypatch
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    flat_photo(page)
    make_red(page, tmp_path)
    page.click("#tab-photo")
    tune(page)
    turn(page, "#photo-along input", "PageUp", 1)
    image = saved(page, "#photo-save", tmp_path)
    settings = saved(page, "#photo-settings", tmp_path)
    told = json.loads(settings.read_text())
    assert told["tuned_steps"] > 0
    assert [one["name"] for one in told["directions"]] == ["more red"]
    replay.main([str(settings), "--photo", str(PHOTO), "--out", str(tmp_path / "out")])
    with Image.open(tmp_path / "out" / "edit.png") as one, Image.open(image) as two:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    with Image.open(PHOTO) as one, Image.open(image) as two:
        assert (np.asarray(one.convert("RGB")) != np.asarray(two)).any()
