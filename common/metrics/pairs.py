"""The eight metrics of pairs of images: originals and their reconstructions, one beside the other.

Errors are measured on [0, 1] images; on [-1, 1] MAE and RMSE are twice as large and MSE four times.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np

from common.metrics.baselines import MAX_COVARIANCE, trivial_baselines
from common.metrics.hashes import (
    all_hash_bits,
    hash_similarity,
    kept_hash_bits,
    random_pair_baseline,
    unique_ratio,
)
from common.metrics.intervals import Interval, mean_interval
from common.metrics.reconstruction import reconstruction_metrics
from common.tables import Table

SOME = 2_000  # training images for the principal components of large images
Bits: TypeAlias = Mapping[str, np.ndarray]  # dhash, phash, whash -> bool [N, 64]


def pair_metrics(originals: np.ndarray, reconstructions: np.ndarray) -> dict[str, Interval]:
    """Means over the pairs of `pair_values`, with their 95 % intervals; the arguments are its."""
    return intervals(pair_values(originals, reconstructions))


def pair_values(originals: np.ndarray, reconstructions: np.ndarray) -> dict[str, np.ndarray]:
    """The eight metrics of each pair.

    Args:
        originals: uint8 `[N, H, W, C]`.
        reconstructions: uint8, the same shape, in the same order.

    Returns:
        `mae, mse, rmse, psnr, ssim` on [0, 1] images and the similarities `dhash, phash, whash`,
        float64 `[N]` each.

    Raises:
        UserError: other types or shapes.
    """
    return metrics_of(originals, reconstructions)[1]


def metrics_of(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    original_bits: Bits | None = None,
    reconstruction_bits: Bits | None = None,
    cache_dir: Path | None = None,
) -> tuple[tuple[Bits, Bits], dict[str, np.ndarray]]:
    """Both sides' hashes, and `pair_values`.

    Args:
        originals: as for `pair_values`.
        reconstructions: as for `pair_values`.
        original_bits: the originals' hashes where they are known already; else they are kept for
            the next time.
        reconstruction_bits: the reconstructions' hashes where they are known already.
        cache_dir: where the originals' are kept; `common.datasets.faces.default_cache()` if None.

    Returns:
        (the hashes of the originals, those of the reconstructions), and the values.
    """
    bits_a = original_bits or kept_hash_bits(originals, cache_dir)
    bits_b = reconstruction_bits or all_hash_bits(reconstructions)
    similarities = {kind: hash_similarity(bits_a[kind], bits_b[kind]) for kind in bits_a}
    values = {**reconstruction_metrics(originals, reconstructions), **similarities}
    return (bits_a, bits_b), values


def intervals(values: Mapping[str, np.ndarray]) -> dict[str, Interval]:
    """Name -> mean of the values `[N]` with its 95 % interval."""
    return {name: mean_interval(value) for name, value in values.items()}


def baseline_table(
    metrics: Mapping[str, Interval],
    train_images: np.ndarray,
    test_images: np.ndarray,
    bits: Bits,
    seed: int,
    what: str = "digit",
) -> Table:
    """What needs no model beside ours, all metrics.

    Args:
        metrics: those of the reconstructions.
        train_images: uint8 `[M, H, W, C]`; of many large ones some are taken, evenly spaced.
        test_images: uint8 `[N, H, W, C]`.
        bits: the hashes of the test images.
        seed: of the random other image.
        what: the kind of image.
    """
    rows = [["this model", *metrics.values()]]
    note = ""
    if train_images[0].size > MAX_COVARIANCE < len(train_images):
        spaced = np.linspace(0, len(train_images) - 1, SOME).astype(np.int64)
        train_images = train_images[spaced]
        note = f" The mean and the components are those of {SOME:,} training images."
    baselines = trivial_baselines(train_images, test_images, seed, what=what)
    for name, images in baselines.items():
        values = metrics_of(test_images, images, bits)[1]
        rows.append([name, *(float(value.mean()) for value in values.values())])
    return Table(
        "Beside answers that need no model",
        ("reconstruction", *metrics),
        rows,
        "Errors on [0, 1]. PCA-k is the projection on the k first principal components of the "
        f"training images: linear, and not confined to images that a generator can make.{note}",
    )


def without_a_model(table: Table) -> list[str]:
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
