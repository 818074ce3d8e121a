"""The three networks: counts, shapes, ranges."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from igan import networks


def count(network: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


@pytest.mark.slow
def test_the_papers_networks_have_the_papers_weights():
    """G: 100*16384 + 2*16384 (gain, bias), 25*(1024*512 + 512*256 + 256*128) + 2*(512 + 256 + 128),
    25*128*3. D: 25*(3*128 + 128*256 + 256*512 + 512*1024) + 2*(256 + 512 + 1024), 16384. P: D's
    trunk and 16384*100."""
    assert count(networks.generator()) == 18_885_760
    assert count(networks.discriminator()) == 17_232_768
    assert count(networks.predictor()) == 18_854_784


def test_nothing_has_a_bias_but_batch_normalisation():
    for network in (networks.generator(filters=2), networks.discriminator(filters=2)):
        for layer in network.layers:
            assert not getattr(layer, "use_bias", False)
        kinds = [type(layer).__name__ for layer in network.layers]
        assert (
            kinds.count("BatchNormalization") == {"generator": 4, "discriminator": 3}[network.name]
        )


@pytest.mark.parametrize(("size", "hidden"), [(32, 2), (64, 3), (128, 4)])
def test_each_size_has_as_many_layers_as_it_is_doubled(size, hidden):
    generator = networks.generator(size=size, filters=1)
    assert generator.output_shape == (None, size, size, 3)
    deconvolutions = [
        layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    assert [layer.filters for layer in deconvolutions] == [
        *reversed([2**k for k in range(hidden)]),
        3,
    ]
    assert networks.predictor(7, size, 1, 2).output_shape == (None, 7)


def test_outputs_stay_within_their_ranges():
    z = np.random.default_rng(0).uniform(-1, 1, (4, 5)).astype(np.float32)
    for activation, low in (("tanh", -1), ("sigmoid", 0)):
        network = networks.generator(5, 32, 1, 2, activation)
        network.layers[-2].set_weights([9000 * network.layers[-2].get_weights()[0]])
        made = network(z, training=True).numpy()
        assert made.min() >= low
        assert made.max() <= 1
        assert made.min() < low + 0.1


def test_features_are_the_convolutions_but_the_first():
    network = networks.discriminator(64, 3, 2)
    shapes = [network.get_layer(name).output.shape[1:] for name in networks.feature_layers(network)]
    assert shapes == [(16, 16, 4), (8, 8, 8), (4, 4, 16)]
