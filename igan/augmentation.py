"""What D sees of images, real or generated, where they are few: DiffAugment (Zhao et al. 2020).

The same random changes of real and generated images, through which gradients pass, keep D from
learning a few thousand images by heart. Of its three kinds, colour and translation; cutout is left
out, since it gains least (their Table 6).
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

DRAWS = 5  # random numbers an image
BRIGHTNESS = 1.0  # full width of the shift, of a range of 2
SATURATION = 1.0  # the factor is from 0 to 2
CONTRAST = 0.5  # the factor is from 0.5 to 1.5
TRANSLATION = 1 / 8  # of the side, at most


def augmented(images: tf.Tensor, draws: tf.Tensor, span: float) -> tf.Tensor:
    """Changes brightness, saturation and contrast, and moves the image over a black ground.

    Args:
        images: `[B, S, S, C]`.
        draws: `[B, 5]`, uniform on [-1, 1]: brightness, saturation, contrast, down, right.
        span: length of the images' range: 2 for [-1, 1], 1 for [0, 1].
    """
    brightness, saturation, contrast, down, right = (
        tf.reshape(draw, (-1, 1, 1, 1)) for draw in tf.unstack(draws, axis=1)
    )
    x = images + BRIGHTNESS / 4 * span * brightness
    gray = tf.reduce_mean(x, axis=3, keepdims=True)
    x = gray + (1.0 + SATURATION * saturation) * (x - gray)
    mean = tf.reduce_mean(x, axis=[1, 2, 3], keepdims=True)
    x = mean + (1.0 + CONTRAST * contrast) * (x - mean)
    black = 0.0 if span == 1.0 else -1.0
    side: Any = images.shape[1]
    rows, columns = (_shifting(tf.reshape(amount, (-1,)), side) for amount in (down, right))
    moved = tf.einsum("bij,bjwc->biwc", rows, x - black)
    return black + tf.einsum("bij,bhjc->bhic", columns, moved)


def _shifting(amount: tf.Tensor, side: int) -> tf.Tensor:
    """Matrices `[B, side, side]` that move lines by amounts `[B]` in [-1, 1], to whole pixels."""
    largest = round(TRANSLATION * side)
    shift = tf.cast(tf.round(amount * largest), tf.int32)
    source = tf.range(side)[None, :] - shift[:, None]  # of each line, where it comes from
    return tf.one_hot(source, side)  # zero where that is outside
