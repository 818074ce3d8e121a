"""The game of AGE: Ulyanov, Vedaldi & Lempitsky (arXiv 1704.02304), as in its authors' code.

Encoder e and generator g alone: e makes the codes of real images fit the prior and those of
generated ones not, g the opposite; KL measures how far a batch of codes is from N(0, 1). On the
unit sphere codes have the variance 1 / Z, so that its smallest value there is not 0.

As coded, the KL has the square of the batch's *variance* where the textbook has the variance, and
the logarithm of the variance where it has half of it.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from common.training.adversarial import AdversarialModel


class AGE(AdversarialModel):
    """Encoder e against generator g (Eqs. of Sec. 3, their code's weights).

    e minimises KL(e(x)) - KL(e(g(z))) + w_x |g(e(x)) - x|_1, a mean over pixels; then g, several
    times with fresh z, KL(e(g(z))) + w_z (2 - mean(z e(g(z)))). All passes normalise by batch.

    Args:
        generator: g; latents `[B, Z]` of length 1 to images `[B, H, W, C]`.
        encoder: e; images to latents of length 1.
        image_weight: w_x.
        latent_weight: w_z.
        generator_steps: updates of g to one of e.
        seed: of the noise.
    """

    loss_names = ("real_kl", "fake_kl", "image_loss", "generator_loss", "latent_loss")
    test_names = ("image_mae", "image_mse")

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        *,
        image_weight: float = 10.0,
        latent_weight: float = 1000.0,
        generator_steps: int = 3,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.encoder = encoder
        self.image_weight, self.latent_weight = image_weight, latent_weight
        self.generator_steps = generator_steps

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"encoder": (self.encoder,), "generator": (self.generator,)}

    def train_step(self, data):
        x, _ = data  # [B, H, W, C]
        latents = (tf.shape(x)[0], self.generator.input_shape[-1])

        # Encoder: codes of x to the prior, those of g(z) away from it, x back from its code.
        z = on_sphere(self.noise(latents, "encoder"))
        generated = self.generator(z, training=True)
        with tf.GradientTape() as tape:
            encoded = self.encoder(x, training=True)
            real_kl = kl_from_normal(encoded)
            fake_kl = kl_from_normal(self.encoder(generated, training=True))
            image_loss = tf.reduce_mean(tf.abs(self.generator(encoded, training=True) - x))
            encoder_loss = real_kl - fake_kl + self.image_weight * image_loss
        self.update("encoder", tape, encoder_loss)

        # Generator, several times: codes of g(z) to the prior, and z back from g(z).
        generator_loss = latent_loss = tf.zeros(())
        for number in range(self.generator_steps):
            z = on_sphere(self.noise(latents, f"generator {number}"))
            with tf.GradientTape() as tape:
                encoded = self.encoder(self.generator(z, training=True), training=True)
                latent_loss = 2.0 - tf.reduce_mean(z * encoded)
                generator_loss = kl_from_normal(encoded) + self.latent_weight * latent_loss
            self.update("generator", tape, generator_loss)

        return self.track(
            real_kl=real_kl,
            fake_kl=fake_kl,
            image_loss=image_loss,
            generator_loss=generator_loss,
            latent_loss=latent_loss,
        )

    def test_step(self, data):
        x, _ = data
        made = self.generator(self.encoder(x, training=False), training=False)
        return self.measure(
            tf.shape(x)[0],
            image_mae=tf.reduce_mean(tf.abs(x - made)),
            image_mse=tf.reduce_mean(tf.square(x - made)),
        )


def kl_from_normal(codes: tf.Tensor) -> tf.Tensor:
    """Mean over the dimensions of (s^4 + m^2) / 2 - log s^2 - 1/2, of codes `[B, Z]`.

    Args:
        codes: m is their mean over the batch, s^2 their variance, divided by B.
    """
    mean, variance = tf.nn.moments(codes, axes=[0])
    terms = (tf.square(variance) + tf.square(mean)) / 2.0 - tf.math.log(variance) - 0.5
    return tf.reduce_mean(terms)


def on_sphere(z: tf.Tensor) -> tf.Tensor:
    """The vectors `[B, Z]`, divided by their lengths: uniform on the sphere if they are normal."""
    return tf.math.l2_normalize(z, axis=1)
