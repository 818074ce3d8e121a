"""Spectral normalisation against NumPy's SVD, and the parts of a progressive GAN by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.training.growing import (
    Fade,
    MinibatchStddev,
    PixelNormalization,
    SpectralConv2D,
    SpectralDense,
    doubled,
    halved,
)


def dense(kernel: np.ndarray, **options) -> SpectralDense:
    """A dense layer with this kernel, its power iteration just begun."""
    keras.utils.set_random_seed(0)
    layer = SpectralDense(kernel.shape[1], **options)
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    return layer


def random_kernel(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


# --- Spectral normalisation -----------------------------------------------------------------------


@pytest.mark.parametrize("layer", [SpectralDense(5), SpectralConv2D(5)])
def test_the_effective_kernel_has_largest_singular_value_1_after_50_iterations(layer):
    keras.utils.set_random_seed(0)
    layer.build((None, 6, 6, 4) if isinstance(layer, SpectralConv2D) else (None, 4))
    layer.kernel.assign(random_kernel(*layer.kernel.shape))
    for _ in range(50):
        layer.power_iteration()
    matrix = np.asarray(layer.effective_kernel).reshape(-1, 5)
    assert np.linalg.svd(matrix)[1][0] == pytest.approx(1.0, abs=1e-3)


def test_a_call_moves_no_state_and_the_power_iteration_leaves_the_kernel():
    layer = dense(random_kernel(4, 3))
    before = [np.array(weight) for weight in layer.get_weights()]
    layer(np.ones((2, 4), np.float32), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))
    layer.power_iteration()
    kernel, bias, u, v = layer.get_weights()
    assert np.array_equal(kernel, before[0])
    assert np.array_equal(bias, before[1])
    assert not np.allclose(u, before[2])
    assert not np.allclose(v, before[3])


def test_the_gradient_passes_through_sigma():
    # With W -> W / sigma(W) the loss is the same along the ray of W: its gradient there is 0.
    layer = dense(random_kernel(4, 3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(np.ones((2, 4), np.float32)) ** 2)
    gradient = np.asarray(tape.gradient(loss, layer.kernel.value))
    assert np.abs(gradient).max() > 0.1
    assert (gradient * np.asarray(layer.kernel)).sum() == pytest.approx(0.0, abs=1e-4)


def test_the_gradient_equals_a_difference():
    layer = dense(random_kernel(4, 3))
    x = random_kernel(2, 4)

    def loss() -> tf.Tensor:
        return tf.reduce_sum(layer(x) ** 2)

    with tf.GradientTape() as tape:
        value = loss()
    gradient = np.asarray(tape.gradient(value, layer.kernel.value))
    kernel, step = np.array(layer.kernel), 1e-2
    ends = []
    for sign in (1, -1):
        moved = kernel.copy()
        moved[1, 2] += sign * step
        layer.kernel.assign(moved)
        ends.append(float(loss()))
    assert gradient[1, 2] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-2)


def test_it_can_be_differentiated_twice():
    layer = dense(random_kernel(4, 3))
    x = tf.constant(random_kernel(2, 4))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            score = tf.reduce_sum(tf.nn.softplus(layer(x)))
        slope = tf.reduce_sum(inner.gradient(score, x) ** 2)
    gradient = np.asarray(outer.gradient(slope, layer.kernel.value))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 1e-3


def test_without_normalisation_it_is_an_ordinary_layer_without_state():
    layer = dense(random_kernel(4, 3), normalised=False)
    x = random_kernel(2, 4)
    np.testing.assert_allclose(np.asarray(layer(x)), x @ random_kernel(4, 3), rtol=1e-5)
    assert layer.non_trainable_variables == []


def test_a_gain_multiplies_the_effective_kernel():
    plain, twice = dense(random_kernel(4, 3)), dense(random_kernel(4, 3), gain=2.0)
    np.testing.assert_allclose(
        np.asarray(twice.effective_kernel), 2 * np.asarray(plain.effective_kernel), rtol=1e-6
    )


def test_sigma_stays_float32_under_mixed_precision():
    layer = SpectralDense(3, dtype="mixed_bfloat16")
    assert layer(np.ones((2, 4), np.float32)).dtype == "bfloat16"
    assert layer.kernel.dtype == "float32"
    assert layer.sigma.dtype == tf.float32


# --- Parts of the progressive GAN -----------------------------------------------------------------


def test_pixel_normalisation_makes_the_mean_square_of_each_pixel_1():
    # (3, 4): mean square 12.5, root 3.5355; (0, 2): mean square 2, root 1.4142.
    x = np.array([[[[3.0, 4.0], [0.0, 2.0]]]], np.float32)
    expected = [[[[0.8485, 1.1314], [0.0, 1.4142]]]]
    np.testing.assert_allclose(np.asarray(PixelNormalization()(x)), expected, atol=1e-4)


def test_the_deviation_over_a_minibatch_is_that_of_its_groups():
    # Images of one pixel and feature: with groups of 2 of 4, images 0 and 2 (values 1, 5) are one
    # group, 1 and 3 (values 2, 2) the other: deviations 2 and 0.
    x = np.array([1.0, 2.0, 5.0, 2.0], np.float32).reshape(4, 1, 1, 1)
    found = np.asarray(MinibatchStddev(2)(x))
    assert found.shape == (4, 1, 1, 2)
    np.testing.assert_allclose(found[..., 0], x[..., 0])
    np.testing.assert_allclose(found[:, 0, 0, 1], [2.0, 1e-4, 2.0, 1e-4], atol=1e-4)


def test_a_batch_that_is_no_multiple_of_a_group_is_one_group():
    x = np.array([0.0, 3.0, 6.0], np.float32).reshape(3, 1, 1, 1)  # variance (9 + 0 + 9) / 3 = 6
    found = np.asarray(MinibatchStddev(2)(x))[:, 0, 0, 1]
    np.testing.assert_allclose(found, [np.sqrt(6.0)] * 3, rtol=1e-5)


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 1.0), (0.25, 2.0), (1.0, 5.0)])
def test_alpha_blends_from_the_old_level_to_the_new(alpha, expected):
    fade, (old, new) = Fade(), (np.full((1, 1, 1, 1), value, np.float32) for value in (1.0, 5.0))
    fade([old, new])
    fade.alpha.assign(alpha)
    assert float(np.asarray(fade([old, new])).squeeze()) == pytest.approx(expected)


def test_a_pixel_doubles_to_four_and_halving_takes_their_mean():
    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32).reshape(1, 2, 2, 1)
    rows = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    large = doubled(tf.constant(x))
    assert np.asarray(large)[0, :, :, 0].tolist() == rows
    assert np.array_equal(np.asarray(halved(large)), x)
    assert float(np.asarray(halved(large, 2)).squeeze()) == 2.5
