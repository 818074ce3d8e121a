"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.images import cropped
from common.reporting.sheets import alternating, grid, in_rows
from igan.codes import Codes
from igan.editor import IGANEditor

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.runs.directory import Run

SAMPLES, COLUMNS = 196, 14  # generated images on a sheet and in a row of it [R, appendix]
RECONSTRUCTIONS = 28  # images on a sheet, each above what P and G make of it


def generated_samples(run: Run, model: IGANEditor) -> Callable[[str], None]:
    """A function that draws G's images of fixed latents into `samples/<name>.png`."""
    shape = (SAMPLES, model.generator.input_shape[-1])
    rng = np.random.default_rng(model.config.run.seed)
    codes = Codes(rng.uniform(-1, 1, shape).astype(np.float32))

    def sample(name: str) -> None:
        grid(in_rows(model.decode(codes), COLUMNS), run.folder / "samples" / f"{name}.png")

    return sample


def predicted_samples(run: Run, dev: Records, model: IGANEditor) -> Callable[[str], None]:
    """A function that draws the first images above G(P(x))."""
    images = cropped(dev.images[:RECONSTRUCTIONS], model.kind.size)

    def sample(name: str) -> None:
        rows = alternating(images, model.decode(model.predict(images)), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")

    return sample
