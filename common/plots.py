"""Loss curves, drawn from the histories of one run or of several.

    python -m common.plots RUN [RUN ...] [--out FILE_OR_DIR]

Curves are read from `history-<stage>.csv`, never from a `History` object: after a resume that knows
only the resumed part. Every figure of curves has its numbers beside it as CSV. Colours are those of
Okabe and Ito (2008, "Color Universal Design"), which stay apart for colour-blind readers.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common.axes import make_logarithmic, short
from common.errors import UserError, exits_cleanly
from common.files import atomic_path, write_text
from common.history import COUNTERS, History, read_run
from common.run import output_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALIDATION = "val_"
PICTURES = (".png", ".svg", ".pdf")
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
RUN_STYLES = (
    "solid",
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (6, 2, 1, 2, 1, 2)),
    (0, (12, 3)),
)
LOSS_MARKERS = (None, "s", "^")  # tell the losses apart once the colours start again
SMOOTHED_SHARE = 20  # the smoothing window is this fraction of the rows
GRAY = "#5f6368"
FEW_ROWS = 12  # up to here every point gets a marker


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotCommand:
    """Draws the loss curves of one run, or of several in one figure."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Run directories, each with its history-<stage>.csv."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE_OR_DIR")] = None
    """A picture or a folder; by default RUN/plots for one run, the current folder for several."""


def plot_runs(command: PlotCommand) -> Path:
    """Draws the curves of the named runs and returns where the picture lies.

    Raises:
        UserError: no run is given, or one of them has no readable history.
    """
    if not command.runs:
        raise UserError("Give at least one run directory, such as runs/crg-mnist-001.")
    names = [run.resolve().name for run in command.runs]
    unique = len(set(names)) == len(names)
    labels = names if unique else [str(run) for run in command.runs]
    runs = {label: read_run(run) for label, run in zip(labels, command.runs, strict=True)}
    if len(runs) == 1:
        folder, name = output_folder(command.runs[0], "plots"), "losses.png"
    else:
        folder, name = Path(), "losses-comparison.png"
    out = command.out or folder
    path = out if out.suffix in PICTURES else out / name
    loss_curves(runs, path)
    return path


