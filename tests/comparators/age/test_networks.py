"""The networks of AGE at both sizes."""

from __future__ import annotations

import numpy as np
import pytest

from comparators.age import networks


@pytest.mark.parametrize(
    ("make", "size", "count"),
    [
        # Convolutions 3,072 + 131,072 + 524,288 + 2,097,152 + 524,288 in both; two parameters of
        # 128, 256 and 512 channels and 64 biases; of 512, 256, 128 and 64 channels.
        (networks.encoder, 64, 3_281_728),
        (networks.generator, 64, 3_281_792),
        (networks.encoder, 32, 921_408),
        (networks.generator, 32, 3_410_307),
    ],
)
def test_each_network_has_the_parameters_of_the_authors_code(make, size, count):
    network = make(size)
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == count


@pytest.mark.parametrize("size", [64, 32])
def test_images_are_on_the_symmetric_range_and_codes_on_the_sphere(size):
    z = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    images = np.asarray(networks.generator(size, 8, 4)(z, training=True))
    assert images.shape == (3, size, size, 3)
    assert np.abs(images).max() < 1
    codes = np.asarray(networks.encoder(size, 8, 4)(images))
    np.testing.assert_allclose(np.square(codes).sum(axis=1), 1.0, atol=1e-5)
