"""The game of IcGAN's first stage: a conditional GAN.

Eq. 1 of the Stanford report (Sun, Li & Xu), with the mismatched labels that the code of the
original authors adds to it (Perarnau et al. 2016, `trainWrongY`, on by default there) as a weight.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from common.training import losses
from common.training.adversarial import AdversarialModel
from common.training.diffaugment import diffaugmented
from icgan_tf.conditions import Conditions


class ConditionalGAN(AdversarialModel):
    """Generator G against discriminator D, both told the condition y.

    D minimises -log D(x, y) - w log(1 - D(x, y_wrong)) - f log(1 - D(G(z, y'), y')), z ~ N(0, I),
    y' ~ p_y. Then G minimises -log D(G(z, y'), y'), the non-saturating form, on the very same
    fakes but against the D that has just been updated. There is no term of G with wrong labels.
    Each kind of images passes D alone: batch normalisation sees one kind at a time. In all passes,
    also in that of G's update, D normalises by the batch, moves its moving statistics and drops
    out, as in training.

    Args:
        generator: G; latents `[B, Z]` and conditions `[B, A]` to images `[B, H, W, C]`.
        discriminator: D; images and conditions to logits `[B, 1]`.
        conditions: how y is encoded and y' drawn.
        wrong_weight: w, 0.5 in the authors' code, 0 in both others.
        fake_weight: f, 0.5 in the authors' code, 1 in both others.
        augmented_span: D sees images by DiffAugment; the length of their range, 2 for [-1, 1]. 0,
            as in all three sources: it sees them as they are.
        seed: of the noise.
    """

    loss_names = ("discriminator_loss", "generator_loss", "real_loss", "wrong_loss", "fake_loss")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        conditions: Conditions,
        *,
        wrong_weight: float = 0.5,
        fake_weight: float = 0.5,
        augmented_span: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.discriminator = discriminator
        self.conditions = conditions
        self.wrong_weight = wrong_weight
        self.fake_weight = fake_weight
        self.augmented_span = augmented_span

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"discriminator": (self.discriminator,), "generator": (self.generator,)}

    def train_step(self, data):
        x, attributes = data  # [B, H, W, C], [B, A]
        y = self.conditions.encode(attributes)
        y_wrong = self.conditions.mismatched(y, self.integers)
        y_fake = self.conditions.sample(y, self.integers)
        z = self.noise((tf.shape(x)[0], self.generator.input_shape[0][-1]), "latent")

        generator_tape = tf.GradientTape()
        with generator_tape:
            fake = self.generator([z, y_fake], training=True)

        # Discriminator: maximise Eq. 1, plus the labels that do not match.
        with tf.GradientTape() as tape:
            real = self.seen(x)
            real_loss = losses.cross_entropy_real(self.discriminator([real, y], training=True))
            seen = self.seen(tf.stop_gradient(fake))
            fake_logits = self.discriminator([seen, y_fake], training=True)
            fake_loss = losses.cross_entropy_fake(fake_logits)
            wrong_loss = tf.zeros_like(real_loss)
            if self.wrong_weight:  # a weight of 0 costs no pass
                wrong_logits = self.discriminator([real, y_wrong], training=True)
                wrong_loss = losses.cross_entropy_fake(wrong_logits)
            discriminator_loss = (
                real_loss + self.wrong_weight * wrong_loss + self.fake_weight * fake_loss
            )
        self.update("discriminator", tape, discriminator_loss)

        # Generator: maximise log D(G(z, y'), y'). Its tape goes on with the updated D.
        with generator_tape:
            fake_logits = self.discriminator([self.seen(fake), y_fake], training=True)
            generator_loss = losses.cross_entropy_real(fake_logits)
        self.update("generator", generator_tape, generator_loss)

        return self.track(
            discriminator_loss=discriminator_loss,
            generator_loss=generator_loss,
            real_loss=real_loss,
            wrong_loss=wrong_loss,
            fake_loss=fake_loss,
        )

    def seen(self, image: tf.Tensor) -> tf.Tensor:
        """The images `[B, H, W, C]` as D sees them."""
        return diffaugmented(self, image, self.augmented_span) if self.augmented_span else image
