"""A game of two small networks with everything that a resume must restore, and small data."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from common.training.adversarial import AdversarialModel

BATCH = 8


class Toy(AdversarialModel):
    """A critic tells points of the data from those that a maker draws, as in a GAN.

    Both networks have batch normalisation and dropout. Each toy starts from the same weights.
    """

    loss_names = ("critic_loss", "maker_loss")
    test_names = ("distance",)

    def __init__(self, seed: int = 0, weights_seed: int = 1):
        super().__init__(seed=seed)
        keras.utils.set_random_seed(weights_seed)
        self.critic = network("critic", inputs=3, outputs=1)
        self.maker = network("maker", inputs=2, outputs=3)

    @property
    def players(self):
        return {"critic": (self.critic,), "maker": (self.maker,)}

    def train_step(self, data):
        x = tf.reshape(data[0], (BATCH, 3))  # points, or images of one pixel in colour
        z = self.noise((BATCH, 2), "z")

        fake = self.maker(z, training=True)
        with tf.GradientTape() as tape:
            difference = self.critic(fake, training=True) - self.critic(x, training=True)
            critic_loss = tf.reduce_mean(tf.square(1.0 + difference))
        self.update("critic", tape, critic_loss)

        with tf.GradientTape() as tape:
            fake = self.maker(z, training=True)
            maker_loss = tf.reduce_mean(tf.square(1.0 - self.critic(fake, training=True)))
        self.update("maker", tape, maker_loss)

        return self.track(critic_loss=critic_loss, maker_loss=maker_loss)

    def test_step(self, data):
        x = tf.reshape(data[0], (BATCH, 3))
        fake = self.maker(self.noise((BATCH, 2), "test", step=0), training=False)
        return self.measure(tf.shape(x)[0], distance=tf.reduce_mean(tf.square(x - fake)))


def network(name: str, inputs: int, outputs: int) -> keras.Model:
    """Dense, BatchNormalization, Dropout: three trainable variables."""
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(outputs, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.4),
        ],
        name=name,
    )


def compiled(toy: Toy, *, eagerly: bool = False) -> Toy:
    """The toy with its optimizers; short trainings are cheaper without a graph."""
    toy.compile(
        critic=keras.optimizers.SGD(0.01, momentum=0.9),
        maker=keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.9),
    )
    toy.run_eagerly = eagerly
    return toy


def batches(step: int = 0) -> tf.data.Dataset:
    """Endless points `[8, 3]`, those of each step a function of the step; no attributes."""

    def batch(step):
        seed = tf.stack([tf.cast(step, tf.int32), 7])
        return tf.random.stateless_normal((BATCH, 3), seed), tf.zeros((BATCH, 0))

    return tf.data.Dataset.counter(start=step).map(batch)


def blocks(n: int, seed: int = 0) -> np.ndarray:
    """Different images with something at every scale, uint8 `[n, 16, 16, 1]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)
