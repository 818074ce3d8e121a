"""How well images were reconstructed: a report on any two folders of images.

    python -m common.report ORIGINALS RECONSTRUCTIONS [--out DIR]
    python -m common.report REAL GENERATED --unpaired       # see `common.unpaired`

compares two folders of images paired by name, whoever's model made them, with the same metrics as
the evaluations of the four papers. Errors are measured on [0, 1] images; on [-1, 1] MAE and RMSE
are twice as large and MSE four times, and papers that do not name their range may mean either.
"""

from __future__ import annotations

import csv
import io
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common import device
from common.config import check_seed
from common.datasets.folder import image_files
from common.document import Figure, Report
from common.errors import UserError, exits_cleanly
from common.files import write_text
from common.publish import write
from common.tables import Table, metric_meaning, metric_table, number, show

if TYPE_CHECKING:
    from common.metrics.intervals import Interval
    from common.metrics.pairs import Bits

COLLAPSED = 0.5  # warn when the reconstructions have less than this share of the originals' hashes
SHOWN = 4  # best, median and worst pairs on the sheet, each


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
    """With --unpaired, for faces: CelebA, on which their judge is trained."""


def compare(command: CompareCommand) -> tuple[Report, Path]:
    """Compares two folders of images and writes the report, of pairs with `pairs.csv` and a sheet.

    Returns:
        The report and the folder in which it lies.

    Raises:
        UserError: a folder is missing or empty, images do not pair or differ in size, or the report
            would lie among the images that it reads.
    """
    from common.datasets.folder import paired_images

    check_seed(command.seed)
    from common.metrics.pairs import hash_table, intervals, metrics_of

    out = report_folder(command)
    if command.unpaired:
        from common import unpaired

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
    stems, originals, reconstructions = paired_images(*_inputs(command))
    bits, values = metrics_of(originals, reconstructions)
    metrics = intervals(values)
    baselines = _baselines(originals, bits[0], command.seed)

    _write_pairs(out / "pairs.csv", stems, values)
    _draw_pairs(out / "pairs.png", stems, originals, reconstructions, values["mse"])
    n, height, width, channels = originals.shape
    kind = "gray" if channels == 1 else "RGB"
    folders = _folders(command)
    report = Report(
        title=f"{folders[1].resolve().name} against {folders[0].resolve().name}",
        n=n,
        metrics=metrics,
        summary=f"{n:,} {'pair' if n == 1 else 'pairs'} of {kind} images, {height}x{width}",
        tables=[
            _range_table(metrics),
            _baseline_table(metrics, baselines),
            hash_table(*bits, metrics, command.seed),
        ],
        figures=[
            Figure(
                "Best, median and worst pairs",
                out / "pairs.png",
                "Above each pair its name and its mean squared error on [0, 1], which sorts them. "
                "All pairs: pairs.csv.",
            )
        ],
        findings=_findings(values, baselines, bits),
        facts=_facts(command),
        details={"pairs": "pairs.csv", "height": height, "width": width, "channels": channels},
    )
    write(report, out)
    return report, out


def report_folder(command: CompareCommand) -> Path:
    """Where the report goes.

    Raises:
        UserError: among the images that it reads; options of a comparison that is not asked for.
    """
    if not command.unpaired and (command.inception or command.data_dir):
        raise UserError("--inception and --data-dir are for --unpaired; add it or leave them out.")
    folders = _folders(command)
    out = command.out or folders[1] / "report"
    if out.resolve() in [folder.resolve() for folder in folders]:
        raise UserError(
            f"--out {out} holds the images themselves, and the next comparison would read the "
            "report's pictures as images. Name another folder."
        )
    return out


def _folders(command: CompareCommand) -> list[Path]:
    return [path.parent if path.is_file() else path for path in _inputs(command)]


def _inputs(command: CompareCommand) -> tuple[Path, Path]:
    return command.originals, command.reconstructions


