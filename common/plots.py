"""Loss curves and sheets of images, drawn from the files and arrays of a run.

    python -m common.plots RUN [RUN ...] [--out FILE_OR_DIR]

Curves are read from `history-<stage>.csv`, never from a `History` object: after a resume that knows
only the resumed part. Every figure of curves has its numbers beside it as CSV. Colours are those of
Okabe and Ito (2008, "Color Universal Design"), which stay apart for colour-blind readers.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common.errors import UserError, exits_cleanly
from common.files import atomic_path, write_text
from common.history import COUNTERS, History, read_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL import Image, ImageFont

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
MOST_TICKS = 9  # on a logarithmic axis
FEW_ROWS = 12  # up to here every point gets a marker
CELL = 96  # pixels: small images are enlarged to about this height
INK, FAINT = (32, 33, 36), (95, 99, 104)  # text of sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotCommand:
    """Draws the loss curves of one run, or of several in one figure."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Run directories, each with its history-<stage>.csv."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE_OR_DIR")] = None
    """A picture or a folder; by default RUN/plots for one run, the current folder for several."""


def loss_curves(
    runs: dict[str, dict[str, History]], path: str | os.PathLike[str], title: str = ""
) -> None:
    """Draws the losses of one or several runs, and writes their numbers to `<name>.csv` beside it.

    Each stage has two panels, with a linear and a symmetric-logarithmic axis (losses of critics are
    negative). A light line is the measured value, the strong one its exponential mean. A colour is
    a loss throughout the figure. One run: `val_` losses are dashed. Several runs: the line style is
    the run, and `val_` losses carry hollow markers.

    Args:
        runs: label -> stage -> history as of `read_history`; stages are drawn in this order.
        path: the picture; `.png`, `.svg` or `.pdf`.
        title: above the figure; the labels of the runs if empty.

    Raises:
        UserError: nothing to draw, more than six runs, or `path` cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    path = Path(path)
    stages = list(dict.fromkeys(stage for histories in runs.values() for stage in histories))
    if not any(map(_loss_names, _histories(runs))):
        raise UserError(f"Nothing to draw in {path.name}: the histories have no loss columns.")
    if len(runs) > len(RUN_STYLES):
        raise UserError(f"{len(runs)} runs; at most {len(RUN_STYLES)} are told apart in a figure.")
    names = dict.fromkeys(
        name.removeprefix(VALIDATION)
        for history in _histories(runs)
        for name in _loss_names(history)
    )
    looks = {name: _look(index) for index, name in enumerate(names)}
    figure = Figure(figsize=(13, 0.6 + 3.9 * len(stages)), layout="constrained")
    figure.suptitle(title or ", ".join(runs), fontsize=13, fontweight="bold")
    rows = figure.subplots(len(stages), 2, squeeze=False)
    for stage, (linear, logarithmic) in zip(stages, rows, strict=True):
        present = {label: runs[label][stage] for label in runs if stage in runs[label]}
        for axes in (linear, logarithmic):
            _draw_stage(axes, list(runs), present, looks)
            axes.set_xlabel(_step_label(present))
        linear.set_title(f"{stage}: linear", loc="left", fontsize=11)
        threshold = _linear_threshold(present)
        logarithmic.set_yscale("symlog", linthresh=threshold, linscale=0.5)
        low, high = logarithmic.get_ylim()
        logarithmic.yaxis.set_major_locator(FixedLocator(_symlog_ticks(low, high, threshold)))
        logarithmic.yaxis.set_minor_locator(NullLocator())
        logarithmic.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        logarithmic.set_title(
            f"{stage}: symmetric logarithm, linear within ±{threshold:g}", loc="left", fontsize=11
        )
        _add_legend(logarithmic, list(runs), present, looks)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    write_text(path.with_suffix(".csv"), _curves_as_csv(runs))


def _histories(runs: dict[str, dict[str, History]]) -> list[History]:
    return [history for histories in runs.values() for history in histories.values()]


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
    axes.xaxis.set_major_formatter(lambda value, _: _short(value))
    axes.margins(x=0.02)


def _look(index: int) -> dict:
    """Colour and marker of the loss with this place in the order of appearance."""
    turn = index // len(OKABE_ITO)
    return {
        "color": OKABE_ITO[index % len(OKABE_ITO)],
        "marker": LOSS_MARKERS[turn % len(LOSS_MARKERS)],
        "markersize": 4,
    }


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


def _linear_threshold(present: dict[str, History]) -> float:
    """Power of ten below nearly all magnitudes, at most four decades below the largest."""
    values = np.concatenate(
        [history[name] for history in present.values() for name in _loss_names(history)] or [[]]
    )
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


def _step_label(present: dict[str, History]) -> str:
    """`step (58,750 steps = 15.0 M images)`; the images only where all the runs agree on them."""
    ends = {(history["step"][-1], history["images"][-1]) for history in present.values()}
    if len(ends) > 1:
        return "step"
    ((steps, images),) = ends
    return f"step ({steps:,.0f} steps = {_short(images)} images)"


def _short(value: float) -> str:
    """1,234 as `1.23 k`, 15,040,000 as `15 M`."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


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
    windows = {
        _window(int(np.isfinite(history[name]).sum()))
        for history in present.values()
        for name in _loss_names(history)
    }
    note = (
        f"light: as measured; strong: mean\nwith exponential weights,\n"
        f"window {_range(windows)} values"
        if max(windows, default=1) > 1
        else None
    )
    legend = axes.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        title=note,
        title_fontsize=8,
        alignment="left",
        handlelength=3,
    )
    legend.get_title().set_color(GRAY)


