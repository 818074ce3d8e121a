"""Stage 1 of CRG on faces, one level of the progressive GAN (Dogan & Keles, Sec. 3.2.2).

WGAN-GP (Gulrajani et al. 2017, Eq. 3) with spectral normalisation in both networks, learning rates
of their own (TTUR) and "the generator and the discriminator by 1:2 rate". Stage 2 is the same game
as for digits, `crg.model.CRG`.

Not in the paper, from the authors' later tree or from Karras et al. 2018 [PG], which it builds on:
the drift term, real images that are blended as the networks are, the length of levels.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from common.training.growing import EPSILON, GrowingModel, advance


class ProgressiveGAN(GrowingModel):
    """One level: g against critic D, which is a scale of how real images look, not a probability.

    An iteration takes `critic_steps` steps of D, each with real images and latents of its own, then
    one of g. D minimises E D(g(z)) - E D(x) + lambda E (||grad D(x')|| - 1)^2 + drift E D(x)^2, x'
    between a real and a generated image; g minimises -E D(g(z)), z ~ N(0, I).

    Args:
        generator: g at this level, `[B, Z]` to `[B, S, S, 3]`.
        critic: D at this level.
        fade_steps: iterations over which alpha of both grows from 0 to 1; 0 at the first level.
        critic_steps: steps of D an iteration, among which its real images are divided.
        penalty_weight: lambda.
        penalty_every: the penalty enters at every so manieth of an iteration's steps of D, at that
            many times its weight (Karras et al. 2020, Appendix B, "lazy regularization").
        drift: weight of E D(x)^2 ([PG], Appendix A.1).
        seed: of the noise.
    """

    loss_names = (
        *("critic_loss", "generator_loss", "penalty_loss"),
        *("slope", "real_score", "fake_score", "alpha"),
    )

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        fade_steps: int = 0,
        critic_steps: int = 2,
        penalty_weight: float = 10.0,
        penalty_every: int = 1,
        drift: float = 0.001,
        seed: int = 0,
    ):
        super().__init__(fade_steps=fade_steps, seed=seed)
        self.generator = generator
        self.critic = critic
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        self.penalty_every = penalty_every
        self.drift = drift

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"critic": (self.critic,), "generator": (self.generator,)}

    def train_step(self, data):
        x, _ = data  # [critic_steps * B, H, H, 3], H at least S
        alpha = self.grow()
        x = self.at_level(x, alpha)  # [critic_steps * B, S, S, 3]
        batches = tf.split(x, self.critic_steps)
        latents = (tf.shape(batches[0])[0], self.generator.input_shape[-1])

        # Critic: the score of real images up, that of generated ones down, the slope between to 1.
        for index, real in enumerate(batches):
            advance(self.critic)
            z = self.noise(latents, f"critic {index}")
            fake = self.generator(z, training=True)
            share = self.noise((latents[0], 1, 1, 1), f"between {index}", "uniform") / 2 + 0.5
            with tf.GradientTape() as tape:
                real_scores = self.critic(real, training=True)
                fake_scores = self.critic(fake, training=True)
                critic_loss = tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)
                critic_loss += self.drift * tf.reduce_mean(tf.square(real_scores))
                if index % self.penalty_every == 0:
                    slopes = slope(self.critic, real + share * (fake - real))
                    penalty_loss = tf.reduce_mean(tf.square(slopes - 1.0))
                    critic_loss += self.penalty_every * self.penalty_weight * penalty_loss
            self.update("critic", tape, critic_loss)

        # Generator: the score of generated images up.
        advance(self.generator)
        z = self.noise(latents, "generator")
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            generator_loss = -tf.reduce_mean(self.critic(fake, training=True))
        self.update("generator", tape, generator_loss)

        return self.track(
            critic_loss=critic_loss,
            generator_loss=generator_loss,
            penalty_loss=penalty_loss,
            slope=tf.reduce_mean(slopes),
            real_score=tf.reduce_mean(real_scores),
            fake_score=tf.reduce_mean(fake_scores),
            alpha=alpha,
        )


def settle(network: keras.Model, iterations: int = 20) -> None:
    """Lets the spectral normalisation of weights follow that have moved at once, as an EMA has."""
    for _ in range(iterations):
        advance(network)


def slope(critic: keras.Model, images: tf.Tensor) -> tf.Tensor:
    """||grad D(x)||_2 of each image of `[B, S, S, 3]`, `[B]`."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = critic(images, training=True)
    gradient: Any = tape.gradient(scores, images)
    gradient = tf.cast(gradient, tf.float32)
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=(1, 2, 3)) + EPSILON)
