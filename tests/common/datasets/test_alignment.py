"""From photographs of any form to CelebA's frame; no test here needs the detector."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets.alignment import EYES, Photo, align, read_photo, smaller
from common.datasets.warping import moved
from common.errors import UserError

RAMP = np.linspace(0, 255, 300 * 400).reshape(300, 400)  # brighter to the bottom
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1).astype(np.uint8)
EYES_GIVEN = (150.0, 120.0, 200.0, 140.0)


def saved(folder: Path, image: Image.Image, name: str, **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


# Reading


def test_a_photograph_is_upright_by_its_exif(tmp_path):
    """Orientation 6: the first row of the file is the right side of what was seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = saved(tmp_path, Image.fromarray(COLOURS), "a.png", exif=exif)
    np.testing.assert_array_equal(read_photo(file).pixels, np.rot90(COLOURS, -1))


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "a.png"), ("P", "a.png"), ("1", "a.png"), ("CMYK", "a.jpg"), ("RGB", "a.webp")],
)
def test_other_modes_become_rgb_of_the_same_picture(tmp_path, mode, name):
    image = Image.fromarray(COLOURS).convert(mode)
    pixels = read_photo(saved(tmp_path, image, name)).pixels
    assert (pixels.shape, pixels.dtype) == ((300, 400, 3), np.uint8)
    near = 60 if mode in ("1", "P") else 6  # mean error of their few colours, and of JPEG
    expected = np.asarray(image.convert("RGB"), np.float64)
    assert np.abs(pixels - expected).mean() < near


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    deep = np.full((40, 40), 257 * 100, np.uint16)
    file = saved(tmp_path, Image.fromarray(deep), "a.png")
    assert np.unique(read_photo(file).pixels).tolist() == [100]


def test_transparent_parts_stay_transparent(tmp_path):
    alpha = np.dstack([COLOURS, np.tile(np.arange(400) % 256, (300, 1)).astype(np.uint8)])
    photo = read_photo(saved(tmp_path, Image.fromarray(alpha), "a.png"))
    np.testing.assert_array_equal(photo.pixels, alpha)
    assert photo.image.mode == "RGB"


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    held = io.BytesIO()
    frames[0].save(held, format="GIF", save_all=True, append_images=frames[1:])
    held.seek(0)
    assert np.unique(read_photo(held, "a.gif").pixels.reshape(-1, 3), axis=0).tolist() == [
        [255, 0, 0]
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no image at all", "cannot be read as an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as an image"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "pip install pillow-heif"),
    ],
)
def test_what_is_no_photograph_is_one_sentence(content, said):
    with pytest.raises(UserError, match=said):
        read_photo(io.BytesIO(content), "me.png")


def test_thirty_pixels_are_too_few(tmp_path):
    with pytest.raises(UserError, match=r"30x200 pixels.*at least 32"):
        read_photo(saved(tmp_path, Image.new("RGB", (30, 200)), "a.png"))


def test_a_truncated_photograph_is_refused(tmp_path):
    file = saved(tmp_path, Image.fromarray(COLOURS), "a.jpg")
    file.write_bytes(file.read_bytes()[:1500])
    with pytest.raises(UserError, match="cannot be read as an image"):
        read_photo(file)


# Alignment


def test_eyes_given_by_hand_come_to_where_celeba_has_them():
    alignment = align(Photo(COLOURS), landmarks=EYES_GIVEN)
    np.testing.assert_allclose(moved(EYES, alignment.matrix).reshape(-1), EYES_GIVEN)
    assert alignment.framed(Photo(COLOURS)).size == (178, 218)


def test_five_landmarks_are_weighed_and_none_is_met_alone():
    points = [*EYES_GIVEN, 170.0, 160.0, 150.0, 175.0, 190.0, 190.0]
    matrix = align(Photo(COLOURS), landmarks=points).matrix
    assert not np.allclose(moved(EYES, matrix).reshape(-1), EYES_GIVEN)
    assert np.abs(moved(EYES, matrix).reshape(-1) - EYES_GIVEN).max() < 8


def test_a_box_of_the_detectors_proportion_is_that_of_the_frame():
    alignment = align(Photo(COLOURS), box=(37.4, 77.5, 140.2, 180.3))
    np.testing.assert_allclose(alignment.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.01)


def test_a_smaller_photograph_has_its_face_at_the_same_place():
    """400x300 pixels become 128x96: 0.32 of each side."""
    alignment = align(Photo(COLOURS), landmarks=EYES_GIVEN)
    photo, small = smaller(Photo(COLOURS), alignment, 128)
    assert photo.pixels.shape == (96, 128, 3)
    np.testing.assert_allclose(moved(EYES, small.matrix).reshape(-1), [48, 38.4, 64, 44.8])
    assert smaller(Photo(COLOURS), alignment, 400)[1] is alignment


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"landmarks": (1, 2, 3)}, "3 numbers; give x and y of both eyes"),
        ({"landmarks": (5, 5, 5, 5)}, "both eyes at one place"),
        ({"box": (9, 0, 3, 5)}, "LEFT < RIGHT"),
    ],
)
def test_what_is_no_place_is_refused(where, said):
    with pytest.raises(UserError, match=said):
        align(Photo(COLOURS), **where)