def _range(values: set[int]) -> str:
    return str(min(values)) if len(values) == 1 else f"{min(values)} to {max(values)}"


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


def grid(
    images: np.ndarray | Sequence[Sequence[np.ndarray | None]],
    path: str | os.PathLike[str],
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    title: str | None = None,
    scale: int | None = None,
) -> None:
    """Writes a sheet of images as PNG, each pixel enlarged to a square.

    Args:
        images: uint8 `[R, C, H, W, K]`, or a list of rows of images `[H, W, K]`, with K = 1 (gray)
            or 3 (RGB). Rows may differ in length and images in size; None leaves a cell empty.
        path: the PNG to write.
        row_labels: a text per row, to its left; long ones are broken into lines.
        column_labels: a text per column, above it.
        title: one line above the sheet.
        scale: screen pixels per image pixel; None enlarges small images to about 96 pixels.

    Raises:
        UserError: no images, labels that do not fit their number, or `path` cannot be written.
        ValueError: an image is not uint8 `[H, W, 1 or 3]`.
    """
    from PIL import Image, ImageDraw

    rows = [list(row) for row in images]
    shown = [image for row in rows for image in row if image is not None]
    columns = max(map(len, rows), default=0)
    if not shown:
        raise UserError(f"No images to draw in {Path(path).name}.")
    for labels, count, what in (
        (row_labels, len(rows), "rows"),
        (column_labels, columns, "columns"),
    ):
        if labels is not None and len(labels) != count:
            raise UserError(f"{Path(path).name}: {len(labels)} labels for {count} {what}.")
    for image in shown:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
            raise ValueError(f"expected uint8 [H, W, 1 or 3], received {image.dtype} {image.shape}")

    height = max(image.shape[0] for image in shown)
    width = max(image.shape[1] for image in shown)
    scale = scale or max(1, round(CELL / height))
    height, width = height * scale, width * scale
    gap, margin = max(2, scale), 10
    small, bold = _font(13), _font(15, bold=True)
    above = [_wrapped(text, small, width) for text in column_labels or ()]
    beside = [_wrapped(text, small, 150) for text in row_labels or ()]
    pitch = max([width + gap] + [_text_size(text, small)[0] + 8 for text in above])
    left = margin + max([_text_size(text, small)[0] + 8 for text in beside], default=0)
    line_heights = [_text_size(text, small)[1] + gap for text in beside] or [0]
    step = max(height + gap, *line_heights)
    right = max(left + columns * pitch - gap, min(420, _text_size(title or "", bold)[0] + margin))
    heading = _wrapped(title or "", bold, right - margin)
    top = margin + (_text_size(heading, bold)[1] + 8 if title else 0)
    header = max([_text_size(text, small)[1] + 6 for text in above], default=0)

    size = (right + margin, top + header + len(rows) * step - gap + margin)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.multiline_text((margin, margin), heading, fill=INK, font=bold)
    for column, text in enumerate(above):
        x = left + column * pitch + (pitch - gap) // 2
        place = (x, top + header - 6)
        draw.multiline_text(place, text, fill=FAINT, font=small, anchor="md", align="center")
    for index, row in enumerate(rows):
        y = top + header + index * step
        if beside:
            place = (left - 8, y + (step - gap) // 2)
            draw.multiline_text(
                place, beside[index], fill=FAINT, font=small, anchor="rm", align="right"
            )
        for column, image in enumerate(row):
            if image is not None:
                picture = _enlarged(image, scale)
                x = left + column * pitch + (pitch - gap - picture.width) // 2
                sheet.paste(picture, (x, y + (step - gap - picture.height) // 2))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _enlarged(image: np.ndarray, scale: int) -> Image.Image:
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    size = (picture.width * scale, picture.height * scale)
    return picture.resize(size, Image.Resampling.NEAREST)


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along; Pillow's own font knows few characters."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def _text_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Width and height of a text of several lines, in pixels."""
    from PIL import Image, ImageDraw

    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    _, _, right, bottom = draw.multiline_textbbox((0, 0), text, font=font)
    return math.ceil(right), math.ceil(bottom)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Breaks `text` at spaces and after underscores into lines of at most `width` pixels.

    A part without such a place stays whole, however wide it is; line ends in `text` stay.
    """
    lines = []
    for whole in text.split("\n"):
        line = ""
        for part in re.findall(r"[^\s_]*_|[^\s_]+|\s+", whole.strip()):
            if line and font.getlength(line + part.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += part if line else part.lstrip()
        lines.append(line)
    return "\n".join(lines)


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
        folder, name = command.runs[0] / "plots", "losses.png"
    else:
        folder, name = Path(), "losses-comparison.png"
    out = command.out or folder
    path = out if out.suffix in PICTURES else out / name
    loss_curves(runs, path)
    return path


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, draws, and says where the picture lies."""
    from rich.console import Console

    command = tyro.cli(PlotCommand, prog="python -m common.plots", args=arguments)
    path = plot_runs(command)
    Console().print(f"Wrote {path} and {path.with_suffix('.csv')}.", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
