"""Trains and evaluates every row of the paper's Table 1, into one table and one figure.

    python -m ifcvaegan.evaluate --ablation --data-dir CELEBA --limit 8192 --filters 24 --epochs 30

Each row is a run of `ifcvaegan.train` below `--out`. The command can be stopped at any time and
given again: rows that are done are read, one that was interrupted goes on, the rest is trained.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from common import run as runs
from common.config import FOLDERS, read_config, refuse_changes
from common.document import Figure, Report
from common.errors import UserError
from common.files import atomic_path
from common.history import read_history
from common.metrics.intervals import Interval
from common.publish import publish
from common.run import ROOT
from common.tables import Cell, Table
from ifcvaegan.config import EXTENDABLE, PRESETS, TABLE_1, Config, Dataset, attribute_names

logger = logging.getLogger(__name__)

VARIED = ("alpha", "beta", "gamma")  # of the loss, by the rows
ROWS = (*TABLE_1, "naive_fig3", "if_fig2")

COLUMNS = {  # of the table -> of a run's report
    "Class0, all": "class0",
    "Class1, all": "class1",
    "edit effect": "edit_effect",
    "z tells y": "network, latents",
    "nearer, y = 0": "nearer 0",
    "nearer, y = 1": "nearer 1",
    "Male kept, y = 1": "male 1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationCommand:
    """Trains and evaluates the rows of Table 1; given again, it goes on where it was."""

    out: Path = Path("runs/ifcvaegan-ablation")
    """Folder of the runs, one a row, and of the report on all."""
    base: Literal["paper", "stable"] = "paper"
    """What the rows vary: the paper's settings as they stand, or those of `stable`, whose L^_class
    and L_aux they then switch on and off."""
    rows: tuple[str, ...] = tuple(TABLE_1)
    """Presets, in the order of the table; those of Figures 2 and 3 may join the paper's rows."""
    dataset: Dataset = "celeba"
    """As of `ifcvaegan.train`."""
    data_dir: Path | None = None
    """The folder of the data."""
    cache_dir: Path | None = None
    """Where decoded images and the judge are kept."""
    limit: int | None = None
    """Train on so many images."""
    attributes: tuple[str, ...] = ("Smiling",)
    """Of y; the table tells of the first one."""
    filters: int = 64
    """Width of E, D and C; 24 trains on two cores."""
    epochs: float | None = None
    """Of each row; by default those of its preset."""
    batch_size: int | None = None
    """Of each row; by default that of its preset."""
    seed: int = 0
    """Of all rows."""


def ablation(command: AblationCommand) -> Path:
    """Trains what is missing, reads all reports and writes the one on all rows.

    Returns:
        Its HTML page.

    Raises:
        UserError: a preset is unknown, a row below `--out` has other settings, or one fails.
    """
    unknown = sorted(set(command.rows) - set(ROWS))
    if unknown or not command.rows:
        raise UserError(f"--rows names {unknown or 'none'}; the rows are {', '.join(ROWS)}.")
    wanted = {name: settings(command, name) for name in command.rows}
    for name, config in wanted.items():  # before any row is trained
        check_row(command.out / name, config)
    for number, (name, config) in enumerate(wanted.items(), start=1):
        logger.info("row %d of %d: %s", number, len(wanted), name)
        train_row(command.out / name, options(command.base, name, config), config)
    return publish(combined(command), command.out / "report")


def settings(command: AblationCommand, preset: str) -> Config:
    """The settings of a row, with what the command changes in all of them."""
    config = PRESETS[command.base](command.dataset)
    train: dict[str, Any] = {"epochs": command.epochs, "batch_size": command.batch_size}
    train = {name: value for name, value in train.items() if value is not None}
    run: dict[str, Any] = {"data_dir": command.data_dir, "cache_dir": command.cache_dir}
    run |= {"limit": command.limit, "seed": command.seed}
    replace = dataclasses.replace
    return replace(
        config,
        run=replace(config.run, **run),
        loss=replace(config.loss, **varied(command.base, preset)),
        data=replace(config.data, attributes=command.attributes),
        networks=replace(config.networks, filters=command.filters),
        train=replace(config.train, **train),
    )


def varied(base: str, row: str) -> dict[str, float]:
    """Alpha, beta and gamma of a row: the published ones, or those of `stable` switched on or off.

    Every published beta and gamma is 0 or 1, which in `stable` becomes 0 or its own value.
    """
    published, own = PRESETS[row]().loss, PRESETS[base]().loss
    if base == "paper":
        return {name: getattr(published, name) for name in VARIED}
    return {
        "alpha": published.alpha,
        "beta": own.beta if published.beta else 0.0,
        "gamma": own.gamma if published.gamma else 0.0,
    }


