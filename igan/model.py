"""The two games of iGAN before any editing: the DCGAN, then the predictor through the frozen G.

Stage 1, `GAN`: Sec. 5.1 of the report [R], in the form of the code in its appendix. The text prints
log(1 - D(G(z))) for G; the code, and this, take the non-saturating -log D(G(z)). The code
alternates single updates, G first (`n_updates % update_k == 0`), each with a fresh z and fresh
images; one iteration here is one update of G and then D's, with a fresh z each.
Stage 2, `Predictor`: Sec. 4.1.2, min L(G(P(x)), x) over P alone.

The weight decay of the appendix is L2 that is added to the gradient: here it is part of the loss.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from common.images import PixelRange
from common.training import losses
from common.training.adversarial import AdversarialModel
from igan.augmentation import DRAWS, augmented
from igan.features import Distance


class GAN(AdversarialModel):
    """Stage 1: generator G against discriminator D, z ~ U[-1, 1]^Z.

    G minimises -log D(G(z)); then D minimises -log D(x) - log(1 - D(G(z))), `discriminator_steps`
    times with fresh images and z. Real and generated images pass D one after the other, each with
    batch statistics of their own.

    Args:
        generator: G.
        discriminator: D.
        discriminator_steps: the k of Sec. 5.1; a batch is divided among them.
        weight_decay: of the L2 penalty, as a factor of the weights in the gradient.
        augment: change all that D sees by chance.
        pixel_range: of the images.
        seed: of the noise.
    """

    loss_names = ("discriminator_loss", "generator_loss")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        discriminator_steps: int = 1,
        weight_decay: float = 1e-5,
        augment: bool = False,
        pixel_range: PixelRange = "signed",
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.discriminator = discriminator
        self.discriminator_steps = discriminator_steps
        self.weight_decay = weight_decay
        self.augment = augment
        self.span = 1.0 if pixel_range == "unit" else 2.0

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"discriminator": (self.discriminator,), "generator": (self.generator,)}

    def train_step(self, data):
        x, _ = data  # [B, S, S, C]
        parts = tf.split(x, self.discriminator_steps)
        latents = (tf.shape(parts[0])[0], self.generator.input_shape[-1])

        # Generator: minimise -log D(G(z)).
        z = self.noise(latents, "generator", "uniform")
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            fake_logits = self.judge(fake, "seen_by_generator")
            generator_loss = losses.cross_entropy_real(fake_logits)
            penalised = generator_loss + self.penalty("generator")
        self.update("generator", tape, penalised)

        # Discriminator, k times: minimise -log D(x) - log(1 - D(G(z))).
        for index, real in enumerate(parts):
            z = self.noise(latents, f"discriminator_{index}", "uniform")
            fake = self.generator(z, training=True)
            with tf.GradientTape() as tape:
                real_logits = self.judge(real, f"real_{index}")
                fake_logits = self.judge(fake, f"fake_{index}")
                discriminator_loss = losses.cross_entropy_real(real_logits)
                discriminator_loss += losses.cross_entropy_fake(fake_logits)
                penalised = discriminator_loss + self.penalty("discriminator")
            self.update("discriminator", tape, penalised)

        return self.track(discriminator_loss=discriminator_loss, generator_loss=generator_loss)

    def judge(self, images: tf.Tensor, salt: str) -> tf.Tensor:
        """D's logits `[B, 1]` of images, changed by chance where that is asked for."""
        if self.augment:
            draws = self.noise((tf.shape(images)[0], DRAWS), salt, "uniform")
            images = augmented(images, draws, self.span)
        return self.discriminator(images, training=True)

    def penalty(self, player: str) -> tf.Tensor:
        """Its gradient is `weight_decay` times each weight of the player."""
        return l2(self.player_variables(player), self.weight_decay)


class Predictor(AdversarialModel):
    """Stage 2: the predictor P minimises L(G(P(x)), x) through the frozen G [R, Sec. 4.1.2].

    G is only ever called with `training=False`, so neither its weights nor its statistics move.

    Args:
        generator: G, trained, with its estimated batch statistics.
        predictor: P.
        distance: L.
        weight_decay: as for `GAN`.
        seed: unused by this stage but for the order of the images.
    """

    loss_names = ("predictor_loss", "pixel_loss", "feature_loss")
    test_names = loss_names

    def __init__(
        self,
        generator: keras.Model,
        predictor: keras.Model,
        distance: Distance,
        *,
        weight_decay: float = 1e-5,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.predictor = predictor
        self.distance = distance.terms  # a function: the networks within are not this model's
        self.targets = distance.targets
        self.weight_decay = weight_decay

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"predictor": (self.predictor,)}

    def train_step(self, data):
        x, _ = data  # [B, S, S, C]
        targets = self.targets(x)
        with tf.GradientTape() as tape:
            reconstruction = self.generator(self.predictor(x, training=True), training=False)
            pixel_loss, feature_loss = map(tf.reduce_mean, self.distance(reconstruction, targets))
            predictor_loss = pixel_loss + feature_loss
            penalised = predictor_loss + l2(self.player_variables("predictor"), self.weight_decay)
        self.update("predictor", tape, penalised)
        return self.track(
            predictor_loss=predictor_loss, pixel_loss=pixel_loss, feature_loss=feature_loss
        )

    def test_step(self, data):
        x, _ = data
        reconstruction = self.generator(self.predictor(x, training=False), training=False)
        terms = self.distance(reconstruction, self.targets(x))
        pixel_loss, feature_loss = map(tf.reduce_mean, terms)
        return self.measure(
            tf.shape(x)[0],
            predictor_loss=pixel_loss + feature_loss,
            pixel_loss=pixel_loss,
            feature_loss=feature_loss,
        )


def l2(variables: list[keras.Variable], weight_decay: float) -> tf.Tensor:
    """Half the weighted sum of squares, whose gradient is `weight_decay` times each weight."""
    squares = [tf.reduce_sum(tf.square(tf.convert_to_tensor(one))) for one in variables]
    return 0.5 * weight_decay * tf.add_n(squares)
