"""The networks of CVAE-GAN, in the sizes of IFcVAEGAN's."""

from __future__ import annotations

import numpy as np
import pytest

from comparators.cvaegan import networks


@pytest.mark.parametrize(
    ("make", "count"),
    [
        # The trunk has 4,306,560; two heads of (8,192 + 1) * 200 + 200 read it and c.
        (networks.encoder, 7_584_160),
        (networks.generator, 3_206_147),  # IFcVAEGAN's decoder
        (networks.discriminator, 4_314_753),  # its discriminator: the trunk and 8,192 + 1
        (networks.classifier, 4_314_753),
    ],
)
def test_each_network_has_the_parameters_of_ifcvaegans(make, count):
    network = make()
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == count


def test_ranges_and_shapes():
    rng = np.random.default_rng(0)
    c = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], np.float32)
    z = rng.normal(size=(3, 8)).astype(np.float32)
    images = np.asarray(networks.generator(8, 2, 16, 4)([c, z]))
    assert images.shape == (3, 16, 16, 3)
    assert np.abs(images).max() <= 1
    mean, log_variance = networks.encoder(8, 2, 16, 4)([images, c])
    assert mean.shape == log_variance.shape == (3, 8)
    logits, features = networks.classifier(2, 16, 4)(images)
    assert (logits.shape, features.shape) == ((3, 2), (3, 4 * 4 * 8))


def test_the_class_reaches_images_and_codes():
    c = np.array([[0.0], [1.0]], np.float32)
    z, image = np.zeros((2, 8), np.float32), np.zeros((2, 16, 16, 3), np.float32)
    made = np.asarray(networks.generator(8, 1, 16, 4)([c, z]))
    mean = np.asarray(networks.encoder(8, 1, 16, 4)([image, c])[0])
    assert np.abs(made[0] - made[1]).max() > 0
    assert np.abs(mean[0] - mean[1]).max() > 0
