"""Pictures seen through affine maps, antialiased: what a turned face is cut out and put back by."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

MARGIN = 3  # pixels of the source around what is looked at, for the filters


def warped(image: Image.Image, matrix: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """An image seen through an affine map, bicubic and antialiased; its edge goes on beyond it.

    Args:
        image: of mode `RGB`, `L` or `F`.
        matrix: `[2, 3]`, from places in the result to places in the image, both in pixels, where
            (0, 0) is the corner of the first pixel.
        size: width and height of the result.
    """
    scale = max(1.0, math.sqrt(abs(float(np.linalg.det(matrix[:, :2])))))
    corners = np.array([(0, 0), (size[0], 0), (0, size[1]), size], np.float64)
    seen = moved(corners, matrix)
    low = np.floor(seen.min(axis=0) - MARGIN * scale)
    high = np.ceil(seen.max(axis=0) + MARGIN * scale)
    limits = np.array(image.size)
    first, last = np.clip(low, 0, limits - 1), np.clip(high, 1, limits)
    # What is looked at alone, made smaller first where the map would skip pixels.
    small = np.maximum(1, np.rint((last - first) / scale))
    factor = small / (last - first)
    part = image.resize(
        (int(small[0]), int(small[1])), Image.Resampling.LANCZOS, (*first.tolist(), *last.tolist())
    )
    before, after = (
        np.ceil(np.maximum(beyond, 0.0) * factor).astype(int)
        for beyond in (first - low, high - last)
    )
    pixels = np.asarray(part)
    around = [(before[1], after[1]), (before[0], after[0]), (0, 0)][: pixels.ndim]
    inner = np.column_stack([matrix[:, :2], matrix[:, 2] - first]) * factor[:, None]
    inner[:, 2] += before
    return Image.fromarray(np.pad(pixels, around, mode="edge")).transform(
        size, Image.Transform.AFFINE, tuple(inner.reshape(-1)), Image.Resampling.BICUBIC
    )


def inverted(matrix: np.ndarray) -> np.ndarray:
    """The way back of an affine map `[2, 3]`."""
    return np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points `[..., 2]` through an affine map `[2, 3]`."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def similarity(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The shift, turn and scale that takes points nearest to others, in the sense of least squares.

    Args:
        start: `[N, 2]`, at least two different points.
        end: `[N, 2]`.

    Returns:
        `[2, 3]`.
    """
    p, q = (points[:, 0] + 1j * points[:, 1] for points in (start, end))
    factor = np.vdot(p - p.mean(), q - q.mean()) / np.vdot(p - p.mean(), p - p.mean())
    shift = q.mean() - factor * p.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
