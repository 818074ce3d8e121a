"""Loss curves of one run, or of several in one figure.

python -m common.plots RUN [RUN ...] [--out FILE_OR_DIR]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from common.errors import UserError, exits_cleanly
from common.files import called_apart
from common.reporting.curves import loss_curves
from common.runs.directory import output_folder
from common.runs.history import read_run
from common.settings.paths import PATHS

PICTURES = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotCommand:
    """Draws the loss curves of one run, or of several in one figure."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Run directories, each with its history-<stage>.csv."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE_OR_DIR")] = None
    """A picture or a folder; by default RUN/plots for one run, runs/plots for several."""


def plot_runs(command: PlotCommand) -> Path:
    """Draws the curves of the named runs and returns where the picture lies.

    Raises:
        UserError: no run is given, or one of them has no readable history.
    """
    if not command.runs:
        raise UserError("Give at least one run directory, such as runs/crg-mnist-001.")
    labels = called_apart(command.runs)
    runs = {label: read_run(run) for label, run in zip(labels, command.runs, strict=True)}
    if len(runs) == 1:
        folder, name = output_folder(command.runs[0], "plots"), "losses.png"
    else:
        folder, name = Path("runs") / "plots", "losses-comparison.png"
    out = command.out or folder
    path = out if out.suffix.lower() in PICTURES else out / name
    loss_curves(runs, path)
    return path


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, draws, and says where the picture lies."""
    from rich.console import Console

    command = tyro.cli(PlotCommand, prog="python -m common.plots", args=arguments, registry=PATHS)
    Console(emoji=False).print(f"Wrote {plot_runs(command)}.", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
