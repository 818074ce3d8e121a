"""A report as one HTML page that needs nothing else: pictures inside, no script, no network.

The page follows the reader's light or dark setting, fits a telephone, and prints. Its content
security policy forbids everything but its own style and pictures.
"""

from __future__ import annotations

import base64
import html
import math
import mimetypes
from collections.abc import Sequence
from string import Template

from common.reporting.document import Figure, Report
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

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f8fa; --ink: #1f2328; --faint: #59636e; --line: #d8dee4;
  --accent: #0072b2; --tint: #eef6fb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1c2026; --ink: #e6e9ed; --faint: #a0a9b3; --line: #353b43;
    --accent: #56b4e9; --tint: #17242d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: 0; text-wrap: balance; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.75rem 0 .75rem; }
.summary { color: var(--faint); font-size: 1.05rem; margin: .5rem 0 0; }
.note, figcaption { color: var(--faint); font-size: .875rem; margin: .6rem 0 0; max-width: 48rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .8rem; text-align: left; vertical-align: baseline; }
thead th {
  background: var(--card); color: var(--faint); font-size: .8125rem; font-weight: 600;
  border-bottom: 1px solid var(--line); vertical-align: bottom;
}
tbody tr + tr > * { border-top: 1px solid var(--line); }
thead .number { white-space: normal; }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--paper); }
.number { text-align: right; white-space: nowrap; }
.interval, .meaning { color: var(--faint); font-size: .8125rem; font-weight: 400; }
.interval { margin-left: .4rem; }
.meaning { margin-left: .7rem; }
.metrics td.mean { font-weight: 650; font-size: 1.05rem; }
.findings {
  margin: 2.25rem 0 0; padding: 1rem 1.25rem; background: var(--tint);
  border-left: 4px solid var(--accent); border-radius: 0 8px 8px 0;
}
.findings h2 { margin: 0 0 .4rem; font-size: 1rem; color: var(--accent); }
.findings ul { margin: 0; padding-left: 1.15rem; }
.findings li + li { margin-top: .35rem; }
figure { margin: 0; }
figure img {
  display: block; max-width: max(100%, 40rem); height: auto; margin: 0 auto; background: #fff;
}
.picture {
  border: 1px solid var(--line); border-radius: 8px; background: #fff; padding: .5rem;
  overflow-x: auto;
}
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; margin: 0;
     font-size: .875rem; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, Menlo, Consolas, monospace; }
@media (max-width: 36rem) {
  main { padding: 1.5rem .9rem 3rem; }
  th, td { padding: .45rem .55rem; }
  .meaning { display: block; margin: 0; }
  .metrics .number { white-space: normal; }
  tbody th { min-width: 6.5rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .6rem; }
}
@media print {
  main { max-width: none; padding: 0; }
  figure, tr, .findings { break-inside: avoid; }
}
"""

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<header>
<h1>$title</h1>
<p class="summary">$summary</p>
</header>
$body
</main>
</body>
</html>
""")


def page(report: Report) -> str:
    """The whole page of a report; every text is escaped, every picture embedded.

    Order: metrics, findings, tables, figures, and last where it all comes from.
    """
    sections = [
        _metrics(report),
        _findings(report.findings),
        *map(_table, report.tables),
        *map(_figure, report.figures),
        _facts(report.facts),
    ]
    return PAGE.substitute(
        title=html.escape(report.title),
        summary=html.escape(report.summary_line()),
        style=STYLE,
        body="\n".join(section for section in sections if section),
    )


def _metrics(report: Report) -> str:
    if not report.metrics:
        return ""
    rows = []
    for name, value in report.metrics.items():
        label, meaning = metric_meaning(name)
        decimals = significant(value.mean) if math.isfinite(value.mean) else None
        rows.append(
            f'<tr><th scope="row">{html.escape(label)}'
            f'<span class="meaning">{html.escape(meaning)}</span></th>'
            f'<td class="number mean">{number(value.mean)}</td>'
            f'<td class="number">{number(value.low, decimals)} to '
            f"{number(value.high, decimals)}</td></tr>"
        )
    return (
        '<h2>Metrics</h2>\n<div class="scroll"><table class="metrics">\n'
        '<thead><tr><th scope="col">metric</th><th scope="col" class="number">mean</th>'
        '<th scope="col" class="number">95 % interval</th></tr></thead>\n'
        f"<tbody>\n{_lines(rows)}\n</tbody></table></div>"
    )


def _findings(findings: Sequence[str]) -> str:
    if not findings:
        return ""
    items = _lines([f"<li>{html.escape(finding)}</li>" for finding in findings])
    return f'<section class="findings"><h2>Findings</h2>\n<ul>\n{items}\n</ul></section>'


def _table(table: Table) -> str:
    classes = [
        ' class="number"' if is_numeric(table, index) else "" for index in range(len(table.columns))
    ]
    head = "".join(
        f'<th scope="col"{kind}>{html.escape(column)}</th>'
        for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = []
    decimals = column_decimals(table)
    for row in table.rows:
        first, *rest = [_cell(*pair) for pair in zip(row, decimals, strict=True)]
        cells = [f'<th scope="row"{classes[0]}>{first}</th>']
        cells += [f"<td{kind}>{cell}</td>" for cell, kind in zip(rest, classes[1:], strict=True)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = f'\n<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f'<h2>{html.escape(table.title)}</h2>\n<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{_lines(rows)}\n</tbody></table></div>{note}"
    )


def _cell(cell: Cell, decimals: int | None) -> str:
    if isinstance(cell, Measured):
        mean, interval = mean_and_interval(cell, decimals)
        return f'{mean}<span class="interval">{interval}</span>'
    return html.escape(text(cell, decimals))


def _figure(figure: Figure) -> str:
    kind = mimetypes.guess_type(figure.file.name)[0]
    data = base64.b64encode(figure.file.read_bytes()).decode("ascii")
    caption = f"\n<figcaption>{html.escape(figure.caption)}</figcaption>" if figure.caption else ""
    return (
        f'<h2>{html.escape(figure.title)}</h2>\n<figure><div class="picture">'
        f'<img alt="{html.escape(figure.title)}" src="data:{kind};base64,{data}"></div>'
        f"{caption}</figure>"
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    if not facts:
        return ""
    items = _lines(
        [f"<dt>{html.escape(label)}</dt><dd>{html.escape(fact)}</dd>" for label, fact in facts]
    )
    return f"<h2>Where this comes from</h2>\n<dl>\n{items}\n</dl>"


def _lines(parts: list[str]) -> str:
    return "\n".join(parts)
