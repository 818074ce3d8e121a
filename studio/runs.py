"""Trainings for the page: their loss curves, samples as they grow, reports.

The page names a run by its number in a list that is made here; no name of it is ever a path.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import ROOT, called
from common.runs.history import COUNTERS, history_files, last_rows, length, read_history


class Runs:
    """The runs at hand: those named, those in `runs/`, and the histories beside shipped weights.

    Args:
        named: folders.
    """

    def __init__(self, named: Sequence[Path] = ()):
        self._named = list(named)

    def folders(self) -> list[Path]:
        """All of them, looked for anew: trainings begin while the page is open."""
        found = [*self._named, *sorted(Path("runs").glob("*"), key=_changed, reverse=True)]
        found += sorted((ROOT / "weights").glob("*"))
        return [folder for folder in dict.fromkeys(found) if any(folder.glob("history-*.csv"))]

    def listed(self) -> list[dict[str, Any]]:
        """What the list on the page shows."""
        return [
            {"name": called(folder), "shipped": folder.parent == ROOT / "weights"}
            for folder in self.folders()
        ]

    def folder(self, number: int) -> Path:
        """The run of that number.

        Raises:
            UserError: there is none.
        """
        folders = self.folders()
        if not 0 <= number < len(folders):
            raise UserError("There is no such run any more; load the page again.")
        return folders[number]

    def facts(self, number: int) -> dict[str, Any]:
        """Settings, losses by stage, samples and whether there is a report."""
        folder = self.folder(number)
        rows = last_rows(folder)
        stages = []
        for stage, file in history_files(folder).items():
            history = read_history(file)
            stages.append(
                {
                    "name": stage,
                    "length": length(rows[stage]) if stage in rows else "",
                    "images": [float(one) for one in history["images"]],
                    "losses": {
                        name: [float(one) if math.isfinite(one) else None for one in values]
                        for name, values in history.items()
                        if name not in COUNTERS
                    },
                }
            )
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return {
            "name": called(folder),
            "package": config.get("package", ""),
            "dataset": config.get("dataset", ""),
            "stages": stages,
            "samples": [file.stem for file in self.samples(number)],
            "report": self.report(number) is not None,
        }

    def samples(self, number: int) -> list[Path]:
        """The sheets of samples in the order in which they were drawn."""
        return sorted((self.folder(number) / "samples").glob("*.png"), key=_changed)

    def report(self, number: int) -> Path | None:
        """The HTML report, if there is one."""
        file = self.folder(number) / "report" / "report.html"
        return file if file.is_file() else None


def _changed(path: Path) -> tuple[float, str]:
    """When a file or folder last changed, then its name."""
    return path.stat().st_mtime, path.name
