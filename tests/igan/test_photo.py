"""Edits done to a photo at its own resolution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from igan import motion, photo
from igan.motion import Fields, identity


def detailed(size: int = 256) -> np.ndarray:
    """A photo with fine detail, uint8 `[size, size, 3]`."""
    rng = np.random.default_rng(0)
    coarse = ndimage.gaussian_filter(rng.uniform(0, 1, (size, size, 3)), (8, 8, 0))
    coarse = (coarse - coarse.min()) / (coarse.max() - coarse.min())
    fine = ndimage.gaussian_filter(rng.uniform(-1, 1, (size, size, 1)), (0.7, 0.7, 0))
    return np.uint8(255 * np.clip(0.2 + 0.6 * coarse + 0.15 * fine, 0, 1))


def small(image: np.ndarray, size: int = 32) -> np.ndarray:
    return photo.resized(image.astype(np.float32), (size, size)).round().astype(np.uint8)


def test_an_edit_that_changes_nothing_gives_the_photo_back():
    image = detailed()
    found = photo.changed(image, identity(32, 32))
    assert np.abs(found.astype(int) - image).max() <= 1


def test_a_pixel_of_the_model_is_as_many_of_the_photo():
    """Of 32 pixels and 256, one is 8: u = (1, -0.5) becomes (8, -4)."""
    flow = np.zeros((32, 32, 2), np.float32) + np.float32([1, -0.5])
    found = photo.photo_flow(flow, (256, 256, 3))
    np.testing.assert_allclose(found, np.broadcast_to([8, -4], (32, 32, 2)), atol=1e-5)


def test_the_photo_moves_the_way_of_the_small_image():
    image = detailed()
    fields = identity(32, 32)
    fields.flow[:] = 1, 0  # what is here came from the right: the image moves left by 8
    found = photo.changed(image, fields)
    inner = slice(16, -16)
    error = np.abs(found[inner, 16:-32].astype(int) - image[inner, 24:-24])
    assert error.mean() < 2


def test_colours_change_and_details_stay():
    image = detailed()
    before = small(image)
    after = np.uint8(np.clip(before * np.array([1.0, 0.5, 0.5]), 0, 255))
    colour = identity(32, 32).colour.copy()
    colour[..., 1, 1] = colour[..., 2, 2] = 0.5
    found = photo.changed(image, Fields(np.zeros((32, 32, 2), np.float32), colour))
    np.testing.assert_allclose(found.mean((0, 1)), image.mean((0, 1)) * [1, 0.5, 0.5], atol=2)
    blurred = photo.resized(after.astype(np.float32), image.shape).round().astype(np.uint8)
    assert photo.gradient_energy(found) > 3 * photo.gradient_energy(blurred)


def test_the_naive_difference_adds_the_upsampled_change():
    image, before = detailed(), np.full((32, 32, 3), 100, np.uint8)
    found = photo.naive(image, before, before + np.uint8(20))
    np.testing.assert_array_equal(found, np.minimum(image.astype(int) + 20, 255))


def test_a_path_is_transferred_frame_by_frame(monkeypatch):
    zero = np.zeros((32, 32, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    image = detailed(64)
    first = small(image)
    frames = [np.uint8(share * first) for share in (1.0, 0.75, 0.5)]
    found = photo.transferred(image, np.stack(frames))
    assert found.shape == (3, 64, 64, 3)
    assert np.abs(found[0].astype(int) - image).max() <= 1
    assert found[2].mean() < found[1].mean() < found[0].mean()
    assert found[2].mean() == pytest.approx(image.mean() / 2, rel=0.1)


@pytest.mark.parametrize(
    ("shape", "box"),
    [((40, 60), (10, 0, 50, 40)), ((61, 40), (0, 10, 40, 50)), ((8, 8), (0, 0, 8, 8))],
)
def test_the_square_is_the_middle(shape, box):
    assert photo.middle_square(np.zeros((*shape, 3))) == box


def test_around_the_square_the_photo_stays_and_inside_it_fades_in():
    wide = np.full((64, 128, 3), 100, np.uint8)
    found = photo.pasted(wide, np.full((64, 64, 3), 200, np.uint8), (32, 0, 96, 64))
    assert (found[:, :32] == 100).all()
    assert (found[:, 96:] == 100).all()
    assert (found[:, 40:88] == 200).all()  # 4 of 64 pixels fade, and not at the photo's own border
    assert found[0, 32:37, 0].tolist() == [112, 138, 162, 188, 200]
    assert (found[0, 64] == 200).all()


def test_the_way_from_one_generated_image_to_another_is_done_to_the_first(manifold, monkeypatch):
    """Colours alone, without any flow, bring it nearer than the naive baseline of doing nothing."""
    zero = np.zeros((32, 32, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    start, end = np.full(12, -0.3), np.full(12, -0.3)
    start[[0, 4]], end[[1, 5]] = 0.8, 0.8  # red above and green below, the other way round
    path = np.linspace(start, end, 8).astype(np.float32)
    frames = np.uint8(np.rint((manifold.rendered(path) + 1) * 127.5))
    found = photo.transferred(frames[0], frames)[-1]

    def error(image: np.ndarray) -> float:
        return float(np.square(image.astype(float) - frames[-1]).mean())

    assert error(found) < 0.5 * error(frames[0])
