"""Value ranges and sizes of images, converted here and nowhere else.

Records and metrics hold `uint8` images in 0..255. Networks see `float32` images, by default in the
signed range [-1, 1], that of the papers' tanh outputs (CRG Sec. 3.2.1, IcGAN report Sec. 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

PixelRange = Literal["signed", "unit", "raw"]
RANGES = {"signed": (127.5, -1.0), "unit": (255.0, 0.0), "raw": (1.0, 0.0)}  # divisor and offset

BLOCK = 500  # images that pass a network at a time, where no gradient is wanted


def to_range(image, pixel_range: PixelRange = "signed"):
    """Maps 0..255 onto the range that networks see.

    Args:
        image: uint8 tensor or array `[..., H, W, C]`.
        pixel_range: "signed" for [-1, 1], "unit" for [0, 1], "raw" for 0..255 as it is.

    Returns:
        A float32 tensor of the same shape.
    """
    import tensorflow as tf

    divisor, offset = RANGES[pixel_range]
    return tf.cast(image, tf.float32) / divisor + offset


def range_text(pixel_range: PixelRange) -> str:
    """A range in words, for the users of exported networks."""
    divisor, offset = RANGES[pixel_range]
    low, high = offset, 255.0 / divisor + offset
    return f"{low:g} for black to {high:g} for white"


def from_range(image, pixel_range: PixelRange = "signed"):
    """Maps a network's range onto [0, 1], without clipping, so that gradients pass.

    Args:
        image: float tensor or array `[..., H, W, C]`.
        pixel_range: as for `to_range`.
    """
    divisor, offset = RANGES[pixel_range]
    return (image - offset) * (divisor / 255.0)


def to_uint8(image, pixel_range: PixelRange = "signed") -> np.ndarray:
    """Maps a network's range onto 0..255: clipped, scaled and rounded to the nearest integer.

    Args:
        image: float tensor or array `[..., H, W, C]`; values outside the range are clipped.
        pixel_range: as for `to_range`.

    Returns:
        A uint8 array of the same shape.
    """
    divisor, offset = RANGES[pixel_range]
    levels = (np.asarray(image, dtype=np.float32) - np.float32(offset)) * np.float32(divisor)
    return np.rint(np.clip(levels, 0.0, 255.0)).astype(np.uint8)


def padded(images: np.ndarray, size: int) -> np.ndarray:
    """Adds a black border on all sides, such as 2 pixels that make 28x28 digits 32x32.

    Args:
        images: uint8 `[N, H, W, C]`.
        size: side to reach, H and W plus an even number.

    Returns:
        uint8 `[N, size, size, C]`; the images themselves where nothing is to be added.
    """
    high, wide = ((size - side) // 2 for side in images.shape[1:3])
    if not high and not wide:
        return images
    return np.pad(images, ((0, 0), (high, high), (wide, wide), (0, 0)))


def cropped(images, size: int):
    """Takes the border of `padded` off arrays or tensors again: `[N, size, size, C]`, a view."""
    high, wide = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, high : high + size, wide : wide + size]


def to_unit(image) -> np.ndarray:
    """Maps 0..255 onto [0, 1], the range in which metrics are stated.

    Args:
        image: uint8 array `[..., H, W, C]`.

    Returns:
        A float32 array of the same shape: `image / 255`.
    """
    return np.asarray(image, dtype=np.float32) / 255.0


def in_blocks(apply: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Applies a function of batches to many images, block by block, so that memory stays small.

    Args:
        apply: takes rows of each array, and returns as many.
        *arrays: `[N, ...]` each.

    Returns:
        Its answers, joined.
    """
    starts = range(0, len(arrays[0]), BLOCK)
    return np.concatenate(
        [apply(*(array[start : start + BLOCK] for array in arrays)) for start in starts]
    )
