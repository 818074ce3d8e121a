"""Histories: the losses of a stage, one row a period, in `history-<stage>.csv` of a run.

The first columns are `COUNTERS`, then come the losses in plot order, then their `val_*`
counterparts.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from common.errors import UserError
from common.files import write_text

History: TypeAlias = dict[str, np.ndarray]  # column name -> float64 [periods]

COUNTERS = ("period", "step", "images", "seconds")


def write_history(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes one row a period; the columns are those of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_run(run: str | os.PathLike[str]) -> dict[str, History]:
    """Reads every `history-<stage>.csv` of a run directory.

    Returns:
        Stage -> history, in the order in which the stages are trained.

    Raises:
        UserError: there is no such folder, no history in it, or a broken one.
    """
    run = Path(run)
    if not run.is_dir():
        raise UserError(f"There is no run directory {run}.")
    files = history_files(run)
    if not files:
        raise UserError(
            f"{run} holds no history-<stage>.csv: give the folder that a training wrote, "
            "such as runs/crg-mnist-001."
        )
    return {stage: read_history(path) for stage, path in files.items()}


def last_rows(run: Path) -> dict[str, dict[str, str]]:
    """Stage -> the last row of its history as it is written, in the order of the stages."""
    rows = {
        stage: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for stage, path in history_files(run).items()
    }
    return {stage: lines[-1] for stage, lines in rows.items() if lines}


def minutes(run: Path) -> float | None:
    """How long the stages of a run were trained; None where nothing tells."""
    seconds = [float(line["seconds"]) for line in last_rows(run).values()]
    return sum(seconds) / 60 if seconds else None


def length(row: Mapping[str, str]) -> str:
    """How long a stage was trained, from the last row of its history."""
    return (
        f"{int(row['step']):,} steps, {int(row['images']):,} images, "
        f"{float(row['seconds']) / 60:.0f} minutes"
    )


def history_files(run: Path) -> dict[str, Path]:
    """Stage -> its history, in the order of the stages in the run's settings, others after them."""
    settings = run / "config.json"
    stages = []
    if settings.is_file():
        try:
            stages = json.loads(settings.read_text(encoding="utf-8")).get("stages", [])
        except ValueError as error:
            raise UserError(f"{settings} is not valid JSON ({error}); restore it.") from error
    found = {path.stem.removeprefix("history-"): path for path in run.glob("history-*.csv")}
    known = [stage for stage in stages if stage in found]
    return {stage: found[stage] for stage in dict.fromkeys([*known, *sorted(found)])}


def read_history(path: str | os.PathLike[str]) -> History:
    """Reads one `history-<stage>.csv`.

    Args:
        path: a CSV file with a header, as the module describes it. One row per period.

    Returns:
        Column name -> float64 `[periods]` in the order of the file; an empty cell is NaN.

    Raises:
        UserError: the file is missing, empty, or not such a table; the message names the line.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read the history {path}: {error}.") from error
    header, *rows = lines or [[]]
    if tuple(header[: len(COUNTERS)]) != COUNTERS or len(set(header)) < len(header):
        raise UserError(
            f"{path} is no history: its first line must begin with {','.join(COUNTERS)} "
            f"and name each column once, but is {','.join(header)!r}."
        )
    if not rows:
        raise UserError(f"{path} holds no period yet: wait for the first one to end.")
    values = np.empty((len(rows), len(header)))
    for index, row in enumerate(rows):
        try:
            cells = [float(cell) if cell else math.nan for cell in row]
            values[index] = np.array(cells).reshape(len(header))
        except ValueError as error:
            raise UserError(
                f"{path}, line {index + 2}: expected {len(header)} numbers or empty cells, "
                f"received {','.join(row)!r}."
            ) from error
    return {name: values[:, column] for column, name in enumerate(header)}
