"""A report: what was measured, and its forms as JSON, CSV and Markdown (HTML: `page`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.reporting.tables import (
    Measured,
    Table,
    long_rows,
    markdown,
    markdown_text,
    metric_table,
    plain,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture of a report: its title, the file (`.png`, `.jpg`, `.svg`) and a caption."""

    title: str
    file: Path
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an evaluation found.

    Attributes:
        title: what was measured, one line.
        n: number of images (or pairs) behind the metrics.
        metrics: name -> mean with its 95 % interval. `common.reporting.tables.METRICS` says what
            the eight metrics of image pairs mean.
        summary: one line under the title; `n` alone if empty.
        facts: label and text of where this comes from: command, seed, machine, data, model.
        tables: in the order in which to read them.
        figures: in the order in which to look at them; the first one stands on top.
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
                "published": [one.as_dict() for one in table.published],
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
    metrics = Table("metrics", ("metric", "mean"), list(report.metrics.items()))
    for table in (metrics, *report.tables):
        writer.writerows(long_rows(table))
    return lines.getvalue()


def as_markdown(report: Report) -> str:
    """The report in Markdown; figures by their file names beside it, the first one on top."""
    about = "How the figures are meant: `docs/evaluation.md` of the project, also in report.html."
    parts = [f"# {markdown_text(report.title)}", markdown_text(report.summary_line()), about]
    if report.findings:
        items = "\n".join(f"- {markdown_text(finding)}" for finding in report.findings)
        parts += ["## Findings", items]
    pictures = [_picture(figure) for figure in report.figures]
    parts += pictures[:1]
    if report.metrics:
        parts += ["## Metrics", markdown(metric_table(report.metrics))]
    for table in report.tables:
        parts += [f"## {markdown_text(table.title)}", markdown(table), markdown_text(table.note)]
    parts += pictures[1:]
    if report.facts:
        facts = Table("", ("", "fact"), report.facts)
        parts += ["## Where this comes from", markdown(facts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _picture(figure: Figure) -> str:
    """A figure in Markdown: its title, the file beside the report, the caption."""
    title, caption = markdown_text(figure.title), markdown_text(figure.caption)
    return f"## {title}\n\n![{title}](<{figure.file.name}>)" + (f"\n\n{caption}" if caption else "")
