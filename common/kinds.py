"""Kinds of images: how a file becomes an array that networks know."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from common.datasets.celeba.faces import WHOLE_WIDTH, Crop, face, face_text, read_faces
from common.datasets.digits import digit, read_digits
from common.datasets.folder import as_array, as_mode, listed, read_each
from common.errors import UserError

logger = logging.getLogger(__name__)

TINT = 12  # levels between the largest and the smallest channel that a gray photograph may have


class Kind(Protocol):
    """What every kind of images tells."""

    @property
    def noun(self) -> str:
        """One of them, in a word."""
        ...

    @property
    def channels(self) -> int:
        """1 for gray, 3 for colour."""
        ...

    @property
    def size(self) -> int:
        """Side of the images, in pixels."""
        ...

    @property
    def text(self) -> str:
        """What an array of this kind shows, in words, for users of exported networks."""
        ...

    def array(self, image: Image.Image) -> np.ndarray:
        """An image of any size and mode as uint8 `[size, size, channels]`."""
        ...

    def read(
        self, path: Path, invert: bool = False, flag: str = "--invert"
    ) -> tuple[list[str], np.ndarray]:
        """An image file or the images of a folder: stems, and uint8 `[N, size, size, channels]`.

        Args:
            path: the file or the folder.
            invert: the digits are black on white; else it is found out what they are.
            flag: how a user says so, for warnings.

        Raises:
            UserError: the path is missing, holds no images that can be read, or two of one stem;
                `invert` where it means nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Digits:
    """Handwritten digits as MNIST shows them: 28x28, gray, white on black."""

    @property
    def noun(self) -> str:
        """See `Kind.noun`."""
        return "digit"

    @property
    def channels(self) -> int:
        """See `Kind.channels`."""
        return 1

    @property
    def size(self) -> int:
        """28 pixels."""
        return 28

    @property
    def text(self) -> str:
        """In words."""
        return "a digit as MNIST shows it, 28x28"

    def array(self, image: Image.Image) -> np.ndarray:
        """See `Kind.array`."""
        return digit(image)[0]

    def read(
        self, path: Path, invert: bool = False, flag: str = "--invert"
    ) -> tuple[list[str], np.ndarray]:
        """See `Kind.read`."""
        return read_digits(path, invert, flag)


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces in colour, aligned and cropped as CelebA's.

    Attributes:
        size: side in pixels.
        crop: the square that is kept of an aligned photograph.
    """

    size: int
    crop: Crop

    @property
    def noun(self) -> str:
        """See `Kind.noun`."""
        return "face"

    @property
    def channels(self) -> int:
        """See `Kind.channels`."""
        return 3

    @property
    def text(self) -> str:
        """In words."""
        return face_text(self.size, self.crop)

    def array(self, image: Image.Image) -> np.ndarray:
        """See `Kind.array`."""
        return face(image, self.size, self.crop)

    def read(
        self, path: Path, invert: bool = False, flag: str = "--invert"
    ) -> tuple[list[str], np.ndarray]:
        """See `Kind.read`."""
        if invert:
            raise UserError(f"{flag} is for digits; the model knows faces.")
        return read_faces(path, self.size, self.crop)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images of anything, of which the middle square is kept.

    Attributes:
        size: side in pixels.
        channels: 1 for gray, 3 for colour.
        noun: one of them, in a word.
    """

    size: int
    channels: int = 3
    noun: str = "picture"

    @property
    def text(self) -> str:
        """In words."""
        colour = "RGB" if self.channels == 3 else "gray"
        return f"the middle square of a {self.noun}, {self.size}x{self.size} in {colour}"

    def array(self, image: Image.Image) -> np.ndarray:
        """See `Kind.array`."""
        if self.channels == 1:
            image = as_mode(image, "L")
        return face(image, self.size, WHOLE_WIDTH)[:, :, : self.channels]

    def read(
        self, path: Path, invert: bool = False, flag: str = "--invert"
    ) -> tuple[list[str], np.ndarray]:
        """See `Kind.read`; a warning names images in colour that are read as gray."""

        def read(image: Image.Image) -> tuple[bool, np.ndarray]:
            return self.channels == 1 and has_colour(image), self.array(image)

        pictures = read_each(path, read)
        if names := [file.name for file, (coloured, _) in pictures if coloured]:
            told = listed(names)
            logger.warning("%s: in colour, but read as gray: the model knows %s.", told, self.text)
        array = np.stack([picture for _, (_, picture) in pictures])
        return [file.stem for file, _ in pictures], 255 - array if invert else array


def has_colour(image: Image.Image) -> bool:
    """Whether red, green and blue differ by more than a tint, as a mean over the image."""
    small = as_array(as_mode(image, "RGB").resize((32, 32))).astype(int)
    return bool(np.ptp(small, axis=2).mean() > TINT)
