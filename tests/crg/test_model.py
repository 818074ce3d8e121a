"""The two training steps, recomputed in NumPy through tiny linear networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from crg.model import CRG, GAN, ImageCycle, LatentCycle
from tests.runs import same

RATE = 0.5  # of every SGD below


def linear(inputs: int, outputs: int, name: str, kernel: np.ndarray | None = None) -> keras.Model:
    """x -> x W without a bias, with the given or a random W."""
    x = keras.Input((inputs,))
    net = keras.Model(x, keras.layers.Dense(outputs, use_bias=False)(x), name=name)
    if kernel is None:
        kernel = np.random.default_rng(len(name)).normal(size=(inputs, outputs))
    net.set_weights([kernel])
    return net


def sgd(rate: float = RATE) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(rate)


def batch(x: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch as the pipeline gives it, with attributes that CRG never looks at."""
    return tf.constant(x, tf.float32), tf.zeros((len(x), 10))


def state(net: keras.Model) -> list[np.ndarray]:
    """Every variable of a network: weights, moving statistics, dropout's counters."""
    return [variable.numpy().copy() for variable in net.variables]


def draws(net: keras.Model) -> list[int]:
    """How often each dropout layer of a network has drawn its mask."""
    return [int(v.numpy()[-1]) for v in net.variables if v.path.endswith("seed_generator_state")]


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


# --- Stage 1: the GAN -----------------------------------------------------------------------------

REAL = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])  # "images" of three pixels


class GANStep:
    """One step on `REAL` of a GAN with z in R^2, g(z) = z G and D(x) = x D."""

    def __init__(self):
        self.g0 = np.random.default_rng(1).normal(size=(2, 3))
        self.d0 = np.random.default_rng(2).normal(size=(3, 1))
        self.generator = linear(2, 3, "generator", self.g0)
        self.discriminator = linear(3, 1, "discriminator", self.d0)
        self.model = GAN(self.generator, self.discriminator, seed=5)
        self.model.compile(discriminator=sgd(), generator=sgd())
        self.z_d = np.asarray(self.model.noise((2, 2), "discriminator", "uniform"), np.float64)
        self.z_g = np.asarray(self.model.noise((2, 2), "generator", "uniform"), np.float64)
        self.logs = {name: float(x) for name, x in self.model.train_step(batch(REAL)).items()}
        (self.d1,), (self.g1,) = self.discriminator.get_weights(), self.generator.get_weights()


@pytest.fixture(scope="module")
def gan() -> GANStep:
    return GANStep()


def test_discriminator_loss_is_that_of_the_weights_before_the_step(gan):
    # -log D(x) - log(1 - D(g(z))) with D = sigmoid(logit): softplus(-logit) + softplus(logit).
    real, fake = REAL @ gan.d0, gan.z_d @ gan.g0 @ gan.d0
    expected = softplus(-real).mean() + softplus(fake).mean()
    assert gan.logs["discriminator_loss"] == pytest.approx(expected, rel=1e-5)


def test_discriminator_descends_its_loss(gan):
    # d softplus(-a)/da = -sigmoid(-a), d softplus(a)/da = sigmoid(a); logit a = x D, mean over 2.
    fakes = gan.z_d @ gan.g0
    gradient = -REAL.T @ sigmoid(-(REAL @ gan.d0)) / 2 + fakes.T @ sigmoid(fakes @ gan.d0) / 2
    np.testing.assert_allclose(gan.d1, gan.d0 - RATE * gradient, rtol=1e-5)


def test_generator_loss_is_that_of_the_discriminator_after_its_update(gan):
    expected = softplus(-(gan.z_g @ gan.g0 @ gan.d1)).mean()
    assert gan.logs["generator_loss"] == pytest.approx(expected, rel=1e-5)
    before = softplus(-(gan.z_g @ gan.g0 @ gan.d0)).mean()
    assert abs(before - expected) > 1e-3  # so the two can be told apart


def test_generator_descends_minus_log_d_of_its_images(gan):
    logit_gradient = -sigmoid(-(gan.z_g @ gan.g0 @ gan.d1)) / 2  # [2, 1]
    gradient = gan.z_g.T @ (logit_gradient @ gan.d1.T)
    np.testing.assert_allclose(gan.g1, gan.g0 - RATE * gradient, rtol=1e-5)


def test_generator_gets_a_fresh_latent(gan):
    assert not np.any(np.isclose(gan.z_d, gan.z_g))


def test_latents_are_uniform_on_the_symmetric_cube(monkeypatch):
    model = GAN(linear(2, 3, "generator"), linear(3, 1, "discriminator"))
    model.compile(discriminator=sgd(), generator=sgd())
    calls = []
    monkeypatch.setattr(
        model, "noise", lambda *call: calls.append(call) or tf.zeros((2, 2), tf.float32)
    )
    model.train_step(batch(REAL))
    assert [(salt, distribution) for _, salt, distribution in calls] == [
        ("discriminator", "uniform"),
        ("generator", "uniform"),
    ]
    assert [tuple(int(n) for n in shape) for shape, _, _ in calls] == [(2, 2), (2, 2)]


