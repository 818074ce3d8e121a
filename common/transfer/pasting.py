"""An edit of an aligned face, taken back into its photograph at full resolution.

The model sees the face alone and small. What an edit does there along a path of images becomes a
change of the face as it is in the photograph, by one of several ways to paste; the change fades out
towards the border of the square, and everything outside stays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from common.datasets.alignment import Alignment, Photo
from common.datasets.warping import inverted, moved, warped
from common.kinds import Faces

Paste = Literal["difference", "feather", "transfer", "none"]
# The face in the photograph, uint8 `[P, P, 3]`, to the edited one, float32, the same shape, 0..255.
Change: TypeAlias = Callable[[np.ndarray], np.ndarray]

LARGEST = 1024  # pixels of the square in which an edit is drawn at the photograph's resolution
FEATHER = 0.18  # of the square's side, over which an edit fades out at its border; ours, by eye


def changes(path: np.ndarray, how: Paste) -> list[Change]:
    """What each image of a path does to the face: each way to paste is one case here.

    Args:
        path: uint8 `[T, S, S, 3]`, from what the model makes of the face without the edit to what
            it makes with it.
        how: "difference" adds what the edit changed (the image minus the first), so that the
            photograph keeps its sharpness; "feather" puts the image itself there; "transfer" moves
            and recolours the photograph's own pixels as those of the images were on the way.

    Returns:
        T changes; the first is none, but for "feather".

    Raises:
        UserError: "transfer", and there is no program that computes flow.
        ValueError: "none", which puts nothing back.
    """
    match how:
        case "difference":
            return [functools.partial(_shifted, path[0], image) for image in path]
        case "feather":
            return [functools.partial(_replaced, image) for image in path]
        case "transfer":
            from common.transfer.motion import fields_along
            from common.transfer.photo import changed

            along = fields_along(path.astype(np.float32) / 255)
            return [functools.partial(changed, fields=fields) for fields in along]
    raise ValueError(f"{how} puts nothing back into a photograph")


def pasted(photo: Photo, alignment: Alignment, kind: Faces, change: Change) -> np.ndarray:
    """Takes an edit of a face back into its photograph.

    Args:
        photo: the photograph.
        alignment: of the face.
        kind: of the images that the model makes.
        change: of the face, see `changes`.

    Returns:
        uint8, as the photograph; pixels outside the square are the same, bit for bit.
    """
    corners = moved(
        np.array([(0, 0), (1, 0), (0, 1), (1, 1)], np.float64), alignment.square(kind.crop, 1)
    )
    high, wide = photo.pixels.shape[:2]
    low = np.clip(np.floor(corners.min(axis=0)), 0, (wide, high)).astype(int)
    top = np.clip(np.ceil(corners.max(axis=0)), 0, (wide, high)).astype(int)
    result = photo.pixels.copy()
    if (low >= top).any():
        return result
    side = float(np.linalg.norm(corners[1] - corners[0]))
    pixels = int(np.clip(round(side), kind.size, LARGEST))
    square = alignment.square(kind.crop, pixels)
    face = np.asarray(warped(photo.image, square, (pixels, pixels)))
    difference = change(face).astype(np.float32) - face
    # From the part of the photograph that changes to the square, in which the change was drawn.
    back = inverted(square)
    back = np.column_stack([back[:, :2], moved(low.astype(np.float64), back)])
    size = (int(top[0] - low[0]), int(top[1] - low[1]))
    mask = faded(pixels)
    layers = [
        np.asarray(warped(Image.fromarray(layer), back, size))
        for layer in (mask, *np.moveaxis(difference * mask[:, :, None], -1, 0).copy())
    ]
    inside = layers[0] > 0.0
    part = result[low[1] : top[1], low[0] : top[0], :3]
    levels = np.rint(np.clip(part + np.stack(layers[1:], axis=-1), 0.0, 255.0)).astype(np.uint8)
    part[inside] = levels[inside]
    return result


def faded(pixels: int) -> np.ndarray:
    """How much of an edit is pasted, float32 `[P, P]`: 1 inside, falling to 0 at the border."""
    place = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    ramp = np.clip((np.minimum(place, 1.0 - place) - 1.5 / pixels) / FEATHER, 0.0, 1.0)
    smooth = ramp * ramp * (3.0 - 2.0 * ramp)  # no edge where it begins and ends
    return np.outer(smooth, smooth)


def _shifted(before: np.ndarray, after: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The face plus what changed from one image of the model to another."""
    return face + _enlarged(after, face.shape) - _enlarged(before, face.shape)


def _replaced(after: np.ndarray, face: np.ndarray) -> np.ndarray:
    """An image of the model in place of the face."""
    return _enlarged(after, face.shape)


def _enlarged(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An image of the model at another size, float32, without rounding between."""
    layers = [
        np.asarray(Image.fromarray(layer).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
        for layer in np.moveaxis(image.astype(np.float32), -1, 0).copy()
    ]
    return np.stack(layers, axis=-1)
