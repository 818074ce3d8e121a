"""The steps of both stages: who moves when, and by which gradient."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from igan import networks
from igan.augmentation import DRAWS, augmented
from igan.features import Distance
from igan.model import GAN, Predictor, l2
from igan.schedule import ConstantThenLinear
from tests.runs import same

IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
DATA = (tf.constant(IMAGES), tf.zeros((8, 0)))


def tiny_gan(**options) -> GAN:
    keras.utils.set_random_seed(0)
    model = GAN(networks.generator(4, 32, 3, 2), networks.discriminator(32, 3, 2), **options)
    model.compile(discriminator=keras.optimizers.SGD(0.1), generator=keras.optimizers.SGD(0.1))
    return model


def test_each_player_moves_down_its_own_loss():
    """With a small step the loss that a player reported falls where it alone has moved."""
    model = tiny_gan(weight_decay=0.0)
    before = [network.get_weights() for network in (model.generator, model.discriminator)]
    model.train_step(DATA)
    moved = [network.get_weights() for network in (model.generator, model.discriminator)]
    assert not same(before[0], moved[0])
    assert not same(before[1], moved[1])

    def d_loss() -> float:
        fake = model.generator(model.noise((8, 4), "discriminator_0", "uniform", 0), training=True)
        real = tf.nn.softplus(-model.discriminator(IMAGES, training=True))
        return float(
            tf.reduce_mean(real + tf.nn.softplus(model.discriminator(fake, training=True)))
        )

    after = d_loss()
    model.discriminator.set_weights(before[1])
    assert after < d_loss()


@pytest.mark.parametrize("steps", [1, 4])
def test_the_discriminator_takes_k_steps_for_one_of_the_generator(steps):
    model = tiny_gan(discriminator_steps=steps)
    for _ in range(2):
        model.train_step(DATA)
    assert int(model.generator_optimizer.iterations) == 2
    assert int(model.discriminator_optimizer.iterations) == 2 * steps


def test_weight_decay_is_added_to_the_gradient():
    """Not AdamW's: alone it gives Adam's first step -lr sign(w), however small it is."""
    weight = keras.Variable(np.float32([0.5, -2.0]))
    with tf.GradientTape() as tape:
        loss = l2([weight], 1e-5)
    gradient = tape.gradient(loss, weight.value)
    np.testing.assert_allclose(gradient, [0.5e-5, -2e-5], rtol=1e-6)
    optimizer = keras.optimizers.Adam(0.01, epsilon=1e-12)
    optimizer.apply([gradient], [weight])
    np.testing.assert_allclose(weight, [0.49, -1.99], atol=1e-6)


def test_the_rate_is_constant_and_then_falls_to_zero():
    rate = ConstantThenLinear(2e-4, 8, 0.5)
    found = [float(rate(step)) for step in range(10)]
    np.testing.assert_allclose(
        found, np.array([2, 2, 2, 2, 2, 1.5, 1, 0.5, 0, 0]) * 1e-4, atol=1e-10
    )
    assert float(ConstantThenLinear(1.0, 8, 1.0)(100)) == 1.0
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert float(again(6)) == pytest.approx(1e-4)


def test_the_predictor_alone_moves_and_its_loss_is_the_distance():
    keras.utils.set_random_seed(0)
    generator, predictor = networks.generator(4, 32, 3, 2), networks.predictor(4, 32, 3, 2)
    model = Predictor(generator, predictor, Distance("signed"), weight_decay=0.0)
    model.compile(predictor=keras.optimizers.SGD(0.1))
    frozen, trained = generator.get_weights(), predictor.get_weights()
    latents = predictor(IMAGES, training=True)
    predictor.set_weights(trained)  # the call has moved its statistics
    expected = np.square(generator(latents, training=False) - IMAGES).mean()
    found = model.train_step(DATA)
    assert float(found["predictor_loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(found["feature_loss"]) == 0
    assert same(frozen, generator.get_weights())
    assert not same(trained, predictor.get_weights())


# --- What D sees of few images --------------------------------------------------------------------


def test_draws_of_zero_change_nothing():
    found = augmented(tf.constant(IMAGES), tf.zeros((8, DRAWS)), 2.0)
    np.testing.assert_allclose(found, IMAGES, atol=1e-5)


def test_a_shift_moves_down_and_right_over_black():
    image = np.ones((1, 32, 32, 3), np.float32)
    image[0, 10, 20] = 0.0
    found = augmented(tf.constant(image), tf.constant([[0, 0, 0, 0.5, 1.0]]), 2.0).numpy()[0]
    assert found[12, 24].tolist() == pytest.approx([0, 0, 0], abs=1e-5)  # 2 down, 4 right
    assert (found[:2] == -1).all()
    assert (found[:, :4] == -1).all()


def test_brightness_adds_at_most_a_half_of_a_range_of_two():
    draws = tf.constant([[1.0, 0, 0, 0, 0]])
    found = augmented(tf.zeros((1, 32, 32, 3)), draws, 2.0)
    np.testing.assert_allclose(found, 0.5, atol=1e-6)


def test_gradients_pass_what_the_discriminator_sees():
    model = tiny_gan(augment=True)
    before = model.generator.get_weights()
    model.train_step(DATA)
    assert not same(before, model.generator.get_weights())