def options(base: str, row: str, config: Config) -> list[str]:
    """The command line of a row's training."""
    words = ["--preset", row if base == "paper" else base, "--dataset", config.dataset]
    if base != "paper":
        for name in VARIED:
            words += [f"--loss.{name}", str(getattr(config.loss, name))]
    run = config.run
    words += folders(config)
    words += ["--limit", str(run.limit)] if run.limit else []
    words += ["--seed", str(run.seed), "--data.attributes", *config.data.attributes]
    words += ["--networks.filters", str(config.networks.filters)]
    words += ["--train.epochs", str(config.train.epochs)]
    return [*words, "--train.batch-size", str(config.train.batch_size)]


def folders(config: Config) -> list[str]:
    """The options that name the folders of the data and of the cache, where they are given."""
    given = {f"--{name.replace('_', '-')}": getattr(config.run, name) for name in FOLDERS}
    return [str(word) for pair in given.items() if pair[1] for word in pair]


def check_row(folder: Path, config: Config) -> None:
    """Refuses a row that was trained with other settings; more epochs than before are fine.

    Raises:
        UserError: naming what differs.
    """
    if not is_begun(folder):
        return
    try:
        refuse_changes(read_config(Config, folder), config, EXTENDABLE)
    except UserError as error:
        raise UserError(
            f"{folder} has other settings; name another folder by --out. {error}"
        ) from None


def is_begun(folder: Path) -> bool:
    """Whether the row has a run."""
    return (folder / "config.json").is_file()


def is_done(folder: Path, config: Config) -> bool:
    """Whether the row is trained to its end and its report was written after that."""
    from common.training import stage_length

    report = folder / "report" / "report.json"
    history = runs.Run(folder).history_file("vaegan")
    if not (report.is_file() and history.is_file()):
        return False
    environment = json.loads((folder / "environment.json").read_text("utf-8"))
    images, train = environment["data"]["images"], config.train
    steps, _ = stage_length(train.epochs, train.period, images, train.batch_size)
    trained = int(read_history(history)["step"][-1]) >= steps
    return trained and report.stat().st_mtime >= history.stat().st_mtime


def train_row(folder: Path, words: list[str], config: Config) -> None:
    """Trains a row in a process of its own, or goes on with it, unless it is done.

    Args:
        folder: of its run.
        words: of its training's command, but for the folder.
        config: its settings.

    Raises:
        UserError: the training failed; it has said why.
        KeyboardInterrupt: after Ctrl-C, when the row has saved its state.
    """
    if is_done(folder, config):
        return
    if is_begun(folder):
        words = ["--resume", str(folder), "--train.epochs", str(config.train.epochs)]
        words += folders(config)
    else:
        words = [*words, "--out", str(folder)]
    command = [sys.executable, "-m", "ifcvaegan.train", *words]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        failed = process.wait()
    except KeyboardInterrupt:  # the row has been told as well, and saves
        process.wait()
        raise KeyboardInterrupt("stopped; the same command goes on") from None
    if failed:
        raise UserError(
            f"The row {folder.name} ended early, see above; once that is mended, the same command "
            "goes on."
        )


def combined(command: AblationCommand) -> Report:
    """The report on all rows, from the report of each.

    Raises:
        UserError: the rows were measured on different faces, or on none with the attribute.
    """
    from common.provenance import command_line, facts

    found: dict[str, dict[str, Interval]] = {}
    counts: dict[str, int] = {}
    name = attribute_names(settings(command, command.rows[0]))[0]
    base = 0.0
    for row in command.rows:
        report = json.loads((command.out / row / "report" / "report.json").read_text("utf-8"))
        details = report["details"][name]
        found[row] = {
            key: Interval(**value) for key, value in details.items() if isinstance(value, dict)
        }
        base, counts[row] = details["base rate"], report["n"]
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{row}: {n:,}" for row, n in counts.items())
        raise UserError(
            f"The rows were measured on different numbers of faces ({told}); measure all alike."
        )
    n = counts[command.rows[0]]
    if not all("with: class0" in values for values in found.values()):
        raise UserError(f"None of the {n:,} test faces has {name}: measure more of them.")
    published = TABLE_1 if (command.dataset, name) == ("celeba", "Smiling") else {}
    last = command.out / command.rows[-1]
    return Report(
        title=f"IFcVAEGAN: the rows of Table 1 on {command.base}, {name}",
        n=n,
        summary=f"{len(found)} models on {n:,} test faces each",
        tables=[paper_table(found, published), table(found, base)],
        figures=[draw(found, published, command.out / "report" / "table-1.png")],
        findings=findings(found, base),
        facts=facts(last, command.seed, command_line("ifcvaegan.evaluate --ablation", command)),
    )


