"""Which shipped model a command takes where it names no run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from common.cli.images import ImagesCommand
from common.datasets.folder import write_images
from crg import shipped


@pytest.fixture(autouse=True)
def _forgotten():
    shipped.fitting.cache_clear()


def picture(folder, *levels: int):
    """A picture of one colour, 40x40."""
    image = np.broadcast_to(np.array(levels, np.uint8), (1, 40, 40, len(levels)))
    write_images(folder, ["a"], image)
    return folder / "a.png"


@pytest.mark.parametrize(
    ("levels", "colour"), [((90,), False), ((90, 90, 90), False), ((180, 120, 90), True)]
)
def test_faces_are_in_colour_and_digits_are_gray_however_they_are_saved(tmp_path, levels, colour):
    assert shipped.in_colour(picture(tmp_path, *levels)) is colour
    assert shipped.in_colour(tmp_path) is colour


def test_pictures_in_colour_get_the_model_of_faces_and_are_told_so_once(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr("crg.shipped.default_weights", lambda name: tmp_path)
    caplog.set_level("INFO")
    file = picture(tmp_path, 180, 120, 90)
    assert shipped.fitting(file) == shipped.fitting(file) == tmp_path
    assert [record.message for record in caplog.records] == [
        "the images are in colour: the model of faces that comes along, crg-celeba"
    ]


def test_a_photograph_gets_the_model_of_faces_also_in_gray(tmp_path, monkeypatch):
    monkeypatch.setattr("crg.shipped.default_weights", lambda name: tmp_path)
    command = ImagesCommand(photo=picture(tmp_path, 90), out=tmp_path / "out")
    assert shipped.run_for(command) == tmp_path
    assert shipped.run_for(dataclasses.replace(command, run=tmp_path / "run")) == tmp_path / "run"
    digits = ImagesCommand(images=picture(tmp_path, 90), out=tmp_path / "out")
    assert shipped.run_for(digits) is None


def test_without_a_model_of_faces_it_is_that_of_digits(tmp_path, monkeypatch):
    monkeypatch.setattr("crg.shipped.default_weights", lambda name: tmp_path / "none")
    assert shipped.fitting(picture(tmp_path, 180, 120, 90)) is None
