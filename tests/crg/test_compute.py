"""The same two steps in bfloat16, compiled by XLA, and on two devices."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.files import ROOT
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


# TensorFlow divides the CPU before its first operation only, hence another process. Networks
# without batch normalisation and dropout: both see the examples of their own device alone.
REPLICAS = """
import json
import keras
import numpy as np
import tensorflow as tf
from crg.model import CRG, GAN

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def dense(inputs, outputs, name):
    layers = [keras.Input((inputs,)), keras.layers.Dense(outputs, "tanh")]
    return keras.Sequential(layers, name=name)


def trained(kind, second, strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        model = kind(dense(2, 3, "generator"), second(), seed=5)
        model.compile(**{player: keras.optimizers.Adam(0.05) for player in model.players})
    x = np.random.default_rng(2).uniform(-1, 1, (24, 3)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :0])).batch(8, drop_remainder=True)
    losses = model.fit(data, steps_per_epoch=3, verbose=0, shuffle=False).history
    weights = [w.tolist() for net in model.networks().values() for w in net.get_weights()]
    return {"losses": losses, "weights": weights}


kinds = {
    "gan": (GAN, lambda: dense(3, 1, "discriminator")),
    "crg": (CRG, lambda: dense(3, 2, "encoder")),
}
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert mirrored.num_replicas_in_sync == 2
both = tf.distribute.get_strategy(), mirrored
print(json.dumps({name: [trained(*kind, s) for s in both] for name, kind in kinds.items()}))
"""


@pytest.fixture(scope="module")
def replicas() -> dict[str, list[dict]]:
    """Stage -> losses and weights of three steps on one device, and on two."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["gan", "crg"])
def test_two_devices_train_the_weights_of_one_and_report_its_losses(replicas, stage):
    one, two = replicas[stage]
    for a, b in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)
    for name, values in one["losses"].items():
        assert two["losses"][name] == pytest.approx(values, rel=1e-4)
