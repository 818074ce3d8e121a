"""How far two sets of images are apart that do not pair, alone or as a part of a report.

python -m common.report REAL GENERATED --unpaired                      # digits
python -m common.report REAL GENERATED --unpaired --inception GRAPH    # FID and KID
python -m common.report REAL GENERATED --unpaired --data-dir CELEBA    # faces
"""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.folder import listed
from common.errors import UserError
from common.files import called_apart
from common.reporting.document import Figure, Report
from common.reporting.tables import Cell, Table

if TYPE_CHECKING:
    from common.classifiers.features import Space
    from common.metrics.frechet import Distances

logger = logging.getLogger(__name__)

SHOWN = 12  # images of each set on the sheet
LARGE = 1_000  # features of which distances take minutes


def report(
    first: Path,
    other: Path,
    out: Path,
    facts: list[tuple[str, str]],
    *,
    inception: Path | None = None,
    data_dir: Path | None = None,
    seed: int = 0,
) -> Report:
    """Measures two folders of images, real ones and others.

    Args:
        first: the real images, of one size.
        other: those to compare, of one size.
        out: folder of the report, which gets a sheet of some of the images.
        facts: where the numbers come from.
        inception: the graph of 2015, for FID and KID.
        data_dir: CelebA, on whose training images the classifier of faces is trained.
        seed: of the extrapolation.

    Raises:
        UserError: images of several sizes, or of a kind for which features are not told.
    """
    from common.datasets.compared import one_set
    from common.metrics.frechet import distances
    from common.reporting.sheets import grid

    (real_names, real), (fake_names, fake) = one_set(first), one_set(other)
    real, fake = alike(real, fake)
    if inception is None and real.shape[1:] != fake.shape[1:]:
        kinds = [f"{s[1]}x{s[2]} in {s[3]} channels" for s in (real.shape, fake.shape)]
        raise UserError(
            f"The images of {first} are {kinds[0]}, those of {other} {kinds[1]}; without "
            "--inception all must be of one kind."
        )
    space = space_of(real, inception, data_dir)
    logger.info("measuring %s of %d and %d images", space.frechet, len(real), len(fake))
    features = space.of(real), space.of(fake)
    if features[0].shape[1] > LARGE:
        logger.info("their %d features take 10 to 20 minutes", features[0].shape[1])
    shared, same = overlap(real, fake, real_names, fake_names)
    found = nothing(*features) if same else distances(*features, seed)
    told = [shared, "" if same else too_few(space, found)]
    rows = [
        list(images[np.linspace(0, len(images) - 1, min(SHOWN, len(images))).astype(np.int64)])
        for images in (real, fake)
    ]
    grid(rows, out / "sets.png", row_labels=["real", "generated"])
    return Report(
        title=f"{' against '.join(reversed(called_apart([first, other])))}, unpaired",
        n=len(fake),
        summary=f"{len(real):,} and {len(fake):,} images, {space.note}",
        tables=[table("Distance of the two sets", space, {"value": found})],
        figures=[Figure("Some of both", out / "sets.png", "Evenly spaced over each set.")],
        findings=[finding for finding in told if finding],
        facts=facts,
        details={
            "real": found.n[0],
            "generated": found.n[1],
            "features": found.features,
            space.frechet: found.frechet,
            f"{space.frechet}, extrapolated": found.extrapolated.as_dict(),
            space.kernel: found.kernel.as_dict(),
            "in both": shared,
        },
    )


def overlap(
    real: np.ndarray, fake: np.ndarray, real_names: Sequence[str], fake_names: Sequence[str]
) -> tuple[str, bool]:
    """What a reader should know of images that are in both sets, pixel by pixel; else nothing.

    Args:
        real: uint8 `[N, H, W, C]`.
        fake: uint8 `[M, H', W', C']`.
        real_names: of the N files.
        fake_names: of the M files.

    Returns:
        The sentence, and whether the sets are the same, in whatever order.
    """
    first, other = ([(image.shape, image.tobytes()) for image in images] for images in (real, fake))
    known = dict(zip(first, real_names, strict=True))
    again = [
        name if name == known[image] else f"{name} as {known[image]}"
        for image, name in zip(other, fake_names, strict=True)
        if image in known
    ]
    if not again:
        return "", False
    if Counter(first) == Counter(other):
        told = f"Both sets hold the same {len(first):,} images, pixel by pixel ({listed(again)}): "
        return f"{told}their distance is 0. Name another set to compare with.", True
    copies = set(other)
    there = sum(image in copies for image in first)
    return (
        f"{len(again):,} of the {len(other):,} generated images are also among the real ones, "
        f"pixel by pixel ({listed(again)}), and {there:,} of the {len(first):,} real ones among "
        "the generated: the distances are smaller for that, and their intervals, which suppose "
        "sets that have nothing to do with each other, do not hold.",
        False,
    )


