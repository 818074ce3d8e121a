"""One step of PIONEER, recomputed in NumPy through linear networks without the sphere."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.training.growing import hand_on
from comparators.pioneer import networks
from comparators.pioneer.model import Pioneer, kl_from_normal, on_sphere

RATE = 0.01
X = np.array([[0.5, -0.3, 0.9], [-0.2, 0.8, 0.1], [0.6, 0.4, -0.7]])
G = np.array([[0.3, -0.2, 0.5], [0.1, 0.6, -0.4]])
E = np.array([[0.7, -0.5], [0.2, 0.9], [-0.3, 0.4]])


def kl(codes: np.ndarray) -> float:
    mean, variance = codes.mean(axis=0), codes.var(axis=0)
    return float(((variance + mean**2 - np.log(variance) - 1) / 2).mean())


def test_kl_is_the_textbooks_and_not_that_of_age():
    # Means 1 and 0, variances 1 and 4: (1 + 1 - 0 - 1) / 2 = .5 and (4 - log 4 - 1) / 2 = .8069.
    codes = tf.constant([[0.0, -2.0], [2.0, 2.0]])
    assert float(kl_from_normal(codes)) == pytest.approx((0.5 + 0.806853) / 2, rel=1e-5)


# --- A step ---------------------------------------------------------------------------------------


def toy(kernel: np.ndarray, name: str, image: bool) -> keras.Model:
    """A linear network; images have three values in one pixel."""
    x = keras.Input((1, 1, 3) if image else (2,))
    made = keras.layers.Dense(kernel.shape[1], use_bias=False)(keras.layers.Flatten()(x))
    made = made if image else keras.layers.Reshape((1, 1, 3))(made)
    net = keras.Model(x, made, name=name)
    net.set_weights([kernel])
    return net


def game(rate: float = RATE, **options) -> Pioneer:
    model = Pioneer(toy(G, "generator", False), toy(E, "encoder", True), seed=2, **options)
    model.compile(**{player: keras.optimizers.SGD(rate) for player in model.players})
    return model


def drawn(salt: str) -> np.ndarray:
    return np.asarray(on_sphere(game().noise((3, 2), salt)), np.float64)


def batch() -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(X[:, None, None], tf.float32), tf.zeros((3, 1))


@pytest.fixture(scope="module")
def step() -> tuple[Pioneer, dict[str, float]]:
    model = game(generator_steps=1, kl_weight=0.3, latent_weight=7.0, image_weight=(1.0, 1.5))
    return model, {name: float(value) for name, value in model.train_step(batch()).items()}


def test_the_encoder_descends_its_loss_with_the_generator_as_it_was(step):
    model, logs = step
    z = drawn("encoder")

    def loss(e: np.ndarray) -> float:
        image = float(np.abs(X @ e @ G - X).mean())
        return 0.3 * (kl(X @ e) - kl(z @ G @ e)) + 1.5 * image  # not blended: 1.5

    assert logs["real_kl"] == pytest.approx(kl(X @ E), rel=1e-4)
    assert logs["fake_kl"] == pytest.approx(kl(z @ G @ E), rel=1e-4)
    assert logs["image_loss"] == pytest.approx(np.abs(X @ E @ G - X).mean(), rel=1e-4)
    gradient = np.zeros_like(E)
    for place in np.ndindex(*E.shape):  # central differences
        shift = np.zeros_like(E)
        shift[place] = 1e-5
        gradient[place] = (loss(E + shift) - loss(E - shift)) / 2e-5
    found = model.encoder.get_weights()[0]
    np.testing.assert_allclose(found, E - RATE * gradient, atol=1e-5)


def test_the_generator_descends_its_own_with_the_encoder_after_its_update(step):
    model, logs = step
    z, e = drawn("generator 0"), model.encoder.get_weights()[0].astype(float)

    def loss(g: np.ndarray) -> float:
        return 0.3 * kl(z @ g @ e) + 7.0 * (2.0 - float((z * (z @ g @ e)).mean()))

    assert logs["generator_loss"] == pytest.approx(loss(G), rel=1e-4)
    gradient = np.zeros_like(G)
    for place in np.ndindex(*G.shape):
        shift = np.zeros_like(G)
        shift[place] = 1e-5
        gradient[place] = (loss(G + shift) - loss(G - shift)) / 2e-5
    found = model.generator.get_weights()[0]
    np.testing.assert_allclose(found, G - RATE * gradient, atol=1e-5)


def test_the_generator_is_updated_twice_for_each_update_of_the_encoder():
    model = game(0.0)
    model.train_step(batch())
    updates = {player: int(one.iterations) for player, one in model.optimizers().items()}
    assert updates == {"encoder": 1, "generator": 2}


def test_images_weigh_less_while_a_level_is_blended_in():
    """alpha is 0 in the first of two steps; the KL is off, so the change is that of the image."""
    whole = game(kl_weight=0.0, image_weight=(0.5, 2.0))
    whole.train_step(batch())
    change = whole.encoder.get_weights()[0] - E
    fading = game(kl_weight=0.0, image_weight=(0.5, 2.0))
    fading.fade_steps = 2
    fading.at_level = lambda images, alpha: images  # pyright: ignore[reportAttributeAccessIssue]
    logs = fading.train_step(batch())
    assert float(logs["alpha"]) == 0.0
    np.testing.assert_allclose(fading.encoder.get_weights()[0] - E, change / 4, atol=1e-6)


# --- The growth -----------------------------------------------------------------------------------


def test_a_level_begins_as_the_one_before_and_ends_as_itself():
    """By alpha: in generated images, and in codes of real ones."""
    small = [networks.generator(3, (4, 4)), networks.encoder(3, (4, 4))]
    large = [networks.generator(3, (4, 4, 2), True), networks.encoder(3, (4, 4, 2), True)]
    plain = [networks.generator(3, (4, 4, 2)), networks.encoder(3, (4, 4, 2))]
    for one, other, last in zip(small, large, plain, strict=True):
        hand_on(one, other)
        hand_on(other, last)
    model = Pioneer(large[0], large[1], fade_steps=2)
    z = on_sphere(tf.random.stateless_normal((2, 3), (0, 1)))
    images = tf.random.stateless_uniform((2, 16, 16, 3), (0, 2))
    halves = tf.reshape(images, (2, 8, 2, 8, 2, 3)).numpy().mean(axis=(2, 4))
    assert float(model.grow()) == 0.0
    old = np.asarray(small[0](z)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(large[0](z), old, atol=1e-5)
    np.testing.assert_allclose(large[1](images), small[1](halves), atol=1e-5)
    np.testing.assert_allclose(
        model.at_level(images, tf.zeros(())), halves.repeat(2, 1).repeat(2, 2), atol=1e-5
    )
    model.step.assign(1)
    assert float(model.grow()) == 0.5
    model.step.assign(5)
    assert float(model.grow()) == 1.0
    np.testing.assert_allclose(large[0](z), plain[0](z), atol=1e-5)
    np.testing.assert_allclose(large[1](images), plain[1](images), atol=1e-5)
    np.testing.assert_allclose(model.at_level(images, tf.ones(())), images, atol=1e-6)


def test_real_images_are_halved_to_the_level():
    model = Pioneer(networks.generator(3, (4, 4)), networks.encoder(3, (4, 4)))
    images = np.zeros((1, 16, 16, 3), np.float32)
    images[0, :2, :2] = 1.0
    images[0, 2, 2] = 4.0
    small = np.asarray(model.at_level(tf.constant(images), tf.ones(())))
    assert small.shape == (1, 8, 8, 3)
    assert small[0, 0, 0, 0] == small[0, 1, 1, 0] == 1.0
    assert np.count_nonzero(small) == 2 * 3
