"""The figures of an evaluation, and edits along directions from one pair of images each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.classifiers.digits import load_classifier, predict_labels
from common.datasets.folder import read_images
from common.datasets.records import Records
from common.files import ROOT
from common.metrics.digits import ink, slant
from common.metrics.intervals import mean_interval, proportion_interval
from common.reporting.document import Figure
from common.reporting.samples import loss_figures
from common.reporting.sheets import alternating, grid, in_rows
from common.reporting.tables import Table
from crg.codes import Along, moved
from crg.editor import Codes

if TYPE_CHECKING:
    from crg.editor import CRGEditor

PAIRS = {  # images without and with an attribute
    "slant": ("upright", "slanted"),
    "thickness": ("thin", "thick"),
    "three to eight": ("three", "eight"),
    "four to nine": ("four", "nine"),
}
EDITS = {  # name -> the pairs whose directions it follows, and the digit that it is meant for
    **{name: ((name,), None) for name in ("slant", "thickness")},
    "slant and thickness": (("slant", "thickness"), None),  # two attributes at once, as in Fig. 12
    "three to eight": (("three to eight",), 3),
    "four to nine": (("four to nine",), 4),
}
STRENGTHS = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)
EDITED = 500  # images a direction is measured on


def figures(
    model: CRGEditor,
    real: Records,
    reconstructions: np.ndarray,
    generated: np.ndarray,
    errors: np.ndarray,
    out: Path,
) -> list[Figure]:
    """Reconstructions (Figs. 6 and 9), samples, interpolations (Fig. 3) and loss curves.

    Args:
        model: g and e, and the folder whose histories are drawn if it has any.
        real: real images.
        reconstructions: what becomes of them, uint8 `[N, H, W, C]`.
        generated: images of g, uint8 `[M, H, W, C]`.
        errors: of the reconstructions `[N]`.
        out: folder of the pictures.
    """
    drawn = [
        real_reconstructions(real.images, reconstructions, out),
        best_median_worst(real.images, reconstructions, errors, out),
        generated_reconstructions(model, generated, out),
        samples(generated, out),
        interpolations(model, real.images, out),
        *loss_figures(model.folder, out),
    ]
    return [figure for figure in drawn if figure is not None]


def real_reconstructions(images: np.ndarray, reconstructions: np.ndarray, out: Path) -> Figure:
    """The first images, each row above that of their reconstructions."""
    sheet = out / "reconstructions.png"
    rows = alternating(images[:40], reconstructions[:40])
    grid(rows, sheet, row_labels=["real", "ours"] * (len(rows) // 2))
    return Figure(
        "Real images and reconstructions",
        sheet,
        f"The first {min(40, len(images))} of the images that were measured, not chosen "
        f"(the paper's Figure {6 if images.shape[-1] == 1 else 7}).",
    )


def best_median_worst(
    images: np.ndarray, reconstructions: np.ndarray, errors: np.ndarray, out: Path
) -> Figure:
    """Four images each from the ends and from the middle of the order of their errors."""
    sheet = out / "best-median-worst.png"
    order = np.argsort(errors, kind="stable")
    middle = len(order) // 2
    ends = np.concatenate([order[:4], order[max(0, middle - 2) : middle + 2], order[-4:]])
    grid(
        np.stack([images[ends], reconstructions[ends]]),
        sheet,
        row_labels=["real", "ours"],
        column_labels=[f"MSE {errors[i]:.3f}" for i in ends],
    )
    return Figure("Best, median and worst reconstructions", sheet, "By MSE.")


def generated_reconstructions(model: CRGEditor, generated: np.ndarray, out: Path) -> Figure:
    """The first generated images, each row above that of their reconstructions."""
    sheet = out / "generated-reconstructions.png"
    again = model.reconstruct(generated[:20])
    rows = alternating(generated[:20], again)
    grid(rows, sheet, row_labels=["generated", "ours"] * (len(rows) // 2))
    return Figure("Generated images and reconstructions", sheet, "The paper's Figure 9.")


def samples(generated: np.ndarray, out: Path) -> Figure | None:
    """Up to ten full rows of generated images; None where there is none."""
    full = generated[: len(generated) // 10 * 10][:100]
    if not len(full):
        return None
    grid(in_rows(full), out / "samples.png")
    return Figure("Generated images", out / "samples.png", "Random z, not chosen.")


def interpolations(model: CRGEditor, images: np.ndarray, out: Path) -> Figure | None:
    """From one image to the next along a straight line of codes; None for a single image."""
    latents = model.encode(images[:10]).latent
    rows = [
        list(model.decode(Codes(np.linspace(latents[i], latents[i + 1], 9, dtype=np.float32))))
        for i in range(0, len(latents) - 1, 2)
    ]
    if not rows:
        return None
    grid(rows, out / "interpolations.png")
    return Figure(
        "Interpolations",
        out / "interpolations.png",
        "Straight lines between the codes of two images (the paper's Figure 3).",
    )


def edit_table(model: CRGEditor, real: Records, out: Path) -> tuple[Table, list[Figure]]:
    """Directions from one pair each: what they do to measured attributes, and sheets of edits."""
    classifier = load_classifier()
    rows, sheets = [], []
    for name, (names, digit) in EDITS.items():
        chosen = real if digit is None else real.take(np.flatnonzero(real.labels == digit))
        chosen = chosen.spaced(EDITED)
        if not len(chosen):
            continue
        pairs = [read_pair(*PAIRS[one]) for one in names]
        edited = edits(model, pairs, chosen.images)
        read = {strength: predict_labels(classifier, images) for strength, images in edited.items()}
        wanted = None if digit is None else int(predict_labels(classifier, pairs[0][1:])[0])
        rows += edit_rows(name, edited, read, wanted)
        shown = one_of_each_digit(chosen) if digit is None else range(min(10, len(chosen)))
        sheets.append(edit_sheet(name, pairs, chosen, edited, shown, out))
    table = Table(
        "Edits along directions from one pair",
        ("direction, strength", "images", "slant in degrees", "ink", "digit kept", "digit reached"),
        rows,
        "Means over edited images: slant (positive leans right) and share of white are "
        'measured on the pixels; digits are read by the classifier, "kept" against the '
        "reconstruction. Strength 1 is the step from the pair's first image to its second.",
    )
    return table, sheets


def read_pair(without: str, with_: str) -> np.ndarray:
    """Two of the example digits, uint8 `[2, 28, 28, 1]`."""
    files = [ROOT / "examples" / "pairs" / f"{stem}.png" for stem in (without, with_)]
    return np.concatenate([read_images(file, (28, 28), "L")[1] for file in files])


def edits(
    model: CRGEditor, pairs: Sequence[np.ndarray], images: np.ndarray
) -> dict[float, np.ndarray]:
    """Strength -> the images `[N, H, W, C]` edited along the directions of all pairs (Eq. 4)."""
    towards, latents = [model.direction(*pair) for pair in pairs], model.encode(images).latent

    def edited(strength: float) -> np.ndarray:
        request = Along(directions=towards, amounts=[strength] * len(towards))
        return model.decode(Codes(moved(latents, request)))

    return {strength: edited(strength) for strength in STRENGTHS}


def edit_rows(
    name: str,
    edited: Mapping[float, np.ndarray],
    read: Mapping[float, np.ndarray],
    wanted: int | None,
) -> list[list[object]]:
    """What one direction does, a row for each strength.

    Args:
        name: of the direction.
        edited: strength -> images.
        read: strength -> the digits `[N]` that the classifier reads in them.
        wanted: the digit that the direction leads to, if it leads to one.
    """
    rows = []
    for strength, images in edited.items():
        kept = int((read[strength] == read[0.0]).sum())
        reached = int((read[strength] == wanted).sum())
        rows.append(
            [
                f"{name}, {strength:+.2f}" if strength else f"{name}, 0 (reconstruction)",
                len(images),
                mean_interval(slant(images)),
                mean_interval(ink(images)),
                proportion_interval(kept, len(images)),
                None if wanted is None else proportion_interval(reached, len(images)),
            ]
        )
    return rows


def one_of_each_digit(records: Records) -> list[int]:
    """The first record of each class that is there, in order of the classes."""
    labels = records.labels
    return [int(np.argmax(labels == digit)) for digit in range(10) if (labels == digit).any()]


def edit_sheet(
    name: str,
    pairs: Sequence[np.ndarray],
    inputs: Records,
    edited: Mapping[float, np.ndarray],
    shown: Sequence[int],
    out: Path,
) -> Figure:
    """Draws the pairs, and below them the `shown` inputs at every strength."""
    sheet = out / f"edit-{name.replace(' ', '-')}.png"
    grid(
        [
            *([pair[0], *[None] * (len(STRENGTHS) - 1), pair[1]] for pair in pairs),
            *([inputs.images[i], *(edited[s][i] for s in STRENGTHS)] for i in shown),
        ],
        sheet,
        row_labels=[
            *["pair: without, with"] * len(pairs),
            *(f"digit {inputs.labels[i]}" for i in shown),
        ],
        column_labels=["input", *(f"{s:+.2f}" if s else "0 (rec.)" for s in STRENGTHS)],
    )
    return Figure(
        f"Edit: {name}",
        sheet,
        "First: each pair that defines a direction. Below: an input, and it at these strengths, "
        "shares of each pair's own step (Eq. 4).",
    )
