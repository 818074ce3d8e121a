"""Value ranges and sizes of images, converted here and nowhere else.

Records and metrics hold `uint8` images in 0..255. Networks see `float32` images in the symmetric
range [-1, 1], that of the papers' tanh outputs (CRG Sec. 3.2.1).
"""

from __future__ import annotations

import numpy as np


def to_symmetric(image):
    """Maps 0..255 onto [-1, 1].

    Args:
        image: uint8 tensor or array `[..., H, W, C]`.

    Returns:
        A float32 tensor of the same shape: `image / 127.5 - 1`.
    """
    import tensorflow as tf

    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_uint8(image) -> np.ndarray:
    """Maps [-1, 1] onto 0..255: clipped, scaled and rounded to the nearest integer.

    Args:
        image: float tensor or array `[..., H, W, C]` in [-1, 1]; values outside are clipped.

    Returns:
        A uint8 array of the same shape.
    """
    image = np.clip(np.asarray(image, dtype=np.float32), -1.0, 1.0)
    return np.rint((image + 1.0) * 127.5).astype(np.uint8)


def to_unit(image) -> np.ndarray:
    """Maps 0..255 onto [0, 1], the range in which metrics are stated.

    Args:
        image: uint8 array `[..., H, W, C]`.

    Returns:
        A float32 array of the same shape: `image / 255`.
    """
    return np.asarray(image, dtype=np.float32) / 255.0
