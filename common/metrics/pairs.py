"""The eight metrics of pairs of images: originals and their reconstructions, one beside the other.

Errors are measured on [0, 1] images; on [-1, 1] MAE and RMSE are twice as large and MSE four times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from common.metrics.hashes import all_hash_bits, hash_similarity
from common.metrics.intervals import Interval, mean_interval
from common.metrics.reconstruction import reconstruction_metrics

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
) -> tuple[tuple[Bits, Bits], dict[str, np.ndarray]]:
    """Both sides' hashes, and `pair_values`.

    Args:
        originals: as for `pair_values`.
        reconstructions: as for `pair_values`.
        original_bits: the originals' hashes where they are known already.
        reconstruction_bits: the reconstructions' hashes where they are known already.

    Returns:
        (the hashes of the originals, those of the reconstructions), and the values.
    """
    bits_a = original_bits or all_hash_bits(originals)
    bits_b = reconstruction_bits or all_hash_bits(reconstructions)
    similarities = {kind: hash_similarity(bits_a[kind], bits_b[kind]) for kind in bits_a}
    values = {**reconstruction_metrics(originals, reconstructions), **similarities}
    return (bits_a, bits_b), values


def intervals(values: Mapping[str, np.ndarray]) -> dict[str, Interval]:
    """Name -> mean of the values `[N]` with its 95 % interval."""
    return {name: mean_interval(value) for name, value in values.items()}
