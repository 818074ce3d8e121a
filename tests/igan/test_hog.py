"""The differentiable HOG against golden values and a NumPy oracle."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from igan.hog import active_cells, hog


def step_image(column: int = 32, size: int = 64) -> np.ndarray:
    """Black to the left of a column, white from it on."""
    image = -np.ones((1, size, size, 3), np.float32)
    image[:, :, column:] = 1.0
    return image


def oracle(images: np.ndarray, cell: int, mode: str) -> np.ndarray:
    """The definition in NumPy and SciPy, one pixel and one cell at a time."""
    found = []
    for image in images:
        gray = (image.mean(axis=2) + 1) / 2
        right, down = (ndimage.sobel(gray, axis, mode=mode, cval=0.0) / 4 for axis in (1, 0))
        magnitude = np.sqrt(right**2 + down**2 + 1e-3)
        side = len(gray) // cell
        result = np.zeros((side, side, 8))
        for bin_ in range(8):
            angle = bin_ * np.pi / 8
            along = np.abs(np.cos(angle) * right + np.sin(angle) * down)
            response = np.maximum(0, (along - 0.9238795 * magnitude) / (1 - 0.9238795))
            for row in range(side):
                for column in range(side):
                    for y in range(2 * cell):
                        for x in range(2 * cell):
                            p, q = row * cell - cell // 2 + y, column * cell - cell // 2 + x
                            if 0 <= p < len(gray) and 0 <= q < len(gray):
                                tent = [1 - abs(k + 1 - (2 * cell + 1) / 2) / cell for k in (y, x)]
                                result[row, column, bin_] += tent[0] * tent[1] * response[p, q]
        found.append(result)
    return np.array(found)


@pytest.mark.parametrize(("border", "mode"), [("mirror", "reflect"), ("black", "constant")])
def test_it_is_its_definition(border, mode):
    images = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(hog(images, 4, border), oracle(images, 4, mode), atol=1e-4)


def test_a_vertical_step_is_golden_in_the_cells_beside_it():
    """8 * (1 - 0.92388 * sqrt(1.001)) / (1 - 0.92388) = 8 * 0.99393 in bin 0, nothing elsewhere."""
    found = hog(step_image(), 8).numpy()[0]
    np.testing.assert_allclose(found[1:-1, 3:5, 0], 7.951, atol=1e-3)
    assert np.abs(found[:, :, 1:]).max() == 0
    assert np.abs(found[:, [0, 1, 2, 5, 6, 7]]).max() == 0


def test_a_gradient_of_either_sign_is_the_same():
    image = step_image()
    np.testing.assert_allclose(hog(image, 8), hog(-image, 8), atol=1e-5)


def test_a_turned_image_has_its_bins_moved_by_four():
    image = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    turned = np.rot90(image, axes=(1, 2))
    here, there = (hog(np.ascontiguousarray(one), 8).numpy()[0] for one in (image, turned))
    np.testing.assert_allclose(np.roll(np.rot90(here), 4, axis=2), there, atol=1e-4)


@pytest.mark.parametrize("bin_", range(8))
def test_an_edge_falls_into_the_bin_of_its_gradient(bin_):
    angle = bin_ * np.pi / 8
    rows, columns = np.mgrid[:64, :64] - 31.5
    along = np.cos(angle) * columns + np.sin(angle) * rows
    image = np.tanh(along / 2)[None, :, :, None].astype(np.float32)
    inner = hog(image, 8).numpy()[0, 3:5, 3:5]
    assert inner.sum(axis=(0, 1)).argmax() == bin_


def test_a_flat_image_has_no_gradient_and_no_border():
    flat = tf.fill([1, 64, 64, 3], 1.0)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        total = tf.reduce_sum(hog(flat, 8))
    assert float(total) == 0
    assert np.isfinite(tape.gradient(total, flat).numpy()).all()
    assert float(tf.reduce_max(hog(flat, 8, "black"))) > 1.0  # what the original sees at the border


@pytest.mark.parametrize(("channels", "cell", "side"), [(3, 8, 8), (1, 4, 16)])
def test_cells_are_of_eight_pixels_in_colour_and_of_four_in_gray(channels, cell, side):
    assert hog(tf.zeros([2, 64, 64, channels]), cell).shape == (2, side, side, 8)


def test_a_mark_activates_the_cells_whose_window_holds_it():
    """Cell k sees pixels 8 k - 4 to 8 k + 11: 20 lies in 12 to 27 and 20 to 35, 3 in -4 to 11."""
    mask = np.zeros((64, 64))
    mask[20, 3] = 1
    found = active_cells(mask, 8)
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(2, 0), (3, 0)]