def paper_table(
    found: dict[str, dict[str, Interval]], published: Mapping[str, Sequence[float]]
) -> Table:
    """The paper's Table 1 beside ours, by its protocol: the faces with the attribute."""
    rows: list[list[Cell]] = []
    for name, values in found.items():
        mine: list[Cell] = [values[f"with: {key}"] for key in ("mse", "class0", "class1")]
        mine.append(values["with: class0"].mean + values["with: class1"].mean)
        of_paper: list[Cell] = [*published.get(name, (None, None, None))]
        of_paper.append(sum(published[name][1:]) if name in published else None)
        rows.append([name, *(of_paper if published else ()), *mine])
    titles = ("MSE", "Class0", "Class1", "sum")
    first = next(iter(found.values()))["with: class0"]
    return Table(
        "Table 1 of the paper, and ours" if published else "As the paper's Table 1",
        ("row", *(f"paper: {title}" for title in titles if published), *titles),
        rows,
        "Class k: share of the faces with the attribute that, decoded with y = k, are read as k; "
        f"ours of {first.n:,} test faces" + (", the paper's of 16" if published else "") + ". A "
        "sum of 1: y has no effect. ±: 95 % interval over the test faces, for this one training.",
    )


def table(found: dict[str, dict[str, Interval]], base: float) -> Table:
    """What the paper does not show."""
    shown = {title: key for title, key in COLUMNS.items() if all(key in v for v in found.values())}
    rows: list[list[Cell]] = [
        [name, *(values[key] for key in shown.values())] for name, values in found.items()
    ]
    return Table(
        "What z tells, and what edits leave as it was",
        ("row", *shown),
        rows,
        "Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. z tells y: a "
        f"fresh network reads y in z; the base rate is {base:.1%}. Nearer: to its own face than to "
        "another's. Male kept: read as in the reconstruction.",
    )


def findings(found: dict[str, dict[str, Interval]], base: float) -> list[str]:
    """What the rows say about the paper's claim."""
    sums = {name: values["class0"].mean + values["class1"].mean for name, values in found.items()}
    groups = {
        "With L_aux": [name for name in found if PRESETS[name]().loss.gamma],
        "Without L_aux": [name for name in found if not PRESETS[name]().loss.gamma],
    }
    told = []
    for title, names in groups.items():
        if names:
            shares = ", ".join(f"{name} {sums[name]:.2f}" for name in names)
            leaks = ", ".join(f"{found[name]['network, latents'].mean:.1%}" for name in names)
            told.append(
                f"{title}: Class0 + Class1 is {shares} (2 at best, 1 where y has no effect); a "
                f"fresh network reads y in z with {leaks} (base rate {base:.1%})."
            )
    return told


def draw(
    found: dict[str, dict[str, Interval]], published: Mapping[str, Sequence[float]], path: Path
) -> Figure:
    """Class0 and Class1 of each row with their intervals, the paper's as open marks."""
    import matplotlib.figure
    import numpy as np

    from common.plots import OKABE_ITO

    figure = matplotlib.figure.Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(found))
    for shift, (key, column) in zip(
        (-0.18, 0.18), (("with: class0", 1), ("with: class1", 2)), strict=True
    ):
        values = [row[key] for row in found.values()]
        means = np.array([value.mean for value in values])
        ends = np.array([[v.mean - v.low, v.high - v.mean] for v in values]).T
        colour = OKABE_ITO[column - 1]
        label = f"Class{column - 1}"
        axes.bar(places + shift, means, 0.34, yerr=ends, color=colour, capsize=3, label=label)
        if not published:
            continue
        paper = [published[name][column] if name in published else np.nan for name in found]
        axes.plot(
            *(places + shift, paper, "o"),
            markerfacecolor="white",
            markeredgecolor="black",
            label=f"{label}, the paper (16 faces)",
        )
    axes.axhline(0.5, color="#5f6368", linewidth=0.8, linestyle="dotted")
    axes.set(ylim=(0, 1.05), ylabel="share read as wanted", xticks=places)
    axes.set_xticklabels(list(found))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return Figure(
        "Class0 and Class1 of each row",
        path,
        "Of the test faces with the attribute, with 95 % intervals.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, then trains and reports."""
    command = tyro.cli(
        AblationCommand, prog="python -m ifcvaegan.evaluate --ablation", args=arguments
    )
    runs.log_to(None)
    ablation(command)
