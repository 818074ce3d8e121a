"""One Markdown file of what runs reached beside the published figures.

    python -m common.results RUN [RUN ...] [--out RESULTS.md] [--check]

A section a published table: the paper's figure, ours, the number of images and the 95 % interval;
below it how each run was made, and, where ours falls short, what its report found. Everything comes
from the runs' own files: `report.json`, `environment.json`, `command.txt`, `train.log` and the
histories. Where a run has a report of test, that is read, and not the one of dev.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from common.errors import UserError, exits_cleanly
from common.files import called_apart, check_writable, write_text
from common.reporting.tables import MISSING, Table, markdown, markdown_text, number, significant
from common.runs.directory import read_command, without_folders
from common.runs.environment import read_environment
from common.runs.history import last_rows
from common.settings.paths import PATHS

REPORTS = ("report-test", "report", ".")  # where a run's report may be; `.`: the folder is one
ABOUT = (
    "Written by `python -m common.results` from reports, nothing by hand. n is the number of "
    "images behind our figure. The interval is over these images; another training, or another "
    "seed, is outside it. The line of each run says whether its images are of test or of dev, by "
    "which settings are chosen. Images and hours of a training are those of the run's own "
    "stages; what it started from is on its card."
)
COLUMNS = ("figure", "paper", "ours", "n", "95 % interval", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsCommand:
    """Collects what runs reached beside the published figures, one table a published table."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Trained runs with a report, such as runs/crg-mnist-001, or folders of reports."""
    out: Path = Path("RESULTS.md")
    """The Markdown file to write."""
    check: bool = False
    """Write nothing; fail where the file is not what it would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run and its report.

    Attributes:
        name: of the run.
        folder: of the run.
        report: as `common.reporting.document.as_json` has it.
    """

    name: str
    folder: Path
    report: Mapping[str, Any]

    @property
    def published(self) -> list[Mapping[str, Any]]:
        """The published figures that stand in the report, each with ours."""
        tables = self.report.get("tables", [])
        return [figure for table in tables for figure in table.get("published", [])]


def read_result(run: Path, name: str) -> Result:
    """A run with its report: that of test where there is one, else that of dev.

    Raises:
        UserError: there is no report, or a broken one.
    """
    for part in REPORTS:
        file = run / part / "report.json"
        if not file.is_file():
            continue
        try:
            return Result(name=name, folder=run, report=json.loads(file.read_text("utf-8")))
        except ValueError as error:
            raise UserError(
                f"{file} is not valid JSON ({error}); evaluate the run again."
            ) from None
    if not run.is_dir():
        raise UserError(f"There is no folder {run}; give trained runs, such as runs/crg-mnist-001.")
    raise UserError(f"{run} has no report/report.json: evaluate it first, or give a trained run.")


def collected(results: Sequence[Result], out: Path) -> str:
    """The text of the file `out`.

    Raises:
        UserError: no report has a published figure.
    """
    tables = dict.fromkeys(one["table"] for result in results for one in result.published)
    if not tables:
        raise UserError(
            "No report has a published figure beside ours: evaluate the runs again where an "
            "earlier version did, and see that their data are those of the paper."
        )
    parts = ["# Results beside the published figures", ABOUT]
    told: set[Path] = set()
    for title in tables:
        found = [(one, only(one, title)) for one in results if only(one, title)]
        parts += section(title, found, out, told)
    without = [one.name for one in results if not one.published]
    if without:
        names = markdown_text(", ".join(without))
        parts += ["## Without a published figure", f"In the reports of {names} there is none."]
    return "\n\n".join(parts) + "\n"


def only(result: Result, title: str) -> list[Mapping[str, Any]]:
    """The figures of one published table."""
    return [figure for figure in result.published if figure["table"] == title]


def section(
    title: str,
    found: Sequence[tuple[Result, list[Mapping[str, Any]]]],
    out: Path,
    told: set[Path],
) -> Iterable[str]:
    """A published table: its figures, how the runs were made, and what their reports found.

    Args:
        title: of the table.
        found: the runs that have figures of it, and these figures.
        out: the file that is written.
        told: folders of the runs whose findings stand further up; those of this table join them.
    """
    rows = [row(figure, result.name) for result, figures in found for figure in figures]
    made = "\n".join(f"- {origin(result, out)}" for result, _ in found)
    parts = [f"## {markdown_text(title)}", markdown(Table(title, COLUMNS, rows)), made]
    for result, figures in found:
        short = [figure["figure"] for figure in figures if falls_short(figure)]
        findings = result.report.get("findings", [])
        if short and findings:
            names = markdown_text(f"{result.name} falls short in {', '.join(short)}")
            if result.folder in told:
                parts.append(f"{names}. What its report found is listed above.")
                continue
            told.add(result.folder)
            listed = "\n".join(f"- {markdown_text(one)}" for one in findings)
            parts += [f"{names}. Its report found:", listed]
    return parts


