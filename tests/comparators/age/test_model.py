"""One step of AGE, recomputed in NumPy through linear networks without the sphere."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from comparators.age.model import AGE, kl_from_normal, on_sphere

RATE = 0.01
X = np.array([[0.5, -0.3, 0.9], [-0.2, 0.8, 0.1], [0.6, 0.4, -0.7]])
G = np.array([[0.3, -0.2, 0.5], [0.1, 0.6, -0.4]])
E = np.array([[0.7, -0.5], [0.2, 0.9], [-0.3, 0.4]])


def dense(kernel: np.ndarray, name: str) -> keras.Model:
    x = keras.Input((len(kernel),))
    net = keras.Model(x, keras.layers.Dense(kernel.shape[1], use_bias=False)(x), name=name)
    net.set_weights([kernel])
    return net


def kl(codes: np.ndarray) -> float:
    mean, variance = codes.mean(axis=0), codes.var(axis=0)
    return float(((variance**2 + mean**2) / 2 - np.log(variance) - 0.5).mean())


def test_kl_is_the_authors_with_the_square_of_the_variance():
    # Means 1 and 0, variances 1 and 4: (1 + 1) / 2 - 1/2 = .5 and 16 / 2 - log 4 - .5 = 6.1137.
    codes = tf.constant([[0.0, -2.0], [2.0, 2.0]])
    assert float(kl_from_normal(codes)) == pytest.approx((0.5 + 7.5 - np.log(4.0)) / 2, rel=1e-5)


def test_noise_is_divided_by_its_length():
    np.testing.assert_allclose(on_sphere(tf.constant([[3.0, 4.0]])), [[0.6, 0.8]], rtol=1e-6)


@pytest.fixture(scope="module")
def step() -> tuple[AGE, dict[str, float]]:
    model = AGE(dense(G, "generator"), dense(E, "encoder"), generator_steps=1, seed=2)
    model.compile(**{player: keras.optimizers.SGD(RATE) for player in model.players})
    logs = model.train_step((tf.constant(X, tf.float32), tf.zeros((3, 1))))
    return model, {name: float(value) for name, value in logs.items()}


def drawn(salt: str) -> np.ndarray:
    model = AGE(dense(G, "generator"), dense(E, "encoder"), seed=2)
    return np.asarray(on_sphere(model.noise((3, 2), salt)), np.float64)


def encoder_loss(e: np.ndarray) -> float:
    z = drawn("encoder")
    return kl(X @ e) - kl(z @ G @ e) + 10.0 * float(np.abs(X @ e @ G - X).mean())


def test_the_encoder_descends_its_loss_with_the_generator_as_it_was(step):
    model, logs = step
    assert logs["real_kl"] == pytest.approx(kl(X @ E), rel=1e-4)
    assert logs["fake_kl"] == pytest.approx(kl(drawn("encoder") @ G @ E), rel=1e-4)
    assert logs["image_loss"] == pytest.approx(np.abs(X @ E @ G - X).mean(), rel=1e-4)
    gradient = np.zeros_like(E)
    for place in np.ndindex(*E.shape):  # central differences
        shift = np.zeros_like(E)
        shift[place] = 1e-5
        gradient[place] = (encoder_loss(E + shift) - encoder_loss(E - shift)) / 2e-5
    found = model.encoder.get_weights()[0]
    np.testing.assert_allclose(found, E - RATE * gradient, atol=1e-4)


def test_the_generators_loss_is_that_of_the_encoder_after_its_update(step):
    model, logs = step
    z, e = drawn("generator 0"), model.encoder.get_weights()[0]
    codes = z @ G @ e
    latent = 2.0 - (z * codes).mean()
    assert logs["latent_loss"] == pytest.approx(latent, rel=1e-4)
    assert logs["generator_loss"] == pytest.approx(kl(codes) + 1000.0 * latent, rel=1e-4)
    assert not np.array_equal(model.generator.get_weights()[0], G.astype(np.float32))


def test_the_generator_is_updated_so_often_with_fresh_noise():
    model = AGE(dense(G, "generator"), dense(E, "encoder"), generator_steps=3)
    model.compile(encoder=keras.optimizers.SGD(0.0), generator=keras.optimizers.SGD(0.0))
    model.train_step((tf.constant(X, tf.float32), tf.zeros((3, 1))))
    updates = {player: int(one.iterations) for player, one in model.optimizers().items()}
    assert updates == {"encoder": 1, "generator": 3}
