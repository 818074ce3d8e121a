"""Value ranges of images."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from common.images import to_range, to_uint8, to_unit

ALL = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)


def test_black_is_minus_one_and_white_one():
    symmetric = to_range(np.array([0, 51, 255], np.uint8))
    assert symmetric.dtype == tf.float32
    np.testing.assert_allclose(symmetric, [-1.0, -0.6, 1.0], atol=1e-7)  # 51 / 127.5 = 0.4


def test_every_byte_survives_the_way_to_the_networks_and_back():
    np.testing.assert_array_equal(to_uint8(to_range(ALL)), ALL)


def test_outputs_are_rounded_to_the_nearest_byte():
    # (x + 1) * 127.5: 0.3, 0.6, 127.5 -> 128 (to even), 254.4, 254.6
    values = np.array([0.3, 0.6, 127.5, 254.4, 254.6]) / 127.5 - 1.0
    rounded = to_uint8(values)
    assert rounded.dtype == np.uint8
    assert rounded.tolist() == [0, 1, 128, 254, 255]


def test_outputs_beyond_the_range_are_clipped_and_do_not_wrap():
    assert to_uint8(np.array([-1.5, -1.001, 1.001, 3.0])).tolist() == [0, 0, 255, 255]


def test_tensors_become_arrays():
    image = to_uint8(tf.zeros((1, 2, 2, 3)))
    assert isinstance(image, np.ndarray)
    assert image.shape == (1, 2, 2, 3)


def test_metrics_are_stated_on_zero_to_one():
    unit = to_unit(np.array([0, 51, 255], np.uint8))
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, [0.0, 0.2, 1.0], rtol=1e-7)
