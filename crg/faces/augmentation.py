"""The paper's augmentation of real images in stage 2 (Sec. 3.2.2): rotations and flips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Rotations "in the range of 30 degrees", "horizontal and vertical flips".

    The result is input and target of Eq. 2 at once; generated images are never augmented.

    Attributes:
        degrees: of the largest rotation, either way.
        horizontal: mirror by chance.
        vertical: turn upside down by chance.
    """

    degrees: float = 30.0
    horizontal: bool = True
    vertical: bool = True

    def __call__(self, images: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
        """The images, each changed in its own way.

        Args:
            images: float32 `[B, S, S, C]`.
            chance: `[B, 3]`, uniform on [-1, 1]: rotation, horizontal flip, vertical flip.

        Returns:
            float32 `[B, S, S, C]`; where a rotation leaves the image, its nearest pixel stands.
        """
        if self.degrees:
            images = rotated(images, chance[:, 0] * math.radians(self.degrees))
        for wanted, axis, column in ((self.horizontal, 2, 1), (self.vertical, 1, 2)):
            if wanted:
                flipped = tf.reverse(images, [axis])
                images = tf.where(chance[:, column, None, None, None] < 0, flipped, images)
        return images


def rotated(images: tf.Tensor, angles: tf.Tensor) -> tf.Tensor:
    """Rotates each image about its centre, bilinearly.

    Args:
        images: float32 `[B, S, S, C]`.
        angles: radians `[B]`, counter-clockwise.
    """
    centre = ((images.shape[1] or 1) - 1) / 2
    cosine, sine = tf.cos(angles), tf.sin(angles)
    zeros = tf.zeros_like(angles)
    # From a pixel (column, row) of the result to the one it comes from; rows count downwards.
    transforms = tf.stack(
        [
            *(cosine, -sine, centre - centre * cosine + centre * sine),
            *(sine, cosine, centre - centre * sine - centre * cosine),
            *(zeros, zeros),
        ],
        axis=1,
    )
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
