"""The transfer of an edit to the original photo, at its own resolution [R, Sec. 4.2.1].

What happened to the colours and to the places of pixels along the path G(z0) -> G(z1) is upsampled
along the photo's edges by a guided filter, and done to the photo: it keeps its own details, which G
does not have.
"""

from __future__ import annotations

import numpy as np

from common.transfer.guided import guided_upsampling
from common.transfer.motion import Fields, fields_along, recoloured, warped

RADIUS = 2  # of the guided filter, in pixels of the model's image; ours


def transferred(photo: np.ndarray, frames: np.ndarray, which: slice = slice(None)) -> np.ndarray:
    """The photo after what happens along a path on the manifold.

    Args:
        photo: uint8 `[H, W, 3]`, square.
        frames: the path, uint8 `[T, S, S, 3]`; the first is the photo's projection.
        which: of the frames; all by default.

    Returns:
        uint8 `[T, H, W, 3]`: the photo at each of them, at the first of all unchanged.

    Raises:
        UserError: there is no program that computes flow.
    """
    along = fields_along(frames.astype(np.float32) / 255)[which]
    return np.stack([changed(photo, fields) for fields in along])


def changed(photo: np.ndarray, fields: Fields) -> np.ndarray:
    """The square photo, uint8 `[H, W, 3]`, after motion and change of colours of a small image.

    The photo is warped first; the colours live where its pixels have come to, so the warped photo
    guides them.
    """
    unit = photo.astype(np.float32) / 255
    flow = guided_upsampling(unit, photo_flow(fields.flow, photo.shape), RADIUS)
    moved = warped(unit, flow, order=3)
    none = np.eye(3, 4, dtype=np.float32)
    change = (fields.colour - none).reshape(*fields.colour.shape[:2], 12)
    change = guided_upsampling(np.clip(moved, 0, 1), change, RADIUS)
    edited = recoloured(moved, none + change.reshape(*photo.shape[:2], 3, 4))
    return np.rint(np.clip(edited, 0, 1) * 255).astype(np.uint8)


def gradient_energy(image: np.ndarray) -> float:
    """How sharp an image `[H, W, C]` is: the mean square of its pixels' differences on [0, 1]."""
    unit = image.astype(np.float64) / 255
    return float(sum(np.square(np.diff(unit, axis=axis)).mean() for axis in (0, 1)))


def photo_flow(flow: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A flow `[S, S, 2]` in pixels of a photo of that shape, which are smaller."""
    height, width = flow.shape[:2]
    return flow * np.array([shape[1] / width, shape[0] / height], np.float32)
