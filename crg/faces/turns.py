"""What directions do to the pose of faces: heads that turn, by landmarks instead of labels.

CelebA has no label of pose. `common.metrics.pose` reads a face's yaw from its eyes and nose, in
reconstructions of training faces, of which the directions are made, and in edited faces. What the
encoder did not see of a pose is in no code, so photographs would tell less. As in `crg.faces.edits`
a direction comes from one pair, from many or from all faces. A pair is a face that looks to a side
and its mirror image: the person is the same, and so is all that is symmetric.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.classifiers.faces import FaceClassifier
from common.datasets.records import Records
from common.files import atomic_path
from common.metrics.intervals import Interval, mean_interval, proportion_interval, share_interval
from common.metrics.pose import yaws
from common.reporting.curves import OKABE_ITO
from common.reporting.document import Figure
from common.reporting.tables import Cell, Table
from crg.codes import Along, Direction, moved
from crg.directions import of_labels, of_means
from crg.editor import Codes, CRGEditor
from crg.faces.edits import EDITED, MANY, Edits

logger = logging.getLogger(__name__)

STRENGTHS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
SOUGHT = 2_000  # training faces in which landmarks are sought, at most; a minute on two cores
PAIRED = 0.9  # quantile of a pair's yaw without its sign: far to a side, and not absurdly far
SIDE = 0.25  # of the faces, at either end, whose means make a direction
TURNED = 0.1  # distances of the eyes; about half of the standard deviation of yaw in real faces


def turns(
    model: CRGEditor, train: Records, real: Records, classifier: FaceClassifier, out: Path
) -> Edits:
    """Measures and draws how far heads turn along directions of three origins.

    Args:
        model: g and e.
        train: training faces, from which directions come.
        real: faces to edit.
        classifier: reads attributes, which should stay.
        out: folder of the picture.

    Returns:
        A table, a figure and a sentence; nothing where landmarks are found in too few faces.

    Raises:
        UserError: the weights of the detector are not installed.
    """
    train, real = train.spaced(SOUGHT), real.spaced(EDITED)
    logger.info("looking for landmarks in %d training faces", len(train))
    seen = yaws(model.reconstruct(train.images))
    found = np.flatnonzero(~np.isnan(seen))
    reconstructed = yaws(model.reconstruct(real.images))
    measured = np.flatnonzero(~np.isnan(reconstructed))
    if len(found) < 2 * MANY or not len(measured):
        return Edits([], [], ["Pose: landmarks are found in too few faces to measure it."])
    images, seen = train.images[found], seen[found]
    rows = paired(seen, MANY)
    mirrored = model.encode(np.ascontiguousarray(images[rows, :, ::-1])).latent
    every = directions(model.encode(images).latent, seen, rows, mirrored)
    logger.info("measuring turned heads")
    curves = {
        origin: curve(model, direction, real.take(measured), reconstructed[measured], classifier)
        for origin, direction in every.items()
    }
    counts = (
        f"Landmarks are found in the reconstructions of {len(found):,} of {len(train):,} training "
        f"faces, and of {len(measured)} of {len(real)} faces to edit; the others are left out."
    )
    return Edits([table(curves, counts)], [drawn(curves, out)], [sentence(curves)])


def paired(yaw: np.ndarray, count: int) -> np.ndarray:
    """Rows of the faces that make a pair with their mirror images.

    Args:
        yaw: of training faces `[N]`, finite.
        count: how many, at most N.

    Returns:
        int64 `[count]`: first that of the `PAIRED` quantile, then those of the nearest ranks.
    """
    order = np.argsort(np.abs(yaw), kind="stable")
    middle = round(PAIRED * (len(order) - 1))
    return order[np.argsort(np.abs(np.arange(len(order)) - middle), kind="stable")[:count]]


def directions(
    latents: np.ndarray, yaw: np.ndarray, rows: np.ndarray, mirrored: np.ndarray
) -> dict[str, Direction]:
    """Where each direction comes from -> it; strength 1 turns to the right of the picture.

    Args:
        latents: codes of training faces `[N, Z]`.
        yaw: theirs `[N]`, finite.
        rows: of those that make pairs, int `[P]`.
        mirrored: codes of their mirror images `[P, Z]`.
    """
    looks_right = yaw[rows, None] > 0
    left = np.where(looks_right, mirrored, latents[rows])
    right = np.where(looks_right, latents[rows], mirrored)
    low, high = np.quantile(yaw, [SIDE, 1 - SIDE])
    sides = (yaw <= low) | (yaw >= high)
    return {
        "one pair": Direction(left[0], right[0]),
        f"{len(rows)} pairs": of_means(left, right),
        "left and right quarter": of_labels(latents[sides], yaw[sides] >= high),
    }


@dataclass(frozen=True, slots=True)
class Curve:
    """What a direction does at each strength.

    Attributes:
        change: of yaw, in distances of the eyes, over the faces that still have landmarks; None
            where none has.
        turned: share of all faces that turn the way of the strength by more than `TURNED`.
        kept: share of the attributes that are read as in the reconstruction.
        lost: faces without landmarks.
    """

    change: list[Interval | None]
    turned: list[Interval]
    kept: list[Interval]
    lost: list[int]


def curve(
    model: CRGEditor,
    direction: Direction,
    faces: Records,
    before: np.ndarray,
    classifier: FaceClassifier,
) -> Curve:
    """Turns faces by every strength.

    Args:
        model: g and e.
        direction: to the right.
        faces: to edit, N.
        before: yaw of their reconstructions `[N]`, finite.
        classifier: reads attributes.
    """
    found = Curve([], [], [], [])
    latents = model.encode(faces.images).latent
    read = classifier.read(model.decode(Codes(latents)))
    for strength in STRENGTHS:
        codes = moved(latents, Along(directions=[direction], amounts=[strength]))
        images = model.decode(Codes(codes))
        change = yaws(images) - before
        there = ~np.isnan(change)
        found.change.append(mean_interval(change[there]) if there.any() else None)
        wanted = int((np.sign(strength) * change[there] > TURNED).sum())
        found.turned.append(proportion_interval(wanted, len(faces)))
        found.kept.append(share_interval((classifier.read(images) == read).mean(axis=1)))
        found.lost.append(int((~there).sum()))
    return found


def table(curves: dict[str, Curve], counts: str) -> Table:
    """Every direction at every strength; `counts` tells in how many faces landmarks are found."""
    rows: list[list[Cell]] = [
        [f"{origin}, {strength:+.1f}", *values]
        for origin, one in curves.items()
        for strength, *values in zip(
            STRENGTHS, one.change, one.turned, one.kept, one.lost, strict=True
        )
    ]
    return Table(
        "Edits: pose",
        (
            *("direction, strength", "change of yaw", f"turned by more than {TURNED}"),
            *("attributes as before", "faces without landmarks"),
        ),
        rows,
        f"{counts} Yaw is how far the nose is beside the middle of the eyes, in distances of the "
        "eyes, to the right of the picture. Strength 1 is the step from left to right, of a face "
        "and its mirror image or of the means. Changes are against the reconstruction. An edited "
        "face without landmarks counts as not turned, and has no part in the mean change.",
    )


def sentence(curves: dict[str, Curve]) -> str:
    """What turning comes to at strengths -1 and 1."""
    parts = []
    faces = next(iter(curves.values())).turned[0].n
    for origin, one in curves.items():
        both = [STRENGTHS.index(strength) for strength in (-1.0, 1.0)]
        shares = " and ".join(f"{one.turned[i].mean:.0%}" for i in both)
        kept = " and ".join(f"{one.kept[i].mean:.0%}" for i in both)
        parts.append(f"{shares} ({origin}; {kept} of the attributes kept)")
    return (
        f"Pose at strengths -1 and 1: turned the wanted way, by over {TURNED} distances of the "
        f"eyes, are {', '.join(parts)} of {faces} faces."
    )


def drawn(curves: dict[str, Curve], out: Path) -> Figure:
    """Change of yaw, success and preservation, a line a direction, a point a strength."""
    from matplotlib.figure import Figure as Canvas

    path = out / "edits-pose.png"
    canvas = Canvas(figsize=(12.0, 3.6), layout="constrained")
    left, middle, right = canvas.subplots(1, 3)
    for colour, (origin, one) in zip(OKABE_ITO, curves.items(), strict=False):
        look = {"marker": "o", "color": colour, "label": origin}
        change = [np.nan if value is None else value.mean for value in one.change]
        kept = [value.mean for value in one.kept]
        left.plot(STRENGTHS, change, **look)
        middle.plot(STRENGTHS, [value.mean for value in one.turned], **look)
        right.plot(change, kept, **look)
    left.set_ylabel("change of yaw (eye distances)")
    middle.set_ylabel(f"turned by more than {TURNED}")
    middle.set_ylim(-0.02, 1.02)
    right.set_ylabel("attributes as before")
    right.set_xlabel("change of yaw (eye distances)")
    for axes in (left, middle):
        axes.set_xlabel("strength")
    left.legend(loc="upper left")
    with atomic_path(path) as temporary:
        canvas.savefig(temporary, dpi=100, format="png")
    return Figure(
        "Pose: success and preservation",
        path,
        "Left: mean change of yaw; negative strengths turn to the left of the picture. Middle: "
        "share of the faces that turn the wanted way. Right: share of the attributes that stay.",
    )
