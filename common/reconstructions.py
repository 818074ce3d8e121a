"""What `python -m <package>.reconstruct` writes, whatever the model: images, a sheet, a line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common import sheets
from common.datasets.folder import write_images
from common.metrics.pairs import pair_values

logger = logging.getLogger(__name__)

SHEET_IMAGES = 100  # at most so many pairs on the sheet


def write_reconstructions(
    out: Path, stems: Sequence[str], images: np.ndarray, reconstructions: np.ndarray
) -> None:
    """Writes each reconstruction as `out/<stem>.png`, and a sheet of pairs to `out/sheets/`.

    Args:
        out: the folder.
        stems: N different names.
        images: uint8 `[N, H, W, C]`.
        reconstructions: uint8, the same shape, in the same order.

    Raises:
        UserError: the folder cannot be written into.
    """
    write_images(out, stems, reconstructions)
    rows = sheets.alternating(images[:SHEET_IMAGES], reconstructions[:SHEET_IMAGES])
    sheet = out / "sheets" / "reconstructions.png"
    sheets.grid(rows, sheet, row_labels=["input", "reconstruction"] * (len(rows) // 2))
    values = pair_values(images, reconstructions)
    logger.info(
        "%d reconstructions in %s, the sheet in %s; mean MSE %.4f, MAE %.4f on [0, 1], dhash %.3f",
        len(stems),
        out,
        sheet,
        np.mean(values["mse"]),
        np.mean(values["mae"]),
        np.mean(values["dhash"]),
    )
