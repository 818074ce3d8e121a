"""Whether a reconstruction shows the same person: distances of face embeddings.

The numbers only; `common.classifiers.identity` makes the embeddings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from common.metrics.intervals import Interval, mean_interval, proportion_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How like the person N reconstructions are.

    Attributes:
        own: distance of a reconstruction from its own photograph.
        other: mean distance from the photographs of the others.
        nearest_1: share of the reconstructions whose own photograph is among the nearest 1 % of
            all N; by chance 1 %.
        nearest_5: the same for the nearest 5 %.
    """

    own: Interval
    other: Interval
    nearest_1: Interval
    nearest_5: Interval


def identity(photographs: np.ndarray, reconstructions: np.ndarray) -> Identity:
    """Compares embeddings, row by row.

    Args:
        photographs: `[N, D]`, N >= 2.
        reconstructions: `[N, D]`, of the same faces in the same order.

    Raises:
        UserError: fewer than two rows.
    """
    distances = pair_distances(reconstructions, photographs)  # [N, N]
    count = len(distances)
    own = distances.diagonal()
    nearer = (distances < own[:, None]).sum(axis=1)  # photographs that are nearer than one's own
    others = (distances.sum(axis=1) - own) / max(count - 1, 1)
    return Identity(
        own=mean_interval(own),
        other=mean_interval(others),
        nearest_1=_among(nearer, 0.01),
        nearest_5=_among(nearer, 0.05),
    )


def own_distances(photographs: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Distance of each row from its own: `[N, D]` and `[N, D]` to `[N]`."""
    return np.linalg.norm(photographs - reconstructions, axis=1)


def pair_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distances of `[N, D]` and `[M, D]`: float64 `[N, M]`."""
    from scipy.spatial.distance import cdist

    return cdist(rows, others)


def _among(nearer: np.ndarray, share: float) -> Interval:
    """The share of the ranks that are among the nearest `share` of all, at least the first."""
    most = max(1, math.floor(share * len(nearer)))
    return proportion_interval(int((nearer < most).sum()), len(nearer))
