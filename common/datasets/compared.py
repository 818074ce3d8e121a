"""Folders of images that are compared: in their own size, paired by their names or as two sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from common.datasets.folder import (
    GRAY_MODES,
    as_array,
    as_mode,
    decode,
    listed,
    read_each,
    see_through,
    tell_transparent,
    told_files,
)
from common.errors import UserError
from common.files import alike


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
        UserError: As for `read_images`; an image cannot be read or has no counterpart; the sizes
            are not all equal.
    """
    files_a, files_b = told_files(folder_a), told_files(folder_b)
    stems_a, stems_b = ({alike(file.stem) for file in files} for files in (files_a, files_b))
    lonely = [
        f"{listed(sorted(unmatched))} of {here} is not in {there}"
        for unmatched, here, there in (
            (stems_a - stems_b, folder_a, folder_b),
            (stems_b - stems_a, folder_b, folder_a),
        )
        if unmatched
    ]
    if lonely:
        raise UserError(
            "The images must pair by name, whatever their suffixes: " + ", and ".join(lonely) + "."
        )

    pictures = [(file, own_pixels(decode(file))) for file in files_a + files_b]
    images = stacked(pictures)
    return [file.stem for file in files_a], images[: len(files_a)], images[len(files_a) :]


def one_set(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Reads a folder of images of one size.

    What cannot be read is left out, with a warning.

    Returns:
        The names of the files, and uint8 `[N, H, W, C]` in the same order: C = 1 if all of them are
        gray, else 3.

    Raises:
        UserError: as for `read_images`; the sizes are not all equal.
    """
    pictures = read_each(path, own_pixels)
    return [file.name for file, _ in pictures], stacked(pictures)


def own_pixels(image: Image.Image) -> tuple[np.ndarray, bool]:
    """An image in its own size, uint8 `[H, W, 1 or 3]`, and whether parts of it are transparent."""
    mode = "L" if image.mode in GRAY_MODES else "RGB"
    return as_array(as_mode(image, mode)), see_through(image)


def stacked(pictures: Sequence[tuple[Path, tuple[np.ndarray, bool]]]) -> np.ndarray:
    """Joins images of one size, each file with its `own_pixels`; gray ones if all are gray.

    Raises:
        UserError: one has another size.
    """
    tell_transparent([file.name for file, (_, transparent) in pictures if transparent])
    first_file, (first, _) = pictures[0]
    for file, (pixels, _) in pictures:
        if pixels.shape[:2] != first.shape[:2]:
            (high, wide), (height, width) = pixels.shape[:2], first.shape[:2]
            raise UserError(
                f"{file} is {high}x{wide} but {first_file} is {height}x{width}; all images must "
                "have one size to be compared."
            )
    arrays = [pixels for _, (pixels, _) in pictures]
    channels = max(pixels.shape[2] for pixels in arrays)
    return np.stack([np.repeat(pixels, channels // pixels.shape[2], axis=2) for pixels in arrays])
