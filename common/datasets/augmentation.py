"""Images that are a little different at each look: shifted, recoloured.

Pure functions of the images and of random numbers in [-1, 1], so that the caller decides where
these come from; all have gradients with respect to the images. `pipeline` uses them for training
images, an adversarial step for what its discriminator sees (DiffAugment, Zhao et al.,
arXiv 2006.10738).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import tensorflow as tf

Border = Literal["reflect", "zero"]


def shifted(image: tf.Tensor, offset: tf.Tensor, border: Border = "reflect") -> tf.Tensor:
    """Moves each image by whole pixels.

    Args:
        image: float32 `[B, H, W, C]`.
        offset: int32 `[B, 2]`: pixels down and to the right, each smaller than the side.
        border: what comes in: the image mirrored at its edge, or zeros.

    Returns:
        float32 `[B, H, W, C]`.
    """
    import tensorflow as tf

    down = _taken(tf.shape(image)[1], offset[:, 0], border)  # [B, H, H]
    right = _taken(tf.shape(image)[2], offset[:, 1], border)  # [B, W, W]
    return tf.einsum("bhi,bijc,bwj->bhwc", down, image, right)


def _taken(side: tf.Tensor, offset: tf.Tensor, border: Border) -> tf.Tensor:
    """Which old row each new row is, as a matrix of 0 and 1 `[B, side, side]`."""
    import tensorflow as tf

    rows = tf.range(side)[None] - offset[:, None]  # [B, side], of the old image
    if border == "reflect":
        rows = tf.abs(rows)
        rows = side - 1 - tf.abs(side - 1 - rows)
    return tf.one_hot(rows, side)  # a row of zeros for what lies outside


def recoloured(image: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Changes brightness, contrast and saturation, in this order, as torchvision's ColorJitter.

    Values may leave the range of the images.

    Args:
        image: float32 `[B, H, W, C]`, 0 is black.
        factors: float32 `[B, 3]`, 1 for no change: of all values, of the distance from the image's
            mean gray, of the distance of each pixel from its own gray.

    Returns:
        float32 `[B, H, W, C]`.
    """
    import tensorflow as tf

    # Not by slices: Grappler loses the new axes of a slice of stacked tensors (TensorFlow 2.21).
    columns = tf.unstack(factors, axis=1)
    brightness, contrast, saturation = (tf.reshape(one, (-1, 1, 1, 1)) for one in columns)
    image = image * brightness
    middle = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
    image = (image - middle) * contrast + middle
    gray = tf.reduce_mean(image, axis=3, keepdims=True)
    return (image - gray) * saturation + gray
