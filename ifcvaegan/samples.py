"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.sheets import grid
from ifcvaegan.codes import decode, encode, with_values

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.run import Run
    from ifcvaegan.trained import Trained

FACES = 8


def edited_samples(run: Run, model: Trained, dev: Records) -> Callable[[str], float]:
    """A function that draws faces, reconstructions and edits; it returns the edit effect.

    Rows: real faces of `dev`, their reconstructions, with the first attribute at 0 and at 1; below,
    images of random z with it at 0 and at 1.
    """
    images = dev.images[:FACES]
    rng = np.random.default_rng(model.config.run.seed)
    size = model.config.networks.latent_size
    prior = rng.standard_normal((FACES, size), np.float32)
    name = model.attribute_names[0]

    def sample(file: str) -> float:
        means, _, read = encode(model, images)
        without, with_ = (both(read, means, value) for value in (0.0, 1.0))
        rows = [images, decode(model, read, means), without, with_]
        base = dev.attributes[:FACES]
        rows += [both(base, prior[: len(base)], value) for value in (0.0, 1.0)]
        labels = ["real", "rec.", f"{name} 0", f"{name} 1", f"random z, {name} 0", f"{name} 1"]
        grid([list(row) for row in rows], run.folder / "samples" / f"{file}.png", row_labels=labels)
        return float(np.abs(with_.astype(float) - without).mean() / 255.0)

    def both(attributes: np.ndarray, latents: np.ndarray, value: float) -> np.ndarray:
        edited = with_values(attributes, model.attribute_names, {name: value})
        return decode(model, edited, latents)

    return sample
