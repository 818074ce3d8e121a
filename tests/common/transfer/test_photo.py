"""Edits done to a photo at its own resolution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from common.transfer import guided, motion, photo
from common.transfer.motion import Fields, identity


def detailed(size: int = 256) -> np.ndarray:
    """A photo with fine detail, uint8 `[size, size, 3]`."""
    rng = np.random.default_rng(0)
    coarse = ndimage.gaussian_filter(rng.uniform(0, 1, (size, size, 3)), (8, 8, 0))
    coarse = (coarse - coarse.min()) / (coarse.max() - coarse.min())
    fine = ndimage.gaussian_filter(rng.uniform(-1, 1, (size, size, 1)), (0.7, 0.7, 0))
    return np.uint8(255 * np.clip(0.2 + 0.6 * coarse + 0.15 * fine, 0, 1))


def small(image: np.ndarray, size: int = 32) -> np.ndarray:
    return guided.resized(image.astype(np.float32), (size, size)).round().astype(np.uint8)


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
    blurred = guided.resized(after.astype(np.float32), image.shape).round().astype(np.uint8)
    assert photo.gradient_energy(found) > 3 * photo.gradient_energy(blurred)


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
