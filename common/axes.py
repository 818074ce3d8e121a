"""Axes of loss curves: a symmetric logarithm with few ticks, and large numbers in short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TICKS = 9  # on a logarithmic axis


def make_logarithmic(axes: Axes, values: np.ndarray) -> float:
    """Gives the y axis a symmetric-logarithmic scale that suits what is drawn.

    Args:
        axes: with its lines.
        values: float `[N]`, what they show.

    Returns:
        The threshold: the scale is linear between it and its negative.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    threshold = _linear_threshold(values)
    axes.set_yscale("symlog", linthresh=threshold, linscale=0.5)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator(_symlog_ticks(low, high, threshold)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return threshold


def _linear_threshold(values: np.ndarray) -> float:
    """Power of ten below nearly all magnitudes, at most four decades below the largest."""
    magnitudes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not magnitudes.size:
        return 1.0
    smallest = max(np.percentile(magnitudes, 2, method="lower"), magnitudes.max() / 1e4)
    return float(10.0 ** math.floor(math.log10(smallest)))


def _symlog_ticks(low: float, high: float, threshold: float) -> list[float]:
    """Zero and powers of ten, and as many of their multiples as leave few ticks."""
    first, last = math.log10(threshold), math.log10(max(abs(low), abs(high), threshold))
    powers = [10.0**exponent for exponent in range(round(first), math.floor(last) + 1)]
    for factors in (range(1, 10), (1, 2, 5), (1, 5), (1,)):
        sizes = [factor * power for power in powers for factor in factors]
        ticks = [0.0, *sizes, *(-size for size in sizes)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return ticks


def short(value: float) -> str:
    """1,234 as `1.23 k`, 15,040,000 as `15 M`."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"
