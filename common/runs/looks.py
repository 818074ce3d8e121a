"""Looks at the test images: a run keeps a note of each, since it biases every choice after it.

`RUN/looks.csv` has a line a look; `common.weights` takes it along, and the card tells of it.
"""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

from common.files import write_text
from common.runs.directory import without_folders
from common.runs.environment import git_revision

COLUMNS: tuple[str, ...] = ("date", "revision", "images", "command")


def looks_file(folder: Path) -> Path:
    """Where the notes of a run, or of a folder of weights, lie."""
    return folder / "looks.csv"


def read_looks(folder: Path) -> list[dict[str, str]]:
    """The looks so far, the oldest first; one is `COLUMNS` to text."""
    file = looks_file(folder)
    if not file.is_file():
        return []
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def note_look(run: Path, images: int, command: str) -> None:
    """Adds a look to a run's notes; weights that are shared stay as they are.

    Args:
        run: its folder.
        images: how many were looked at.
        command: that did; kept without the folders of this machine.
    """
    if any(run.glob("*.weights.h5")):
        return
    look = dict(
        zip(COLUMNS, (_today(), git_revision(), str(images), without_folders(command)), strict=True)
    )
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*read_looks(run), look])
    write_text(looks_file(run), table.getvalue())


def looks_text(folder: Path) -> str:
    """How often, when and by which code test images were looked at; empty for never."""
    looks = read_looks(folder)
    told = ", ".join(f"{one['date']} ({one['images']} images, {one['revision']})" for one in looks)
    return f"{len(looks)}: {told}" if looks else ""


def _today() -> str:
    return time.strftime("%Y-%m-%d")
