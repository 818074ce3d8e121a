"""Pictures of a training: real images to compare samples with, loss curves."""

from __future__ import annotations

from pathlib import Path

from common.datasets.records import Records
from common.files import called
from common.reporting.curves import loss_curves
from common.reporting.document import Figure
from common.reporting.sheets import grid, in_rows
from common.runs.directory import Run
from common.runs.history import history_files, read_run

REALS = 64  # on the sheet
COLUMNS = 8


def draw_reals(run: Run, records: Records) -> None:
    """Draws the first training images into `samples/reals.png`."""
    grid(in_rows(records.images[:REALS], COLUMNS), run.folder / "samples" / "reals.png")


def draw_losses(run: Run) -> None:
    """Draws the losses of all stages into `plots/losses.png`."""
    loss_curves({called(run.folder): read_run(run.folder)}, run.folder / "plots" / "losses.png")


def loss_figures(run: Path, out: Path) -> list[Figure]:
    """The same in a report, as `OUT/losses.png`; none for weights without histories."""
    if not history_files(run):
        return []
    loss_curves({called(run): read_run(run)}, out / "losses.png")
    return [Figure("Losses", out / "losses.png", "Means over each period, linear and symlog.")]
