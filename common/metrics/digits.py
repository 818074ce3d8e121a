"""Attributes that can be measured on an image of a digit, without labels or a model."""

from __future__ import annotations

import numpy as np


def ink(images: np.ndarray) -> np.ndarray:
    """Share of white in each image, the measure of thickness within a digit.

    Args:
        images: uint8 `[N, H, W, 1]`, white on black.

    Returns:
        float64 `[N]` in 0..1.
    """
    return images.mean(axis=(1, 2, 3)) / 255.0


def slant(images: np.ndarray) -> np.ndarray:
    """Angle of each digit to the vertical, from its second moments: atan(-mu_11 / mu_02).

    Args:
        images: uint8 `[N, H, W, 1]`, white on black.

    Returns:
        float64 `[N]` in degrees, positive when the top leans to the right; 0 for an empty image.
    """
    mass = images[..., 0].astype(np.float64)
    total = np.maximum(mass.sum(axis=(1, 2)), 1e-9)
    rows = np.arange(mass.shape[1])[None, :, None]
    columns = np.arange(mass.shape[2])[None, None, :]
    row = rows - ((mass * rows).sum(axis=(1, 2)) / total)[:, None, None]
    column = columns - ((mass * columns).sum(axis=(1, 2)) / total)[:, None, None]
    mixed = (mass * row * column).sum(axis=(1, 2))
    vertical = np.maximum((mass * row**2).sum(axis=(1, 2)), 1e-9)
    return np.degrees(np.arctan(-mixed / vertical))
