"""Sheets of images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.reporting.sheets import alternating, grid


def picture(path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def test_a_sheet_shows_each_pixel_as_a_square_without_wasted_margin(tmp_path):
    images = np.zeros((2, 3, 28, 28, 1), np.uint8)
    images[0, 0, 0, 1] = 255
    grid(images, tmp_path / "g.png")
    sheet = picture(tmp_path / "g.png").convert("L")
    # Scale 3 (28 -> 84), gap 3, margin 10: 3 * 84 + 2 * 3 + 20 wide, 2 * 84 + 3 + 20 high.
    assert sheet.size == (278, 191)
    assert [sheet.getpixel((x, 10)) for x in (9, 10, 12, 13, 15, 16)] == [255, 0, 0, 255, 255, 0]


def test_a_sheet_keeps_colours_and_leaves_missing_cells_white(tmp_path):
    red = np.zeros((96, 96, 3), np.uint8)  # as large as a cell, so not enlarged
    red[..., 0] = 200
    grid([[red, red], [red]], tmp_path / "g.png")
    sheet = picture(tmp_path / "g.png")
    assert sheet.getpixel((20, 20)) == (200, 0, 0)
    assert sheet.getpixel((20 + 98, 20 + 98)) == (255, 255, 255)


def test_images_stand_in_rows_with_what_belongs_to_them_below():
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    rows = alternating(images, images + 100, columns=3)
    assert [[int(image.item()) for image in row] for row in rows] == [
        *([0, 1, 2], [100, 101, 102]),
        *([3, 4], [103, 104]),
    ]


def test_labels_make_room_for_themselves(tmp_path):
    images = np.zeros((1, 2, 28, 28, 1), np.uint8)
    grid(images, tmp_path / "plain.png")
    grid(images, tmp_path / "g.png", ["original"], ["a", "Wearing_Necklace"])
    plain, labelled = picture(tmp_path / "plain.png"), picture(tmp_path / "g.png")
    assert labelled.width > plain.width + 40
    assert labelled.height > plain.height + 10


def test_labels_must_fit_the_sheet(tmp_path):
    with pytest.raises(UserError, match="1 labels for 2 rows"):
        grid(np.zeros((2, 2, 8, 8, 1), np.uint8), tmp_path / "g.png", ["original"])


def test_a_sheet_takes_bytes_only(tmp_path):
    with pytest.raises(ValueError, match="float32"):
        grid(np.zeros((1, 1, 8, 8, 1), np.float32), tmp_path / "g.png")
