"""The networks and layers of PIONEER."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from comparators.pioneer import networks
from comparators.pioneer.layers import EqualConv2D, PixelNormalization, SpectralConv2D
from comparators.pioneer.model import advance

CHANNELS = (512, 512, 512, 512, 256, 128)  # to 128 pixels, and to 64 without the last


@pytest.mark.parametrize(
    ("make", "levels", "count"),
    [
        # Convolutions 4x4 and 3x3 of 512, 3x3 to 256, ..., 1x1 to three channels.
        (networks.generator, 6, 22_926_467),
        (networks.generator, 5, 22_484_227),
        (networks.encoder, 6, 25_139_200),
        (networks.encoder, 5, 24_254_464),
    ],
)
def test_each_network_has_the_parameters_of_the_authors_code(make, levels, count, monkeypatch):
    for layer in (EqualConv2D, SpectralConv2D):
        monkeypatch.setattr(layer, "first", "zeros")  # 25 million random numbers take seconds
    network = make(512, CHANNELS[:levels])
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == count


def test_codes_are_on_the_sphere_and_images_have_no_bound():
    z = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    generator = networks.generator(6, (8, 4))
    images = np.asarray(generator(z))
    assert images.shape == (3, 8, 8, 3)
    generator.get_layer("to_rgb_8").bias.assign([5.0, 5.0, 5.0])
    np.testing.assert_allclose(generator(z), images + 5.0, rtol=1e-5)
    encoder = networks.encoder(6, (8, 4))
    advance(encoder)
    codes = np.asarray(encoder(images))
    np.testing.assert_allclose(np.square(codes).sum(axis=1), 1.0, atol=1e-5)


def test_the_spectral_kernel_gets_the_largest_singular_value_1_and_the_kernel_stays():
    layer = SpectralConv2D(5, 3)
    layer.build((None, 8, 8, 4))
    kernel = layer.kernel.numpy()
    for _ in range(60):
        layer.power_iteration()
    values = np.linalg.svd(np.asarray(layer.effective).reshape(-1, 5))[1]
    assert values[0] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)


def test_the_gradient_passes_through_the_spectral_norm():
    """W / sigma does not change with the length of W: the gradient is orthogonal to it."""
    layer = SpectralConv2D(3, 1)
    layer.build((None, 4, 4, 2))
    layer.power_iteration()
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.square(layer(tf.ones((1, 4, 4, 2)))))
    gradient = np.asarray(tape.gradient(value, layer.kernel.value))
    assert np.abs(gradient).max() > 1e-2
    assert abs((gradient * layer.kernel.numpy()).sum()) < 1e-3


def test_an_equalised_kernel_is_scaled_by_its_inputs():
    layer = EqualConv2D(7, 3)
    layer.build((None, 8, 8, 4))  # 36 inputs
    expected = layer.kernel.numpy() * np.sqrt(2 / 36)
    np.testing.assert_allclose(np.asarray(layer.effective), expected, rtol=1e-6)
    wide = EqualConv2D(64, 3)
    wide.build((None, 8, 8, 64))
    assert wide.kernel.numpy().std() == pytest.approx(1.0, rel=0.02)


def test_pixels_are_normalised_over_their_channels():
    found = PixelNormalization()(tf.constant([[[[3.0, 4.0]]]]))
    np.testing.assert_allclose(found, [[[[3 / 12.5**0.5, 4 / 12.5**0.5]]]], rtol=1e-5)
