"""How well images were reconstructed: a report on any two folders of images.

    python -m common.report ORIGINALS RECONSTRUCTIONS [--out DIR]
    python -m common.report REAL GENERATED --unpaired       # see `common.reporting.unpaired`

compares two folders of images paired by name, whoever's model made them, with the same metrics as
the evaluations of the four papers. Errors are measured on [0, 1] images; on [-1, 1] MAE and RMSE
are twice as large and MSE four times, and papers that do not name their range may mean either.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import tyro

from common import device
from common.datasets.folder import image_files
from common.errors import UserError, exits_cleanly
from common.files import called_apart, check_writable, refuse_overwriting
from common.reporting.document import Report
from common.reporting.publish import write
from common.reporting.tables import metric_table, show
from common.settings.config import check_seed
from common.settings.paths import PATHS


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareCommand:
    """Measures how well images were reconstructed: two folders, paired by file name."""

    originals: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="ORIGINALS")]
    """Folder of original images."""
    reconstructions: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RECONSTRUCTIONS")]
    """Folder with a reconstruction of the same name for each original."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the report; by default `report` inside RECONSTRUCTIONS."""
    seed: int = 0
    """Draws the random other image of the baselines."""
    unpaired: bool = False
    """The images do not belong together: measure the distance of the two sets instead, such as
    generated images' from real ones. Digits of 28x28 need nothing else, other images --inception,
    or square faces --data-dir."""
    inception: Annotated[Path | None, tyro.conf.arg(metavar="GRAPH")] = None
    """With --unpaired: `classify_image_graph_def.pb`, the network of 2015, for FID and KID."""
    data_dir: Path | None = None
    """With --unpaired, for faces: CelebA, on which their classifier is trained."""


def compare(command: CompareCommand) -> tuple[Report, Path]:
    """Compares two folders of images and writes the report, of pairs with `pairs.csv` and a sheet.

    Returns:
        The report and the folder in which it lies.

    Raises:
        UserError: a folder is missing or empty, images do not pair or differ in size, or the report
            would lie among the images that it reads.
    """
    from common.datasets.compared import paired_images

    check_seed(command.seed)
    out = report_folder(command)
    if command.unpaired:
        from common.reporting import unpaired

        report = unpaired.report(
            *_inputs(command),
            out,
            _facts(command),
            inception=command.inception,
            data_dir=command.data_dir,
            seed=command.seed,
        )
        write(report, out)
        return report, out
    from common.reporting import pairs

    folders = _folders(command)
    title = " against ".join(reversed(called_apart(folders)))
    images = paired_images(*_inputs(command))
    report = pairs.report(*images, out, title, _facts(command), command.seed)
    write(report, out)
    return report, out


def report_folder(command: CompareCommand) -> Path:
    """Where the report goes.

    Raises:
        UserError: among the images that it reads; options of a comparison that is not asked for.
    """
    if not command.unpaired and (command.inception or command.data_dir):
        raise UserError("--inception and --data-dir are for --unpaired; add it or leave them out.")
    out = command.out or _folders(command)[1] / "report"
    for path in _inputs(command):
        refuse_overwriting(image_files(path), out)
    return out


def _folders(command: CompareCommand) -> list[Path]:
    return [path.parent if path.is_file() else path for path in _inputs(command)]


def _inputs(command: CompareCommand) -> tuple[Path, Path]:
    return command.originals, command.reconstructions


def _facts(command: CompareCommand) -> list[tuple[str, str]]:
    """Where the numbers come from."""
    from common.metrics.hashes import library_versions

    names = ("real", "generated") if command.unpaired else ("originals", "reconstructions")
    networks = [(name, metadata.version(name)) for name in ("tensorflow", "keras", "Pillow")]
    return [
        ("command", _command_line(command)),
        *zip(names, map(str, _inputs(command)), strict=True),
        ("seed", str(command.seed)),
        ("machine", f"{platform.system()} {platform.machine()}, {device.cores()} cores"),
        ("Python", platform.python_version()),
        *(networks if command.unpaired else library_versions().items()),
    ]


def _command_line(command: CompareCommand) -> str:
    words = ["python", "-m", "common.report", *map(str, _inputs(command))]
    for name in ("out", "inception", "data_dir"):
        value = getattr(command, name)
        words += [f"--{name.replace('_', '-')}", str(value)] if value else []
    words += ["--unpaired"] if command.unpaired else []
    return shlex.join([*words, "--seed", str(command.seed)])


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, compares, and says what was found and where it lies."""
    from rich.console import Console

    command = tyro.cli(
        CompareCommand, prog="python -m common.report", args=arguments, registry=PATHS
    )
    for folder in (command.originals, command.reconstructions):
        image_files(folder)  # refuses at once what is missing
    check_writable(report_folder(command))
    for given in (command.inception, command.data_dir):
        if given is not None and not given.exists():
            raise UserError(f"{given} does not exist.")
    device.choose("cpu")  # SSIM comes from TensorFlow, and is no work for a GPU
    report, out = compare(command)
    console = Console(emoji=False)
    for shown in (
        report.tables if command.unpaired else (metric_table(report.metrics), report.tables[1])
    ):
        show(shown)
    for finding in report.findings:
        console.print(f"- {finding}", markup=False, highlight=False)
    console.print(
        f"{report.summary_line()}. Read {out / 'report.html'}; numbers in report.json, report.csv "
        + ("and report.md." if command.unpaired else "and (each pair) pairs.csv."),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
