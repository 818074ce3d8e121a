"""Encodes and decodes images: x -> g(e(x)).

python -m crg.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from common import device
from common import run as runs
from common.errors import exits_cleanly

logger = logging.getLogger(__name__)

SHEET_ROWS = 10  # at most so many pairs of rows of ten images on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand:
    """Encodes images and generates them anew."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """An image or a folder of images: digits, white on black."""
    out: Path
    """Folder for one `<name>.png` an input; the sheet goes to `OUT/sheets/`."""
    invert: bool = False
    """The inputs are black on white."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def reconstruct(command: ReconstructCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.datasets.folder import refuse_overwriting, write_images
    from common.metrics.pairs import pair_values
    from common.sheets import alternating, grid
    from crg import trained
    from crg.edit import decode, encode, read

    refuse_overwriting(command.images, command.out)
    model = trained.load(command.run)
    stems, images = read(command.images, command.invert)
    reconstructions = decode(model.generator, encode(model.encoder, images))
    write_images(command.out, stems, reconstructions)
    rows = alternating(images[: SHEET_ROWS * 10], reconstructions[: SHEET_ROWS * 10])
    sheet = command.out / "sheets" / "reconstructions.png"
    grid(rows, sheet, row_labels=["input", "reconstruction"] * (len(rows) // 2))
    values = pair_values(images, reconstructions)
    logger.info(
        "%d reconstructions in %s, the sheet in %s; mean MSE %.4f, MAE %.4f on [0, 1], dhash %.3f",
        len(stems),
        command.out,
        sheet,
        np.mean(values["mse"]),
        np.mean(values["mae"]),
        np.mean(values["dhash"]),
    )
    return command.out


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    command = tyro.cli(ReconstructCommand, prog="python -m crg.reconstruct", args=arguments)
    runs.log_to(None)
    device.choose()
    reconstruct(command)


if __name__ == "__main__":
    main()