def loss_curves(runs: dict[str, dict[str, History]], path: str | os.PathLike[str]) -> None:
    """Draws the losses of one or several runs, and writes their numbers to `<name>.csv` beside it.

    Each stage has two panels, with a linear and a symmetric-logarithmic axis (losses of critics are
    negative). A light line is the measured value, the strong one its exponential mean. A colour is
    a loss throughout the figure. One run: `val_` losses are dashed. Several runs: the line style is
    the run, and `val_` losses carry hollow markers.

    Args:
        runs: label -> stage -> history as of `read_history`; stages are drawn in this order.
        path: the picture; `.png`, `.svg` or `.pdf`.

    Raises:
        UserError: nothing to draw, more than six runs, or `path` cannot be written.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    stages = list(dict.fromkeys(stage for histories in runs.values() for stage in histories))
    looks = _looks(runs)
    if not looks:
        raise UserError(f"Nothing to draw in {path.name}: the histories have no loss columns.")
    if len(runs) > len(RUN_STYLES):
        raise UserError(f"{len(runs)} runs; at most {len(RUN_STYLES)} are told apart in a figure.")
    figure = Figure(figsize=(13, 0.6 + 3.9 * len(stages)), layout="constrained")
    figure.suptitle(", ".join(runs), fontsize=13, fontweight="bold")
    rows = figure.subplots(len(stages), 2, squeeze=False)
    for stage, (linear, logarithmic) in zip(stages, rows, strict=True):
        present = {label: runs[label][stage] for label in runs if stage in runs[label]}
        for axes in (linear, logarithmic):
            _draw_stage(axes, list(runs), present, looks)
            axes.set_xlabel(_step_label(present))
        linear.set_title(f"{stage}: linear", loc="left", fontsize=11)
        threshold = make_logarithmic(logarithmic, _all_losses(present))
        logarithmic.set_title(
            f"{stage}: symmetric logarithm, linear within ±{threshold:g}", loc="left", fontsize=11
        )
        _add_legend(logarithmic, list(runs), present, looks)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    write_text(path.with_suffix(".csv"), _curves_as_csv(runs))


def _looks(runs: dict[str, dict[str, History]]) -> dict[str, dict]:
    """Loss -> its colour and marker, by its place in the order of appearance."""
    names = dict.fromkeys(
        name.removeprefix(VALIDATION)
        for histories in runs.values()
        for history in histories.values()
        for name in _loss_names(history)
    )
    turns = itertools.cycle(itertools.product(LOSS_MARKERS, OKABE_ITO))
    return {
        name: {"color": color, "marker": marker, "markersize": 4}
        for name, (marker, color) in zip(names, turns, strict=False)
    }


def _loss_names(history: History) -> list[str]:
    """The columns to draw: all but the counters, if they hold any number."""
    return [
        name
        for name, values in history.items()
        if name not in COUNTERS and np.isfinite(values).any()
    ]


def _draw_stage(
    axes: Axes, labels: list[str], present: dict[str, History], looks: dict[str, dict]
) -> None:
    several = len(labels) > 1
    for label, history in present.items():
        run = labels.index(label)
        for name in _loss_names(history):
            known = np.isfinite(history[name])
            steps, values = history["step"][known], history[name][known]
            look = _dressed(name, looks, run, several)
            if len(values) <= FEW_ROWS:
                look["marker"] = look["marker"] or "o"
            window = _window(len(values))
            if window > 1:
                axes.plot(steps, values, color=look["color"], linewidth=0.8, alpha=0.3)
            spacing = max(1, len(values) // FEW_ROWS)
            axes.plot(steps, smoothed(values, window), linewidth=1.7, markevery=spacing, **look)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
    axes.margins(x=0.02)


def _dressed(name: str, looks: dict[str, dict], run: int, several: bool) -> dict:
    """The look of one line: that of its loss, with what marks validation and the run."""
    validation = name.startswith(VALIDATION)
    look = dict(looks[name.removeprefix(VALIDATION)])
    if several:
        look["linestyle"] = RUN_STYLES[run]
    else:
        look["linestyle"] = "dashed" if validation else "solid"
    if validation:
        look["marker"] = look["marker"] or ("o" if several else None)
        look["markerfacecolor"] = "white"
    return look


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


def _window(rows: int) -> int:
    return max(1, rows // SMOOTHED_SHARE)


def _step_label(present: dict[str, History]) -> str:
    """`step (58,750 steps = 15.0 M images)`; the images only where all the runs agree on them."""
    ends = {(history["step"][-1], history["images"][-1]) for history in present.values()}
    if len(ends) > 1:
        return "step"
    ((steps, images),) = ends
    return f"step ({steps:,.0f} steps = {short(images)} images)"


def _all_losses(present: dict[str, History]) -> np.ndarray:
    return np.concatenate(
        [history[name] for history in present.values() for name in _loss_names(history)] or [[]]
    )


def _add_legend(
    axes: Axes, labels: list[str], present: dict[str, History], looks: dict[str, dict]
) -> None:
    """One entry a loss, then one a run, then how much the strong lines are smoothed."""
    from matplotlib.lines import Line2D

    several = len(labels) > 1
    names = dict.fromkeys(name for history in present.values() for name in _loss_names(history))
    entries = [
        Line2D([], [], label=name.replace("_", " "), **_dressed(name, looks, 0, several))
        for name in names
    ]
    if several:
        for label in present:
            style = RUN_STYLES[labels.index(label)]
            entries.append(Line2D([], [], color=GRAY, linestyle=style, label=label))
    legend = axes.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        title=_smoothing_note(present),
        title_fontsize=8,
        alignment="left",
        handlelength=3,
    )
    legend.get_title().set_color(GRAY)


def _smoothing_note(present: dict[str, History]) -> str | None:
    """What the light and the strong lines are; None where nothing is smoothed."""
    windows = {
        _window(int(np.isfinite(history[name]).sum()))
        for history in present.values()
        for name in _loss_names(history)
    }
    least, most = min(windows, default=1), max(windows, default=1)
    if most == 1:
        return None
    window = str(most) if least == most else f"{least} to {most}"
    return f"light: as measured; strong: mean\nwith exponential weights,\nwindow {window} values"


def _curves_as_csv(runs: dict[str, dict[str, History]]) -> str:
    """The drawn numbers in long form: one row per run, stage, loss and period."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "stage", "loss", *COUNTERS, "value", "smoothed"])
    for label, histories in runs.items():
        for stage, history in histories.items():
            for name in _loss_names(history):
                known = np.isfinite(history[name])
                values = history[name][known]
                columns = [history[counter][known] for counter in COUNTERS]
                columns += [values, smoothed(values, _window(len(values)))]
                for row in zip(*columns, strict=True):
                    writer.writerow([label, stage, name, *(f"{number:.9g}" for number in row)])
    return text.getvalue()


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, draws, and says where the picture lies."""
    from rich.console import Console

    command = tyro.cli(PlotCommand, prog="python -m common.plots", args=arguments)
    path = plot_runs(command)
    Console().print(f"Wrote {path} and {path.with_suffix('.csv')}.", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
