"""The two training steps, recomputed in NumPy through tiny linear networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from comparators.bigan.model import (
    BiGAN,
    LatentRegressor,
    latent_cross_entropy,
    weight_penalty,
)
from comparators.bigan.schedule import HalfConstant

RATE = 0.5
X = np.array([[0.5, 0.1, 0.9], [0.2, 0.8, 0.4]])  # "images" of three pixels
G = np.array([[0.3, -0.2, 0.5], [0.1, 0.6, -0.4]])  # z in R^2
E = np.array([[0.7, -0.5], [0.2, 0.9], [-0.3, 0.4]])
D_X, D_Z = np.array([[0.5], [-1.0], [0.8]]), np.array([[0.6], [-0.7]])


def dense(kernel: np.ndarray, name: str) -> keras.Model:
    x = keras.Input((len(kernel),))
    net = keras.Model(x, keras.layers.Dense(kernel.shape[1], use_bias=False)(x), name=name)
    net.set_weights([kernel])
    return net


def of_pairs() -> keras.Model:
    """D(x, z) = x D_X + z D_Z."""
    x, z = keras.Input((3,)), keras.Input((2,))
    parts = [keras.layers.Dense(1, use_bias=False)(one) for one in (x, z)]
    net = keras.Model([x, z], keras.layers.Add()(parts), name="discriminator")
    net.set_weights([D_X, D_Z])
    return net


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-a))


def softplus(a: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(a))


def step(model: BiGAN | LatentRegressor) -> tuple[dict[str, float], np.ndarray]:
    """Its losses, and the z that it drew."""
    model.compile(**{player: keras.optimizers.SGD(RATE) for player in model.players})
    z = np.asarray(model.noise((2, 2), "latent", "uniform"), np.float64)
    logs = model.train_step((tf.constant(X, tf.float32), tf.zeros((2, 10))))
    return {name: float(value) for name, value in logs.items()}, z


# --- BiGAN ----------------------------------------------------------------------------------------


class BiGANStep:
    def __init__(self, decay: float = 0.0):
        self.model = BiGAN(
            dense(G, "generator"), dense(E, "encoder"), of_pairs(), decay=decay, seed=3
        )
        self.logs, self.z = step(self.model)
        self.encoded = 2.0 * sigmoid(X @ E) - 1.0
        self.real = X @ D_X + self.encoded @ D_Z
        self.fake = self.z @ G @ D_X + self.z @ D_Z


@pytest.fixture(scope="module")
def bigan() -> BiGANStep:
    return BiGANStep()


def test_bigan_tells_real_images_with_their_codes_from_latents_with_their_images(bigan):
    discriminator = (softplus(-bigan.real).mean() + softplus(bigan.fake).mean()) / 2
    generator = (softplus(bigan.real).mean() + softplus(-bigan.fake).mean()) / 2
    assert bigan.logs == {
        "discriminator_loss": pytest.approx(discriminator, rel=1e-5),
        "generator_loss": pytest.approx(generator, rel=1e-5),
    }
    assert abs(discriminator - generator) > 0.01  # so the two can be told apart


def test_bigan_updates_all_three_networks_from_the_weights_before_the_step(bigan):
    real, fake = sigmoid(bigan.real) / 4, sigmoid(-bigan.fake) / 4  # half of a mean over two
    g = bigan.z.T @ (-fake @ D_X.T)
    slope = 2.0 * sigmoid(X @ E) * (1.0 - sigmoid(X @ E))
    e = X.T @ ((real @ D_Z.T) * slope)
    np.testing.assert_allclose(bigan.model.generator.get_weights()[0], G - RATE * g, rtol=1e-4)
    np.testing.assert_allclose(bigan.model.encoder.get_weights()[0], E - RATE * e, rtol=1e-4)
    minus, plus = -sigmoid(-bigan.real) / 4, sigmoid(bigan.fake) / 4
    d = X.T @ minus + (bigan.z @ G).T @ plus
    found = bigan.model.discriminator.get_weights()[0]
    np.testing.assert_allclose(found, D_X - RATE * d, rtol=1e-4, atol=1e-6)


def test_weight_decay_adds_so_much_of_each_weight_to_its_gradient(bigan):
    decayed = BiGANStep(decay=0.1)
    assert decayed.logs == pytest.approx(bigan.logs)  # it is not reported
    for name, first in (("generator", G), ("encoder", E)):
        plain, ours = (getattr(one.model, name).get_weights()[0] for one in (bigan, decayed))
        np.testing.assert_allclose(ours, plain - RATE * 0.1 * first, rtol=1e-4, atol=1e-6)
    weights = [keras.Variable([1.0, 2.0]), keras.Variable([[3.0]])]
    assert float(weight_penalty(weights, 0.5)) == pytest.approx(0.25 * (1 + 4 + 9))


# --- The latent regressor -------------------------------------------------------------------------


class RegressorStep:
    def __init__(self):
        nets = dense(G, "generator"), dense(E, "encoder"), dense(D_X, "discriminator")
        self.model = LatentRegressor(*nets, seed=3)
        self.logs, self.z = step(self.model)
        self.logits = self.z @ G @ E


@pytest.fixture(scope="module")
def regressor() -> RegressorStep:
    return RegressorStep()


def test_the_regressors_losses_are_a_gans_and_a_cross_entropy_over_dimensions(regressor):
    real, fake, target = X @ D_X, regressor.z @ G @ D_X, (regressor.z + 1) / 2
    cross = target * softplus(-regressor.logits) + (1 - target) * softplus(regressor.logits)
    assert regressor.logs == {
        "discriminator_loss": pytest.approx(
            (softplus(-real).mean() + softplus(fake).mean()) / 2, rel=1e-5
        ),
        "generator_loss": pytest.approx(softplus(-fake).mean(), rel=1e-5),  # not halved
        "encoder_loss": pytest.approx(cross.mean(), rel=1e-5),
    }


def test_the_encoder_learns_from_generated_images_and_moves_no_generator(regressor):
    error = (sigmoid(regressor.logits) - (regressor.z + 1) / 2) / 4  # a mean over 2 x 2
    e = (regressor.z @ G).T @ error
    np.testing.assert_allclose(regressor.model.encoder.get_weights()[0], E - RATE * e, rtol=1e-4)
    fake = sigmoid(-(regressor.z @ G @ D_X)) / 2
    g = regressor.z.T @ (-fake @ D_X.T)  # of -log D(G(z)) alone
    np.testing.assert_allclose(regressor.model.generator.get_weights()[0], G - RATE * g, rtol=1e-4)


def test_z_as_a_probability_has_its_entropy_as_smallest_cross_entropy():
    z = tf.constant([[0.5, -0.5]])  # probabilities 3/4 and 1/4
    found = float(latent_cross_entropy(tf.constant([[np.log(3.0), -np.log(3.0)]], tf.float32), z))
    assert found == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), rel=1e-5)
    assert float(latent_cross_entropy(tf.zeros((1, 2)), z)) == pytest.approx(np.log(2.0), rel=1e-5)


# --- Both -----------------------------------------------------------------------------------------


def test_dev_is_measured_by_what_becomes_of_images_on_the_unit_range():
    model = BiGAN(dense(G, "generator"), dense(E, "encoder"), of_pairs())
    error = X - (2.0 * sigmoid(X @ E) - 1.0) @ G
    logs = model.test_step((tf.constant(X, tf.float32), tf.zeros((2, 10))))
    assert {name: float(value) for name, value in logs.items()} == {
        "image_mae": pytest.approx(np.abs(error).mean(), rel=1e-5),
        "image_mse": pytest.approx(np.square(error).mean(), rel=1e-5),
    }


def test_the_learning_rate_falls_over_the_second_half_to_its_last_share():
    rate = HalfConstant(2e-4, 100, 0.01)
    # Half-way through the second half a tenth is left, the root of a hundredth.
    for step, expected in ((0, 2e-4), (50, 2e-4), (75, 2e-5), (100, 2e-6), (200, 2e-6)):
        assert float(rate(step)) == pytest.approx(expected, rel=1e-4)
    assert HalfConstant(**rate.get_config()).get_config() == rate.get_config()
