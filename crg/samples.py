"""What a training draws into its run: real images, samples of both stages, loss curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.history import read_run
from common.plots import loss_curves
from common.sheets import alternating, grid, in_rows
from crg.edit import decode, encode

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from common.run import Run

SAMPLES = 64  # digits on a sheet of real or of generated ones
RECONSTRUCTIONS = 24  # test images on a sheet, each above what becomes of it
COLUMNS = 8


def draw_reals(run: Run, records: Records) -> None:
    """Draws the first training images into `samples/reals.png`, to compare samples with."""
    grid(in_rows(records.images[:SAMPLES], COLUMNS), run.folder / "samples" / "reals.png")


def draw_losses(run: Run) -> None:
    """Draws the losses of all stages into `plots/losses.png`, their numbers beside it."""
    loss_curves({run.folder.name: read_run(run.folder)}, run.folder / "plots" / "losses.png")


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
