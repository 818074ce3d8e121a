"""Tables that the reports of all papers have: reconstructions beside baselines and chance."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.metrics.attributes import accuracy, f1, majority
from common.metrics.baselines import MAX_COVARIANCE, trivial_baselines
from common.metrics.grid import PERIODS, grid_strength
from common.metrics.hashes import random_pair_baseline, unique_ratio
from common.metrics.intervals import Interval, mean_interval
from common.metrics.pairs import Bits, intervals, metrics_of
from common.reporting.tables import Cell, Table

logger = logging.getLogger(__name__)

SOME = 2_000  # training images for the principal components of large images


@dataclass(frozen=True, slots=True)
class Reconstructions:
    """How well images were reconstructed.

    Attributes:
        values: metric -> float64 `[N]`.
        bits: the hashes of the originals, and those of the reconstructions.
        metrics: metric -> mean with its interval.
        baselines: the same metrics of baselines beside them.
        hashes: the similarities of the hashes beside those of random pairs.
        warnings: what a reader should not miss, a sentence each.
    """

    values: dict[str, np.ndarray]
    bits: tuple[Bits, Bits]
    metrics: dict[str, Interval]
    baselines: Table
    hashes: Table
    warnings: list[str]


def reconstruction_section(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    train_images: np.ndarray,
    *,
    seed: int,
    noun: str = "digit",
    components: tuple[int, ...] = (50, 100),
) -> Reconstructions:
    """Measures reconstructions, beside baselines.

    Args:
        originals: uint8 `[N, H, W, C]`.
        reconstructions: uint8, the same shape, in the same order.
        train_images: uint8 `[M, H, W, C]`, on which the baselines are fitted.
        seed: of the random other images.
        noun: the kind of image.
        components: sizes of the PCA codes among the baselines.
    """
    logger.info("measuring %s reconstructions: errors, hashes", f"{len(originals):,}")
    bits, values = metrics_of(originals, reconstructions)
    metrics = intervals(values)
    logger.info("measuring baselines beside them: other images, the mean, principal components")
    baselines = baseline_table(
        metrics, train_images, originals, bits[0], seed, noun, components=components
    )
    hashes = hash_table(*bits, metrics, seed)
    return Reconstructions(values, bits, metrics, baselines, hashes, baseline_warning(baselines))


def baseline_table(
    metrics: Mapping[str, Interval],
    train_images: np.ndarray,
    test_images: np.ndarray,
    bits: Bits,
    seed: int,
    what: str = "digit",
    *,
    components: tuple[int, ...] = (50, 100),
) -> Table:
    """Baselines without a model beside ours, all metrics.

    Args:
        metrics: those of the reconstructions.
        train_images: uint8 `[M, H, W, C]`; of many large ones some are taken, evenly spaced.
        test_images: uint8 `[N, H, W, C]`.
        bits: the hashes of the real images.
        seed: of the random other image.
        what: the kind of image.
        components: sizes of the PCA codes.
    """
    rows = [["this model", *metrics.values()]]
    note = ""
    if train_images[0].size > MAX_COVARIANCE < len(train_images):
        spaced = np.linspace(0, len(train_images) - 1, SOME).astype(np.int64)
        train_images = train_images[spaced]
        note = f" The mean and the components are those of {SOME:,} training images."
    baselines = trivial_baselines(train_images, test_images, seed, components=components, what=what)
    for name, images in baselines.items():
        values = metrics_of(test_images, images, bits)[1]
        rows.append([name, *(float(value.mean()) for value in values.values())])
    return Table(
        "Beside baselines without a model",
        ("reconstruction", *metrics),
        rows,
        "Errors on [0, 1]. PCA-k is the projection on the k first principal components of the "
        f"training images: linear, and not confined to images that a generator can make.{note}",
    )


def baseline_warning(table: Table) -> list[str]:
    """What there is to say where a model is worse than one mean image, by `baseline_table`."""
    column = table.columns.index("mse")
    errors = {str(row[0]): row[column] for row in table.rows}
    ours, mean = errors["this model"], errors["mean image"]
    assert isinstance(ours, Interval)
    assert isinstance(mean, float)
    if ours.mean < mean:
        return []
    return [
        f"By MSE the reconstructions are no better than one mean image for all ({ours.mean:.4f} "
        f"and {mean:.4f}): this model has learnt little."
    ]


def hash_table(
    bits_a: Bits,
    bits_b: Bits,
    metrics: Mapping[str, Interval],
    seed: int,
) -> Table:
    """Similarities beside those of random pairs, and how many hashes are different.

    Args:
        bits_a: the hashes of the originals.
        bits_b: those of the reconstructions.
        metrics: kind -> similarity of the pairs.
        seed: of the random pairs.
    """
    rows = []
    for kind in bits_a:
        several = len(bits_a[kind]) > 1
        chance = mean_interval(random_pair_baseline(bits_a[kind], seed)) if several else None
        unique = [unique_ratio(bits[kind]) for bits in (bits_a, bits_b)]
        rows.append([kind, metrics[kind], chance, *unique])
    return Table(
        "Hashes against chance",
        (
            "hash",
            "similarity of pairs",
            "of random originals",
            "unique originals",
            "unique reconstructions",
        ),
        rows,
        "Similarity: share of equal bits of 64, (64 - Hamming) / 64. Unique: different hashes over "
        "images; far fewer among the reconstructions than among the originals means that different "
        "images became the same one. Hashes see no colour. ±: 95 % interval.",
    )


def grid_table(images: Mapping[str, np.ndarray]) -> Table:
    """Whether images carry the grid of transposed convolutions, beside real ones.

    Args:
        images: name -> uint8 `[N, S, S, C]`, the real ones first; S a multiple of 8, from 32 on.
    """
    found = {name: grid_strength(some) for name, some in images.items()}
    return Table(
        "A grid on the images?",
        ("images", *(f"every {period} pixels" for period in PERIODS)),
        [[name, *strength.values()] for name, strength in found.items()],
        "Power at the frequency of a pattern that repeats so often, of rows and columns, over the "
        "power at the frequencies beside it. A grid stands out from the real images' values.",
    )


def reading_rows(
    names: Sequence[str], true: np.ndarray, readers: Sequence[np.ndarray]
) -> list[list[Cell]]:
    """A row an attribute, and their mean: share, majority, then accuracy and F1 of each reader.

    Args:
        names: of the A attributes.
        true: bool `[N, A]`.
        readers: bool `[N, A]` each.
    """
    rows: list[list[Cell]] = []
    for column, name in enumerate(names):
        row: list[Cell] = [name, float(true[:, column].mean()), majority(true[:, column])]
        for read in readers:
            row += [
                accuracy(read[:, column], true[:, column]),
                f1(read[:, column], true[:, column]),
            ]
        rows.append(row)
    mean: list[Cell] = ["mean"]
    for column in range(1, len(rows[0])):
        cells = [row[column] for row in rows]
        values = np.array([c.mean if isinstance(c, Interval) else c for c in cells], dtype=float)
        known = values[np.isfinite(values)]
        mean.append(float(known.mean()) if len(known) else float("nan"))
    return [*rows, mean]
