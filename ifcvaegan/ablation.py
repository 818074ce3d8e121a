"""Trains and evaluates every row of the paper's Table 1, into one table and one figure.

    python -m ifcvaegan.evaluate --ablation --data-dir CELEBA --limit 8192 --filters 24 --epochs 8

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from common import device
from common import run as runs
from common.config import PLACES, read_config, refuse_changes
from common.errors import UserError
from common.history import read_history
from common.publish import publish
from common.run import ROOT
from ifcvaegan import comparison
from ifcvaegan.config import EXTENDABLE, PRESETS, TABLE_1, Config, Dataset

logger = logging.getLogger(__name__)

VARIED = ("alpha", "beta", "gamma")  # of the loss, by the rows
ROWS = (*TABLE_1, "naive_fig3", "if_fig2")


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationCommand:
    """Trains and evaluates the rows of Table 1; given again, it goes on where it was."""

    out: Path | None = None
    """Folder of the runs, one a row, and of the report on all; `runs/ifcvaegan-ablation-<base>` by
    default."""
    base: Literal["paper", "stable"] = "paper"
    """What the rows vary: the paper's settings as they stand, or those of `stable`, whose L^_class
    and L_aux they then switch on and off."""
    rows: tuple[str, ...] = tuple(TABLE_1)
    """Presets, in the order of the table; those of Figures 2 and 3 may join the paper's rows."""
    dataset: Dataset = "celeba"
    """As of `ifcvaegan.train`."""
    data_dir: Path | None = None
    """The folder of the data."""
    source: Literal["tfds"] | None = None
    """As of `ifcvaegan.train`."""
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
    out = command.out or Path("runs") / f"ifcvaegan-ablation-{command.base}"
    wanted = {name: settings(command, name) for name in command.rows}
    for name, config in wanted.items():  # before any row is trained
        check_row(out / name, config)
    for number, (name, config) in enumerate(wanted.items(), start=1):
        logger.info("row %d of %d: %s", number, len(wanted), name)
        train_row(out / name, options(command.base, name, config), config)
    return publish(comparison.report(command, out), out / "report")


def settings(command: AblationCommand, preset: str) -> Config:
    """The settings of a row, with what the command changes in all of them."""
    config = PRESETS[command.base](command.dataset)
    train: dict[str, Any] = {"epochs": command.epochs, "batch_size": command.batch_size}
    train = {name: value for name, value in train.items() if value is not None}
    run: dict[str, Any] = {name: getattr(command, name) for name in PLACES}
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
    given = {f"--{name.replace('_', '-')}": getattr(config.run, name) for name in PLACES}
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, then trains and reports."""
    command = tyro.cli(
        AblationCommand, prog="python -m ifcvaegan.evaluate --ablation", args=arguments
    )
    runs.log_to(None)
    device.choose("cpu")  # of this process, which only reads reports
    ablation(command)