def test_discriminator_keeps_its_dropout_in_all_three_passes():
    x = keras.Input((3,))
    dropped = keras.layers.Dropout(0.5)(x)
    critic = keras.Model(x, keras.layers.Dense(1)(dropped), name="discriminator")
    model = GAN(linear(2, 3, "generator"), critic)
    model.compile(discriminator=sgd(), generator=sgd())
    model.train_step(batch(REAL))
    assert draws(critic) == [3]  # real, fake, and fake again for the generator


# --- Stage 2: two updates of the encoder ----------------------------------------------------------

Z = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 1.0]])
X = np.array([[1.0, -1.0, 0.5], [2.0, 0.0, -4.0]])


def crg(generator: keras.Model, encoder: keras.Model, rate: float = RATE, **options) -> CRG:
    """A compiled model that draws `Z` as its latents."""
    model = CRG(generator, encoder, **options)
    model.compile(latent_cycle=sgd(rate), image_cycle=sgd(rate))
    model.noise = lambda *_, **__: tf.constant(Z, tf.float32)
    return model


def halving(rate: float = 0.0, **options) -> CRG:
    """g(z) = 2 z and e(x) = x / 4, so that both cycles return half of what goes in."""
    return crg(
        linear(3, 3, "generator", 2.0 * np.eye(3)),
        linear(3, 3, "encoder", 0.25 * np.eye(3)),
        rate,
        **options,
    )


def floats(logs: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}


@pytest.mark.parametrize(
    ("reduction", "latent", "image"),
    [
        # z - z/2 = z/2: squares .25 + 1 + 2.25 and 0 + .25 + .25, in sum 4, of 6 values in 2
        # examples. |x - x/2| = |x|/2: .5 + .5 + .25 and 1 + 0 + 2, in sum 4.25.
        ("mean", 4 / 6, 4.25 / 6),
        ("sum", 4 / 2, 4.25 / 2),
    ],
)
def test_losses_of_one_step_are_those_of_eqs_1_and_2(reduction, latent, image):
    logs = floats(halving(reduction=reduction).train_step(batch(X)))
    assert logs == {
        "latent_cycle_loss": pytest.approx(latent, rel=1e-6),
        "image_cycle_loss": pytest.approx(image, rel=1e-6),
    }


def test_sum_runs_over_rows_columns_and_channels_of_an_image():
    z, x = keras.Input((3,)), keras.Input((1, 3, 1))
    generator = keras.Model(z, keras.layers.Reshape((1, 3, 1))(z), name="generator")
    flat = keras.layers.Flatten()(x)
    encoder = keras.Model(x, keras.layers.Dense(3, use_bias=False)(flat), name="encoder")
    encoder.set_weights([0.5 * np.eye(3)])
    logs = crg(generator, encoder, 0.0, reduction="sum").train_step(batch(X.reshape(2, 1, 3, 1)))
    assert float(logs["image_cycle_loss"]) == pytest.approx(4.25 / 2)  # |x|/2 as above


A = np.array([[1.0, 0.5, 0.0], [-0.5, 1.5, 0.25], [0.25, 0.0, 2.0]])  # g(z) = z A
B = np.array([[0.4, 0.1, -0.2], [0.0, 0.3, 0.1], [0.2, -0.1, 0.25]])  # e(x) = x B


def latent_cycle(b: np.ndarray) -> tuple[float, np.ndarray]:
    """Eq. 1 with mean reduction and its gradient: L = mean (Z - Z A B)^2."""
    error = Z - Z @ A @ b
    return float(np.square(error).mean()), -(Z @ A).T @ error * 2 / error.size


def image_cycle(b: np.ndarray) -> tuple[float, np.ndarray]:
    """Eq. 2 with mean reduction and its gradient: L = mean |X - X B A|."""
    error = X - X @ b @ A
    return float(np.abs(error).mean()), -X.T @ np.sign(error) @ A.T / error.size


def test_encoder_is_updated_by_eq_1_and_then_by_eq_2_from_there():
    encoder = linear(3, 3, "encoder", B)
    logs = floats(crg(linear(3, 3, "generator", A), encoder).train_step(batch(X)))
    first, gradient = latent_cycle(B)
    after_one = B - RATE * gradient
    second, gradient = image_cycle(after_one)
    assert abs(second - image_cycle(B)[0]) > 1e-2  # so the two encoders can be told apart
    assert logs["latent_cycle_loss"] == pytest.approx(first, rel=1e-5)
    assert logs["image_cycle_loss"] == pytest.approx(second, rel=1e-5)
    np.testing.assert_allclose(encoder.get_weights()[0], after_one - RATE * gradient, atol=1e-6)


def test_a_shared_optimizer_counts_two_updates_an_iteration():
    model = CRG(linear(3, 3, "generator", A), linear(3, 3, "encoder", B))
    shared = keras.optimizers.Adam(0.01)
    model.compile(latent_cycle=shared, image_cycle=shared)
    for _ in range(3):
        model.train_step(batch(X))
    assert int(shared.iterations) == 6


