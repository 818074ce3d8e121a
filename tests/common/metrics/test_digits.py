"""Attributes of digits, on drawings whose ink and slant are known."""

from __future__ import annotations

import numpy as np
import pytest

from common.metrics.digits import ink, slant


def drawing(*rows: str) -> np.ndarray:
    """`#` is white, `+` a gray of 51, anything else black: uint8 `[1, H, W, 1]`."""
    values = {"#": 255, "+": 51}
    pixels = [[values.get(character, 0) for character in row] for row in rows]
    return np.array(pixels, np.uint8)[None, :, :, None]


def test_ink_is_the_share_of_white():
    assert ink(drawing("#...", "....")).tolist() == [0.125]  # one of eight pixels
    assert ink(drawing("++", "..")).tolist() == [pytest.approx(0.1)]  # half of it at 51 / 255


def test_ink_is_that_of_each_image():
    images = np.concatenate([drawing("##", "##"), drawing("..", "..")])
    assert ink(images).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("image", "degrees"),
    [
        (drawing("..#", ".#.", "#.."), 45.0),  # the top leans right: mu_11 = -2, mu_02 = 2
        (drawing("#..", ".#.", "..#"), -45.0),
        (drawing(".#.", ".#.", ".#."), 0.0),
        (drawing("...", "###", "..."), 0.0),  # nothing vertical: mu_02 = 0
        # Columns 1, 1, 0, 0 in rows 0..3: mu_11 = (-1.5 - 0.5) / 2 - (0.5 + 1.5) / 2 = -2,
        # mu_02 = 2 * (2.25 + 0.25) = 5, atan(2 / 5)
        (drawing(".#", ".#", "#.", "#."), 21.80141),
    ],
)
def test_slant_is_the_angle_to_the_vertical(image, degrees):
    assert slant(image)[0] == pytest.approx(degrees, abs=1e-5)


def test_slant_does_not_depend_on_place_or_brightness():
    moved = drawing(".....", "...+.", "..+..", ".+...", ".....")
    assert slant(moved)[0] == pytest.approx(45.0, abs=1e-6)


def test_brighter_pixels_weigh_more():
    # Weights 1 and 5 above 5: mean row and column 5/11, mu_11 = -25/11, mu_02 = 5 - 25/11 = 30/11,
    # atan(25 / 30); with equal weights it would be atan(1 / 2), 26.6 degrees.
    assert slant(drawing("+#", "#."))[0] == pytest.approx(39.80557, abs=1e-5)


def test_an_empty_image_has_no_slant():
    assert slant(drawing("...", "..."))[0] == 0.0
