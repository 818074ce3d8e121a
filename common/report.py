"""Reports: what was measured, as JSON, CSV, Markdown and one HTML page; and a report on any pairs.

    python -m common.report ORIGINALS RECONSTRUCTIONS [--out DIR]

compares two folders of images paired by name, whoever's model made them, with the same metrics as
the evaluations of the four papers. Errors are measured on [0, 1] images, so a value of another
range needs its factor first: on [-1, 1] MAE and RMSE are twice as large and MSE four times.
"""

from __future__ import annotations

import csv
import io
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import UserError, exits_cleanly
from common.files import atomic_path, write_json, write_text
from common.page import page
from common.tables import (
    Measured,
    Table,
    long_rows,
    markdown,
    markdown_text,
    metric_meaning,
    number,
    paper_table,
    plain,
    show,
)

if TYPE_CHECKING:
    from common.metrics.intervals import Interval

__all__ = [
    "Figure",
    "Report",
    "Table",
    "pair_metrics",
    "pair_values",
    "paper_table",
    "show",
    "write",
]

ERRORS = {"mae": 2, "mse": 4, "rmse": 2}  # factor from [0, 1] to [-1, 1]
HASHES = ("dhash", "phash", "whash")
COLLAPSED = 0.5  # warn when the reconstructions have less than this share of the originals' hashes
SHOWN = 4  # best, median and worst pairs on the sheet, each


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture of a report: its title, the file (`.png`, `.jpg`, `.svg`) and a caption."""

    title: str
    file: Path
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `write` writes.

    Attributes:
        title: what was measured, one line.
        n: number of images (or pairs) behind the metrics.
        metrics: name -> mean with its 95 % interval. `common.tables.METRICS` says what
            the eight metrics of image pairs mean.
        summary: one line under the title; `n` alone if empty.
        facts: label and text of where this comes from: command, seed, machine, data, model.
        tables: in the order in which to read them.
        figures: in the order in which to look at them.
        findings: what the numbers say, a sentence each.
        details: anything else worth keeping; goes to report.json only.
    """

    title: str
    n: int
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    summary: str = ""
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    findings: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def summary_line(self) -> str:
        """The line under the title."""
        return self.summary or f"{self.n:,} images"


def write(report: Report, folder: Path) -> Path:
    """Writes `report.json`, `report.csv`, `report.md` and `report.html`.

    The page embeds its figures. Figures that lie elsewhere are copied into the folder for the
    Markdown file, so that the folder can be moved.

    Returns:
        The path of the HTML page.

    Raises:
        UserError: the folder cannot be written into.
        ValueError: two figures with the same file name from different folders.
    """
    files = {figure.file.name: figure.file for figure in report.figures}
    if len(files) < len({figure.file.resolve() for figure in report.figures}):
        raise ValueError(f"{report.title}: two figures share a file name: {list(files)}")
    for name, file in files.items():
        if file.resolve() != (folder / name).resolve():
            with atomic_path(folder / name) as temporary:
                shutil.copyfile(file, temporary)
    write_json(folder / "report.json", as_json(report))
    write_text(folder / "report.csv", as_csv(report))
    write_text(folder / "report.md", as_markdown(report))
    write_text(folder / "report.html", page(report))
    return folder / "report.html"


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; what is not finite is null.

    `metrics.<name>` holds `mean`, `low` and `high`; figures are named by their files.
    """
    return {
        "title": report.title,
        "summary": report.summary_line(),
        "n": int(report.n),
        "metrics": {name: plain(value) for name, value in report.metrics.items()},
        "findings": list(report.findings),
        "tables": [
            {
                "title": table.title,
                "columns": list(table.columns),
                "rows": [[plain(cell) for cell in row] for row in table.rows],
                "note": table.note,
            }
            for table in report.tables
        ],
        "figures": [
            {"title": figure.title, "file": figure.file.name, "caption": figure.caption}
            for figure in report.figures
        ],
        "facts": dict(report.facts),
        "details": dict(report.details),
    }


def as_csv(report: Report) -> str:
    """All numbers in long form, one a line: `table,row,column,value,low,high`."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["table", "row", "column", "value", "low", "high"])
    for table in (_metric_table(report.metrics), *report.tables):
        writer.writerows(long_rows(table))
    return lines.getvalue()


