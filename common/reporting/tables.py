"""Tables of measured values, for the terminal, Markdown and CSV, and how a number is written.

A cell is a text, a number, an `Interval` of `common.metrics.intervals` (anything with `mean`, `low`
and `high`), or None where there is no value.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from common.files import shown as one_line

MISSING = "–"
METRICS = {  # name -> label and what the number means
    "mae": ("MAE", "mean absolute error on [0, 1]; lower is better"),
    "mse": ("MSE", "mean squared error on [0, 1]; lower is better"),
    "rmse": ("RMSE", "root of each image's MSE; lower is better"),
    "psnr": ("PSNR", "decibels; higher is better"),
    "ssim": ("SSIM", "structural similarity, at most 1; higher is better"),
    "dhash": ("dhash", "share of equal bits of 64; higher is better"),
    "phash": ("phash", "share of equal bits of 64; higher is better"),
    "whash": ("whash", "share of equal bits of 64; higher is better"),
}


@runtime_checkable
class Measured(Protocol):
    """A mean with its 95 % interval, such as `common.metrics.intervals.Interval`."""

    @property
    def mean(self) -> float:
        """The measured value."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end."""
        ...


Cell: TypeAlias = str | int | float | np.integer | np.floating | Measured | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published figure and ours, measured in the same way; `common.results` collects them.

    Attributes:
        table: where it is published, such as "CRG, Table 4".
        figure: what it is.
        paper: the published value.
        ours: measured; a plain number where it has no interval.
        n: number of images behind ours.
        better: which values are better; None where neither is.
    """

    table: str
    figure: str
    paper: float
    ours: Measured | float
    n: int
    better: Literal["higher", "lower"] | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {**values, "ours": plain(self.ours), "n": int(self.n)}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report.

    Attributes:
        title: a short noun phrase.
        columns: one heading per column; the first column names the rows.
        rows: cells, as many in each row as there are columns.
        note: what a reader must know to judge the numbers (range, n, source); may be empty.
        published: published figures among its cells, each with ours.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    published: Sequence[Published] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(self.columns)} columns, but the row {row}")


def number(value: float | np.integer | np.floating, decimals: int | None = None) -> str:
    """A number for people: `10,000`, `21.73`, `0.9790`, `0.00412`; a dash where it is not finite.

    Args:
        value: any number; an `int` is written as it is.
        decimals: digits after the point; by default four significant ones, from 0.01 down three.
    """
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not math.isfinite(value):
        return MISSING
    return f"{value:,.{significant(value) if decimals is None else decimals}f}"


def significant(value: float | np.floating) -> int:
    """Digits after the point with which a finite number is written."""
    if value == 0:
        return 0
    exponent = math.floor(math.log10(abs(value)))
    return 2 - exponent if exponent < -2 else min(4, max(0, 3 - exponent))


def text(cell: Cell, decimals: int | None = None) -> str:
    """A cell as plain text; an interval as `0.0213 ± 0.0004`, lopsided `0.98 [0.95, 0.99]`."""
    if isinstance(cell, Measured):
        return " ".join(mean_and_interval(cell, decimals))
    if cell is None:
        return MISSING
    return cell if isinstance(cell, str) else number(cell, decimals)


def mean_and_interval(cell: Measured, decimals: int | None = None) -> tuple[str, str]:
    """The mean, and its interval as `± half its width` or, where lopsided, `[low, high]`."""
    if not math.isfinite(cell.mean):
        return MISSING, ""
    decimals = significant(_size(cell)) if decimals is None else decimals
    mean, low, high = (float(end) for end in (cell.mean, cell.low, cell.high))
    if abs((high - mean) - (mean - low)) <= 0.01 * (high - low):
        return number(mean, decimals), f"± {number((high - low) / 2, decimals)}"
    return number(mean, decimals), f"[{number(low, decimals)}, {number(high, decimals)}]"


def column_decimals(table: Table) -> list[int | None]:
    """Digits after the point that a column's numbers share; None where their sizes differ much.

    They share them if all are at most 1 or all at least 1, and would differ by at most one digit:
    so values stay aligned, and errors keep their digits beside decibels. A column of published
    values alone gets no more digits than were published: 0.187 and 0.006, not 0.0060.
    """
    shared: list[int | None] = []
    for column in range(len(table.columns)):
        cells = [row[column] for row in table.rows]
        sizes = [size for size in map(_size, cells) if size and math.isfinite(size)] or [0.0]
        one_side = all(size <= 1 for size in sizes) or all(size >= 1 for size in sizes)
        digits = [significant(size) for size in sizes]
        given = max(len(np.format_float_positional(size).partition(".")[2]) for size in sizes)
        if any(isinstance(cell, Measured) for cell in cells):
            given = max(digits)
        alike = one_side and max(digits) - min(digits) <= 1
        shared.append(min(*digits, given) if alike else None)
    return shared


def _size(cell: Cell) -> float:
    """How large a measured or published number is, by which its digits are chosen; 0 for others.

    Where a measured mean is 0 it is the larger end of its interval.
    """
    if isinstance(cell, Measured):
        return float(abs(cell.mean) or max(abs(cell.low), abs(cell.high)))
    return float(abs(cell)) if isinstance(cell, float | np.floating) else 0.0


def texts(table: Table) -> list[list[str]]:
    """All cells as plain text, row by row."""
    decimals = column_decimals(table)
    return [[text(*pair) for pair in zip(row, decimals, strict=True)] for row in table.rows]


def is_numeric(table: Table, column: int) -> bool:
    """True if the column holds numbers and is set flush right."""
    cells = [row[column] for row in table.rows if row[column] is not None]
    return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def plain(cell: Cell) -> Any:
    """A cell as JSON: an interval becomes `{mean, low, high}`, what is not finite None."""
    if isinstance(cell, Measured):
        return {end: plain(getattr(cell, end)) for end in ("mean", "low", "high")}
    if isinstance(cell, float | np.floating):
        return float(cell) if math.isfinite(cell) else None
    return int(cell) if isinstance(cell, np.integer) else cell


def long_rows(table: Table) -> Iterator[list[Any]]:
    """The cells one by one: `[table, row, column, value, low, high]`, for CSV."""
    for name, *cells in table.rows:
        for column, cell in zip(table.columns[1:], cells, strict=True):
            values = plain(cell)
            ends = values.values() if isinstance(values, dict) else (values, None, None)
            yield [table.title, name, column, *ends]


def metric_meaning(name: str) -> tuple[str, str]:
    """Label and meaning of a metric, `("MSE", "mean squared error ...")`; unknown: its name."""
    return METRICS.get(name, (name.replace("_", " "), ""))


def metric_table(metrics: Mapping[str, Measured]) -> Table:
    """Metrics with their intervals and meanings."""
    rows = [
        [metric_meaning(name)[0], value, metric_meaning(name)[1]] for name, value in metrics.items()
    ]
    return Table("Metrics", ("metric", "mean and 95 % interval", "meaning"), rows)


def markdown(table: Table) -> str:
    """The table in Markdown, without its title; numbers flush right."""
    aligned = ["---:" if is_numeric(table, index) else "---" for index in range(len(table.columns))]
    lines = [[markdown_text(column) for column in table.columns], aligned]
    lines += [[markdown_text(cell) for cell in row] for row in texts(table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line and within one cell of a table."""
    text = " ".join(text.split())
    for character in "\\`*_[]|$":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def show(table: Table) -> None:
    """Prints the table on the terminal."""
    from rich.console import Console
    from rich.table import Table as TerminalTable

    shown = TerminalTable(title=one_line(table.title), caption=one_line(table.note))
    shown.title_justify = shown.caption_justify = "left"
    rows = texts(table)
    least = []
    for index, column in enumerate(table.columns):
        longest = max(map(len, [*column.split(), *(row[index] for row in rows)]))
        numeric = is_numeric(table, index)
        least.append(longest if numeric else min(longest, 12))  # numbers are never cut
        justify = "right" if numeric else "left"
        shown.add_column(one_line(column), justify=justify, min_width=least[-1], overflow="fold")
    for row in rows:
        shown.add_row(*map(one_line, row))
    console = Console(emoji=False, markup=False)
    roomy = console.options.update(width=10_000)
    if console.measure(shown, options=roomy).maximum > console.width:
        for index, column in enumerate(shown.columns):
            if is_numeric(table, index):
                column.width = least[index]  # texts alone give way
    lines = 3 * len(least) + 1  # between the columns, with a space on each side
    console.width = max(console.width, sum(least) + lines)
    console.print(shown)
