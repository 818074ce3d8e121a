"""The guided image filter (He et al. 2010), which upsamples fields along the edges of a photo.

OpenCV's own degenerates to a box filter for guides in [0, 1] that are nearly gray; this one is the
paper's Eqs. 14 to 16 of its colour version, by box filters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

EPS = 1e-3  # for guides in [0, 1]; ours


def guided_filter(
    guide: np.ndarray, fields: np.ndarray, radius: int, eps: float = EPS
) -> np.ndarray:
    """Filters fields so that they follow a guide.

    In each window a field is fitted as an affine function of the guide's colours.

    Args:
        guide: `[H, W, 3]` in [0, 1].
        fields: `[H, W, F]`.
        radius: half the side of the windows, in pixels.
        eps: how much variance of the guide counts as an edge.

    Returns:
        `[H, W, F]`, float32.
    """
    guide, fields = np.asarray(guide, np.float32), np.asarray(fields, np.float32)

    def mean(array: np.ndarray) -> np.ndarray:
        size: Any = (2 * radius + 1, 2 * radius + 1, *([1] * (array.ndim - 2)))
        return ndimage.uniform_filter(array, size, mode="reflect")

    guide_mean, field_mean = mean(guide), mean(fields)
    variance = mean(guide[..., :, None] * guide[..., None, :])
    variance -= guide_mean[..., :, None] * guide_mean[..., None, :]
    variance += eps * np.eye(3, dtype=np.float32)
    covariance = mean(guide[..., :, None] * fields[..., None, :])
    covariance -= guide_mean[..., :, None] * field_mean[..., None, :]
    slopes = np.linalg.solve(variance, covariance)  # [H, W, 3, F]
    offsets = field_mean - np.einsum("hwc,hwcf->hwf", guide_mean, slopes)
    return np.einsum("hwc,hwcf->hwf", guide, mean(slopes)) + mean(offsets)
