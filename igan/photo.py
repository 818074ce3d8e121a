"""The square of a photo that the model sees, and what is put in its place.

What is done to it is in `common.transfer.photo`.
"""

from __future__ import annotations

import numpy as np

from common.transfer.guided import resized

FEATHER = 1 / 16  # of the square's side, over which it passes into the photo around it; ours

Box = tuple[int, int, int, int]  # left, top, right, bottom


def middle_square(photo: np.ndarray) -> Box:
    """The largest square in the middle of a photo `[H, W, C]`, which the model sees."""
    height, width = photo.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def naive(photo: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The baseline that the report warns of: x0 + G(z1) - G(z0), upsampled.

    Args:
        photo: uint8 `[H, W, 3]`, square.
        before: G(z0), uint8 `[S, S, 3]`.
        after: G(z1).
    """
    difference = resized(after.astype(np.float32) - before.astype(np.float32), photo.shape)
    return np.rint(np.clip(photo + difference, 0, 255)).astype(np.uint8)


def pasted(photo: np.ndarray, square: np.ndarray, box: Box) -> np.ndarray:
    """The photo with an edited square in its place; what is around it stays bit for bit.

    Where the square ends within the photo, the edit fades over a sixteenth of its side.
    """
    left, top, right, bottom = box
    height, width = photo.shape[:2]
    side = right - left
    ramp = np.minimum(1.0, (np.arange(side) + 0.5) / (FEATHER * side))
    ends = {
        "left": (left > 0, ramp[None, :]),
        "right": (right < width, ramp[None, ::-1]),
        "top": (top > 0, ramp[:, None]),
        "bottom": (bottom < height, ramp[::-1, None]),
    }
    weight = np.ones((side, side))
    for inside, fade in ends.values():
        weight = weight * fade if inside else weight
    result = photo.copy()
    was = photo[top:bottom, left:right].astype(np.float64)
    result[top:bottom, left:right] = np.rint(was + weight[..., None] * (square - was))
    return result
