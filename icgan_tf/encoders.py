"""The second and third stage of IcGAN: the encoders E_z and E_y, two regressions.

Eqs. 2 and 3 of the Stanford report (Sun, Li & Xu). The equations sum over the dimensions, both
codes average ("MSE"): `reduction` chooses; the mean does not depend on how many there are, and a
constant answer has an error of 1 for z ~ N(0, I).
"""

from __future__ import annotations

import zlib
from typing import Literal

import keras
import tensorflow as tf

from common.training.adversarial import AdversarialModel
from icgan_tf.conditions import Conditions
from icgan_tf.encoder_networks import find_latent

Reduction = Literal["mean", "sum"]


class LatentEncoding(AdversarialModel):
    """E_z learns to find z again in generated images: minimise ||z - E_z(G(z, y'))||^2 (Eq. 2).

    G is called with `training=False`, so neither its weights nor its state can move. With a
    `real_weight`, E_z also minimises ||x - G(E_z(x), y)||^2, a mean over the pixels of real images
    (ours; off in the paper). Both kinds of images then pass E_z as one batch, so that its batch
    statistics are those of both.

    Args:
        generator: G, trained, its batch statistics re-estimated.
        encoder_z: E_z; images `[B, H, W, C]`, or [images, conditions `[B, A]`] where it is told y,
            to latents `[B, Z]`.
        conditions: how y' is drawn.
        fixed: draw the pairs (z, y') from so many that are drawn once, as the authors' code does
            (its images are stored); 0 draws new ones in each step, as the baseline does.
        reduction: over the dimensions of z.
        real_weight: of the error of real images.
        seed: of the noise.
    """

    loss_names = ("encoder_z_loss", "pixel_loss")
    test_names = ("encoder_z_loss", "pixel_loss")

    def __init__(
        self,
        generator: keras.Model,
        encoder_z: keras.Model,
        conditions: Conditions,
        *,
        fixed: int = 0,
        reduction: Reduction = "mean",
        real_weight: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.generator = generator
        self.encoder_z = encoder_z
        self.conditions = conditions
        self.reduction: Reduction = reduction
        self.real_weight = real_weight
        latents = generator.input_shape[0][-1]
        self.latent_set = self.condition_set = None
        if fixed:
            self.latent_set = tf.random.stateless_normal(
                (fixed, latents), _key(seed, "latent"), alg="philox"
            )

            def integers(shape: tuple, below: int, salt: str) -> tf.Tensor:
                return tf.random.stateless_uniform(
                    shape, _key(seed, salt), 0, below, tf.int32, alg="philox"
                )

            real = tf.gather(conditions.rows, integers((fixed,), len(conditions.rows), "real"))
            self.condition_set = conditions.sample(real, integers)

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"encoder_z": (self.encoder_z,)}

    def train_step(self, data):
        x, attributes = data
        y = self.conditions.encode(attributes)
        z, y_fake = self.pairs(y)
        generated = self.generator([z, y_fake], training=False)
        pixel_loss = tf.zeros(())
        with tf.GradientTape() as tape:
            if self.real_weight:  # a weight of 0 costs no pass
                both, told = tf.concat([generated, x], axis=0), tf.concat([y_fake, y], axis=0)
                found, latent = tf.split(find_latent(self.encoder_z, both, told, True), 2)
                pixel_loss = pixel_error(x, self.generator([latent, y], training=False))
            else:
                found = find_latent(self.encoder_z, generated, y_fake, True)
            encoder_z_loss = squared_error(z, found, self.reduction)
            total = encoder_z_loss + self.real_weight * pixel_loss
        self.update("encoder_z", tape, total)
        return self.track(encoder_z_loss=encoder_z_loss, pixel_loss=pixel_loss)

    def test_step(self, data):
        x, attributes = data
        batch = tf.shape(attributes)[0]
        z = self.noise((batch, self.generator.input_shape[0][-1]), "validation", step=self.measured)
        y = self.conditions.encode(attributes)
        latent = find_latent(self.encoder_z, self.generator([z, y], training=False), y)
        rebuilt = self.generator([find_latent(self.encoder_z, x, y), y], training=False)
        return self.measure(
            batch,
            encoder_z_loss=squared_error(z, latent, self.reduction),
            pixel_loss=pixel_error(x, rebuilt),
        )

    def pairs(self, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Z `[B, Z]` and y' `[B, A]` for as many images as there are rows of `y`."""
        batch = tf.shape(y)[0]
        if self.latent_set is None:
            z = self.noise((batch, self.generator.input_shape[0][-1]), "latent")
            return z, self.conditions.sample(y, self.integers)
        row = self.integers((batch,), len(self.latent_set), "pair")
        return tf.gather(self.latent_set, row), tf.gather(self.condition_set, row)


class SharedEncoding(LatentEncoding):
    """E_z and E_y with the same convolutions learn together (SNG): the sum of Eqs. 2 and 3.

    E_z learns from generated images, E_y from real ones, as alone. Both kinds pass as one batch, so
    that the batch statistics of the convolutions are those of both.

    Args:
        generator: G, as for `LatentEncoding`.
        encoder_z: E_z.
        encoder_y: E_y, which shares layers with E_z.
        conditions: how y is encoded and y' drawn.
        **options: `fixed`, `reduction` and `seed`, as for `LatentEncoding`.
    """

    loss_names = ("encoder_z_loss", "encoder_y_loss")
    test_names = ("encoder_z_loss", "pixel_loss", "encoder_y_loss", "accuracy")

    def __init__(
        self,
        generator: keras.Model,
        encoder_z: keras.Model,
        encoder_y: keras.Model,
        conditions: Conditions,
        **options,
    ):
        super().__init__(generator, encoder_z, conditions, **options)
        answers = [encoder_z.output, encoder_y.output]
        self.encoders = keras.Model(encoder_z.input, answers, name="encoders")

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"encoder_z": (self.encoders,)}

    def train_step(self, data):
        x, attributes = data
        y = self.conditions.encode(attributes)
        z, y_fake = self.pairs(y)
        generated = self.generator([z, y_fake], training=False)
        with tf.GradientTape() as tape:
            latent, answer = self.encoders(tf.concat([generated, x], axis=0), training=True)
            encoder_z_loss = squared_error(z, tf.split(latent, 2)[0], self.reduction)
            encoder_y_loss = squared_error(y, tf.split(answer, 2)[1], self.reduction)
            total = encoder_z_loss + encoder_y_loss
        self.update("encoder_z", tape, total)
        return self.track(encoder_z_loss=encoder_z_loss, encoder_y_loss=encoder_y_loss)

    def test_step(self, data):
        x, attributes = data
        y = self.conditions.encode(attributes)
        shape = (tf.shape(x)[0], self.generator.input_shape[0][-1])
        z = self.noise(shape, "validation", step=self.measured)
        latent = self.encoders(self.generator([z, y], training=False), training=False)[0]
        real_latent, answer = self.encoders(x, training=False)
        rebuilt = self.generator([real_latent, y], training=False)
        return self.measure(
            shape[0],
            encoder_z_loss=squared_error(z, latent, self.reduction),
            pixel_loss=pixel_error(x, rebuilt),
            encoder_y_loss=squared_error(y, answer, self.reduction),
            accuracy=self.conditions.agreement(y, answer),
        )


