"""The four networks: sizes, ranges and first weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from comparators.bigan import networks
from comparators.bigan.config import Config
from comparators.bigan.editor import build


def parameters(network: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        # z in twice: 2 * 50 * 1024 + 1024^2 + 1024 * 784.
        (networks.generator, 1_953_792),
        (networks.encoder, 1_902_592),  # 784 * 1024 + 1024^2 + 1024 * 50
        (networks.joint_discriminator, 1_903_616),  # 784 * 1024 + 1024^2 + 50 * 1024 + 1024
        (networks.discriminator, 1_852_416),  # 784 * 1024 + 1024^2 + 1024
    ],
)
def test_each_network_has_the_parameters_of_the_authors_code(make, count):
    assert parameters(make()) == count


def test_no_layer_has_a_bias_and_no_normalisation_a_gain():
    for make in (networks.generator, networks.encoder, networks.joint_discriminator):
        for layer in make(5, 8).layers:
            if isinstance(layer, keras.layers.Dense):
                assert not layer.use_bias
            if isinstance(layer, keras.layers.BatchNormalization):
                assert not layer.trainable_variables
                assert layer.epsilon == 1e-8


def test_first_weights_are_normal_with_deviation_002_and_last_ones_zero_where_told():
    kernel = networks.generator().trainable_variables[0].numpy()
    assert kernel.std() == pytest.approx(0.02, rel=0.02)
    first, second = (v.numpy() for v in networks.generator(16, 16).trainable_variables[:2])
    assert not np.array_equal(first, second)
    last = {
        "D of pairs": networks.joint_discriminator(5, 8),
        "D": networks.discriminator(8),
        "E of the regressor": build(Config(method="latent_regressor"))["encoder"],
    }
    for network in last.values():
        assert not network.trainable_variables[-1].numpy().any()
    assert build(Config())["encoder"].trainable_variables[-1].numpy().any()


def test_images_are_on_the_unit_range_and_latents_within_the_cube():
    generator, encoder = networks.generator(5, 8), networks.encoder(5, 8)
    z = np.random.default_rng(0).uniform(-1, 1, (3, 5)).astype(np.float32)
    images = np.asarray(generator(z))
    assert images.shape == (3, 28, 28, 1)
    assert 0 < images.min() < images.max() < 1
    assert np.asarray(encoder(images)).shape == (3, 5)
    # 2 / (1 + e^-a) - 1: at a = 0 it is 0, at log 3 one half.
    found = np.asarray(networks.latents(np.array([[0.0, np.log(3.0), -np.log(3.0)]], np.float32)))
    np.testing.assert_allclose(found, [[0.0, 0.5, -0.5]], atol=1e-6)


def test_each_method_has_its_discriminator():
    pairs, single = (
        build(Config(method=method))["discriminator"] for method in ("bigan", "latent_regressor")
    )
    assert [tensor.name for tensor in pairs.inputs] == ["image", "latent"]
    assert [tensor.name for tensor in single.inputs] == ["image"]
