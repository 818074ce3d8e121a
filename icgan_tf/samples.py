"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.reporting.sheets import alternating, grid
from icgan_tf.editor import Codes

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.runs.directory import Run
    from icgan_tf.editor import IcGANEditor

ROWS = 8  # latents on a sheet of generated images
PAIRS = 24  # images on a sheet, each above what becomes of it
COLUMNS = 8


def generated_samples(run: Run, model: IcGANEditor) -> Callable[[str], None]:
    """A function that draws G's images: a row a latent, a column a class or attribute alone."""
    sizes = model.config.networks
    rng = np.random.default_rng(model.config.run.seed)
    latents = rng.standard_normal((ROWS, sizes.latent_size), np.float32)
    names = model.attribute_names
    alone = np.eye(len(names), dtype=np.float32)

    def sample(name: str) -> None:
        rows = [model.decode(Codes(np.repeat(z[None], len(names), axis=0), alone)) for z in latents]
        sheet = run.folder / "samples" / f"{name}.png"
        grid([list(row) for row in rows], sheet, column_labels=names)

    return sample


def regenerated_samples(run: Run, model: IcGANEditor, records: Records) -> Callable[[str], None]:
    """A function that draws generated images above what G makes of the latents E_z finds there."""
    sizes = model.config.networks
    rng = np.random.default_rng(model.config.run.seed)
    latents = rng.standard_normal((PAIRS, sizes.latent_size), np.float32)
    attributes = records.attributes[np.arange(PAIRS) % len(records)]

    def sample(name: str) -> None:
        drawn = Codes(latents, attributes)
        again = Codes(model.found_again(drawn), attributes)
        rows = alternating(model.decode(drawn), model.decode(again), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")

    return sample
