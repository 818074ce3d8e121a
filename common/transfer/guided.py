"""The guided image filter (He et al. 2010), which upsamples fields along the edges of a photo.

OpenCV's own degenerates to a box filter for guides in [0, 1] that are nearly gray; this one is the
paper's Eqs. 14 to 16 of its colour version, by box filters. Of large photos the affine functions
are fitted on a smaller copy and applied to the photo itself (the fast guided filter, He & Sun
2015), which bounds time and memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

EPS = 1e-3  # for guides in [0, 1]; ours
LARGEST = 512  # side of the guide on which is fitted, at most; ours


def guided_upsampling(
    guide: np.ndarray, fields: np.ndarray, radius: float, eps: float = EPS
) -> np.ndarray:
    """Fields of a small image, at the size of a photo and along its edges.

    Args:
        guide: the photo, `[H, W, 3]` in [0, 1].
        fields: `[h, w, F]`.
        radius: half the side of the windows, in pixels of `fields`.
        eps: how much variance of the guide counts as an edge.

    Returns:
        `[H, W, F]`, float32.
    """
    guide = np.asarray(guide, np.float32)
    share = min(1.0, LARGEST / max(guide.shape[:2]))
    shape = tuple(max(1, round(share * side)) for side in guide.shape[:2])
    small = guide if share == 1.0 else resized(guide, shape)
    pixels = max(1, round(radius * shape[0] / fields.shape[0]))
    slopes, offsets = fitted(small, resized(fields, shape), pixels, eps)
    if share == 1.0:
        return np.einsum("hwc,hwcf->hwf", guide, slopes) + offsets
    found = np.empty((*guide.shape[:2], fields.shape[2]), np.float32)
    for index in range(fields.shape[2]):  # one at a time: at full size they are large
        slope = resized(slopes[..., index], guide.shape)
        offset = resized(offsets[..., index : index + 1], guide.shape)[..., 0]
        found[..., index] = np.einsum("hwc,hwc->hw", guide, slope) + offset
    return found


def fitted(
    guide: np.ndarray, fields: np.ndarray, radius: int, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """The mean affine functions of the guide's colours that fit the fields in all windows.

    Args:
        guide: `[H, W, 3]` in [0, 1].
        fields: `[H, W, F]`.
        radius: half the side of the windows, in pixels.
        eps: as for `guided_upsampling`.

    Returns:
        Slopes `[H, W, 3, F]` and offsets `[H, W, F]`.
    """

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
    return mean(slopes), mean(offsets)


def resized(fields: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Fields `[h, w, F]` as `[H, W, F]`, bilinear, pixels aligned by their centres."""
    if fields.shape[:2] == shape[:2]:
        return np.asarray(fields, np.float32)
    size = shape[1], shape[0]
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(one)).resize(size, Image.Resampling.BILINEAR)
        )
        for one in np.moveaxis(np.asarray(fields, np.float32), -1, 0)
    ]
    return np.stack(channels, axis=-1)
