"""Finds the latents of images by gradient descent through a frozen generator.

Dogan & Keles (arXiv 1907.01841), Sec. 2 and Fig. 1, call these gradient-based techniques: a z' is
drawn from the prior, and moved down the gradient of the difference between g(z') and the image. The
generator may be anybody's: latents `[N, Z]` in, images `[N, H, W, C]` on [-1, 1] out.

- Lipton & Tripathi (arXiv 1702.04782) descend the squared error from a uniform start with
  *stochastic clipping*: a component that leaves [-1, 1] is drawn anew, where ordinary clipping
  would leave it at the edge.
- Creswell & Bharath (arXiv 1802.05701) descend the cross entropy of the pixels with RMSprop, each
  image for itself in a batch of many, and may add -log p(z).
- The hybrid starts from the code of an encoder instead; started so, few steps are enough.

All three are `invert`, with other `Descent`s and starts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from common.settings.config import check_seed, check_setting

ROWS = 250  # latents that descend at a time: 28x28 images fill two cores from about 50 on

Clip = Literal["none", "hard", "stochastic"]
Loss = Literal["squared", "absolute", "cross_entropy"]
Prior = Literal["uniform", "normal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How latents descend.

    Attributes:
        steps: updates of each latent.
        optimizer: "adam" and "rmsprop" keep moments of each component by itself, so that an image
            does not depend on those beside it; "sgd" is plain gradient descent.
        learning_rate: of the optimizer.
        schedule: "cosine" lets the learning rate fall to zero at the end of the steps.
        loss: of an image, summed over its pixels: the squared or absolute error on [-1, 1], or the
            cross entropy of gray levels on [0, 1].
        clip: of components that leave [-1, 1]: "none", "hard" leaves them at the edge, "stochastic"
            draws them anew.
        prior: of z, for the random starts: U[-1, 1]^Z or N(0, 1)^Z.
        prior_weight: of -log p(z) beside the loss, for the normal prior: z^2 / 2, summed.
        seed: of the starts and of what clipping draws.

    Raises:
        UserError: settings with which nothing can descend.
    """

    steps: int = 500
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"
    learning_rate: float = 0.05
    schedule: Literal["constant", "cosine"] = "cosine"
    loss: Loss = "squared"
    clip: Clip = "none"
    prior: Prior = "uniform"
    prior_weight: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_setting("steps", self.steps, self.steps >= 1, "at least 1")
        rate, weight, uniform = self.learning_rate, self.prior_weight, self.prior == "uniform"
        check_setting("learning_rate", rate, 0 < rate < math.inf, "above 0 and finite")
        right = weight == 0 or (not uniform and 0 < weight < math.inf)
        check_setting("prior_weight", weight, right, "at least 0, and 0 for the uniform prior")
        right = self.clip == "none" or uniform
        check_setting("clip", self.clip, right, "none for the normal prior, which has no edge")
        check_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Inversion:
    """The latents of N images, from R starts each, as they were after some numbers of steps.

    Attributes:
        steps: S numbers of steps, rising; the last one is the end.
        latents: float32 `[S, N, R, Z]`, those of the smallest loss up to that step.
        errors: float32 `[S, N, R]`, their mean squared errors on [0, 1], before rounding to 8 bits.
        seconds: `[S]`, of all images and starts together.
    """

    steps: tuple[int, ...]
    latents: np.ndarray
    errors: np.ndarray
    seconds: np.ndarray

    def best(self, at: int = -1, restarts: int | None = None) -> np.ndarray:
        """The latents `[N, Z]` of the start with the smallest error.

        Args:
            at: index of the number of steps.
            restarts: choose among the first so many starts only.
        """
        chosen = self.errors[at, :, :restarts].argmin(axis=1)
        return self.latents[at, np.arange(len(chosen)), chosen]


def random_starts(count: int, restarts: int, size: int, prior: Prior, seed: int) -> np.ndarray:
    """Draws of the prior, float32 `[count, restarts, size]`."""
    shape, rng = (count, restarts, size), np.random.default_rng(seed)
    drawn = rng.uniform(-1.0, 1.0, shape) if prior == "uniform" else rng.normal(size=shape)
    return drawn.astype(np.float32)


def invert(
    generator: keras.Model,
    images: np.ndarray,
    starts: np.ndarray,
    descent: Descent,
    at: Sequence[int] = (),
) -> Inversion:
    """Lets latents descend towards the images.

    Args:
        generator: g, latents `[B, Z]` to images `[B, H, W, C]` on [-1, 1]; stays as it is.
        images: float32 `[N, H, W, C]` on [-1, 1].
        starts: float32 `[N, R, Z]`, R starts for each image.
        descent: how.
        at: numbers of steps after which to look; the last one is looked at always.
    """
    looks = tuple(sorted({step for step in at if step < descent.steps} | {descent.steps}))
    count, restarts, size = starts.shape
    rows, targets = starts.reshape(-1, size), np.repeat(np.arange(count), restarts)
    latents = np.empty((len(looks), len(rows), size), np.float32)
    errors = np.empty(latents.shape[:2], np.float32)
    seconds = np.zeros(len(looks))
    # Blocks of one size, so that the steps are traced once: the last one is filled up.
    length = min(ROWS, len(rows))
    walk = _Walk(generator, images[:1].shape[1:], (length, size), descent)
    for first in range(0, len(rows), length):
        block = np.arange(first, first + length) % len(rows)
        walk.begin(images[targets[block]], rows[block])
        started = time.monotonic()
        for index, look in enumerate(looks):
            walk.go(look)
            seconds[index] += time.monotonic() - started
            latents[index, block] = walk.best.numpy()
            errors[index, block] = walk.error.numpy()
    return Inversion(
        steps=looks,
        latents=latents.reshape(len(looks), count, restarts, size),
        errors=errors.reshape(len(looks), count, restarts),
        seconds=seconds,
    )


