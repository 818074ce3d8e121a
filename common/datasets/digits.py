"""Pictures of digits as networks see them: 28x28, gray, white on black, as MNIST has them.

Ink may be dark or light, and on a transparent ground it may have any colour: what an HTML canvas
saves is black on transparent black. Where the ink is, is found out and told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from common.datasets.folder import (
    as_array,
    as_mode,
    read_each,
    reasons,
    see_through,
    tell_resized,
)

logger = logging.getLogger(__name__)

SIZE = (28, 28)
LANCZOS = Image.Resampling.LANCZOS
BOX = 20  # pixels of the longer side of a digit's ink (LeCun's page on MNIST)
EDGE = 2  # pixels of the frame in which there is mostly ground
# Ours: by how much gray levels of the visible part differ (standard deviation).
ONE_COLOUR, COLOURS = 15, 64  # black and white, a tenth of it ink, differ by 76
# Ours, beyond all of MNIST's 70,000 digits, whose own limits stand in brackets. The classifier of
# digits is no judge here: it reads uniform noise with certainty, and a black picture as a 1.
FAINTEST = 64  # gray levels between the darkest and the lightest pixel (254)
LIGHTEST_EDGE = 20  # mean of the frame (11.0)
INK = (0.01, 0.45)  # share of pixels above 127 (0.019 to 0.40)
ROUGHEST = 2.6  # differences of neighbours, per level of ink (2.3)

AS_TRANSPARENCY = "ink on transparent ground"
SWAPPED = "dark on light, so black and white are swapped"


def read_digits(
    path: str | Path, invert: bool = False, flag: str = "--invert"
) -> tuple[list[str], np.ndarray]:
    """Reads an image file, or all images of a folder, as MNIST shows digits; see `digit`.

    Warns of what was done to a picture, and of one that does not look like a digit.

    Args:
        path: An image file or a folder, as for `common.datasets.folder.read_each`.
        invert: The digits are black on white: nothing is found out.
        flag: How the user says so.

    Returns:
        The stems, and the images, uint8 `[N, 28, 28, 1]`.

    Raises:
        UserError: as for `common.datasets.folder.read_each`.
    """
    pictures = read_each(path, lambda image: (image.size, *digit(image, invert)))
    tell_resized([(file, size) for file, (size, _, _) in pictures], SIZE)
    done = {file.stem: what for file, (_, _, what) in pictures}
    images = {file.stem: image for file, (_, image, _) in pictures}
    doubts = {stem: doubt(image) for stem, image in images.items()}
    if any(done.values()):
        logger.warning("Read as white on black: %s.", _told(done))
    if any(doubts.values()):
        advice = f" If they are white on black, leave out {flag}." if invert else ""
        logger.warning(
            "Not as MNIST shows digits, so the answer may mean nothing: %s.%s",
            *(_told(doubts), advice),
        )
    return list(images), np.stack(list(images.values()))


def digit(image: Image.Image, invert: bool = False) -> tuple[np.ndarray, str]:
    """A picture as the networks see digits, resized with a Lanczos filter.

    Args:
        image: of any size and mode. Where its edge is light, it is dark on light; transparent parts
            are as `gray` says.
        invert: it is black on white, and transparent parts are white.

    Returns:
        uint8 `[28, 28, 1]`, and what was done to it, if anything.
    """
    if invert:
        return 255 - as_array(as_mode(image, "L", "white").resize(SIZE, LANCZOS)), ""
    small, done = gray(image)
    pixels = as_array(small)
    if np.median(edge(pixels)) <= 127:
        return pixels, done
    return 255 - pixels, f"{done}, {SWAPPED}" if done else SWAPPED


def gray(image: Image.Image) -> tuple[Image.Image, str]:
    """A picture in gray, 28x28, of which transparent parts hide nothing.

    What is visible of it is the ink, if that is of one colour (or of several, but little of the
    picture); it is white then. Else the ground gets the end of the scale to which most of it tends.

    Returns:
        The picture, and what was done to it, if anything.
    """
    if not see_through(image):
        return as_mode(image, "L").resize(SIZE, LANCZOS), ""
    small = image.convert("RGBA").resize(SIZE, LANCZOS)
    visible, alpha = np.asarray(small.convert("L"), np.float64), np.asarray(small)[:, :, 3]
    if not alpha.any():
        return Image.new("L", SIZE), ""
    mean = np.average(visible, weights=alpha)
    spread = np.sqrt(np.average((visible - mean) ** 2, weights=alpha))
    if spread < (COLOURS if np.median(alpha) < 64 else ONE_COLOUR):
        return small.getchannel("A"), AS_TRANSPARENCY
    return as_mode(small, "L", "white" if mean > 127 else "black"), ""


def doubt(image: np.ndarray) -> str:
    """Why a picture, uint8 `[28, 28, 1]`, does not look like a digit of MNIST; else nothing."""
    levels = image[:, :, 0].astype(np.float64)
    steps = sum(np.abs(np.diff(levels, axis=axis)).sum() for axis in (0, 1))
    if np.ptp(levels) < FAINTEST:
        return "blank"
    if edge(image).mean() > LIGHTEST_EDGE:
        return "the ground is not black"
    if not INK[0] <= (levels > 127).mean() <= INK[1]:
        return "too little or too much ink"
    return "noise" if steps > ROUGHEST * levels.sum() else ""


def centred(image: np.ndarray) -> np.ndarray:
    """A drawing where MNIST has its digits, in the way that was prepared.

    The ink fills a box of 20 pixels, and its centre of mass is that of the picture (LeCun's page
    on MNIST).

    Args:
        image: uint8 `[H, W, 1]`, white on black, of any size; not blank.

    Returns:
        uint8 `[28, 28, 1]`.
    """
    rows, columns = np.nonzero(image[:, :, 0] > 31)  # fainter pixels are no ink; ours
    ink = Image.fromarray(image[:, :, 0]).crop(
        (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    )
    scale = BOX / max(ink.size)
    size = tuple(max(1, round(side * scale)) for side in ink.size)
    levels = np.asarray(ink.resize((size[0], size[1]), LANCZOS), np.float64)
    places = [
        np.average(np.arange(side) + 0.5, weights=levels.sum(axis=axis))
        for axis, side in enumerate(size)
    ]
    left, top = (
        int(np.clip(round(SIZE[0] / 2 - place), 0, SIZE[0] - side))
        for place, side in zip(places, size, strict=True)
    )
    made = np.zeros((*SIZE, 1), np.uint8)
    made[top : top + size[1], left : left + size[0], 0] = levels
    return made


def edge(image: np.ndarray) -> np.ndarray:
    """The pixels of the frame of an image `[H, W, 1]`."""
    frame = np.ones(image.shape, bool)
    frame[EDGE:-EDGE, EDGE:-EDGE] = False
    return image[frame]


def _told(remarks: Mapping[str, str]) -> str:
    """The names of the pictures by what is remarked of them."""
    found: dict[str, list[str]] = {}
    for name, remark in remarks.items():
        if remark:
            found.setdefault(remark, []).append(name)
    return reasons(found)
