"""The networks and layers of PIONEER."""

from __future__ import annotations

import numpy as np
import pytest

from common.training.growing import SpectralConv2D, advance
from comparators.pioneer import networks
from comparators.pioneer.layers import EqualConv2D

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


def test_an_equalised_kernel_is_scaled_by_its_inputs():
    layer = EqualConv2D(7, 3)
    layer.build((None, 8, 8, 4))  # 36 inputs
    expected = layer.kernel.numpy() * np.sqrt(2 / 36)
    np.testing.assert_allclose(np.asarray(layer.effective), expected, rtol=1e-6)
    wide = EqualConv2D(64, 3)
    wide.build((None, 8, 8, 64))
    assert wide.kernel.numpy().std() == pytest.approx(1.0, rel=0.02)