class _Walk:
    """Latents of a block on their way.

    Attributes:
        best: the latents `[B, Z]` of the smallest losses so far.
        error: their mean squared errors `[B]` on [0, 1].
    """

    def __init__(
        self,
        generator: keras.Model,
        image: tuple[int, ...],
        shape: tuple[int, int],
        descent: Descent,
    ):
        self.generator, self.descent = generator, descent
        self.images = tf.Variable(tf.zeros((shape[0], *image)))
        self.latent = keras.Variable(np.zeros(shape, np.float32), name="latent")
        self.optimizer = _optimizer(descent)
        self.optimizer.build([self.latent])
        self.fresh = [variable.numpy() for variable in self.optimizer.variables]
        self.best = tf.Variable(tf.zeros(shape))
        self.loss = tf.Variable(tf.zeros(shape[:1]))
        self.error = tf.Variable(tf.zeros(shape[:1]))
        self.taken = 0
        self.step, self.look = tf.function(self._step), tf.function(self._look)

    def begin(self, images: np.ndarray, starts: np.ndarray) -> None:
        """Sets out from these starts `[B, Z]`, towards these images `[B, H, W, C]`."""
        self.images.assign(images)
        self.latent.assign(starts)
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)
        self.best.assign(starts)
        self.loss.assign(tf.fill(self.loss.shape, math.inf))
        self.error.assign(tf.fill(self.error.shape, math.inf))
        self.taken = 0

    def go(self, steps: int) -> None:
        """Walks on until so many steps are taken, and looks at where it has come to."""
        while self.taken < steps:
            self.step(tf.constant(self.taken))
            self.taken += 1
        self.look()

    def _step(self, number: tf.Tensor) -> None:
        latent = tf.convert_to_tensor(self.latent)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(latent)
            made, loss = self._loss(latent)
            total = tf.reduce_sum(loss)
        self._keep(latent, made, loss)
        self.optimizer.apply([tape.gradient(total, latent)], [self.latent])
        if self.descent.clip != "none":
            self.latent.assign(self._clipped(number))

    def _clipped(self, number: tf.Tensor) -> tf.Tensor:
        """The latents with each component within [-1, 1]."""
        latent = tf.convert_to_tensor(self.latent)
        if self.descent.clip == "hard":
            return tf.clip_by_value(latent, -1.0, 1.0)
        seed = tf.stack([self.descent.seed, number])
        anew = tf.random.stateless_uniform(tf.shape(latent), seed, -1.0, 1.0, alg="philox")
        return tf.where(tf.abs(latent) > 1.0, anew, latent)

    def _look(self) -> None:
        latent = tf.convert_to_tensor(self.latent)
        self._keep(latent, *self._loss(latent))

    def _loss(self, latent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What g makes of the latents, and the loss `[B]` of each."""
        made = self.generator(latent, training=False)
        prior = tf.reduce_sum(tf.square(latent), axis=1) / 2.0  # -log N(z), without its constant
        loss = LOSSES[self.descent.loss](self.images, made)
        return made, loss + self.descent.prior_weight * prior

    def _keep(self, latent: tf.Tensor, made: tf.Tensor, loss: tf.Tensor) -> None:
        """Takes note of the latents that are better than all before them."""
        error = tf.reduce_mean(tf.square(self.images - made), axis=(1, 2, 3)) / 4.0  # on [0, 1]
        better = loss < self.loss
        self.best.assign(tf.where(better[:, None], latent, self.best))
        self.loss.assign(tf.where(better, loss, self.loss))
        self.error.assign(tf.where(better, error, self.error))


def _optimizer(descent: Descent) -> keras.optimizers.Optimizer:
    """Keras' own, with its other defaults."""
    rate = descent.learning_rate
    if descent.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, descent.steps)
    kinds = {
        "adam": keras.optimizers.Adam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    return kinds[descent.optimizer](rate)  # pyright: ignore[reportArgumentType]


def squared(images: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """||g(z') - x||_2^2 of each image of `[B, H, W, C]` (Lipton & Tripathi)."""
    return tf.reduce_sum(tf.square(made - images), axis=(1, 2, 3))


def absolute(images: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """||g(z') - x||_1 of each image: the norm of CRG's Eq. 2. Ours."""
    return tf.reduce_sum(tf.abs(made - images), axis=(1, 2, 3))


def cross_entropy(images: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """-x log g(z') - (1 - x) log(1 - g(z')), of gray levels on [0, 1] (Creswell & Bharath)."""
    x, shown = ((one + 1.0) / 2.0 for one in (images, made))
    shown = tf.clip_by_value(shown, 1e-6, 1.0 - 1e-6)  # ours: a black pixel that is 0 has no log
    entropy = x * tf.math.log(shown) + (1.0 - x) * tf.math.log(1.0 - shown)
    return -tf.reduce_sum(entropy, axis=(1, 2, 3))


LOSSES: dict[Loss, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "squared": squared,
    "absolute": absolute,
    "cross_entropy": cross_entropy,
}
