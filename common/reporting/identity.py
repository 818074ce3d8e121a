"""Is it the same person: a table and a sheet of every report of photographed faces.

Optional, since the embedding is: see `common.classifiers.identity`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.metrics.baselines import mean_image, pca
from common.metrics.identity import Identity, identity, own_distances
from common.reporting.document import Figure
from common.reporting.sheets import grid
from common.reporting.tables import Table

if TYPE_CHECKING:
    from common.datasets.celeba.faces import Crop

logger = logging.getLogger(__name__)

FACES = 500  # measured at most, evenly spaced: an embedding takes some 0.1 s
TRAINED = 2_000  # training faces of the principal components
COMPONENTS = (50, 128, 512)
SHOWN = 6  # faces of the sheet
ENLARGED = 4  # times


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a report has of identity; all empty where it was not measured."""

    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    findings: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def identity_section(
    dataset: str,
    originals: np.ndarray,
    shown: Mapping[str, np.ndarray],
    train_images: np.ndarray,
    crop: Crop,
    out: Path,
) -> Person:
    """Compares photographs with what became of them.

    Args:
        dataset: of what the images are; of all but "celeba", which has no persons, nothing is said.
        originals: uint8 `[N, S, S, 3]`.
        shown: name -> uint8 `[N, S, S, 3]`, the reconstructions first, then edits of them.
        train_images: uint8 `[M, S, S, 3]`, for the mean face and principal components.
        crop: what the images show of an aligned photograph.
        out: folder of the sheet.
    """
    from common.classifiers import identity as faces

    if dataset != "celeba":
        return Person()
    if not faces.available():
        missing = f"Identity was not measured: pip install -r {faces.REQUIREMENTS} adds it."
        return Person(findings=[missing])
    logger.info("measuring identity, by an embedding of faces")
    count = min(FACES, len(originals))
    rows = np.linspace(0, len(originals) - 1, count).astype(np.int64)
    originals, shown = originals[rows], {name: images[rows] for name, images in shown.items()}
    photographs = faces.embeddings(originals, crop)
    embedded = {name: faces.embeddings(images, crop) for name, images in shown.items()}
    found = {name: identity(photographs, one) for name, one in embedded.items()}
    beside = {
        name: identity(photographs, faces.embeddings(images, crop))
        for name, images in _baselines(train_images, originals).items()
    }
    (first, ours), *_ = found.items()
    sheet = _sheet(originals, shown, own_distances(photographs, embedded[first]), out)
    return Person(
        tables=[_table(found | beside, count)],
        figures=[sheet],
        findings=[
            f"Identity: one's own photograph is among the nearest 5 % of {count:,} to "
            f"{ours.nearest_5.mean:.1%} of the reconstructions (chance 5 %)."
        ],
        details={"identity": {name: dataclasses.asdict(one) for name, one in found.items()}},
    )


def _baselines(train_images: np.ndarray, originals: np.ndarray) -> dict[str, np.ndarray]:
    """The mean face, and projections on principal components."""
    rows = np.linspace(0, len(train_images) - 1, min(TRAINED, len(train_images)))
    some = train_images[rows.astype(np.int64)]
    sizes = tuple(size for size in COMPONENTS if size < len(some))
    projected = pca(some, originals, sizes) if sizes else []
    named = {f"PCA-{size}": images for size, images in zip(sizes, projected, strict=True)}
    return {"mean face": mean_image(some, originals)} | named


def _table(found: Mapping[str, Identity], count: int) -> Table:
    return Table(
        "The same person?",
        ("image", "distance to its own", "to others", "own in nearest 1 %", "own in nearest 5 %"),
        [[name, one.own, one.other, one.nearest_1, one.nearest_5] for name, one in found.items()],
        f"Of {count:,} faces, by dlib's embedding, with which nothing here was trained: distances "
        "of an image from photographs (below 0.6 is the same person to dlib, in sharp photographs),"
        f" and how often its own is among the nearest of the {count:,}. Chance is 1 % and 5 %.",
    )


def _sheet(
    originals: np.ndarray, shown: Mapping[str, np.ndarray], distances: np.ndarray, out: Path
) -> Figure:
    """The best face, the worst, and those between."""
    order = np.argsort(distances, kind="stable")
    chosen = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(np.int64))
    columns = {"photograph": originals} | dict(shown)
    rows = [[images[order[rank]] for images in columns.values()] for rank in chosen]
    labels = [f"{distances[order[rank]]:.2f}" for rank in chosen]
    file = out / "identity.png"
    large = [[image.repeat(ENLARGED, 0).repeat(ENLARGED, 1) for image in row] for row in rows]
    grid(large, file, row_labels=labels, column_labels=list(columns))
    return Figure(
        "From the most to the least like",
        file,
        f"{len(chosen)} faces, evenly spaced from the nearest to the farthest reconstruction by "
        f"the embedding, whose distance stands beside; {ENLARGED} times enlarged.",
    )