class ConditionEncoding(AdversarialModel):
    """E_y learns to read y in real images: minimise ||y - E_y(x)||^2 (Eq. 3).

    Args:
        encoder_y: E_y; images `[B, H, W, C]` to conditions `[B, A]`.
        conditions: how y is encoded.
        reduction: over the dimensions of y.
        seed: of the noise (there is none).
    """

    loss_names = ("encoder_y_loss",)
    test_names = ("encoder_y_loss", "accuracy")

    def __init__(
        self,
        encoder_y: keras.Model,
        conditions: Conditions,
        *,
        reduction: Reduction = "mean",
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.encoder_y = encoder_y
        self.conditions = conditions
        self.reduction: Reduction = reduction

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {"encoder_y": (self.encoder_y,)}

    def train_step(self, data):
        x, attributes = data
        y = self.conditions.encode(attributes)
        with tf.GradientTape() as tape:
            encoder_y_loss = squared_error(y, self.encoder_y(x, training=True), self.reduction)
        self.update("encoder_y", tape, encoder_y_loss)
        return self.track(encoder_y_loss=encoder_y_loss)

    def test_step(self, data):
        x, attributes = data
        y = self.conditions.encode(attributes)
        answer = self.encoder_y(x, training=False)
        return self.measure(
            tf.shape(x)[0],
            encoder_y_loss=squared_error(y, answer, self.reduction),
            accuracy=self.conditions.agreement(y, answer),
        )


def _key(seed: int, salt: str) -> tuple[int, int]:
    """The seed of one of the draws that are made once."""
    return seed, zlib.crc32(f"fixed {salt}".encode()) & 0x7FFFFFFF


def squared_error(wanted: tf.Tensor, answer: tf.Tensor, reduction: Reduction) -> tf.Tensor:
    """||wanted - answer||^2 of `[B, D]`, over the batch the mean, over D the mean or the sum."""
    square = tf.square(wanted - answer)
    return tf.reduce_mean(square if reduction == "mean" else tf.reduce_sum(square, axis=1))


def pixel_error(image: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """The mean of (image - made)^2 of `[B, H, W, C]` over everything."""
    return tf.reduce_mean(tf.math.squared_difference(image, made))
