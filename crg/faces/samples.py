"""The samples that a training on faces draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.images import in_blocks, to_uint8
from common.reporting.sheets import grid, in_rows

if TYPE_CHECKING:
    import keras

    from common.runs.directory import Run
    from crg.faces.config import Config

SAMPLES = 64  # generated images on a sheet
COLUMNS = 8


def generated_samples(run: Run, config: Config) -> Callable[[str, keras.Model], None]:
    """A function that draws a generator's images of fixed latents into `samples/<name>.png`."""
    rng = np.random.default_rng(config.run.seed)
    latents = rng.standard_normal((SAMPLES, config.networks.latent_size), np.float32)

    def sample(name: str, generator: keras.Model) -> None:
        images = in_blocks(lambda block: to_uint8(generator(block, training=False)), latents)
        grid(in_rows(images, COLUMNS), run.folder / "samples" / f"{name}.png")

    return sample
