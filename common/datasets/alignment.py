"""A face of any photograph, taken to CelebA's frame, and an edit of it taken back.

CelebA's images are 178x218 pixels with the eyes at the same place in all of them. A similarity
transform (shift, turn, scale) takes a photograph there, so that the networks see what they were
trained on; its inverse takes what an edit changed back into the photograph at full resolution.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image

from common.datasets.celeba.faces import HEIGHT, WIDTH, Crop
from common.datasets.detection import find_faces
from common.datasets.folder import as_mode, decode
from common.datasets.warping import inverted, moved, similarity, warped
from common.errors import UserError

logger = logging.getLogger(__name__)

Paste = Literal["difference", "feather", "none"]

# Where the eyes, the tip of the nose and the corners of the mouth are in the frame: medians of what
# the detector finds in 1,000 training faces.
EYES = np.array([(69.0, 112.4), (108.0, 112.4)])
POINTS = np.array([*EYES, (87.9, 138.1), (71.7, 152.1), (105.4, 152.1)])
BOX = np.array([(37.4, 77.5), (140.2, 180.3)])  # corners of the detector's box there; likewise
SMALLEST = 32  # pixels of a photograph's shorter side; ours: no face in it would have 12
LARGEST = 1024  # pixels of the square in which an edit is drawn at the photograph's resolution
FEATHER = 0.18  # of the square's side, over which an edit fades out at its border; ours, by eye
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")  # brands of iPhones' files


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph.

    Attributes:
        pixels: uint8 `[H, W, 3]`, or `[H, W, 4]` with transparent parts; upright by its EXIF.
    """

    pixels: np.ndarray

    @property
    def image(self) -> Image.Image:
        """In RGB; transparent parts are black."""
        return as_mode(Image.fromarray(self.pixels), "RGB")


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a face is in a photograph.

    Attributes:
        matrix: `[2, 3]`, from pixels of CelebA's frame to those of the photograph.
    """

    matrix: np.ndarray

    def framed(self, photo: Photo) -> Image.Image:
        """The face as CelebA would have it, RGB, 178x218."""
        return warped(photo.image, self.matrix, (WIDTH, HEIGHT))

    def square(self, crop: Crop, pixels: int) -> np.ndarray:
        """The map `[2, 3]` from so many pixels of a crop of the frame to the photograph."""
        left, top, right, bottom = crop
        scale = np.array([(right - left, 0, left), (0, bottom - top, top)]) / (pixels, pixels, 1)
        return np.column_stack([self.matrix[:, :2] @ scale[:, :2], moved(scale[:, 2], self.matrix)])


def read_photo(file: Path | BinaryIO, name: str | None = None) -> Photo:
    """Reads a photograph of any kind that Pillow knows, upright, in 8 bits.

    HEIC is read where the package pillow-heif is installed.

    Args:
        file: the file, or an open one.
        name: what to call an open one.

    Raises:
        UserError: it is damaged, no image, too small or too large.
    """
    with file.open("rb") if isinstance(file, Path) else contextlib.nullcontext(file) as opened:
        head = opened.read(12)
        opened.seek(0)
        if head[4:8] == b"ftyp" and head[8:12] in HEIC:
            _read_heic(name or file)
        image = decode(opened, name or str(file))
    if min(image.size) < SMALLEST:
        raise UserError(
            f"{name or file} has {image.width}x{image.height} pixels; a photograph of a face needs "
            f"at least {SMALLEST} on each side."
        )
    if image.has_transparency_data and not image.mode.startswith("I"):
        return Photo(np.asarray(image.convert("RGBA")))
    return Photo(np.asarray(as_mode(image, "RGB")))


def align(
    photo: Photo,
    name: str = "the photograph",
    face: int = 1,
    box: Sequence[float] | None = None,
    landmarks: Sequence[float] | None = None,
) -> Alignment:
    """Finds a face in a photograph, or takes it from where a person says it is.

    Args:
        photo: the photograph.
        name: what to call it in messages.
        face: which one, 1 for the largest.
        box: left, top, right, bottom of an upright face from brow to chin, in pixels.
        landmarks: x and y of both eyes, or of eyes, nose and corners of the mouth, in pixels.

    Raises:
        UserError: there is no such face; a box or landmarks that are none; the weights of the
            detector are not installed.
    """
    if landmarks is not None:
        return Alignment(similarity(*_landmarks(landmarks)))
    if box is not None:
        left, top, right, bottom = box
        if not (left < right and top < bottom):
            raise UserError("--box takes LEFT TOP RIGHT BOTTOM with LEFT < RIGHT and TOP < BOTTOM.")
        middle, side = (
            np.array([left + right, top + bottom]) / 2,
            math.hypot(right - left, bottom - top),
        )
        half = np.array([1.0, 1.0]) * side / math.sqrt(8.0)
        return Alignment(similarity(BOX, np.stack([middle - half, middle + half])))
    found = alignments(photo)
    if not found:
        raise UserError(
            f"No face is found in {name}. Say where it is by --landmarks, x and y of both eyes in "
            "pixels, or take a photograph that shows it larger and from the front."
        )
    if not 1 <= face <= len(found):
        count = f"{len(found)} faces, 1 is the largest" if len(found) > 1 else "one face"
        raise UserError(f"--face {face}: {name} shows {count}.")
    if len(found) > 1:
        logger.info("%s shows %d faces; --face %d, 1 is the largest", name, len(found), face)
    return found[face - 1]


def alignments(photo: Photo) -> list[Alignment]:
    """Those of all faces that are found in a photograph, the largest first.

    Raises:
        UserError: the weights of the detector are not installed.
    """
    return [Alignment(similarity(EYES, face.eyes)) for face in find_faces(photo.image)]


def pasted(
    photo: Photo,
    alignment: Alignment,
    crop: Crop,
    before: np.ndarray,
    after: np.ndarray,
    how: Paste = "difference",
) -> np.ndarray:
    """Takes an edit of a face back into its photograph.

    Args:
        photo: the photograph.
        alignment: of the face.
        crop: the square of the frame that the images show.
        before: what the model makes of the face without the edit, uint8 `[S, S, 3]`.
        after: with it, uint8 `[S, S, 3]`.
        how: "difference" adds what the edit changed (after minus before), so that the photograph
            keeps its sharpness and an edit of nothing changes nothing; "feather" puts the edited
            face itself there. Both fade out towards the border of the square.

    Returns:
        uint8, as the photograph; pixels outside the square are the same, bit for bit.
    """
    corners = moved(
        np.array([(0, 0), (1, 0), (0, 1), (1, 1)], np.float64), alignment.square(crop, 1)
    )
    high, wide = photo.pixels.shape[:2]
    low = np.clip(np.floor(corners.min(axis=0)), 0, (wide, high)).astype(int)
    top = np.clip(np.ceil(corners.max(axis=0)), 0, (wide, high)).astype(int)
    result = photo.pixels.copy()
    if (low >= top).any():
        return result
    side = float(np.linalg.norm(corners[1] - corners[0]))
    pixels = int(np.clip(round(side), len(after), LARGEST))
    face = np.asarray(
        warped(photo.image, alignment.square(crop, pixels), (pixels, pixels)), np.float32
    )
    change = drawn(face, before, after, how) - face
    # From the part of the photograph that changes to the square, in which the change was drawn.
    back = inverted(alignment.square(crop, pixels))
    back = np.column_stack([back[:, :2], moved(low.astype(np.float64), back)])
    size = (int(top[0] - low[0]), int(top[1] - low[1]))
    mask = faded(pixels)
    layers = [
        np.asarray(warped(Image.fromarray(layer), back, size))
        for layer in (mask, *np.moveaxis(change * mask[:, :, None], -1, 0).copy())
    ]
    inside = layers[0] > 0.0
    part = result[low[1] : top[1], low[0] : top[0], :3]
    levels = np.rint(np.clip(part + np.stack(layers[1:], axis=-1), 0.0, 255.0)).astype(np.uint8)
    part[inside] = levels[inside]
    return result


def drawn(face: np.ndarray, before: np.ndarray, after: np.ndarray, how: Paste) -> np.ndarray:
    """An edit at the resolution of the photograph: each way to paste is one case here.

    Args:
        face: the face as it is in the photograph, float32 `[P, P, 3]`, 0 to 255.
        before: as for `pasted`.
        after: as for `pasted`.
        how: as for `pasted`.

    Returns:
        float32 `[P, P, 3]`.
    """
    size = face.shape[:2]
    if how == "difference":
        return face + _enlarged(after, size) - _enlarged(before, size)
    return _enlarged(after, size)


def faded(pixels: int) -> np.ndarray:
    """How much of an edit is pasted, float32 `[P, P]`: 1 inside, falling to 0 at the border."""
    place = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    ramp = np.clip((np.minimum(place, 1.0 - place) - 1.5 / pixels) / FEATHER, 0.0, 1.0)
    smooth = ramp * ramp * (3.0 - 2.0 * ramp)  # no edge where it begins and ends
    return np.outer(smooth, smooth)


def _enlarged(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image of the model at another size, float32, without rounding between."""
    layers = [
        np.asarray(Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC))
        for layer in np.moveaxis(image.astype(np.float32), -1, 0).copy()
    ]
    return np.stack(layers, axis=-1)


def _landmarks(numbers: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Places in the frame, and those in the photograph that a person gave.

    Raises:
        UserError: not two or five points, or eyes at one place.
    """
    points = np.array(numbers, np.float64)
    if len(points) not in (4, 10):
        raise UserError(
            f"--landmarks has {len(points)} numbers; give x and y of both eyes, that on the left "
            "of the picture first, and after them, if you like, of the nose and of both corners of "
            "the mouth."
        )
    points = points.reshape(-1, 2)
    if np.linalg.norm(points[1] - points[0]) < 1.0:
        raise UserError("--landmarks has both eyes at one place; give them in pixels.")
    return POINTS[: len(points)], points


def _read_heic(name: object) -> None:
    """Teaches Pillow to read the photographs of iPhones.

    Raises:
        UserError: the package that can is not installed.
    """
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise UserError(
            f"{name} is a HEIC photograph: .venv/bin/python -m pip install pillow-heif, or convert "
            "it to JPEG."
        ) from None
