"""The two games of CRG (Dogan & Keles, arXiv 1907.01841): the GAN, then the encoder.

Stage 1, `GAN`: the non-saturating GAN of Sec. 3.2.1, one update a player and iteration.
Stage 2, `CRG`: "in each iteration, the parameters of the encoder are updated twice, using the
objective in (1) and (2), respectively" (Sec. 3.1), through the frozen generator.

Deviations and readings: the norms of (1) and (2) are means over dimensions and pixels by default
("MSE" and "MAE" in the text of Sec. 3.2.2), sums as written with `reduction="sum"`; each objective
has Adam moments of its own unless one optimizer object is given to both.

`LatentCycle` and `ImageCycle` are stage 2 with one of the two objectives: what each is worth. The
first is the idea of two systems that the paper names, the latent regressor (Sec. 4.1) and AEGAN
(Sec. 2), on CRG's own generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import keras
import tensorflow as tf

from common.training import losses
from common.training.adversarial import AdversarialModel


class GAN(AdversarialModel):
    """Stage 1: generator g against discriminator D, z ~ U[-1, 1]^Z (Sec. 3.2.1).

    D minimises -log D(x) - log(1 - D(g(z))); then g minimises -log D(g(z)) with a fresh z.
    D keeps its dropout in all three passes.
    """

    loss_names = ("discriminator_loss", "generator_loss")

    def __init__(self, generator: keras.Model, discriminator: keras.Model, *, seed: int = 0):
        super().__init__(seed=seed)
        self.generator = generator
        self.discriminator = discriminator

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"discriminator": (self.discriminator,), "generator": (self.generator,)}

    def train_step(self, data):
        x, _ = data  # [B, 28, 28, 1]
        latents = (tf.shape(x)[0], self.generator.input_shape[-1])

        # Discriminator: maximise log D(x) + log(1 - D(g(z))).
        z = self.noise(latents, "discriminator", "uniform")
        fake = self.generator(z, training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(x, training=True)
            fake_logits = self.discriminator(fake, training=True)
            discriminator_loss = losses.cross_entropy_real(real_logits)
            discriminator_loss += losses.cross_entropy_fake(fake_logits)
        self.update("discriminator", tape, discriminator_loss)

        # Generator: maximise log D(g(z)), the non-saturating form.
        z = self.noise(latents, "generator", "uniform")
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            fake_logits = self.discriminator(fake, training=True)
            generator_loss = losses.cross_entropy_real(fake_logits)
        self.update("generator", tape, generator_loss)

        return self.track(discriminator_loss=discriminator_loss, generator_loss=generator_loss)


class CRG(AdversarialModel):
    """Stage 2: encoder e against the frozen generator g, two objectives in turn (Eqs. 1 and 2).

    "latent_cycle" minimises ||z - e(g(z))||_2^2 over generated images, then "image_cycle"
    minimises ||x - g(e(x))||_1 over real ones. Both own e alone; g is only ever called with
    `training=False`, so neither its weights nor its state can move.

    Args:
        generator: g, trained; latents `[B, Z]` to images `[B, H, W, C]`.
        encoder: e; images `[B, H, W, C]` to latents `[B, Z]`.
        reduction: over the dimensions of each example, "mean" or "sum" (as the norms are written).
        prior: of z: "uniform" on [-1, 1] (digits) or "normal", N(0, 1) (faces).
        augment: what real images go through, of them and of uniform noise `[B, 3]`; what it makes
            is input and target of Eq. 2. Not in validation.
        seed: of the noise.
    """

    loss_names = ("latent_cycle_loss", "image_cycle_loss")
    test_names = ("latent_cycle_loss", "image_cycle_loss", "image_cycle_mse")

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        *,
        reduction: Literal["mean", "sum"] = "mean",
        prior: Literal["uniform", "normal"] = "uniform",
        augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.encoder = encoder
        self.prior: Literal["uniform", "normal"] = prior
        self.augment = augment
        self.reduce = {"mean": tf.reduce_mean, "sum": _sum_per_example}[reduction]

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"latent_cycle": (self.encoder,), "image_cycle": (self.encoder,)}

    def train_step(self, data):
        x, _ = data  # [B, H, W, C]

        # Eq. 1, generated images: no gradient is needed through g, so it stays outside the tape.
        z = self.noise((tf.shape(x)[0], self.generator.input_shape[-1]), "latent", self.prior)
        generated = self.generator(z, training=False)
        with tf.GradientTape() as tape:
            latent_cycle_loss = self.reduce(tf.square(z - self.encoder(generated, training=True)))
        self.update("latent_cycle", tape, latent_cycle_loss)

        # Eq. 2, real images: the gradient passes through the frozen g into e.
        x = self.augmented(x)
        with tf.GradientTape() as tape:
            reconstruction = self.generator(self.encoder(x, training=True), training=False)
            image_cycle_loss = self.reduce(tf.abs(x - reconstruction))
        self.update("image_cycle", tape, image_cycle_loss)

        return self.track(latent_cycle_loss=latent_cycle_loss, image_cycle_loss=image_cycle_loss)

    def augmented(self, images: tf.Tensor) -> tf.Tensor:
        """Real images as the training sees them."""
        if self.augment is None:
            return images
        return self.augment(images, self.noise((tf.shape(images)[0], 3), "augment", "uniform"))

    def test_step(self, data):
        x, _ = data
        latents = (tf.shape(x)[0], self.generator.input_shape[-1])
        z = self.noise(latents, "validation", self.prior, step=self.measured)
        latent = self.encoder(self.generator(z, training=False), training=False)
        reconstruction = self.generator(self.encoder(x, training=False), training=False)
        return self.measure(
            tf.shape(x)[0],
            latent_cycle_loss=self.reduce(tf.square(z - latent)),
            image_cycle_loss=self.reduce(tf.abs(x - reconstruction)),
            image_cycle_mse=tf.reduce_mean(tf.square(x - reconstruction)),
        )


class LatentCycle(CRG):
    """Stage 2 by Eq. 1 alone: e never sees a real image.

    So are the encoders of AEGAN, "trained only with the generated images" (Sec. 2), and of the
    latent regressor (Sec. 4.1). The arguments are those of `CRG`.
    """

    loss_names = ("latent_cycle_loss",)

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"latent_cycle": (self.encoder,)}

    def train_step(self, data):
        x, _ = data  # [B, H, W, C], of which only the number counts

        # Eq. 1, generated images.
        z = self.noise((tf.shape(x)[0], self.generator.input_shape[-1]), "latent", "uniform")
        generated = self.generator(z, training=False)
        with tf.GradientTape() as tape:
            latent_cycle_loss = self.reduce(tf.square(z - self.encoder(generated, training=True)))
        self.update("latent_cycle", tape, latent_cycle_loss)

        return self.track(latent_cycle_loss=latent_cycle_loss)


class ImageCycle(CRG):
    """Stage 2 by Eq. 2 alone: an autoencoder whose decoder is the frozen g.

    Nothing holds its codes near the prior but the range of e's tanh. The arguments are those of
    `CRG`.
    """

    loss_names = ("image_cycle_loss",)

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"image_cycle": (self.encoder,)}

    def train_step(self, data):
        x, _ = data  # [B, H, W, C]

        # Eq. 2, real images: the gradient passes through the frozen g into e.
        with tf.GradientTape() as tape:
            reconstruction = self.generator(self.encoder(x, training=True), training=False)
            image_cycle_loss = self.reduce(tf.abs(x - reconstruction))
        self.update("image_cycle", tape, image_cycle_loss)

        return self.track(image_cycle_loss=image_cycle_loss)


def _sum_per_example(values: tf.Tensor) -> tf.Tensor:
    """Sum over the dimensions of each example of `[B, ...]`, mean over the batch."""
    return tf.reduce_mean(tf.reduce_sum(tf.reshape(values, (tf.shape(values)[0], -1)), axis=1))
