"""Folders of image files: read as model input, written as results, paired for a comparison.

An image is known by its stem, the file name without its suffix: what is made of `a/smile.jpg` is
written as `<folder>/smile.png`, and that name pairs the two again.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, ImageOps

from common.errors import UserError
from common.files import atomic_path

logger = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
GRAY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")  # Pillow's names
MOSTLY_WHITE = 127  # mean gray level; MNIST's lightest digit has 101
COLOURED = 12  # mean difference of an image's channels from which it is in colour
NAMED = 5  # names that a message lists before it only counts


def read_images(
    path: str | Path, size: tuple[int, int], mode: Literal["L", "RGB"], invert: bool = False
) -> tuple[list[str], np.ndarray]:
    """Reads an image file, or all images of a folder in the order of their names.

    Photographs are turned upright by their EXIF orientation, 16-bit gray is scaled to 8 bits,
    transparent parts become black, an animation gives its first frame. An image of another size is
    resized with a Lanczos filter, without regard to its proportions, and a warning names it.

    Args:
        path: An image file or a folder; folders inside it and hidden files are not looked at.
        size: Height and width to deliver.
        mode: `L` for one gray channel, `RGB` for three.
        invert: Swap black and white, for digits in dark ink on light paper.

    Returns:
        The stems, and the images, uint8 `[N, H, W, C]` in the same order.

    Raises:
        UserError: The path is missing, holds no images or an unreadable one, or two of one stem.
    """
    return arrays_of(open_images(path), size, mode, invert)


def open_images(path: str | Path) -> list[tuple[Path, Image.Image]]:
    """The image file, or the images of a folder, with their pixels; each file is decoded once.

    Raises:
        UserError: as for `read_images`.
    """
    return [(file, decode(file)) for file in image_files(path)]


def arrays_of(
    pictures: Sequence[tuple[Path, Image.Image]],
    size: tuple[int, int],
    mode: Literal["L", "RGB"],
    invert: bool = False,
) -> tuple[list[str], np.ndarray]:
    """Images in one size and mode; the arguments and the result are those of `read_images`."""
    images, resized = [], []
    height, width = size
    for file, image in pictures:
        # Transparent parts are to end up black, so before inverting they are white.
        image = as_mode(image, mode, background="white" if invert else "black")
        if image.size != (width, height):
            resized.append(f"{file.name} ({image.width} wide, {image.height} high)")
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        images.append(as_array(image))
    if resized:
        logger.warning(
            "Resized %d of %d images to %dx%d: %s.",
            *(len(resized), len(images), height, width, listed(resized)),
        )
    array = np.stack(images)
    return [file.stem for file, _ in pictures], 255 - array if invert else array


def read_digits(
    path: str | Path, invert: bool = False, flag: str = "--invert"
) -> tuple[list[str], np.ndarray]:
    """Reads digits as MNIST shows them, 28x28 and white on black; see `read_images`.

    Warns of photographs in colour, and of images that look as if black and white were the other way
    round.

    Args:
        path: An image file or a folder.
        invert: The digits are black on white.
        flag: How the user says so.

    Returns:
        The stems, and the images, uint8 `[N, 28, 28, 1]`.
    """
    pictures = open_images(path)
    stems, images = arrays_of(pictures, (28, 28), "L", invert)
    coloured = [file.stem for file, image in pictures if in_colour(image)]
    if coloured:
        logger.warning(
            "%s: in colour, and this model knows digits alone, white on black.", listed(coloured)
        )
    light = [stem for stem, image in zip(stems, images, strict=True) if image.mean() > MOSTLY_WHITE]
    if light:
        advice = "leave out the inversion" if invert else f"say so by {flag}"
        logger.warning(
            "%s: mostly white, and the model knows white digits on black; if they are black on "
            "white, %s.",
            listed(light),
            advice,
        )
    return stems, images


def write_images(folder: str | Path, stems: Sequence[str], images: np.ndarray) -> list[Path]:
    """Writes each image as `<folder>/<stem>.png`, gray or RGB by its channels.

    Each file appears complete or not at all; files of the same name are replaced.

    Args:
        folder: Made if it is missing.
        stems: N different names.
        images: uint8 `[N, H, W, C]`, C = 1 or 3.

    Returns:
        The paths written.

    Raises:
        UserError: The folder cannot be made or written to.
        ValueError: The stems are not N different names, or the images have another shape or type.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 [N, H, W, 1 or 3]")
    if len(set(stems)) != len(images) or len(stems) != len(images):
        raise ValueError(f"{len(images)} images need as many different stems, not {list(stems)}")
    paths = [Path(folder) / f"{stem}.png" for stem in stems]
    for path, image in zip(paths, images, strict=True):
        pixels = image[:, :, 0] if image.shape[2] == 1 else image
        with atomic_path(path) as temporary:
            Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")
    return paths


