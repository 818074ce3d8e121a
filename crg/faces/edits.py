"""What directions do to faces: the paper's Figures 10 to 13, and the numbers that it lacks.

Directions from one pair of real faces (Sec. 3.3), from many pairs and from labels. The labels
choose the pairs: a face without the attribute, and the one with it whose other attributes differ
least.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.classifiers.faces import FaceClassifier
from common.datasets.records import Records
from common.files import atomic_path
from common.metrics.intervals import Interval, proportion_interval, share_interval
from common.reporting.curves import OKABE_ITO
from common.reporting.document import Figure
from common.reporting.sheets import grid
from common.reporting.tables import Cell, Table
from crg.codes import Along, Direction, moved
from crg.directions import of_labels, of_means
from crg.editor import Codes, CRGEditor

logger = logging.getLogger(__name__)

ATTRIBUTES = ("Smiling", "Male", "Blond_Hair")  # of those that there are
MANY = 20  # pairs
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
SHOWN = (-1.0, -0.5, 0.0, 0.5, 1.0)  # on the sheets
EDITED = 200  # faces without the attribute that a direction is measured on
LABELLED = 8_192  # training faces whose labels make a direction, at most
FACES = 8  # on a sheet


@dataclass(frozen=True, slots=True)
class Edits:
    """Of a report."""

    tables: list[Table]
    figures: list[Figure]
    findings: list[str]


def edits(
    model: CRGEditor,
    train: Records,
    real: Records,
    classifier: FaceClassifier,
    out: Path,
    seed: int,
) -> Edits:
    """Measures and draws edits along directions of several origins.

    Args:
        model: g and e.
        train: labelled training faces, from which directions come.
        real: labelled faces to edit.
        classifier: reads attributes.
        out: folder of the pictures.
        seed: of generated faces.
    """
    train = train.spaced(LABELLED)
    latents = model.encode(train.images).latent
    found = Edits([], [], [])
    towards: dict[str, Direction] = {}
    for name in ATTRIBUTES:
        if name not in classifier.names or name not in train.attribute_names:
            continue
        logger.info("measuring edits: %s", name)
        column = train.attribute_names.index(name)
        present = train.attributes[:, column] > 0.5
        chosen = real.take(np.flatnonzero(real.attributes[:, column] < 0.5)).spaced(EDITED)
        rows = pairs(train, column, MANY)
        if not len(chosen) or not len(rows):
            continue
        every = directions(latents, present, rows)
        towards[name] = every["labels, mean"]
        table, curves = edit_table(model, name, every, chosen, classifier)
        found.tables.append(table)
        found.figures.append(edit_curves(name, curves, out))
        found.figures.append(
            edit_sheet(model, name, every["one pair"], train.take(rows[0]), chosen, seed, out)
        )
        found.findings.append(sentence(name, curves))
    if len(towards) > 1:
        found.figures.append(both_sheet(model, towards, real, out))
    return found


def pairs(records: Records, column: int, count: int) -> np.ndarray:
    """Rows of faces without an attribute, each with one that has it and is most alike otherwise.

    Args:
        records: labelled.
        column: of the attribute.
        count: how many.

    Returns:
        int64 `[<=count, 2]`: without, with; no face is used twice.
    """
    labels = records.attributes > 0.5
    others = np.delete(labels, column, axis=1)
    without = np.flatnonzero(~labels[:, column])[:count]
    free = np.flatnonzero(labels[:, column])
    found = []
    for row in without[: len(free)]:
        nearest = int(np.argmin((others[free] != others[row]).sum(axis=1)))
        found.append((row, free[nearest]))
        free = np.delete(free, nearest)
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def directions(latents: np.ndarray, present: np.ndarray, rows: np.ndarray) -> dict[str, Direction]:
    """Where each direction comes from -> it.

    Args:
        latents: codes of training faces `[N, Z]`.
        present: whether they have the attribute, bool `[N]`.
        rows: pairs of them, without and with, int `[P, 2]`.
    """
    without, with_ = latents[rows[:, 0]], latents[rows[:, 1]]
    return {
        "one pair": Direction(without[0], with_[0]),
        f"{len(rows)} pairs": of_means(without, with_),
        "labels, mean": of_labels(latents, present),
        "labels, logistic": of_labels(latents, present, "logistic"),
    }


@dataclass(frozen=True, slots=True)
class Curve:
    """A direction at each strength: its length, how many edits reach it, what they keep."""

    length: float
    reached: list[Interval]
    kept: list[Interval]


def edit_table(
    model: CRGEditor,
    name: str,
    every: dict[str, Direction],
    faces: Records,
    classifier: FaceClassifier,
) -> tuple[Table, dict[str, Curve]]:
    """Success and preservation of edits at every strength.

    Args:
        model: g and e.
        name: of the attribute.
        every: origin -> direction.
        faces: without the attribute.
        classifier: reads attributes.
    """
    column = classifier.names.index(name)
    others = np.arange(len(classifier.names)) != column
    latents = model.encode(faces.images).latent
    before = classifier.read(model.decode(Codes(latents)))
    rows: list[list[Cell]] = []
    curves = {}
    for origin, direction in every.items():
        reached, kept = [], []
        for strength in STRENGTHS:
            codes = moved(latents, Along(directions=[direction], amounts=[strength]))
            read = classifier.read(model.decode(Codes(codes)))
            reached.append(proportion_interval(int(read[:, column].sum()), len(faces)))
            kept.append(share_interval((read == before)[:, others].mean(axis=1)))
            rows.append([f"{origin}, {strength:+.2f}", reached[-1], kept[-1]])
        curves[origin] = Curve(float(np.linalg.norm(direction.step)), reached, kept)
    table = Table(
        f"Edits: {name}",
        ("direction, strength", "read as with it", "other attributes as before"),
        rows,
        f"{len(faces)} real faces without {name} by their labels, encoded and moved. Strength 0 is "
        "the reconstruction, 1 the step from without to with: of the pair, or of the means. The "
        "others are read against the reconstruction.",
    )
    return table, curves


def sentence(name: str, curves: dict[str, Curve]) -> str:
    """What the edits of one attribute come to at strength 1."""
    one = STRENGTHS.index(1.0)
    parts = [
        f"{curve.reached[one].mean:.0%} ({origin}; {curve.kept[one].mean:.0%} of the other "
        "attributes kept)"
        for origin, curve in curves.items()
    ]
    start = next(iter(curves.values())).reached[0].mean
    return (
        f"{name} at strength 1: read in {', '.join(parts)} of the edited faces, in {start:.0%} of "
        "their reconstructions."
    )


def edit_curves(name: str, curves: dict[str, Curve], out: Path) -> Figure:
    """Success against preservation, a line a direction, a point a strength."""
    from matplotlib.figure import Figure as Canvas

    path = out / f"edits-{name}.png"
    canvas = Canvas(figsize=(9.0, 3.6), layout="constrained")
    left, right = canvas.subplots(1, 2)
    for colour, (origin, curve) in zip(OKABE_ITO, curves.items(), strict=False):
        reached = [value.mean for value in curve.reached]
        kept = [value.mean for value in curve.kept]
        left.plot(STRENGTHS, reached, marker="o", color=colour, label=origin)
        right.plot(reached, kept, marker="o", color=colour, label=origin)
    left.set_xlabel("strength")
    left.set_ylabel(f"read as {name}")
    right.set_xlabel(f"read as {name}")
    right.set_ylabel("other attributes as before")
    left.set_ylim(-0.02, 1.02)
    left.legend(loc="upper left")
    with atomic_path(path) as temporary:
        canvas.savefig(temporary, dpi=120, format="png")
    return Figure(
        f"{name}: success and preservation",
        path,
        "Left: share of edited faces that the classifier reads as with it. Right: that, and the "
        "share of the other attributes that stay.",
    )


def edit_sheet(
    model: CRGEditor,
    name: str,
    direction: Direction,
    pair: Records,
    faces: Records,
    seed: int,
    out: Path,
) -> Figure:
    """One pair's direction on generated faces (Fig. 10) and on real ones (Fig. 13)."""
    generated = model.draw(FACES // 2, seed)
    real = faces.images[: FACES // 2]
    latents = np.concatenate([generated, model.encode(real).latent])
    columns = [
        model.decode(Codes(moved(latents, Along(directions=[direction], amounts=[strength]))))
        for strength in SHOWN
    ]
    inputs = [None] * len(generated) + list(real)
    rows = [
        [pair.images[0], *[None] * (len(SHOWN) - 1), pair.images[1]],
        *([image, *(column[i] for column in columns)] for i, image in enumerate(inputs)),
    ]
    labels = ["generated"] * len(generated) + ["real"] * len(real)
    sheet = out / f"edit-{name}.png"
    grid(
        rows,
        sheet,
        row_labels=["pair: without, with", *labels],
        column_labels=["input", *(f"{s:+.2f}" if s else "0" for s in SHOWN)],
    )
    return Figure(
        f"{name} from one pair (the paper's Figures 10 and 13)",
        sheet,
        "First: the pair that defines the direction. Below: generated and real faces at these "
        "strengths, not chosen.",
    )


def both_sheet(model: CRGEditor, towards: dict[str, Direction], real: Records, out: Path) -> Figure:
    """Two attributes at once (Fig. 12): each alone, and both."""
    names: Sequence[str] = list(towards)[:2]
    images = real.images[:FACES]
    latents = model.encode(images).latent

    def edited(*amounts: float) -> np.ndarray:
        request = Along(directions=[towards[name] for name in names], amounts=amounts)
        return model.decode(Codes(moved(latents, request)))

    columns = {
        "input": images,
        "0": edited(0.0, 0.0),
        names[0]: edited(1.0, 0.0),
        names[1]: edited(0.0, 1.0),
        "both": edited(1.0, 1.0),
    }
    sheet = out / "edit-both.png"
    grid(
        [list(row) for row in zip(*columns.values(), strict=True)],
        sheet,
        column_labels=list(columns),
    )
    return Figure(
        f"{names[0]} and {names[1]} at once (the paper's Figure 12)",
        sheet,
        "Directions from labels, strength 1; the first faces that were measured.",
    )
