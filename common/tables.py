"""Tables of measured values: how a number is written, and a table on the terminal, in Markdown, CSV.

A cell is a text, a number, an `Interval` of `common.metrics.intervals` (anything with `mean`, `low`
and `high`), or None where there is no value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

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
SMALL = 0.01  # below, a number is written with three significant digits


@runtime_checkable
class Measured(Protocol):
    """A mean with its 95 % interval, such as `common.metrics.intervals.Interval`."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


Cell: TypeAlias = str | int | float | Measured | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report.

    Attributes:
        title: a short noun phrase.
        columns: one heading per column; the first column names the rows.
        rows: cells, as many in each row as there are columns.
        note: what a reader must know to judge the numbers (range, n, source); may be empty.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(self.columns)} columns, but the row {row}")


def paper_table(
    title: str,
    paper: Mapping[str, Mapping[str, float]],
    ours: Mapping[str, Mapping[str, Cell]],
    note: str = "",
) -> Table:
    """Published values beside measured ones: for each metric `paper`, `ours` and `difference`.

    Args:
        title: of the table.
        paper: row (a method) -> metric -> published value.
        ours: row -> metric -> measured value or interval, in the range that the paper uses.
        note: below the table.

    Returns:
        A row for each row of either side, in their order; None where a side has no value. The
        difference is ours minus the paper's.
    """
    rows = list(dict.fromkeys([*paper, *ours]))
    metrics = list(
        dict.fromkeys(name for side in (paper, ours) for cells in side.values() for name in cells)
    )
    columns = ["method"]
    for metric in metrics:
        columns += [f"{metric} paper", f"{metric} ours", f"{metric} difference"]
    table = []
    for row in rows:
        cells: list[Cell] = [row]
        for metric in metrics:
            published, measured = paper.get(row, {}).get(metric), ours.get(row, {}).get(metric)
            center = measured.mean if isinstance(measured, Measured) else measured
            known = published is not None and isinstance(center, int | float)
            cells += [published, measured, center - published if known else None]
        table.append(cells)
    return Table(title, columns, table, note)


def number(value: float) -> str:
    """A number for people: `10,000`, `21.73`, `0.9790`, `0.00412`; a dash where it is not finite.

    Four decimals below 1 and one fewer for each digit in front of the point.
    """
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not math.isfinite(value):
        return MISSING
    size = abs(value)
    if 0 < size < SMALL:
        return np.format_float_positional(value, precision=3, fractional=False, min_digits=3)
    decimals = 4 if size < 1 else max(0, 3 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}"


def text(cell: Cell) -> str:
    """A cell as plain text; an interval as `0.0213 [0.0209, 0.0217]`."""
    if cell is None:
        return MISSING
    if isinstance(cell, Measured):
        return f"{number(cell.mean)} [{number(cell.low)}, {number(cell.high)}]"
    return cell if isinstance(cell, str) else number(cell)


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


def markdown(table: Table) -> str:
    """The table in Markdown, without its title; numbers flush right."""
    aligned = ["---:" if is_numeric(table, index) else "---" for index in range(len(table.columns))]
    lines = [[markdown_text(column) for column in table.columns], aligned]
    lines += [[markdown_text(text(cell)) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line and within one cell of a table."""
    text = " ".join(text.split())
    for character in "\\`*_[]|":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def show(table: Table) -> None:
    """Prints the table on the terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as TerminalTable

    shown = TerminalTable(title=escape(table.title), caption=escape(table.note), title_justify="left")
    for index, column in enumerate(table.columns):
        shown.add_column(escape(column), justify="right" if is_numeric(table, index) else "left")
    for row in table.rows:
        shown.add_row(*(escape(text(cell)) for cell in row))
    Console().print(shown)
