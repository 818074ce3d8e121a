"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.sheets import alternating, grid, in_rows
from crg.codes import decode, encode

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from common.run import Run

SAMPLES = 64  # generated images on a sheet
RECONSTRUCTIONS = 24  # test images on a sheet, each above what becomes of it
COLUMNS = 8


def generated_samples(run: Run, generator: keras.Model, seed: int) -> Callable[[str], None]:
    """A function that draws g's images of fixed latents into `samples/<name>.png`."""
    shape = (SAMPLES, generator.input_shape[-1])
    latents = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)

    def sample(name: str) -> None:
        images = decode(generator, latents)
        grid(in_rows(images, COLUMNS), run.folder / "samples" / f"{name}.png")

    return sample


def reconstruction_samples(
    run: Run, test: Records, generator: keras.Model, encoder: keras.Model
) -> Callable[[str], None]:
    """A function that draws the first test images above their reconstructions."""
    images = test.images[:RECONSTRUCTIONS]

    def sample(name: str) -> None:
        rows = alternating(images, decode(generator, encode(encoder, images)), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")

    return sample