def as_markdown(report: Report) -> str:
    """The report in Markdown; figures by their file names beside it."""
    parts = [f"# {markdown_text(report.title)}", markdown_text(report.summary_line())]
    if report.metrics:
        parts += ["## Metrics", markdown(_metric_table(report.metrics))]
    if report.findings:
        items = "\n".join(f"- {markdown_text(finding)}" for finding in report.findings)
        parts += ["## Findings", items]
    for table in report.tables:
        parts += [f"## {markdown_text(table.title)}", markdown(table), markdown_text(table.note)]
    for figure in report.figures:
        title = markdown_text(figure.title)
        picture = f"![{title}](<{figure.file.name}>)"
        parts += [f"## {title}", picture, markdown_text(figure.caption)]
    if report.facts:
        facts = Table("", ("", "fact"), report.facts)
        parts += ["## Where this comes from", markdown(facts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metric_table(metrics: Mapping[str, Measured]) -> Table:
    rows = [
        [metric_meaning(name)[0], value, metric_meaning(name)[1]]
        for name, value in metrics.items()
    ]
    return Table("Metrics", ("metric", "mean [95 % interval]", "meaning"), rows)


def pair_values(
    originals: np.ndarray, reconstructions: np.ndarray, workers: int | None = None
) -> dict[str, np.ndarray]:
    """The eight metrics of each pair.

    Args:
        originals: uint8 `[N, H, W, C]`.
        reconstructions: uint8, the same shape, in the same order.
        workers: processes for the hashes; None chooses.

    Returns:
        `mae, mse, rmse, psnr, ssim` on [0, 1] images and the similarities `dhash, phash, whash`,
        float64 `[N]` each.
    """
    from common.metrics.hashes import all_hash_bits, hash_similarity
    from common.metrics.reconstruction import reconstruction_metrics

    bits_a, bits_b = all_hash_bits(originals, workers), all_hash_bits(reconstructions, workers)
    similarities = {kind: hash_similarity(bits_a[kind], bits_b[kind]) for kind in HASHES}
    return {**reconstruction_metrics(originals, reconstructions), **similarities}


def pair_metrics(
    originals: np.ndarray, reconstructions: np.ndarray, workers: int | None = None
) -> dict[str, Interval]:
    """Means over the pairs of `pair_values`, with their 95 % intervals; the arguments are its."""
    from common.metrics.intervals import mean_interval

    values = pair_values(originals, reconstructions, workers)
    return {name: mean_interval(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareCommand:
    """Measures how well images were reconstructed: two folders, paired by file name."""

    originals: Path
    """Folder of original images."""
    reconstructions: Path
    """Folder with a reconstruction of the same name for each original."""
    out: Path | None = None
    """Folder of the report; by default `report` inside RECONSTRUCTIONS."""
    seed: int = 0
    """Draws the random other image of the baselines."""


def compare(command: CompareCommand) -> Path:
    """Compares two folders of images and writes the report, `pairs.csv` and `pairs.png`.

    Returns:
        The path of the report's HTML page.

    Raises:
        UserError: a folder is missing or empty, images do not pair or differ in size, or the report
            would lie among the images that it reads.
    """
    from common.datasets.folder import paired_images
    from common.metrics.hashes import all_hash_bits, random_pair_baseline, unique_ratio
    from common.metrics.intervals import mean_interval
    from common.plots import grid

    out = command.out or _beside(command.reconstructions) / "report"
    if out.resolve() in {_beside(command.originals).resolve(), _beside(command.reconstructions).resolve()}:
        raise UserError(f"--out {out} is a folder of the images themselves; name another one.")
    stems, originals, reconstructions = paired_images(command.originals, command.reconstructions)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, compares, and says what was found and where it lies."""
    import tyro

    command = tyro.cli(
        CompareCommand,
        prog="python -m common.report",
        args=arguments,
        config=(tyro.conf.PositionalRequiredArgs,),
    )
    compare(command)


if __name__ == "__main__":
    main()
