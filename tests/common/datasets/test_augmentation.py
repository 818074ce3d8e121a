"""Shifts and colours: what they do to pixels, and that training images vary as asked for."""

import numpy as np
import pytest
import tensorflow as tf

from common.datasets.augmentation import recoloured, shifted
from common.datasets.pipeline import endless_batches
from common.datasets.records import Records

ROWS = np.arange(1.0, 5.0, dtype=np.float32)  # an image whose rows are 1, 2, 3, 4
IMAGE = np.broadcast_to(ROWS[:, None, None], (4, 4, 1))[None]


@pytest.mark.parametrize(
    ("down", "border", "rows"),
    [
        (0, "reflect", [1, 2, 3, 4]),
        (1, "reflect", [2, 1, 2, 3]),  # row -1 is row 1
        (2, "reflect", [3, 2, 1, 2]),
        (-1, "reflect", [2, 3, 4, 3]),
        (1, "zero", [0, 1, 2, 3]),
        (-2, "zero", [3, 4, 0, 0]),
    ],
)
def test_an_image_moves_by_whole_pixels(down, border, rows):
    moved = np.asarray(shifted(tf.constant(IMAGE), tf.constant([[down, 0]]), border))
    np.testing.assert_array_equal(moved[0, :, :, 0], np.repeat([rows], 4, axis=0).T)
    turned = tf.transpose(tf.constant(IMAGE), (0, 2, 1, 3))
    moved = np.asarray(shifted(turned, tf.constant([[0, down]]), border))
    np.testing.assert_array_equal(moved[0, :, :, 0], np.repeat([rows], 4, axis=0))


def test_each_image_moves_its_own_way():
    twice = tf.constant(np.repeat(IMAGE, 2, axis=0))
    moved = np.asarray(shifted(twice, tf.constant([[1, 0], [-1, 0]])))
    assert moved[:, :, 0, 0].tolist() == [[2, 1, 2, 3], [2, 3, 4, 3]]


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((1.0, 1.0, 1.0), [[10, 20, 30], [40, 50, 60]]),
        ((0.5, 1.0, 1.0), [[5, 10, 15], [20, 25, 30]]),
        ((1.0, 2.0, 1.0), [[-15, 5, 25], [45, 65, 85]]),  # away from 35, the mean of all
        ((1.0, 1.0, 0.0), [[20, 20, 20], [50, 50, 50]]),  # gray
    ],
)
def test_colours_change_by_brightness_contrast_and_saturation(factors, expected):
    image = tf.constant([[[[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]]]])
    found = recoloured(image, tf.constant([factors]))
    np.testing.assert_allclose(np.asarray(found)[0, 0], expected, rtol=1e-6)


def test_stacked_factors_keep_their_axes_within_a_graph():
    """Grappler of TensorFlow 2.21 loses the new axes of slices of a stack."""

    @tf.function
    def dark(image):
        half = tf.fill([2], 0.5)
        return recoloured(image, tf.stack([half, tf.ones_like(half), tf.ones_like(half)], axis=1))

    assert np.asarray(dark(tf.ones((2, 3, 3, 3)))).tolist() == np.full((2, 3, 3, 3), 0.5).tolist()


def varied(**options) -> np.ndarray:
    """200 looks at one image that is gray but for a brighter pixel in the middle."""
    image = np.full((1, 9, 9, 3), 100, np.uint8)
    image[0, 4, 4] = 200
    records = Records(image, np.zeros((1, 1), np.float32), ("a",), "toy", "memory")
    batches = endless_batches(records, 200, seed=0, pixel_range="raw", **options)
    return next(batches.take(1).as_numpy_iterator())[0]


def test_training_images_move_by_up_to_the_shift_each_way():
    places = {np.unravel_index(np.argmax(one[..., 0]), (9, 9)) for one in varied(shift=1)}
    assert places == {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)}


def test_training_images_change_their_brightness_by_up_to_the_jitter():
    grays = varied(jitter=0.25)[:, 0, 0, 0]
    mean = 100 + 100 / 81  # contrast pulls the gray towards or away from it, a little
    assert 70 < grays.min() < 80
    assert 120 < grays.max() < 130 * mean / 100
    assert varied(jitter=0.0).std(axis=0).max() == 0
