"""The game of PIONEER: Heljakka, Solin & Kannala 2018 (arXiv 1807.03026), by its authors' code.

It is AGE's (Ulyanov et al., arXiv 1704.02304), at one level of a growth: encoder e makes the codes
of real images fit the prior and those of generated ones not, generator g the opposite. The KL is
the textbook's, where AGE's code has the square of the variance.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from common.training.growing import GrowingModel, advance


class Pioneer(GrowingModel):
    """Encoder e against generator g, at one level.

    e minimises w_k KL(e(x)) - w_k KL(e(g(z))) + w_x |g(e(x)) - x|_1, a mean over pixels; then g,
    several times with fresh z, w_k KL(e(g(z))) + w_z (2 - mean(z e(g(z)))).

    Args:
        generator: g at this level; latents `[B, Z]` of length 1 to images `[B, S, S, 3]`.
        encoder: e at this level; images to latents of length 1.
        fade_steps: steps over which alpha of both grows from 0 to 1; 0 at the first level.
        kl_weight: w_k.
        image_weight: w_x while the level is blended in, and once it is.
        latent_weight: w_z.
        generator_steps: updates of g to one of e.
        seed: of the noise.
    """

    loss_names = ("real_kl", "fake_kl", "image_loss", "generator_loss", "latent_loss", "alpha")
    test_names = ("image_mae", "image_mse")

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        *,
        fade_steps: int = 0,
        kl_weight: float = 0.1,
        image_weight: tuple[float, float] = (1.0, 1.5),
        latent_weight: float = 100.0,
        generator_steps: int = 2,
        seed: int = 0,
    ):
        super().__init__(fade_steps=fade_steps, seed=seed)
        self.generator = generator
        self.encoder = encoder
        self.kl_weight, self.latent_weight = kl_weight, latent_weight
        self.image_weight = image_weight
        self.generator_steps = generator_steps

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"encoder": (self.encoder,), "generator": (self.generator,)}

    def train_step(self, data):
        x, _ = data  # [B, H, H, 3], H at least S
        alpha = self.grow()
        x = self.at_level(x, alpha)  # [B, S, S, 3]
        latents = (tf.shape(x)[0], self.generator.input_shape[-1])
        image_weight = tf.where(alpha < 1.0, *self.image_weight)

        # Encoder: codes of x to the prior, those of g(z) away from it, x back from its code.
        advance(self.encoder)
        generated = self.generator(on_sphere(self.noise(latents, "encoder")), training=True)
        with tf.GradientTape() as tape:
            encoded = self.encoder(x, training=True)
            real_kl = kl_from_normal(encoded)
            fake_kl = kl_from_normal(self.encoder(generated, training=True))
            image_loss = tf.reduce_mean(tf.abs(self.generator(encoded, training=True) - x))
            encoder_loss = self.kl_weight * (real_kl - fake_kl) + image_weight * image_loss
        self.update("encoder", tape, encoder_loss)

        # Generator, several times: codes of g(z) to the prior, and z back from g(z).
        advance(self.encoder)
        generator_loss = latent_loss = tf.zeros(())
        for number in range(self.generator_steps):
            z = on_sphere(self.noise(latents, f"generator {number}"))
            with tf.GradientTape() as tape:
                encoded = self.encoder(self.generator(z, training=True), training=True)
                latent_loss = 2.0 - tf.reduce_mean(z * encoded)
                generator_loss = (
                    self.kl_weight * kl_from_normal(encoded) + self.latent_weight * latent_loss
                )
            self.update("generator", tape, generator_loss)

        return self.track(
            real_kl=real_kl,
            fake_kl=fake_kl,
            image_loss=image_loss,
            generator_loss=generator_loss,
            latent_loss=latent_loss,
            alpha=alpha,
        )

    def test_step(self, data):
        x = self.at_level(data[0], tf.ones(()))
        made = self.generator(self.encoder(x, training=False), training=False)
        return self.measure(
            tf.shape(x)[0],
            image_mae=tf.reduce_mean(tf.abs(x - made)),
            image_mse=tf.reduce_mean(tf.square(x - made)),
        )


def kl_from_normal(codes: tf.Tensor) -> tf.Tensor:
    """Mean over the dimensions of (s^2 + m^2 - log s^2 - 1) / 2, of codes `[B, Z]`.

    Args:
        codes: m is their mean over the batch, s^2 their variance, divided by B.
    """
    mean, variance = tf.nn.moments(codes, axes=[0])
    return tf.reduce_mean((variance + tf.square(mean) - tf.math.log(variance) - 1.0) / 2.0)


def on_sphere(z: tf.Tensor) -> tf.Tensor:
    """The vectors `[B, Z]`, divided by their lengths: uniform on the sphere if they are normal."""
    return tf.math.l2_normalize(z, axis=1)
