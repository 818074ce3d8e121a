"""Crops of faces, and photographs read as networks see them; the cache is tested with CelebA."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.datasets.celeba import faces
from common.datasets.celeba.faces import WHOLE_WIDTH, face, face_text

SIZE = 16
TIGHT = (35, 55, 143, 163)  # 108 pixels wide
LOWER = (30, 40, 168, 178)  # 138


def ramp(width: int, height: int, factor: int = 1) -> Image.Image:
    """Red is the column, green the row, both times `factor`."""
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([columns, rows, 0 * rows], axis=2) * factor
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize(("crop", "side"), [(TIGHT, 108), (LOWER, 138), (WHOLE_WIDTH, 178)])
def test_crops_keep_their_rows_and_columns(crop, side):
    left, top, right, bottom = crop
    pixels = face(ramp(178, 218), side, crop)
    assert pixels.shape == (side, side, 3)
    np.testing.assert_array_equal(pixels[:, :, 0], np.tile(np.arange(left, right), (side, 1)))
    np.testing.assert_array_equal(pixels[:, :, 1].T, np.tile(np.arange(top, bottom), (side, 1)))


def test_crops_of_half_size_images_are_half_as_large():
    # 138 / 2 = 69 pixels from column 15 and row 20
    pixels = face(ramp(89, 109), 69, LOWER)
    assert pixels[0, :, 0].tolist() == list(range(15, 84))
    assert pixels[:, 0, 1].tolist() == list(range(20, 89))


def test_crops_may_begin_between_two_pixels():
    # 108 / 2 = 54 pixels from column 17.5 and row 27.5: of twice the number 2 * (17.5 + i)
    pixels = face(ramp(89, 109, factor=2), 54, TIGHT)
    assert pixels[0, :, 0].tolist() == list(range(35, 142, 2))
    assert pixels[:, 0, 1].tolist() == list(range(55, 162, 2))


def test_of_other_proportions_the_middle_square_is_kept():
    assert face(ramp(30, 20), 20, TIGHT)[0, :, 0].tolist() == list(range(5, 25))
    assert face(ramp(20, 30), 20, TIGHT)[:, 0, 1].tolist() == list(range(5, 25))


def test_of_a_square_everything_is_kept():
    np.testing.assert_array_equal(face(ramp(64, 64), 64, LOWER), np.asarray(ramp(64, 64)))


def test_shrinking_averages():
    board = np.indices((218, 178)).sum(axis=0) % 2 * 255
    pixels = face(Image.fromarray(board.astype(np.uint8)), 27, TIGHT)
    assert 117 <= pixels.min() <= pixels.max() <= 138  # without antialiasing 0 and 255


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        *((178, 218, False), (89, 109, False), (SIZE, SIZE, False)),  # aligned; as made by a model
        *((20, 20, True), (218, 178, True), (60, 80, True), (64, 80, True)),  # nobody's alignment
    ],
)
def test_photographs_that_nobody_has_aligned_are_warned_of(tmp_path, caplog, width, height, told):
    ramp(178, 218).save(tmp_path / "aligned.png")
    ramp(width, height).save(tmp_path / "photo.png")
    faces.read_faces(tmp_path, SIZE, WHOLE_WIDTH)
    assert [
        f"middle square is used: photo.png ({width}x{height})." in m for m in caplog.messages
    ] == ([True] if told else [])
    assert told == ("such as whole people" in caplog.text)


def test_digits_given_as_faces_are_told(tmp_path, caplog):
    ramp(SIZE, SIZE).save(tmp_path / "face.png")
    ramp(SIZE, SIZE).convert("L").save(tmp_path / "digit.png")
    faces.read_faces(tmp_path, SIZE, TIGHT)
    assert caplog.messages == ["digit.png: without colour, and this model knows faces in colour."]


def test_the_crop_is_told_in_words():
    assert face_text(64, LOWER) == (
        "a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) "
        "(30, 40, 168, 178), scaled to 64x64, bilinear and antialiased"
    )