def check_inputs(folder: str | Path, *inputs: str | Path | None) -> None:
    """Checks what a command can check before it loads anything: that its images are there.

    Args:
        folder: Where its results go.
        *inputs: Image files or folders of images; None for those that were not given.

    Raises:
        UserError: One is missing, holds no images, or would be overwritten by the results.
    """
    for path in inputs:
        if path is not None:
            image_files(path)
            refuse_overwriting(path, folder)


def refuse_overwriting(images: str | Path, folder: str | Path) -> None:
    """Checks that results in `folder` cannot replace the inputs that they are made of.

    Raises:
        UserError: `folder` is that of the images.
    """
    images = Path(images)
    if Path(folder).resolve() == (images if images.is_dir() else images.parent).resolve():
        raise UserError(
            f"{folder} holds the input images, which their results would replace; "
            "name another folder by --out."
        )


def paired_images(
    folder_a: str | Path, folder_b: str | Path
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Reads two folders (or two files) whose images belong together by their stems.

    Args:
        folder_a: The originals.
        folder_b: Their counterparts, of the same stems and size; suffixes may differ.

    Returns:
        The stems in order, and the images of the two folders, uint8 `[N, H, W, C]` each: C = 1 if
        all files are gray, else 3.

    Raises:
        UserError: As for `read_images`; an image has no counterpart; the sizes are not all equal.
    """
    files_a, files_b = image_files(folder_a), image_files(folder_b)
    lonely = [
        f"{listed(sorted(unmatched))} of {here} is not in {there}"
        for unmatched, here, there in (
            ({a.stem for a in files_a} - {b.stem for b in files_b}, folder_a, folder_b),
            ({b.stem for b in files_b} - {a.stem for a in files_a}, folder_b, folder_a),
        )
        if unmatched
    ]
    if lonely:
        raise UserError(
            "The images must pair by name, whatever their suffixes: " + ", and ".join(lonely) + "."
        )

    images = stacked_images(files_a + files_b)
    return [file.stem for file in files_a], images[: len(files_a)], images[len(files_a) :]


def stacked_images(files: Sequence[Path]) -> np.ndarray:
    """Reads files of one size.

    Args:
        files: at least one.

    Returns:
        uint8 `[N, H, W, C]`: C = 1 if all of them are gray, else 3.

    Raises:
        UserError: one cannot be read, or has another size.
    """
    decoded = [(file, decode(file)) for file in files]
    first_file, first = decoded[0]
    for file, image in decoded:
        if image.size != first.size:
            raise UserError(
                f"{file} is {image.height}x{image.width} but {first_file} is "
                f"{first.height}x{first.width}; all images must have one size to be compared."
            )
    mode = "L" if all(image.mode in GRAY_MODES for _, image in decoded) else "RGB"
    return np.stack([as_array(as_mode(image, mode)) for _, image in decoded])


def image_files(path: str | Path) -> list[Path]:
    """The image file, or the images of a folder sorted by stem; at least one, no stem twice."""
    path = Path(path)
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(f"{path} is not an image file; images end in {', '.join(SUFFIXES)}.")
        return [path]
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give an image file or a folder of images.")
    visible = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in visible if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    if not files:
        found = listed([entry.name + "/" * entry.is_dir() for entry in visible]) or "nothing"
        raise UserError(
            f"There are no images in {path}, which contains {found}; they must lie in the folder "
            f"itself and end in {', '.join(SUFFIXES)}."
        )
    files.sort(key=lambda file: file.stem)
    for one, other in itertools.pairwise(files):
        if one.stem == other.stem:
            raise UserError(
                f"{one} and {other.name} have the same name without its suffix, so their results "
                "would overwrite each other; rename one of them."
            )
    return files


def decode(file: Path | BinaryIO, name: str | None = None) -> Image.Image:
    """The pixels of a file, upright; `name` is what to call an open one."""
    try:
        with Image.open(file) as image:
            image.load()
            image.getexif()  # keeps the orientation; Pillow would write the rest anew, and fails
            image.info.pop("exif", None)  # where a camera has put other types than the norm's
            return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{name or file} cannot be read as an image ({type(error).__name__}); "
            "replace it by an intact file or take it out."
        ) from error


def as_mode(
    image: Image.Image, mode: Literal["L", "RGB"], background: Literal["black", "white"] = "black"
) -> Image.Image:
    """Converts to 8-bit gray or RGB; transparent parts show the background."""
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would clip at 255
        values = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
        image = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    return image.convert(mode)


def as_array(image: Image.Image) -> np.ndarray:
    """The pixels of a gray or RGB image, uint8 `[H, W, C]`."""
    return np.asarray(image).reshape(image.height, image.width, -1)


def in_colour(image: Image.Image) -> bool:
    """Whether the three channels of an image differ clearly, in the mean over its pixels."""
    if image.mode in GRAY_MODES:
        return False
    pixels = np.asarray(as_mode(image, "RGB"), np.int16)
    return bool((pixels.max(axis=2) - pixels.min(axis=2)).mean() > COLOURED)


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """The first few names, and the number of the others."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
