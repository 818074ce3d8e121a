"""The same two steps in bfloat16 and compiled by XLA."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.training.adversarial import AdversarialModel
from crg import networks
from crg.model import CRG, GAN


def smallest(kind: type[AdversarialModel], **options: bool) -> AdversarialModel:
    """A compiled model of small networks, always of the same weights, with an SGD a player.

    Without dropout and with given latents: XLA draws other numbers from the same seed.
    """
    keras.utils.set_random_seed(1)
    nets: list[keras.Model] = [networks.generator(4, (4, 4, 2))]
    if kind is GAN:
        nets.append(networks.discriminator((2, 4), dropout=0.0))
    else:
        nets.append(networks.encoder(4, (2, 2, 4, 4, 8), dropout=(0.0,) * 5))
    model = kind(*nets, seed=5)
    latents = np.random.default_rng(3).uniform(-1, 1, (16, 4)).astype(np.float32)
    model.noise = lambda *_: tf.constant(latents)
    model.compile(**{player: keras.optimizers.SGD(0.1) for player in model.players}, **options)
    return model


def fitted(model: AdversarialModel) -> tuple[dict[str, float], list[np.ndarray]]:
    """Mean losses of two steps on random images, and the weights after them."""
    images = np.random.default_rng(2).uniform(-1, 1, (16, 28, 28, 1)).astype(np.float32)
    data = tf.data.Dataset.from_tensors((images, np.zeros((16, 0), np.float32))).repeat(2)
    history = model.fit(data, steps_per_epoch=2, verbose=0, shuffle=False).history
    weights = [value for net in model.networks().values() for value in net.get_weights()]
    return {name: values[-1] for name, values in history.items()}, weights


@pytest.fixture(scope="module", params=[GAN, CRG])
def plain(request) -> tuple[type[AdversarialModel], dict[str, float], list[np.ndarray]]:
    """The kind of model, its losses and its weights in float32 without XLA."""
    return request.param, *fitted(smallest(request.param))


@pytest.mark.slow
def test_xla_takes_the_same_steps(plain):
    kind, losses, weights = plain
    compiled, moved = fitted(smallest(kind, jit_compile=True))
    assert compiled == pytest.approx(losses, rel=1e-4)
    for one, other in zip(moved, weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_bfloat16_takes_nearly_the_same_steps_and_keeps_float32_weights(plain):
    kind, losses, weights = plain
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        rounded, moved = fitted(smallest(kind))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert rounded == pytest.approx(losses, rel=2e-2)  # bfloat16 has 8 bits
    for one, other in zip(moved, weights, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=5e-2)
