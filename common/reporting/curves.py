"""Loss curves, drawn from the histories of one run or of several.

Curves are read from `history-<stage>.csv`, never from a `History` object: after a resume that knows
only the resumed part. Colours are those of Okabe and Ito (2008, "Color Universal Design"), which
stay apart for colour-blind readers.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import UserError
from common.files import atomic_path, shown
from common.runs.history import COUNTERS, History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
RUN_STYLES = ("solid", "dashed", "dotted", "dashdot", (0, (6, 2, 1, 2, 1, 2)), (0, (12, 3)))
VALIDATION = "val_"
SMOOTHED_SHARE = 20  # the smoothing window is this fraction of the rows
FEW_ROWS = 12  # up to here every point gets a marker
LEGIBLE = 60  # characters of a run's name
DECADES = 4  # of a symmetric logarithm, at most


@contextlib.contextmanager
def plain_texts() -> Iterator[None]:
    """Within the block dollar signs begin no formula, and what the font lacks is a box."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@plain_texts()
def loss_curves(runs: dict[str, dict[str, History]], path: str | os.PathLike[str]) -> None:
    """Draws the losses of one or several runs.

    Each stage has two panels, with a linear and a symmetric-logarithmic axis (losses of critics are
    negative). A light line is the measured value, the strong one its exponential mean. A colour is
    a loss; of one run, `val_` losses are dashed, of several the line style is the run.

    Args:
        runs: label -> stage -> history as of `read_history`; stages are drawn in this order.
        path: the picture; `.png`, `.svg` or `.pdf`.

    Raises:
        UserError: nothing to draw, more than six runs, or `path` cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    stages = list(dict.fromkeys(stage for histories in runs.values() for stage in histories))
    losses = dict.fromkeys(
        name.removeprefix(VALIDATION)
        for histories in runs.values()
        for history in histories.values()
        for name in loss_names(history)
    )
    if not losses:
        raise UserError(f"Nothing to draw in {Path(path).name}: no history has loss columns.")
    if len(runs) > len(RUN_STYLES):
        raise UserError(f"{len(runs)} runs; at most {len(RUN_STYLES)} are told apart in a figure.")
    colours = dict(zip(losses, itertools.cycle(OKABE_ITO), strict=False))
    styles = dict(zip(runs, RUN_STYLES, strict=False)) if len(runs) > 1 else {}
    names = {label: shown(label, LEGIBLE) for label in runs}
    figure = Figure(figsize=(13, 0.6 + 3.9 * len(stages)), layout="constrained")
    figure.suptitle("\n".join(names.values()), fontsize=13, fontweight="bold")
    panels = figure.subplots(len(stages), 2, squeeze=False)
    for stage, (linear, logarithmic) in zip(stages, panels, strict=True):
        present = {label: runs[label][stage] for label in runs if stage in runs[label]}
        for axes in (linear, logarithmic):
            for label, history in present.items():
                _draw(axes, names[label], styles.get(label), history, colours)
            axes.set_xlabel("step")
            axes.grid(color="#dddddd", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
        linear.set_title(f"{stage}: linear", loc="left", fontsize=11)
        threshold = linear_threshold(present)
        logarithmic.set_yscale("symlog", linthresh=threshold, linscale=0.5)
        low, high = logarithmic.get_ylim()
        if sum(low <= tick <= high for tick in logarithmic.get_yticks()) < 2:
            logarithmic.yaxis.set_major_locator(MaxNLocator(5))  # within one power of ten
        logarithmic.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        title = f"{stage}: symmetric logarithm, linear within ±{threshold:g}"
        logarithmic.set_title(title, loc="left", fontsize=11)
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
        logarithmic.legend(**place, fontsize=9, handlelength=3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def loss_names(history: History) -> list[str]:
    """The columns to draw: all but the counters, if they hold any number."""
    return [
        name
        for name, values in history.items()
        if name not in COUNTERS and np.isfinite(values).any()
    ]


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """Exponential mean with weight `2 / (window + 1)` for the newest of the values `[N]`.

    The weights of each output sum to one, so the first values are not pulled towards zero.
    """
    keep = 1.0 - 2.0 / (window + 1.0)
    total = weight = 0.0
    result = np.empty(len(values))
    for index, value in enumerate(values):
        total = keep * total + value
        weight = keep * weight + 1.0
        result[index] = total / weight
    return result


def linear_threshold(histories: dict[str, History]) -> float:
    """Power of ten below nearly all magnitudes, at most four decades below the largest."""
    values = [np.abs(one[name]) for one in histories.values() for name in loss_names(one)]
    sizes = np.concatenate(values or [np.zeros(0)])
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return 1.0
    smallest = max(np.percentile(sizes, 2, method="lower"), sizes.max() / 10.0**DECADES)
    return float(10.0 ** np.floor(np.log10(smallest)))


def _draw(axes: Axes, label: str, run_style: Any, history: History, colours: dict) -> None:
    """The lines of one run in one panel."""
    for name in loss_names(history):
        known = np.isfinite(history[name])
        steps, values = history["step"][known], history[name][known]
        colour = colours[name.removeprefix(VALIDATION)]
        style = run_style or ("dashed" if name.startswith(VALIDATION) else "solid")
        text = name.replace("_", " ") + (f", {label}" if run_style else "")
        window = max(1, len(values) // SMOOTHED_SHARE)
        marker = "o" if len(values) <= FEW_ROWS else None
        if window > 1:
            axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.3)
        look = {"color": colour, "linestyle": style, "marker": marker, "markersize": 4}
        axes.plot(steps, smoothed(values, window), linewidth=1.7, label=text, **look)