def alone(kind: type[CRG]) -> tuple[dict[str, float], np.ndarray]:
    """One step of a single objective on these networks: its losses, and e's weights after it."""
    encoder = linear(3, 3, "encoder", B)
    model = kind(linear(3, 3, "generator", A), encoder)
    model.compile(**{player: sgd() for player in model.players})
    model.noise = lambda *_, **__: tf.constant(Z, tf.float32)
    return floats(model.train_step(batch(X))), encoder.get_weights()[0]


def test_the_latent_cycle_alone_is_eq_1_and_sees_no_real_image():
    logs, found = alone(LatentCycle)
    loss, gradient = latent_cycle(B)
    assert logs == {"latent_cycle_loss": pytest.approx(loss, rel=1e-5)}
    np.testing.assert_allclose(found, B - RATE * gradient, atol=1e-6)


def test_the_image_cycle_alone_is_eq_2():
    logs, found = alone(ImageCycle)
    loss, gradient = image_cycle(B)
    assert logs == {"image_cycle_loss": pytest.approx(loss, rel=1e-5)}
    np.testing.assert_allclose(found, B - RATE * gradient, atol=1e-6)


def restless_generator() -> keras.Model:
    """A generator with all that could move although frozen: statistics and dropout's counters."""
    z = keras.Input((3,))
    x = keras.layers.Dense(4)(z)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(z, keras.layers.Dense(3)(x), name="generator")


def test_frozen_generator_keeps_weights_and_state_bit_for_bit():
    generator, encoder = restless_generator(), linear(3, 3, "encoder", B)
    model = CRG(generator, encoder)
    model.compile(latent_cycle=keras.optimizers.Adam(), image_cycle=keras.optimizers.Adam())
    before, encoder_before = state(generator), state(encoder)
    for _ in range(3):
        model.train_step(batch(X))
    assert same(before, state(generator))
    assert not same(encoder_before, state(encoder))


def test_encoder_runs_in_training_mode_once_in_each_cycle():
    x = keras.Input((3,))
    y = keras.layers.BatchNormalization(momentum=0.0)(x)  # keeps the last batch's statistics
    y = keras.layers.Dropout(0.5)(y)
    encoder = keras.Model(x, keras.layers.Dense(3, use_bias=False)(y), name="encoder")
    crg(linear(3, 3, "generator", A), encoder).train_step(batch(X))
    assert draws(encoder) == [2]
    moving_mean = encoder.layers[1].moving_mean.numpy()
    np.testing.assert_allclose(moving_mean, X.mean(axis=0), atol=1e-6)  # x came last, not g(z)


def test_gradient_of_eq_1_does_not_reach_the_generator(monkeypatch):
    model = crg(linear(3, 3, "generator", A), linear(3, 3, "encoder", B))
    found = {}

    def taken(player: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        found[player] = tape.gradient(loss, model.generator.trainable_variables)

    monkeypatch.setattr(model, "update", taken)
    model.train_step(batch(X))
    assert found["latent_cycle"] == [None]


# --- Validation -----------------------------------------------------------------------------------


def test_validation_measures_both_cycles_and_the_squared_image_error():
    # As above; (x/2)^2: .25 + .25 + .0625 and 1 + 0 + 4, in sum 5.5625, always a mean over pixels.
    logs = floats(halving(reduction="sum").test_step(batch(X)))
    assert logs == {
        "latent_cycle_loss": pytest.approx(4 / 2),
        "image_cycle_loss": pytest.approx(4.25 / 2),
        "image_cycle_mse": pytest.approx(5.5625 / 6),
    }


def test_validation_uses_the_encoder_as_it_answers_after_training():
    x = keras.Input((3,))
    y = keras.layers.Dropout(0.9)(x)
    y = keras.layers.BatchNormalization(epsilon=0.0)(y)  # moving statistics 0 and 1: the identity
    dense = keras.layers.Dense(3, use_bias=False)
    encoder = keras.Model(x, dense(y), name="encoder")
    dense.set_weights([0.25 * np.eye(3)])
    model = crg(linear(3, 3, "generator", 2.0 * np.eye(3)), encoder)
    assert floats(model.test_step(batch(X)))["image_cycle_loss"] == pytest.approx(4.25 / 6)


def test_validation_changes_no_variable_of_either_network():
    generator = restless_generator()
    x = keras.Input((3,))
    y = keras.layers.BatchNormalization()(keras.layers.Dropout(0.5)(x))
    encoder = keras.Model(x, keras.layers.Dense(3)(y), name="encoder")
    model = crg(generator, encoder)
    before = state(generator), state(encoder)
    model.test_step(batch(X))
    assert same(before[0], state(generator))
    assert same(before[1], state(encoder))


def test_validation_draws_the_same_latents_at_every_step():
    model = CRG(linear(3, 3, "generator", A), linear(3, 3, "encoder", B))
    model.compile(latent_cycle=sgd(), image_cycle=sgd())
    losses = []
    for step in (0, 7):
        model.step.assign(step)
        model.reset_metrics()
        losses.append(float(model.test_step(batch(X))["latent_cycle_loss"]))
    assert losses[0] == losses[1]
