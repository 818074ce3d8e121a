"""A differentiable HOG descriptor, the constraint of the sketching brush [R, Sec. 4.2.2].

Histograms of oriented gradients without the block normalisation of Dalal & Triggs (2005), as the
public code [C] defines them: 8 unsigned orientations, softly binned, pooled by tents into cells.
The numbers are [C]'s. One deviation: gradients at the border see the image mirrored; [C] sees black
around it, which alone gives a bright image up to 2.2 in its border cells.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import tensorflow as tf

ORIENTATIONS = 8  # bin i holds gradients at i * 22.5 degrees, of either sign
SMALLEST = 1e-3  # under the root of the magnitude, whose gradient would be infinite at 0
CELL = {3: 8, 1: 4}  # channels -> side of a cell in pixels

Border = Literal["mirror", "black"]


def hog(images: tf.Tensor, cell: int, border: Border = "mirror") -> tf.Tensor:
    """The descriptor of images.

    Args:
        images: `[B, S, S, C]` in [-1, 1].
        cell: side of a cell in pixels, which divides S.
        border: what gradients at the border see.

    Returns:
        `[B, S / cell, S / cell, 8]`: sums of gradient magnitudes, each weighted by how well its
        direction fits the bin and by a tent around the cell; an edge of height 1 on [0, 1] along
        the middle of a cell gives about `cell`.
    """
    gray = tf.reduce_mean((images + 1.0) / 2.0, axis=3, keepdims=True)
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    gray = tf.pad(gray, pads, "SYMMETRIC" if border == "mirror" else "CONSTANT")
    gradients = tf.nn.conv2d(gray, tf.constant(_SOBEL), 1, "VALID")  # [B, S, S, 2]: right, down
    magnitude = tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=3, keepdims=True) + SMALLEST)
    along = tf.abs(tf.tensordot(gradients, tf.constant(_DIRECTIONS), 1))  # [B, S, S, 8]
    widest = math.cos(math.pi / ORIENTATIONS)  # a bin ends where its neighbours are at their best
    response = tf.nn.relu((along - widest * magnitude) / (1.0 - widest))
    tents = tf.constant(_tents(images.shape[1], cell))
    return tf.einsum("rh,bhwo,cw->brco", tents, response, tents)


def active_cells(mask: np.ndarray, cell: int) -> np.ndarray:
    """The cells whose window of 2 x 2 cells' size holds a marked pixel.

    Args:
        mask: `[S, S]`, above 0 where marked.
        cell: side of a cell.

    Returns:
        float32 `[S / cell, S / cell]` of 0 and 1.
    """
    half, count = cell // 2, mask.shape[0] // cell
    padded = np.pad(mask > 0, half)
    found = [
        [
            padded[row * cell : (row + 2) * cell, column * cell : (column + 2) * cell].any()
            for column in range(count)
        ]
        for row in range(count)
    ]
    return np.array(found, np.float32)


def _tents(side: Any, cell: int) -> np.ndarray:
    """Weights `[side / cell, side]` of pixels in cells.

    From the middle of a cell they fall linearly to zero over a cell's side on either side; where
    nothing is cut off they sum to `cell`.
    """
    middles = (np.arange(side // cell) + 0.5) * cell
    away = np.abs(np.arange(side) + 0.5 - middles[:, None])
    return np.maximum(0.0, 1.0 - away / cell).astype(np.float32)


_RIGHT = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 4
_SOBEL = np.stack([_RIGHT, _RIGHT.T], axis=-1)[:, :, None, :]  # [3, 3, 1, 2]
_ANGLES = np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32)  # [2, 8]
