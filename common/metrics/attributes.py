"""How well binary attributes are read: accuracy beside F1 and beside always saying the majority.

Most attributes of faces are rare, so that accuracy alone says little: always answering "no" is
right for 98 % of the faces in Bald.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from common.metrics.intervals import CONFIDENCE, Interval, proportion_interval


def f1(read: np.ndarray, true: np.ndarray) -> float:
    """Harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`.

    Args:
        read: bool `[N]`.
        true: bool `[N]`.

    Returns:
        0 to 1; NaN where nothing is there and nothing is read (the IcGAN authors' script counts
        nothing there as 1).
    """
    both, either = int((read & true).sum()), int(read.sum() + true.sum())
    return 2.0 * both / either if either else float("nan")


def majority(true: np.ndarray) -> float:
    """Accuracy of always answering what most of the bool `[N]` are."""
    share = float(true.mean())
    return max(share, 1.0 - share)


def accuracy(read: np.ndarray, true: np.ndarray) -> Interval:
    """Share of equal answers of two bool `[N]`, with Wilson's interval."""
    return proportion_interval(int((read == true).sum()), len(true))


def correlation(a: np.ndarray, b: np.ndarray, groups: np.ndarray) -> Interval:
    """Pearson's correlation of two `[N]` within groups, with Fisher's 95 % interval.

    Args:
        a: values.
        b: values.
        groups: int `[N]`; each group's means are taken off first.

    Returns:
        The correlation; NaN where a side does not vary within the groups.
    """
    a, b = a.astype(float).copy(), b.astype(float).copy()
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    kinds = np.unique(groups)
    for kind in kinds:
        mine = groups == kind
        a[mine] -= a[mine].mean()
        b[mine] -= b[mine].mean()
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    if spread <= 1e-12 * size:  # nothing but rounding
        return Interval(float("nan"), float("nan"), float("nan"), len(a))
    r = float((a * b).sum()) / spread
    half = special.ndtri(0.5 + CONFIDENCE / 2) / np.sqrt(max(1, len(a) - len(kinds) - 2))
    z = np.arctanh(np.clip(r, -0.999999, 0.999999))
    low, high = min(r, float(np.tanh(z - half))), max(r, float(np.tanh(z + half)))
    return Interval(r, low, high, len(a))
