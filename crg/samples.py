"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.reporting.sheets import alternating, grid, in_rows
from crg.editor import Codes, CRGEditor

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.runs.directory import Run

SAMPLES = 64  # generated images on a sheet
RECONSTRUCTIONS = 24  # images on a sheet, each above what becomes of it
COLUMNS = 8


def generated_samples(run: Run, model: CRGEditor) -> Callable[[str], None]:
    """A function that draws g's images of fixed latents into `samples/<name>.png`."""
    shape = (SAMPLES, model.generator.input_shape[-1])
    rng = np.random.default_rng(model.config.run.seed)
    codes = Codes(rng.uniform(-1, 1, shape).astype(np.float32))

    def sample(name: str) -> None:
        grid(in_rows(model.decode(codes), COLUMNS), run.folder / "samples" / f"{name}.png")

    return sample


def reconstruction_samples(run: Run, test: Records, model: CRGEditor) -> Callable[[str], None]:
    """A function that draws the first images above their reconstructions."""
    images = test.images[:RECONSTRUCTIONS]

    def sample(name: str) -> None:
        rows = alternating(images, model.reconstruct(images), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")

    return sample
