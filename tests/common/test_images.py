"""Value ranges of images."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from common.images import cropped, in_blocks, padded, to_range, to_uint8, to_unit

ALL = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)


@pytest.mark.parametrize(
    ("pixel_range", "values"),
    [("signed", [-1.0, -0.6, 1.0]), ("unit", [0.0, 0.2, 1.0]), ("raw", [0.0, 51.0, 255.0])],
)
def test_each_range_has_its_black_and_white(pixel_range, values):
    image = to_range(np.array([0, 51, 255], np.uint8), pixel_range)
    assert image.dtype == tf.float32
    np.testing.assert_allclose(image, values, atol=1e-7)


def test_the_signed_range_is_the_default():
    np.testing.assert_array_equal(to_range(ALL), to_range(ALL, "signed"))
    assert to_uint8(np.array([-1.0, 1.0])).tolist() == [0, 255]


@pytest.mark.parametrize("pixel_range", ["signed", "unit", "raw"])
def test_every_byte_survives_the_way_to_the_networks_and_back(pixel_range):
    np.testing.assert_array_equal(to_uint8(to_range(ALL, pixel_range), pixel_range), ALL)


@pytest.mark.parametrize(
    ("pixel_range", "outputs", "expected"),
    [
        # (x + 1) * 127.5: 0.3, 0.6, 127.5 -> 128 (to even), 254.4, 254.6; beyond the range clipped
        (
            "signed",
            [-1.5, -1.001, *(np.array([0.3, 0.6, 127.5, 254.4, 254.6]) / 127.5 - 1.0), 1.001, 3.0],
            [0, 0, 0, 1, 128, 254, 255, 255, 255],
        ),
        # 0.1 * 255 = 25.5 -> 26 (to even), 0.5 * 255 = 127.5 -> 128 (to even)
        ("unit", [-0.1, 0.1, 0.5, 1.1], [0, 26, 128, 255]),
        ("raw", [-26.0, 25.6, 127.6, 280.0], [0, 26, 128, 255]),
    ],
)
def test_outputs_are_scaled_rounded_to_the_nearest_byte_and_clipped(pixel_range, outputs, expected):
    found = to_uint8(np.array(outputs), pixel_range)
    assert found.dtype == np.uint8
    assert found.tolist() == expected


def test_tensors_become_arrays():
    image = to_uint8(tf.zeros((1, 2, 2, 3)))
    assert isinstance(image, np.ndarray)
    assert image.shape == (1, 2, 2, 3)


def test_metrics_are_stated_on_zero_to_one():
    unit = to_unit(np.array([0, 51, 255], np.uint8))
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, [0.0, 0.2, 1.0], rtol=1e-7)


# Borders


def test_a_black_border_goes_around_the_image():
    image = np.full((2, 28, 28, 1), 9, np.uint8)
    larger = padded(image, 32)
    assert larger.shape == (2, 32, 32, 1)
    assert larger.dtype == np.uint8
    np.testing.assert_array_equal(larger[:, 2:30, 2:30], image)
    assert larger.sum() == image.sum()  # the rest is 0


def test_sides_are_padded_each_by_what_it_lacks():
    assert np.argwhere(padded(np.ones((1, 2, 4, 1), np.uint8), 6)[0, :, :, 0]).tolist() == [
        [row, column] for row in (2, 3) for column in (1, 2, 3, 4)
    ]


def test_what_needs_no_border_is_not_copied():
    assert padded(ALL, 8) is ALL
    np.testing.assert_array_equal(cropped(ALL, 8), ALL)


def test_cropping_takes_the_border_off_again_as_a_view():
    image = padded(ALL, 14)
    middle = cropped(image, 8)
    np.testing.assert_array_equal(middle, ALL)
    assert np.shares_memory(middle, image)


# Blocks


@pytest.mark.parametrize("count", [1, 500, 501, 1200])
def test_blocks_give_what_one_call_would(count):
    sizes = []

    def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        sizes.append(len(a))
        return a + b

    a, b = np.arange(count), np.arange(count)[::-1]
    np.testing.assert_array_equal(in_blocks(add, a, b), a + b)
    assert max(sizes) <= 500
    assert sum(sizes) == count
