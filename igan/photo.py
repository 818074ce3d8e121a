"""The transfer of an edit to the original photo, at its own resolution [R, Sec. 4.2.1].

What happened to the colours and to the places of pixels along the path G(z0) -> G(z1) is upsampled
along the photo's edges by a guided filter, and done to the photo: it keeps its own details, which G
does not have.
"""

from __future__ import annotations

import numpy as np

from igan.guided import guided_upsampling, resized
from igan.motion import Fields, fields_along, recoloured, warped

RADIUS = 2  # of the guided filter, in pixels of the model's image; ours
FEATHER = 1 / 16  # of the square's side, over which it passes into the photo around it; ours

Box = tuple[int, int, int, int]  # left, top, right, bottom


def middle_square(photo: np.ndarray) -> Box:
    """The largest square in the middle of a photo `[H, W, C]`, which the model sees."""
    height, width = photo.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


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


def gradient_energy(image: np.ndarray) -> float:
    """How sharp an image `[H, W, C]` is: the mean square of its pixels' differences on [0, 1]."""
    unit = image.astype(np.float64) / 255
    return float(sum(np.square(np.diff(unit, axis=axis)).mean() for axis in (0, 1)))


def photo_flow(flow: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A flow `[S, S, 2]` in pixels of a photo of that shape, which are smaller."""
    height, width = flow.shape[:2]
    return flow * np.array([shape[1] / width, shape[0] / height], np.float32)
