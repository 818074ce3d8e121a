"""95 % confidence intervals of a mean and of a proportion.

Means use Student's t (the images are a sample and their spread is estimated from it), proportions
use Wilson's score interval (Wilson 1927, JASA 22, 209-212), which stays inside [0, 1] and has a
width even when every trial succeeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import special

from common.errors import UserError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with its 95 % interval and the number of values behind it."""

    mean: float
    low: float
    high: float
    n: int

    def times(self, factor: float) -> Interval:
        """The same measurement in another unit, such as errors on [-1, 1] for those on [0, 1]."""
        return Interval(factor * self.mean, factor * self.low, factor * self.high, self.n)

    def as_dict(self) -> dict[str, float | int]:
        """Returns `{"mean", "low", "high", "n"}` as plain Python numbers, ready for JSON."""
        return asdict(self)


def mean_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Mean of independent values with Student's t interval: `mean +- t(0.975, n-1) * s / sqrt(n)`.

    Args:
        values: numbers `[N]`, N >= 1, for example one metric over N images.

    Returns:
        The interval; `low == high == mean` for N = 1, where no spread can be estimated.

    Raises:
        UserError: no values, or values that are not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise UserError(f"A mean needs a list of at least one value; received {values.shape}.")
    if not np.isfinite(values).all():
        raise UserError(
            f"{np.count_nonzero(~np.isfinite(values))} of {values.size} values are "
            "not finite: a mean of them says nothing."
        )
    mean = float(values.mean())
    if values.size == 1:
        return Interval(mean, mean, mean, 1)
    standard_error = values.std(ddof=1) / math.sqrt(values.size)
    half = float(special.stdtrit(values.size - 1, (1 + CONFIDENCE) / 2) * standard_error)
    return Interval(mean, mean - half, mean + half, int(values.size))


def share_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Mean of independent shares, such as that of right answers about one image, within [0, 1].

    Args:
        values: numbers in 0..1 `[N]`, N >= 1.

    Raises:
        UserError: as `mean_interval`.
    """
    found = mean_interval(values)
    return Interval(found.mean, max(0.0, found.low), min(1.0, found.high), found.n)


def proportion_interval(successes: int, n: int) -> Interval:
    """Share of successes with Wilson's score interval.

    With p = successes / n and z = 1.96: centre `(p + z^2/2n) / (1 + z^2/n)`, half width
    `z / (1 + z^2/n) * sqrt(p(1-p)/n + z^2/4n^2)`.

    Args:
        successes: trials that succeeded, 0..n.
        n: trials, at least 1.

    Returns:
        The interval, its `mean` the plain share `successes / n`.

    Raises:
        UserError: `n < 1`, or `successes` outside 0..n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UserError(
            f"A proportion needs n >= 1 and successes in 0..n; received {successes} of {n}."
        )
    z = float(special.ndtri((1 + CONFIDENCE) / 2))
    share = successes / n
    shrink = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n one end is the share itself; rounding must put it neither inside nor outside.
    low, high = max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))
    return Interval(share, low, high, int(n))
