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


def edited_samples(run: Run, model: Trained, dev: Records) -> Callable[[str], dict[str, float]]:
    """A function that draws faces, reconstructions and edits; it returns the edit effects.

    Rows: real faces of `dev`, their reconstructions, with the first attribute at 0 and at 1; below,
    images of random z with it at 0 and at 1.

    Args:
        run: where the sheet goes, `samples/<file>.png`.
        model: E and D.
        dev: the first `FACES` of these are drawn.

    Returns:
        The function: name of the file -> attribute -> mean absolute difference of these faces with
        it at 1 and at 0, on [0, 1].
    """
    images = dev.images[:FACES]
    rng = np.random.default_rng(model.config.run.seed)
    size = model.config.networks.latent_size
    prior = rng.standard_normal((FACES, size), np.float32)
    name = model.attribute_names[0]

    def sample(file: str) -> dict[str, float]:
        means, _, read = encode(model, images)
        without, with_ = (both(read, means, name, value) for value in (0.0, 1.0))
        rows = [images, decode(model, read, means), without, with_]
        base = dev.attributes[:FACES]
        rows += [both(base, prior[: len(base)], name, value) for value in (0.0, 1.0)]
        labels = ["real", "rec.", f"{name} 0", f"{name} 1", f"random z, {name} 0", f"{name} 1"]
        grid([list(row) for row in rows], run.folder / "samples" / f"{file}.png", row_labels=labels)
        return {one: effect(read, means, one) for one in model.attribute_names}

    def both(y: np.ndarray, z: np.ndarray, attribute: str, value: float) -> np.ndarray:
        return decode(model, with_values(y, model.attribute_names, {attribute: value}), z)

    def effect(y: np.ndarray, z: np.ndarray, attribute: str) -> float:
        without, with_ = (both(y, z, attribute, value).astype(float) for value in (0.0, 1.0))
        return float(np.abs(with_ - without).mean() / 255.0)

    return sample