def _baselines(originals: np.ndarray, bits: Bits, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """What answers without any model score: name -> metric -> float64 `[N]`."""
    from common.metrics.baselines import black, mean_image, other_rows
    from common.metrics.pairs import metrics_of

    found = {}
    for name, images in {
        "a black image": black(originals),
        "the mean original": mean_image(originals, originals),
    }.items():
        found[name] = metrics_of(originals, images, bits)[1]
    if len(originals) > 1:
        rows = other_rows(len(originals), seed)
        other = {kind: hashed[rows] for kind, hashed in bits.items()}
        found["a random other original"] = metrics_of(originals, originals[rows], bits, other)[1]
    return found


def _range_table(metrics: Mapping[str, Interval]) -> Table:
    from common.metrics.reconstruction import DOUBLED

    rows = [
        [metric_meaning(name)[0], metrics[name], metrics[name].times(factor)]
        for name, factor in DOUBLED.items()
    ]
    return Table(
        "Errors in both ranges",
        ("metric", "images on [0, 1]", "images on [-1, 1]"),
        rows,
        "The same errors; papers that do not name their range may mean either. Each image's error "
        "is a mean over its pixels and channels; RMSE is the mean of the images' own roots. "
        "±: 95 % interval.",
    )


def _baseline_table(
    metrics: Mapping[str, Interval], baselines: Mapping[str, Mapping[str, np.ndarray]]
) -> Table:
    rows = [
        [metric_meaning(name)[0], value.mean, *(float(x[name].mean()) for x in baselines.values())]
        for name, value in metrics.items()
    ]
    return Table(
        "Beside answers that need no model",
        ("metric", "reconstructions", *baselines),
        rows,
        "Means over the images, errors on [0, 1]; each answer takes the place of every "
        "reconstruction. A useful model is clearly better than all of them.",
    )


def _findings(
    values: Mapping[str, np.ndarray],
    baselines: Mapping[str, Mapping[str, np.ndarray]],
    bits: tuple[Bits, Bits],
) -> list[str]:
    """What a reader should not miss, a sentence each."""
    from common.metrics.hashes import unique_ratio
    from common.metrics.reconstruction import DOUBLED

    found = []
    n = len(values["mse"])
    means = {name: float(value.mean()) for name, value in values.items()}
    identical = int((values["mse"] == 0).sum())
    if identical:
        found.append(f"Identical in every pixel: {identical:,} of {n:,} pairs.")
    for name, trivial in baselines.items():
        not_beaten = [
            metric_meaning(metric)[0]
            for metric, mean in means.items()
            if (trivial[metric].mean() - mean) * (1 if metric in DOUBLED else -1) <= 0
        ]
        if not_beaten:
            found.append(f"No better than {name} in {', '.join(not_beaten)}.")
    unique = {kind: [unique_ratio(both[kind]) for both in bits] for kind in bits[0]}
    kind, (expected, share) = min(unique.items(), key=lambda item: item[1][1] / item[1][0])
    if share < COLLAPSED * expected:
        found.append(
            f"Different images became alike: {share:.0%} of the reconstructions' {kind} values "
            f"are different, against {expected:.0%} of the originals'."
        )
    return found


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


def _write_pairs(path: Path, stems: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
    """One line per pair: its stem and its metrics, in the order of the stems."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["stem", *values])
    for stem, *row in zip(stems, *values.values(), strict=True):
        writer.writerow([stem, *(f"{value:.9g}" for value in row)])
    write_text(path, lines.getvalue())


def _draw_pairs(
    path: Path,
    stems: Sequence[str],
    originals: np.ndarray,
    reconstructions: np.ndarray,
    errors: np.ndarray,
) -> None:
    """A sheet of pairs in the order of their errors `[N]`: the ends, and the middle."""
    from common.sheets import grid

    order = np.argsort(errors, kind="stable")
    n = len(order)
    if n <= 3 * SHOWN:
        groups = {"": order}
    else:
        middle = (n - SHOWN) // 2
        groups = {
            "best": order[:SHOWN],
            "median": order[middle : middle + SHOWN],
            "worst": order[-SHOWN:],
        }
    rows = np.concatenate(list(groups.values()))
    names = [name for name, members in groups.items() for _ in members]
    difference = np.abs(originals[rows].astype(np.int16) - reconstructions[rows]).astype(np.uint8)
    grid(
        np.stack([originals[rows], reconstructions[rows], difference]),
        path,
        row_labels=["original", "reconstruction", "absolute difference"],
        column_labels=[
            f"{name}\n{shortened(stems[int(row)])}\n{number(float(errors[row]))}".strip()
            for name, row in zip(names, rows, strict=True)
        ],
    )


def shortened(text: str, length: int = 14) -> str:
    """`text`, or its beginning and end where it is longer."""
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[:half]}…{text[-half:]}"


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, compares, and says what was found and where it lies."""
    from rich.console import Console

    command = tyro.cli(CompareCommand, prog="python -m common.report", args=arguments)
    for folder in (command.originals, command.reconstructions):
        image_files(folder)  # refuses at once what is missing
    device.choose("cpu")  # SSIM comes from TensorFlow, and is no work for a GPU
    report, out = compare(command)
    console = Console()
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
