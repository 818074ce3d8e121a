"""How far faces are turned to a side, by the landmarks of `common.datasets.detection`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from common.datasets import detection

SIDE = 192  # pixels to which a face is enlarged; at 128 to 320, as many of 64 pixels are found
LEFT_EYE, RIGHT_EYE, NOSE = slice(0, 2), slice(2, 4), 4  # corners of the eyes, tip, in `marks`


def yaws(images: np.ndarray) -> np.ndarray:
    """The yaw of each face.

    Args:
        images: uint8 `[N, S, S, 3]`, an upright face each.

    Returns:
        float64 `[N]` as of `yaw`; NaN where no face is found.

    Raises:
        UserError: the weights of the detector are not installed.
    """
    found = [detection.largest_marks(enlarged(image)) for image in images]
    return np.array([np.nan if marks is None else yaw(marks) for marks in found], np.float64)


def yaw(marks: np.ndarray) -> float:
    """How far the tip of the nose is beside the middle of the eyes, in distances of the eyes.

    Along the line of the eyes, so that a head that is tilted has the yaw of one that is not. An eye
    is the middle of its corners, which a glance to a side does not move.

    Args:
        marks: `[11, 2]`, as `detection.marks` finds them.

    Returns:
        0 from the front, positive where the nose points to the right of the picture.
    """
    left, right = marks[LEFT_EYE].mean(axis=0), marks[RIGHT_EYE].mean(axis=0)
    across = right - left
    return float((marks[NOSE] - (left + right) / 2) @ across / (across @ across))


def enlarged(image: np.ndarray) -> Image.Image:
    """A face, uint8 `[S, S, 3]`, as large as the detector needs it, bilinear."""
    return Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
