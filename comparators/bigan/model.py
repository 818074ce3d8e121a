"""The two games: BiGAN, and a GAN with a latent regressor (Donahue et al., arXiv 1605.09782).

Both update all networks at once, from one batch of x and one of z, each against the others as they
were (the authors' code). Batches of real and of generated images are normalised apart. Weight
decay is part of the gradient that Adam sees: `decay` times half the squared weights is added to
each loss, and not reported with it.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from common.training import losses
from common.training.adversarial import AdversarialModel
from comparators.bigan.networks import latents


class BiGAN(AdversarialModel):
    """BiGAN (Sec. 3): E and G against a discriminator of pairs, (x, E(x)) and (G(z), z).

    D minimises half of -log D(x, E(x)) - log(1 - D(G(z), z)); E and G minimise half of
    -log(1 - D(x, E(x))) - log D(G(z), z), the same with labels swapped ("inverse" objective, Sec.
    3.4). Neither E nor G sees what the other makes.

    Args:
        generator: G; latents `[B, Z]` to images `[B, H, W, C]` on [0, 1].
        encoder: E; images to logits of z `[B, Z]`.
        discriminator: D; [images, latents] to logits `[B, 1]`.
        decay: weight decay of all networks.
        seed: of the noise.
    """

    loss_names = ("discriminator_loss", "generator_loss")
    test_names = ("image_mae", "image_mse")

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        discriminator: keras.Model,
        *,
        decay: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.encoder = encoder
        self.discriminator = discriminator
        self.decay = decay

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {
            "discriminator": (self.discriminator,),
            "generator": (self.generator, self.encoder),
        }

    def train_step(self, data):
        x, _ = data  # [B, 28, 28, 1]
        z = self.noise((tf.shape(x)[0], self.generator.input_shape[-1]), "latent", "uniform")

        with tf.GradientTape(persistent=True) as tape:
            generated = self.generator(z, training=True)
            encoded = latents(self.encoder(x, training=True))
            real_logits = self.discriminator([x, encoded], training=True)
            fake_logits = self.discriminator([generated, z], training=True)

            # Discriminator: tell (x, E(x)) from (G(z), z).
            discriminator_loss = losses.cross_entropy_real(real_logits)
            discriminator_loss += losses.cross_entropy_fake(fake_logits)
            discriminator_loss /= 2.0
            discriminator_total = discriminator_loss + self.penalty("discriminator")

            # Encoder and generator: the labels swapped.
            generator_loss = losses.cross_entropy_fake(real_logits)
            generator_loss += losses.cross_entropy_real(fake_logits)
            generator_loss /= 2.0
            generator_total = generator_loss + self.penalty("generator")
        self.update_together(
            tape, ("discriminator", discriminator_total), ("generator", generator_total)
        )

        return self.track(discriminator_loss=discriminator_loss, generator_loss=generator_loss)

    def test_step(self, data):
        return reconstruction_errors(self, data)

    def penalty(self, player: str) -> tf.Tensor:
        """Half the squared weights of a player, times the weight decay."""
        return weight_penalty(self.player_variables(player), self.decay)


class LatentRegressor(AdversarialModel):
    """A GAN, and an encoder that learns z from what it makes (Sec. 4, "latent regressor").

    D minimises half of -log D(x) - log(1 - D(G(z))), G -log D(G(z)); E minimises the cross entropy
    between sigmoid(E(G(z))) and (z + 1) / 2, a mean over the dimensions of z, and no gradient of it
    reaches G. E never sees a real image.

    Args:
        generator: as for `BiGAN`.
        encoder: as for `BiGAN`.
        discriminator: D; images to logits `[B, 1]`.
        decay: weight decay of all networks.
        seed: of the noise.
    """

    loss_names = ("discriminator_loss", "generator_loss", "encoder_loss")
    test_names = ("image_mae", "image_mse")

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        discriminator: keras.Model,
        *,
        decay: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.encoder = encoder
        self.discriminator = discriminator
        self.decay = decay

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {
            "discriminator": (self.discriminator,),
            "generator": (self.generator,),
            "encoder": (self.encoder,),
        }

    def train_step(self, data):
        x, _ = data  # [B, 28, 28, 1]
        z = self.noise((tf.shape(x)[0], self.generator.input_shape[-1]), "latent", "uniform")

        with tf.GradientTape(persistent=True) as tape:
            generated = self.generator(z, training=True)

            # Discriminator: tell x from G(z).
            real_logits = self.discriminator(x, training=True)
            fake_logits = self.discriminator(generated, training=True)
            discriminator_loss = losses.cross_entropy_real(real_logits)
            discriminator_loss += losses.cross_entropy_fake(fake_logits)
            discriminator_loss /= 2.0
            discriminator_total = discriminator_loss + self.penalty("discriminator")

            # Generator: maximise log D(G(z)).
            generator_loss = losses.cross_entropy_real(fake_logits)
            generator_total = generator_loss + self.penalty("generator")

            # Encoder: find z again, each dimension as a probability.
            logits = self.encoder(tf.stop_gradient(generated), training=True)
            encoder_loss = latent_cross_entropy(logits, z)
            encoder_total = encoder_loss + self.penalty("encoder")
        self.update_together(
            tape,
            ("discriminator", discriminator_total),
            ("generator", generator_total),
            ("encoder", encoder_total),
        )

        return self.track(
            discriminator_loss=discriminator_loss,
            generator_loss=generator_loss,
            encoder_loss=encoder_loss,
        )

    def test_step(self, data):
        return reconstruction_errors(self, data)

    def penalty(self, player: str) -> tf.Tensor:
        """Half the squared weights of a player, times the weight decay."""
        return weight_penalty(self.player_variables(player), self.decay)


def latent_cross_entropy(logits: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """Cross entropy of sigmoid(logits) against (z + 1) / 2, both `[B, Z]`; a mean over all."""
    target = (z + 1.0) / 2.0
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits))


def weight_penalty(variables: list[keras.Variable], decay: float) -> tf.Tensor:
    """The sum of squares times decay / 2, whose gradient is decay times each weight."""
    squares = [tf.reduce_sum(tf.square(tf.convert_to_tensor(one))) for one in variables]
    return decay / 2.0 * tf.add_n(squares)


def reconstruction_errors(model: BiGAN | LatentRegressor, data) -> dict:
    """Absolute and squared errors of G(E(x)) on [0, 1], for the log."""
    x, _ = data
    made = model.generator(latents(model.encoder(x, training=False)), training=False)
    return model.measure(
        tf.shape(x)[0],
        image_mae=tf.reduce_mean(tf.abs(x - made)),
        image_mse=tf.reduce_mean(tf.square(x - made)),
    )
