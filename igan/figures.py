"""The figures of an evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.reporting.document import Figure
from common.reporting.samples import loss_figures
from common.reporting.sheets import grid, in_rows
from igan.candidates import between
from igan.codes import Codes, ManifoldEditor
from igan.strokes import Stroke
from igan.tables import BAND, CHANGED, Found

if TYPE_CHECKING:
    from igan.session import EditSession

ROWS = 12  # images on the sheets
SAMPLES, COLUMNS = 196, 14  # generated images [R, appendix]
BLUE = (60, 110, 220)
BACKGROUND = (((0.02, 0.02), (0.02, 0.5)), ((0.98, 0.02), (0.98, 0.5)))  # both sides, above


def figures(
    session: EditSession, images: np.ndarray, found: Mapping[str, Found], out: Path, seed: int
) -> list[Figure]:
    """Projections, candidates of edits, samples, a path on the manifold, losses.

    Args:
        session: of the trained model.
        images: uint8 `[N, H, W, C]`.
        found: what the methods of projection made of them.
        out: folder of the pictures.
        seed: of random latents.
    """
    model, latents = session.editor, found["cnn_opt"].projection.latent
    return [
        projections(images, found, out),
        edits(session, latents, out),
        scribbles(session, out),
        path(model, latents, out),
        samples(model, out, seed),
        *loss_figures(model.folder, out),
    ]


def projections(images: np.ndarray, found: Mapping[str, Found], out: Path) -> Figure:
    """The first images, and what each method makes of them."""
    columns = {"real": images, **{name: one.images for name, one in found.items()}}
    rows = [[image[row] for image in columns.values()] for row in range(min(ROWS, len(images)))]
    grid(rows, out / "projections.png", column_labels=list(columns))
    return Figure(
        "Projections", out / "projections.png", "The first images that were measured, not chosen."
    )


def edits(session: EditSession, latents: np.ndarray, out: Path) -> Figure:
    """Candidates of a colour stroke, of a sketch and of a background, from three images each."""
    model = session.editor
    colour = CHANGED if model.config.channels == 3 else (255, 255, 255)
    brushes = {
        "colour across": [Stroke(kind="colour", points=BAND, colour=colour)],
        "line across": [Stroke(kind="sketch", points=BAND)],
        "background": [
            Stroke(kind="colour", points=line, colour=BLUE, width=4) for line in BACKGROUND
        ],
    }
    rows, labels = [], []
    for name, strokes in brushes.items():
        for latent in latents[:3]:
            session.restart(latent)
            for stroke in strokes:
                session.add_stroke(stroke)
            session.run()
            start = model.decode(Codes(latent[None]))[0]
            rows.append([start, *session.candidates().images[:6]])
            labels.append(name)
    grid(rows, out / "edits.png", row_labels=labels)
    return Figure(
        "Strokes on three images",
        out / "edits.png",
        "Left the projection; then the candidates, the cheapest first.",
    )


def scribbles(session: EditSession, out: Path) -> Figure:
    """Generation from a stroke alone."""
    session.restart()
    session.add_stroke(Stroke(kind="sketch", points=((0.2, 0.7), (0.5, 0.35), (0.8, 0.7))))
    session.run()
    grid(in_rows(session.candidates().images, 8), out / "scribbles.png")
    return Figure(
        "From a sketch alone", out / "scribbles.png", "Candidates for a gable of two lines."
    )


def path(model: ManifoldEditor, latents: np.ndarray, out: Path) -> Figure:
    """From each of some images to the next one."""
    rows = [
        list(model.decode(Codes(between(start, end, 8))))
        for start, end in itertools.pairwise(latents[:7])
    ]
    grid(rows, out / "paths.png")
    return Figure("From one image to another", out / "paths.png", "8 frames, as for a transfer.")


def samples(model: ManifoldEditor, out: Path, seed: int) -> Figure:
    """Generated images."""
    latents = model.manifold.draw(SAMPLES, np.random.default_rng(seed))
    grid(in_rows(model.decode(Codes(latents)), COLUMNS), out / "samples.png")
    return Figure("Generated images", out / "samples.png", f"{SAMPLES} random latents.")