def row(figure: Mapping[str, Any], run: str) -> list[str]:
    """A figure as texts: what it is, the paper's, ours, n, the interval and the run."""
    ours = figure["ours"]
    ends = ours if isinstance(ours, dict) else {"mean": ours, "low": None, "high": None}
    mean, low, high = (ends[name] for name in ("mean", "low", "high"))
    size = max((abs(end) for end in (mean or high, mean or low) if end is not None), default=0.0)
    decimals = significant(size)  # of a mean of 0 as many as of the end of its interval
    between = MISSING if low is None else f"{number(low, decimals)} to {number(high, decimals)}"
    return [
        figure["figure"],
        MISSING if figure["paper"] is None else f"{figure['paper']:.4g}",
        MISSING if mean is None else number(mean, decimals),
        number(int(figure["n"])),
        between,
        run,
    ]


def falls_short(figure: Mapping[str, Any]) -> bool:
    """Whether all of our interval, or our value, is on the worse side of the paper's figure."""
    ours, paper = figure["ours"], figure["paper"]
    low, high = (ours["low"], ours["high"]) if isinstance(ours, dict) else (ours, ours)
    if None in (low, high, paper):
        return False
    return {"higher": high < paper, "lower": low > paper}.get(figure["better"], False)


def origin(result: Result, out: Path) -> str:
    """How a run was made, one line of Markdown, with a link to its card where it has one."""
    run, environment = result.folder, read_environment(result.folder)
    stages = last_rows(run)
    images = ", ".join(f"{name} {int(last['images']):,}" for name, last in stages.items())
    hours = sum(float(last["seconds"]) for last in stages.values()) / 3600
    seed = environment.get("seed", result.report.get("facts", {}).get("seed of the training"))
    facts = {
        "measured on": result.report.get("summary"),
        "preset": preset(run),
        "images seen": images,
        "seed": seed,
        "hardware": environment.get("device"),
        "hours": f"{hours:.2f}" if stages else None,
    }
    known = [
        f"{name} {markdown_text(str(value))}" for name, value in facts.items() if value is not None
    ]
    command = result.report.get("facts", {}).get("training") or read_command(run)
    lines = [without_folders(line) for line in command.split("; then ") if line]
    shown = "; then ".join(f"`{line}`" for line in lines)
    name, card = markdown_text(result.name), run / "card.md"
    if card.is_file():
        name = f"[{name}]({Path(os.path.relpath(card, out.parent)).as_posix()})"
    told = result.report.get("facts", {})
    measured = without_folders(told.get("command", ""))
    place = f" on {told['machine']}" if "machine" in told else ""
    texts = [*known, shown, f"measured by `{measured}`{place}" if measured else ""]
    return f"{name}: " + "; ".join(text for text in texts if text)


def preset(run: Path) -> str | None:
    """The preset that a training began with, as its log says."""
    log = run / "train.log"
    text = log.read_text(encoding="utf-8") if log.is_file() else ""
    found = re.search(r": preset ([^\s,]+),", text)
    return found[1] if found else None


def collect(command: ResultsCommand) -> Path:
    """Writes the file, or checks it, and returns it.

    Raises:
        UserError: no run is given, one of them has no report, or the file to check is another.
    """
    if not command.runs:
        raise UserError("Give at least one run, such as runs/crg-mnist-001.")
    check_writable(command.out.parent)
    names = called_apart(command.runs)
    results = [read_result(run, name) for run, name in zip(command.runs, names, strict=True)]
    text = collected(results, command.out)
    if not command.check:
        write_text(command.out, text)
    elif not command.out.is_file() or command.out.read_text(encoding="utf-8") != text:
        raise UserError(
            f"{command.out} is not what the reports say; write it again, without --check."
        )
    return command.out


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, collects, and says where the file lies."""
    from rich.console import Console

    command = tyro.cli(
        ResultsCommand, prog="python -m common.results", args=arguments, registry=PATHS
    )
    file = collect(command)
    told = f"{file} is what the reports say." if command.check else f"Wrote {file}."
    Console(emoji=False).print(told, soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
