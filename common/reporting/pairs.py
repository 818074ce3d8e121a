"""The report on pairs of images: originals, and what some model made of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.files import write_text
from common.metrics.baselines import black, mean_image, other_rows
from common.metrics.hashes import unique_ratio
from common.metrics.intervals import Interval
from common.metrics.pairs import Bits, intervals, metrics_of
from common.metrics.reconstruction import DOUBLED
from common.reporting.document import Figure, Report
from common.reporting.sections import hash_table
from common.reporting.sheets import grid
from common.reporting.tables import Table, metric_meaning, number

COLLAPSED = 0.5  # warn when the reconstructions have less than this share of the originals' hashes
SHOWN = 4  # best, median and worst pairs on the sheet, each


def report(
    stems: Sequence[str],
    originals: np.ndarray,
    reconstructions: np.ndarray,
    out: Path,
    title: str,
    facts: Sequence[tuple[str, str]],
    seed: int = 0,
) -> Report:
    """Measures pairs of images; writes `pairs.csv` and a sheet of pairs.

    Args:
        stems: names of the N pairs.
        originals: uint8 `[N, H, W, C]`.
        reconstructions: uint8, the same shape, in the same order.
        out: folder of the report.
        title: of the report.
        facts: where the numbers come from.
        seed: of the random other image of the baselines.
    """
    bits, values = metrics_of(originals, reconstructions)
    metrics = intervals(values)
    baselines = _baselines(originals, bits[0], seed)
    _write_pairs(out / "pairs.csv", stems, values)
    _draw_pairs(out / "pairs.png", stems, originals, reconstructions, values["mse"])
    n, height, width, channels = originals.shape
    kind = "gray" if channels == 1 else "RGB"
    return Report(
        title=title,
        n=n,
        metrics=metrics,
        summary=f"{n:,} {'pair' if n == 1 else 'pairs'} of {kind} images, {height}x{width}",
        tables=[
            _range_table(metrics),
            _baseline_table(metrics, baselines),
            hash_table(*bits, metrics, seed),
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
        facts=facts,
        details={"pairs": "pairs.csv", "height": height, "width": width, "channels": channels},
    )


def _baselines(originals: np.ndarray, bits: Bits, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """What answers without any model score: name -> metric -> float64 `[N]`."""
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
        "Beside baselines without a model",
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