def nothing(real: np.ndarray, fake: np.ndarray) -> Distances:
    """The distances of a set from itself: 0, which estimates for other sets would miss.

    Args:
        real: features `[N, D]`.
        fake: the same, in whatever order.
    """
    from common.metrics.frechet import Distances
    from common.metrics.intervals import Interval

    none = Interval(0.0, 0.0, 0.0, len(real))
    return Distances(0.0, none, none, (len(real), len(fake)), real.shape[1])


def alike(*sets: np.ndarray) -> list[np.ndarray]:
    """Sets of uint8 images `[N, H, W, 1 or 3]`, all of one channel if they are gray, else of three.

    Gray images are often saved as colour.
    """
    if all((images == images[..., :1]).all() for images in sets):
        return [images[..., :1] for images in sets]
    return [np.repeat(images, 3 // images.shape[3], axis=3) for images in sets]


def space_of(images: np.ndarray, inception: Path | None, data_dir: Path | None) -> Space:
    """The features on which these images are measured."""
    from common.classifiers import features

    if inception is not None:
        return features.inception(inception)
    if images.shape[1:] == (28, 28, 1):
        return features.digits()
    if images.shape[3] == 3 and images.shape[1] == images.shape[2] and data_dir is not None:
        from common.classifiers.faces import load_classifier
        from common.settings.config import Source

        return features.faces(load_classifier("celeba", Source(data_dir=data_dir)))
    height, width, channels = images.shape[1:]
    raise UserError(
        f"For images of {height}x{width} with {channels} channels there are no features at hand: "
        "name the Inception graph of 2015 by --inception (any images), or CelebA by --data-dir "
        "(square faces in colour). Gray digits of 28x28 need neither."
    )


def generated_table(
    space: Space, real: np.ndarray, generated: np.ndarray, others: np.ndarray, seed: int
) -> list[Table]:
    """How far a model's images are from real ones, beside other real images.

    Args:
        space: the features.
        real: images, uint8 `[N, H, W, C]`.
        generated: uint8 `[N, H, W, C]`.
        others: real images that are not among `real`, uint8 `[N, H, W, C]`.
        seed: of the extrapolation.

    Returns:
        The table, of as many images of each set as the smallest has, evenly spaced; none of fewer
        than a distance needs.
    """
    from common.metrics.frechet import FEWEST, distances

    n = min(len(real), len(generated), len(others))
    if n < FEWEST:
        return []
    logger.info("measuring how far %s generated images are from real ones", f"{n:,}")
    test, made, train = (
        space.of(images[np.linspace(0, len(images) - 1, n).astype(np.int64)])
        for images in (real, generated, others)
    )
    found = {
        "generated images": distances(test, made, seed),
        "as many training images": distances(test, train, seed),
    }
    told = table("Distance from the real images, as sets", space, found)
    few = too_few(space, found["generated images"])
    note = f"{told.note} The classifier has seen training images, which may set these apart. {few}"
    return [dataclasses.replace(told, note=note.strip())]


def table(title: str, space: Space, found: Mapping[str, Distances]) -> Table:
    """All distances, each with its n.

    Args:
        title: of the table.
        space: whose features they are of.
        found: column -> distances of sets of one n.
    """
    first = next(iter(found.values()))
    n = f"{first.n[0]:,} and {first.n[1]:,}"
    rows: list[list[Cell]] = [
        [space.frechet, *(one.frechet for one in found.values()), n],
        [
            f"{space.frechet}, extrapolated to infinitely many",
            *(one.extrapolated for one in found.values()),
            n,
        ],
        [space.kernel, *(one.kernel for one in found.values()), n],
    ]
    return Table(
        title,
        ("distance", *found, "images"),
        rows,
        f"{space.frechet}: Frechet distance of {space.note}; lower is better, and it is larger for "
        "fewer images, so compare values of one n only. Extrapolated: the intercept of a line "
        "through 1/n, both sets shrinking (that of Chong and Forsyth keeps the real set fixed); "
        f"95 % intervals. {space.kernel}: kernel distance, (x.y / d + "
        "1)^3, without bias; 0 for equal distributions, and it may be below; its interval misses "
        "low on skewed features (it holds the truth in 87 to 96 %). Distances of other features do "
        "not compare.",
    )


def too_few(space: Space, found: Distances) -> str:
    """What a reader should not miss where there are few images for the features; else nothing."""
    from common.metrics.frechet import SMALLEST

    n, features = min(found.n), found.features
    if n <= features:
        return (
            f"There are no more images ({n:,}) than features ({features:,}): {space.frechet} says "
            f"little; read {space.kernel}."
        )
    if SMALLEST * n <= features:
        return (
            f"There are few images ({n:,}) for {features:,} features: the extrapolation of "
            f"{space.frechet} reads sets of half as many, and may be off by more than its "
            f"interval; read {space.kernel}."
        )
    return ""
