"""Loss curves, drawn from the histories of one run or of several.

Curves are read from `history-<stage>.csv`, never from a `History` object: after a resume that knows
only the resumed part. Colours are those of Okabe and Ito (2008, "Color Universal Design"), which
stay apart for colour-blind readers.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError
from common.files import atomic_path, shown
from common.runs.history import COUNTERS, History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
VALIDATION = "val_"
SMOOTHED_SHARE = 20  # the smoothing window is this fraction of the rows
FEW_ROWS = 12  # up to here every point gets a marker
LEGIBLE = 60  # characters of a run's name
ACROSS = 3  # panels in a row, of several runs
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

    Of one run, each stage has two panels, with a linear and a symmetric-logarithmic axis (losses of
    critics are negative), and a colour is a loss. Of several, each loss of a stage that is not
    always 0 has a panel, with a symmetric-logarithmic axis, and a colour is a run. A light line is
    the measured value, the strong one its exponential mean; `val_` losses are dashed.

    Args:
        runs: label -> stage -> history as of `read_history`; stages are drawn in this order.
        path: the picture; `.png`, `.svg` or `.pdf`.

    Raises:
        UserError: nothing to draw, more than seven runs, or `path` cannot be written.
    """
    from matplotlib.figure import Figure

    panels = dict.fromkeys(
        (stage, name.removeprefix(VALIDATION))
        for stage in dict.fromkeys(stage for histories in runs.values() for stage in histories)
        for histories in runs.values()
        for name in loss_names(histories.get(stage, {}))
    )
    if not panels:
        raise UserError(f"Nothing to draw in {Path(path).name}: no history has loss columns.")
    if len(runs) > len(OKABE_ITO):
        raise UserError(f"{len(runs)} runs; at most {len(OKABE_ITO)} are told apart in a figure.")
    figure = Figure(layout="constrained")
    if len(runs) == 1:
        ((label, histories),) = runs.items()
        figure.suptitle(shown(label, LEGIBLE), fontsize=13, fontweight="bold")
        _one_run(figure, histories, list(dict.fromkeys(loss for _, loss in panels)))
    else:
        _several_runs(figure, runs, list(panels))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _one_run(figure: Figure, histories: dict[str, History], losses: list[str]) -> None:
    """Two panels a stage."""
    colours = dict(zip(losses, itertools.cycle(OKABE_ITO), strict=False))
    figure.set_size_inches(13, 0.6 + 3.9 * len(histories))
    panels = figure.subplots(len(histories), 2, squeeze=False)
    for (stage, history), (linear, logarithmic) in zip(histories.items(), panels, strict=True):
        for axes in (linear, logarithmic):
            _framed(axes)
            for name in loss_names(history):
                colour = colours[name.removeprefix(VALIDATION)]
                _draw(axes, history, name, colour, name.replace("_", " "))
        linear.set_title(f"{stage}: linear", loc="left", fontsize=11)
        threshold = _logarithmic(logarithmic, [history[name] for name in loss_names(history)])
        title = f"{stage}: symmetric logarithm, linear within ±{threshold:g}"
        logarithmic.set_title(title, loc="left", fontsize=11)
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
        logarithmic.legend(**place, fontsize=9, handlelength=3)


def _several_runs(
    figure: Figure, runs: dict[str, dict[str, History]], panels: list[tuple[str, str]]
) -> None:
    """A panel a loss, and one legend of the runs."""
    told = [panel for panel in panels if any(_values(one, *panel) for one in runs.values())]
    panels = told or panels[:1]
    rows = math.ceil(len(panels) / ACROSS)
    figure.set_size_inches(13, 0.8 + 3.3 * rows)
    every = figure.subplots(rows, ACROSS, squeeze=False).flatten()
    lines = {}
    for (stage, loss), axes in zip(panels, every, strict=False):
        _framed(axes)
        for (label, histories), colour in zip(runs.items(), OKABE_ITO, strict=False):
            history = histories.get(stage, {})
            for name in (loss, VALIDATION + loss):
                if name in loss_names(history):
                    lines.setdefault(label, _draw(axes, history, name, colour, label))
        drawn = [values for one in runs.values() for values in _values(one, stage, loss)]
        threshold = _logarithmic(axes, drawn)
        title = f"{stage}: {loss.replace('_', ' ')}, linear within ±{threshold:g}"
        axes.set_title(title, loc="left", fontsize=10)
    for axes in every[len(panels) :]:
        axes.set_axis_off()
    names = [shown(label, LEGIBLE) for label in lines]
    figure.legend(lines.values(), names, loc="outside upper center", ncols=4, frameon=False)


def _values(histories: dict[str, History], stage: str, loss: str) -> list[np.ndarray]:
    """A loss on training images and on dev, as far as a run has it and it is not always 0."""
    history = histories.get(stage, {})
    names = [name for name in (loss, VALIDATION + loss) if name in loss_names(history)]
    return [history[name] for name in names if np.nan_to_num(history[name]).any()]


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


def linear_threshold(losses: Sequence[np.ndarray]) -> float:
    """Power of ten below nearly all magnitudes, at most four decades below the largest."""
    sizes = np.abs(np.concatenate([*losses, np.zeros(0)]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return 1.0
    smallest = max(np.percentile(sizes, 2, method="lower"), sizes.max() / 10.0**DECADES)
    return float(10.0 ** np.floor(np.log10(smallest)))


def _framed(axes: Axes) -> None:
    """Steps to the right, a light grid, no frame above and on the right."""
    axes.set_xlabel("step")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _logarithmic(axes: Axes, losses: Sequence[np.ndarray]) -> float:
    """A symmetric logarithm for these values; returns up to where it is linear."""
    from matplotlib.ticker import MaxNLocator

    threshold = linear_threshold(losses)
    axes.set_yscale("symlog", linthresh=threshold, linscale=0.5)
    low, high = axes.get_ylim()
    if sum(low <= tick <= high for tick in axes.get_yticks()) < 2:
        axes.yaxis.set_major_locator(MaxNLocator(5))  # within one power of ten
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return threshold


def _draw(axes: Axes, history: History, name: str, colour: str, label: str) -> Line2D:
    """A loss over the steps; its strong line."""
    known = np.isfinite(history[name])
    steps, values = history["step"][known], history[name][known]
    window = max(1, len(values) // SMOOTHED_SHARE)
    if window > 1:
        axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.3)
    (line,) = axes.plot(
        steps,
        smoothed(values, window),
        color=colour,
        linestyle="dashed" if name.startswith(VALIDATION) else "solid",
        linewidth=1.7,
        marker="o" if len(values) <= FEW_ROWS else None,
        markersize=4,
        label=label,
    )
    return line
