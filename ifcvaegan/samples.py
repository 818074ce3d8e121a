"""The samples that a training draws into its run at the end of each period."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from common.reporting.sheets import grid
from ifcvaegan.codes import with_values
from ifcvaegan.editor import Codes

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.runs.directory import Run
    from ifcvaegan.editor import IFcVAEGANEditor

FACES = 8


def edited_samples(
    run: Run, model: IFcVAEGANEditor, dev: Records
) -> Callable[[str], dict[str, float]]:
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
        codes, labels = model.encode(images), dev.attributes[:FACES]
        random = Codes(prior[: len(labels)], labels)
        rows = [images, model.decode(codes)]
        rows += [having(some, name, value) for some in (codes, random) for value in (0.0, 1.0)]
        titles = ["real", "rec.", f"{name} 0", f"{name} 1", f"random z, {name} 0", f"{name} 1"]
        grid([list(row) for row in rows], run.folder / "samples" / f"{file}.png", row_labels=titles)
        return {one: effect(codes, one) for one in model.attribute_names}

    def having(codes: Codes, attribute: str, value: float) -> np.ndarray:
        wanted = with_values(codes.attributes, model.attribute_names, {attribute: value})
        return model.decode(codes.with_attributes(wanted))

    def effect(codes: Codes, attribute: str) -> float:
        without, with_ = (having(codes, attribute, value).astype(float) for value in (0.0, 1.0))
        return float(np.abs(with_ - without).mean() / 255.0)

    return sample
