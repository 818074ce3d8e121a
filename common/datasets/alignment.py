"""A face of any photograph, taken to CelebA's frame.

CelebA's images are 178x218 pixels with the eyes at the same place in all of them. A similarity
transform (shift, turn, scale) takes a photograph there, so that the networks see what they were
trained on. `common.transfer.pasting` takes an edit back by its inverse.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from common.datasets.celeba.faces import HEIGHT, WIDTH, Crop
from common.datasets.detection import find_faces
from common.datasets.folder import as_mode, decode
from common.datasets.warping import moved, similarity, warped
from common.errors import UserError

logger = logging.getLogger(__name__)

# Where the eyes, the tip of the nose and the corners of the mouth are in the frame: medians of what
# the detector finds in 1,000 training faces.
EYES = np.array([(69.0, 112.4), (108.0, 112.4)])
POINTS = np.array([*EYES, (87.9, 138.1), (71.7, 152.1), (105.4, 152.1)])
BOX = np.array([(37.4, 77.5), (140.2, 180.3)])  # corners of the detector's box there; likewise
SMALLEST = 32  # pixels of a photograph's shorter side; ours: no face in it would have 12
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


def smaller(photo: Photo, alignment: Alignment, most: int) -> tuple[Photo, Alignment]:
    """A photograph with at most so many pixels on its longer side, and where the face is in it.

    In RGB where it is made smaller; transparent parts are black.
    """
    size = np.array(photo.image.size)
    if size.max() <= most:
        return photo, alignment
    wanted = np.maximum(1, np.rint(size * (most / size.max()))).astype(int)
    image = photo.image.resize((int(wanted[0]), int(wanted[1])), Image.Resampling.LANCZOS)
    matrix = alignment.matrix * (wanted / size)[:, None]
    return Photo(np.asarray(image)), Alignment(matrix)


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
