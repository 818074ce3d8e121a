"""The approximate manifold of images, {G(z)}, of any generator [R, Sec. 4].

"Our method can also use other generative models" [R, Sec. 5.2]: a generator whose latents are not
iGAN's is described by what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from common.images import BLOCK, PixelRange
from igan.features import to_signed

LARGEST = 0.999  # of |z| where its inverse tanh is taken, which is infinite at 1 [C clips, too]


@dataclass(frozen=True, slots=True, eq=False)
class Manifold:
    """A generator and its latents.

    Attributes:
        generator: from latents `[B, Z]` (and conditions `[B, A]`) to images `[B, S, S, C]`.
        pixel_range: of its images.
        prior: "uniform" for latents in [-1, 1], which stay there since z = tanh(y) is optimised by
            way of y; "normal" for latents of any size.
        condition: y `[A]` of a conditional generator, held; or None.
        free_condition: optimise the condition, in [-1, 1], beside z: latents have Z + A columns.
    """

    generator: keras.Model
    pixel_range: PixelRange = "signed"
    prior: Literal["uniform", "normal"] = "uniform"
    condition: Sequence[float] | None = None
    free_condition: bool = False

    @property
    def latent_size(self) -> int:
        """Z, with A where the condition is free."""
        shapes = [one.shape[1] for one in self.generator.inputs]
        return sum(shapes) if self.free_condition else shapes[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.generator.output_shape[1:]

    def images(self, latents: tf.Tensor) -> tf.Tensor:
        """G(z) `[B, S, S, C]` in the generator's range, with fixed batch statistics."""
        if len(self.generator.inputs) == 1:
            return self.generator(latents, training=False)
        if self.free_condition:
            inputs = tf.split(latents, [one.shape[1] for one in self.generator.inputs], axis=1)
        else:
            condition = tf.constant(np.array(self.condition, np.float32)[None])
            inputs = [latents, tf.repeat(condition, tf.shape(latents)[0], axis=0)]
        return self.generator(inputs, training=False)

    def signed(self, latents: tf.Tensor) -> tf.Tensor:
        """G(z) in [-1, 1], whatever the generator's range."""
        return to_signed(self.images(latents), self.pixel_range)

    def rendered(self, latents: np.ndarray) -> np.ndarray:
        """`images` of many latents, in blocks."""
        blocks = [
            np.asarray(self.images(tf.constant(latents[start : start + BLOCK], tf.float32)))
            for start in range(0, len(latents), BLOCK)
        ]
        return np.concatenate(blocks)

    def from_free(self, free: tf.Tensor) -> tf.Tensor:
        """Latents of unconstrained variables y `[B, D]`: z = tanh(y) [C]."""
        if self.prior == "uniform":
            return tf.tanh(free)
        z = self.generator.inputs[0].shape[1]
        return tf.concat([free[:, :z], tf.tanh(free[:, z:])], axis=1)

    def to_free(self, latents: np.ndarray, largest: float = LARGEST) -> np.ndarray:
        """The inverse of `from_free`; latents beyond `largest` are clipped to it."""
        inside = np.arctanh(np.clip(latents, -largest, largest))
        if self.prior == "uniform":
            return inside
        z = self.generator.inputs[0].shape[1]
        return np.concatenate([latents[:, :z], inside[:, z:]], axis=1)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Random latents `[count, D]`, float32; a condition is drawn in [-1, 1]."""
        shape = (count, self.latent_size)
        uniform = rng.uniform(-1.0, 1.0, shape)
        if self.prior == "normal":
            z = self.generator.inputs[0].shape[1]
            uniform[:, :z] = rng.standard_normal((count, z))
        return uniform.astype(np.float32)
