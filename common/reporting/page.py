"""A report as one HTML page that needs nothing else: pictures inside, no script, no network.

First what a reader wants: the findings and one picture; then a list of contents, the numbers, in
which long tables are folded, and the other pictures. The page follows the reader's light or dark
setting, fits a telephone, and prints. Its content security policy forbids everything but its own
style and pictures. `templates/report.html.j2` is its text, `templates/report.css` its look.
"""

from __future__ import annotations

import base64
import math
import mimetypes
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
from markdown_it import MarkdownIt

from common.files import ROOT
from common.reporting.document import Report
from common.reporting.tables import (
    Cell,
    Measured,
    Table,
    column_decimals,
    is_numeric,
    mean_and_interval,
    metric_meaning,
    number,
    significant,
    text,
)

TEMPLATES = Path(__file__).parent / "templates"
GUIDE = ROOT / "docs" / "evaluation.md"
FOLDED = 12  # a table of more rows is folded
FACTS = "Where this comes from"


def page(report: Report) -> str:
    """The whole page of a report; every text is escaped, every picture embedded.

    Order: findings, the first figure, contents, metrics, tables, figures, where it all comes from,
    and `docs/evaluation.md`, folded.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    contents: dict[str, str] = {}  # anchor -> title; two tables may share a title

    def anchored(title: str) -> str:
        anchor = f"part-{len(contents) + 1}"
        contents[anchor] = title
        return anchor

    return environment.get_template("report.html.j2").render(
        report=report,
        guide=markupsafe.Markup(_guide()),
        contents=contents,
        lead=[(anchored(figure.title), figure) for figure in report.figures[:1]],
        metrics_anchor=anchored("Metrics") if report.metrics else "",
        metrics=[_metric(name, value) for name, value in report.metrics.items()],
        tables=[(anchored(table.title), _table(table)) for table in report.tables],
        figures=[(anchored(figure.title), figure) for figure in report.figures[1:]],
        facts_anchor=anchored(FACTS) if report.facts else "",
        facts_title=FACTS,
        embedded=_embedded,
        folded=FOLDED,
    )


def _guide() -> str:
    """What the figures mean, `docs/evaluation.md` as HTML, without its title."""
    text = GUIDE.read_text(encoding="utf-8")
    return MarkdownIt().enable("table").render(text.partition("\n")[2])


def _metric(name: str, value: Measured) -> dict[str, str]:
    """A metric's label and meaning, and its numbers as texts."""
    label, meaning = metric_meaning(name)
    decimals = significant(value.mean) if math.isfinite(value.mean) else None
    low, high = (number(end, decimals) for end in (value.low, value.high))
    return {
        "label": label,
        "meaning": meaning,
        "mean": number(value.mean),
        "low": low,
        "high": high,
    }


def _table(table: Table) -> dict[str, Any]:
    """A table with its cells as texts."""
    decimals = column_decimals(table)
    return {
        "title": table.title,
        "note": table.note,
        "columns": table.columns,
        "numeric": [is_numeric(table, index) for index in range(len(table.columns))],
        "rows": [[_cell(*pair) for pair in zip(row, decimals, strict=True)] for row in table.rows],
    }


def _cell(cell: Cell, decimals: int | None) -> dict[str, str]:
    if isinstance(cell, Measured):
        return dict(zip(("mean", "interval"), mean_and_interval(cell, decimals), strict=True))
    return {"mean": text(cell, decimals), "interval": ""}


def _embedded(file: Path) -> str:
    """A picture as a data URL."""
    kind = mimetypes.guess_type(file.name)[0]
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"
