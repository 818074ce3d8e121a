"""Folders of image files: read as model input, written as results.

An image is known by its stem, the file name without its suffix: what is made of `a/smile.jpg` is
written as `<folder>/smile.png`, and that name pairs the two again.
"""

from __future__ import annotations

import itertools
import logging
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import numpy as np
from PIL import Image, ImageOps

from common.errors import UserError
from common.files import alike, atomic_path, refuse_overwriting

logger = logging.getLogger(__name__)

T = TypeVar("T")
LeftOut = dict[str, list[str]]  # why -> names of what a folder holds beside its images

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".avif", ".jp2"),
    *(".bmp", ".dib", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm"),
)
CONVERT = "convert others to PNG or JPEG, such as by ImageMagick: magick photo.heic photo.png"
NO_PICTURES = ("text/", "application/", "audio/")  # types of files that nobody expects to be read
OWN = ("sheets/edits.png", "sheets/reconstructions.png", "report/report.html")  # beside results
GRAY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")  # Pillow's names
NAMED = 5  # names that a message lists before it only counts


class UnreadableError(UserError):
    """An image file that cannot be read.

    Attributes:
        why: a few words after its name.
    """

    def __init__(self, name: object, why: str, advice: str) -> None:
        super().__init__(f"{name} {why}; {advice}.")
        self.why = why


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
        UserError: The path is missing, holds no images that can be read, or two of one stem.
    """
    height, width = size

    def small(image: Image.Image) -> tuple[tuple[int, int], np.ndarray]:
        # Transparent parts are to end up black, so before inverting they are white.
        pixels = as_mode(image, mode, background="white" if invert else "black")
        if pixels.size != (width, height):
            pixels = pixels.resize((width, height), Image.Resampling.LANCZOS)
        return image.size, as_array(pixels)

    pictures = read_each(path, small)
    tell_resized([(file, size) for file, (size, _) in pictures], (width, height))
    array = np.stack([pixels for _, (_, pixels) in pictures])
    return [file.stem for file, _ in pictures], 255 - array if invert else array


def read_each(path: str | Path, make: Callable[[Image.Image], T]) -> list[tuple[Path, T]]:
    """What `make` makes of an image file, or of each image of a folder in the order of their stems.

    One image is in memory at a time. What else a folder holds, images that cannot be read among it,
    is named in one warning.

    Args:
        path: an image file or a folder.
        make: gets an image of any size and mode, upright.

    Returns:
        Each file with what was made of it; at least one.

    Raises:
        UserError: the path is missing, holds no images that can be read, or two of one stem.
    """
    files, left_out = looked_through(path)
    made = []
    for file in files:
        try:
            made.append((file, make(decode(file))))
        except UnreadableError as error:
            if file == Path(path):
                raise
            left_out.setdefault(error.why, []).append(file.name)
    if not made:
        raise UserError(
            f"None of the images in {path} can be read: {reasons(left_out)}. Replace them by "
            "intact files."
        )
    tell_left_out(path, left_out)
    return made


def tell_left_out(path: str | Path, left_out: Mapping[str, Sequence[str]]) -> None:
    """Warns in one line of what is in a folder and was not read."""
    if left_out:
        count = sum(map(len, left_out.values()))
        logger.warning("%s: %d left out: %s.", path, count, reasons(left_out))


def reasons(left_out: Mapping[str, Sequence[str]]) -> str:
    """What was left out, and why, in words."""
    return "; ".join(f"{listed(names)} ({why})" for why, names in left_out.items())


def tell_resized(sizes: Sequence[tuple[Path, tuple[int, int]]], wanted: tuple[int, int]) -> None:
    """Warns of images that were not `wanted` pixels wide and high."""
    resized = [
        f"{file.name} ({width} wide, {height} high)"
        for file, (width, height) in sizes
        if (width, height) != wanted
    ]
    if resized:
        width, height = wanted
        logger.warning(
            "Resized %d of %d images to %dx%d: %s.",
            *(len(resized), len(sizes), height, width, listed(resized)),
        )


def write_images(folder: str | Path, stems: Sequence[str], images: np.ndarray) -> list[Path]:
    """Writes each image as `<folder>/<stem>.png`, gray, RGB or RGB with alpha by its channels.

    Each file appears complete or not at all; files of the same name are replaced.

    Args:
        folder: Made if it is missing.
        stems: N different names.
        images: uint8 `[N, H, W, C]`, C = 1, 3 or 4.

    Returns:
        The paths written.

    Raises:
        UserError: The folder cannot be made or written to.
        ValueError: The stems are not N different names, or the images have another shape or type.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3, 4):
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 [N, H, W, C]")
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
        UserError: One is missing, holds no images, or might be overwritten by the results.
    """
    for path in inputs:
        if path is not None:
            files = image_files(path)
            for place in (Path(folder), Path(folder) / "sheets"):
                refuse_overwriting(files, place)


def image_files(path: str | Path) -> list[Path]:
    """The files of `looked_through`."""
    return looked_through(path)[0]


def told_files(path: str | Path) -> list[Path]:
    """The files of `looked_through`; a warning names what else is there."""
    files, left_out = looked_through(path)
    tell_left_out(path, left_out)
    return files


def looked_through(path: str | Path) -> tuple[list[Path], LeftOut]:
    """The image file, or the images of a folder, and what else is in it.

    Returns:
        The files sorted by stem, at least one, no stem twice; and what looks as if somebody might
        expect it to be read, too. Hidden files, texts and what commands of this project leave
        beside results are not mentioned.

    Raises:
        UserError: the path is missing, holds no images, or two of one stem.
    """
    path = Path(path)
    formats = f"images end in {', '.join(SUFFIXES)}; {CONVERT}"
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(f"{path} is not an image file that is read here; {formats}.")
        return [path], {}
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give an image file or a folder of images.")
    own = {Path(file).parts[0] for file in OWN if (path / file).is_file()}
    files: list[Path] = []
    left_out: LeftOut = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.name in own:
            continue
        if entry.is_dir():
            left_out.setdefault("folders within it are not read", []).append(f"{entry.name}/")
        elif not entry.exists():
            left_out.setdefault("links to nothing", []).append(entry.name)
        elif entry.is_file() and entry.suffix.lower() in SUFFIXES:
            files.append(entry)
        elif not (mimetypes.guess_type(entry.name)[0] or "").startswith(NO_PICTURES):
            left_out.setdefault(f"no format that is read here; {CONVERT}", []).append(entry.name)
    if not files:
        found = reasons(left_out) or "nothing"
        raise UserError(
            f"There are no images in {path}, which contains {found}; they must lie in the folder "
            f"itself, and {formats}."
        )
    files.sort(key=lambda file: alike(file.stem))
    for one, other in itertools.pairwise(files):
        if alike(one.stem) == alike(other.stem):
            raise UserError(
                f"{one} and {other.name} have the same name without its suffix, so their results "
                "would overwrite each other; rename one of them."
            )
    return files, left_out


def decode(file: Path | BinaryIO, name: str | None = None) -> Image.Image:
    """The pixels of a file, upright; `name` is what to call an open one.

    Raises:
        UnreadableError: it is damaged, no image, or too large.
    """
    try:
        with Image.open(file) as image:
            image.load()
            if image.mode in ("F", "LAB"):
                raise ValueError("fractions, or a space of colours that Pillow does not convert")
            image.getexif()  # keeps the orientation; Pillow would write the rest anew, and fails
            image.info.pop("exif", None)  # where a camera has put other types than the norm's
            return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise UnreadableError(
            name or file,
            f"has more than {most} million pixels, the most that is read",
            "make it smaller, such as by ImageMagick: magick photo.png -resize 25% small.png",
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        why = f"cannot be read as an image ({type(error).__name__})"
        advice = "replace it by an intact file or take it out"
        raise UnreadableError(name or file, why, advice) from error


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


def see_through(image: Image.Image) -> bool:
    """Whether parts of an image are transparent, and not only might be."""
    if not image.has_transparency_data or image.mode.startswith("I"):
        return False
    return image.convert("RGBA").getchannel("A").histogram()[255] < image.width * image.height


def tell_transparent(names: Sequence[str]) -> None:
    """Warns of images whose transparent parts were read as black."""
    if names:
        logger.warning("%s: transparent parts count as black.", listed(names))


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """The first few names, and the number of the others."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
