"""Which of the models that come with the project fits images: that of digits, or that of faces."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.folder import decode, image_files
from common.errors import UserError
from common.runs.weights import default_weights

if TYPE_CHECKING:
    from common.cli.images import ImagesCommand

DIGITS, FACES = "crg-mnist", "crg-celeba"  # below weights/
GRAY = 4.0  # mean difference of colour channels, of 255, up to which a picture counts as gray
SIDE = 32  # pixels to which a picture is reduced for that

logger = logging.getLogger(__name__)


def run_for(command: ImagesCommand) -> Path | None:
    """The run that a command names, or the model that comes along and fits its images.

    A photograph shows a face, be it in colour or not.

    Returns:
        The folder; None for the model of digits, which is announced where it is loaded.
    """
    faces = default_weights(FACES)
    if command.run is None and command.photo is not None and faces.is_dir():
        return faces
    return command.run or fitting(command.images)


@functools.cache  # checks and work ask, and it is said once
def fitting(images: Path | None) -> Path | None:
    """The folder of the model of faces where the first of the images is in colour.

    Says which model that is.

    Args:
        images: an image file or a folder; None where there is none.

    Returns:
        The folder; None for the model of digits, which is announced where it is loaded.
    """
    folder = default_weights(FACES)
    if images is None or not folder.is_dir() or not in_colour(images):
        return None
    logger.info("the images are in colour: the model of faces that comes along, %s", FACES)
    return folder


def in_colour(images: Path) -> bool:
    """Whether the first image that can be read is in colour; digits are gray, saved however."""
    for file in image_files(images):
        try:
            picture = decode(file).convert("RGB")
        except UserError:
            continue
        pixels = np.asarray(picture.resize((SIDE, SIDE)), dtype=np.float64)
        return float(np.ptp(pixels, axis=2).mean()) > GRAY
    return False
