"""The figures of an evaluation: edits as the paper's Figures 2 to 6, sweeps, samples, curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.reporting.document import Figure
from common.reporting.samples import loss_figures
from common.reporting.sheets import grid
from ifcvaegan.codes import with_values
from ifcvaegan.editor import Codes

if TYPE_CHECKING:
    from ifcvaegan.readings import Encoded

FACES = 8  # a row, as in the paper
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)
PAPERS = {"Smiling": "2 to 4", "Male": "5", "Eyeglasses": "6"}


def figures(faces: Encoded, seed: int, out: Path) -> list[Figure]:
    """All figures, drawn into `out`.

    Args:
        faces: the faces with their codes.
        seed: of random latents.
        out: folder of the pictures.
    """
    names = faces.model.attribute_names
    means = faces.without_noise()
    drawn = [edits(means, column, out) for column in range(len(names))]
    drawn += [sweep(means, column, out) for column in range(len(names))]
    return [*drawn, samples(faces, seed, out), *loss_figures(faces.model.folder, out)]


def edits(faces: Encoded, column: int, out: Path) -> Figure:
    """The first faces with the attribute, and without: real, reconstructed, y = 0, y = 1."""
    name = faces.model.attribute_names[column]
    there = faces.records.attributes[:, column] > 0.5
    rows, labels = [], []
    for present in (True, False):
        chosen = np.flatnonzero(there == present)[:FACES]
        if len(chosen):
            some = faces.take(chosen)
            kind = "with" if present else "without"
            images = {
                f"{kind} {name}: real": some.records.images,
                "reconstruction": some.reconstructions(),
                "y = 0": some.edited(column, 0.0),
                "y = 1": some.edited(column, 1.0),
            }
            rows += [list(row) for row in images.values()]
            labels += images
    sheet = out / f"edits-{name}.png"
    grid(rows, sheet, row_labels=labels)
    of_the_paper = f" (the paper's Figures {PAPERS[name]})" if name in PAPERS else ""
    return Figure(
        f"{name}{of_the_paper}",
        sheet,
        f"The first {FACES} faces with and without it by their labels, not chosen.",
    )


def sweep(faces: Encoded, column: int, out: Path) -> Figure:
    """A face a row, y from 0 to 1 in the columns."""
    name = faces.model.attribute_names[column]
    some = faces.take(np.arange(min(FACES, len(faces.records))))
    columns = {"real": some.records.images}
    columns |= {f"y = {value:g}": some.edited(column, value) for value in SWEEP}
    sheet = out / f"sweep-{name}.png"
    grid(
        [list(row) for row in zip(*columns.values(), strict=True)],
        sheet,
        column_labels=list(columns),
    )
    return Figure(f"{name} by degrees", sheet, f"The first {FACES} faces.")


def samples(faces: Encoded, seed: int, out: Path) -> Figure:
    """Images of random z, each above the same z with the first attribute."""
    size, names = faces.means.latent.shape[1], faces.model.attribute_names
    latents = np.random.default_rng(seed).standard_normal((2 * FACES, size), np.float32)
    attributes = faces.records.attributes[: len(latents)]
    latents = latents[: len(attributes)]
    rows, labels = [], []
    for start in range(0, len(latents), FACES):
        some = slice(start, start + FACES)
        for value in (0.0, 1.0):
            y = with_values(attributes[some], names, {names[0]: value})
            rows.append(list(faces.model.decode(Codes(latents[some], y))))
            labels.append(f"{names[0]} {value:g}")
    sheet = out / "samples.png"
    grid(rows, sheet, row_labels=labels)
    return Figure("Images of random z", sheet, "Two rows share their z; y differs.")
