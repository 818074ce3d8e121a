"""Trains and evaluates every row of the paper's Table 1, into one table and one figure.

    python -m ifcvaegan.ablation --data-dir CELEBA --limit 8192 --filters 24 --epochs 8

Each row is a run below `--out`, as `ifcvaegan.train` makes one. The command can be stopped at any
time and given again: rows that are done are read, one that was interrupted goes on, the rest is
trained.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from common import device
from common.cli.commands import carry_out
from common.errors import UserError, exits_cleanly
from common.runs.directory import Run
from common.runs.history import read_history
from common.runs.log import log_to
from common.settings.config import PLACES, check_seed, read_config
from common.settings.flags import LaunchConfig, refuse_changes
from ifcvaegan.config import Config, Dataset
from ifcvaegan.presets import EXTENDABLE, PRESETS, TABLE_1

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
    """The preset that the rows vary: the paper's settings as they stand, or `stable`, whose
    L^_class and L_aux are then switched on and off."""
    rows: tuple[str, ...] = tuple(TABLE_1)
    """Presets, in the order of the table; those of Figures 2 and 3 may join the paper's rows."""
    dataset: Dataset = "celeba"
    """CelebA's faces, or faces drawn by this program."""
    data_dir: Path | None = None
    """The folder of the data."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared."""
    cache_dir: Path | None = None
    """Where decoded images and the classifier are kept."""
    limit: int | None = None
    """Train on so many images."""
    attributes: tuple[str, ...] = ("Smiling",)
    """Attributes to learn; the table tells of the first one."""
    filters: int = 64
    """Width of E, D and C; 24 trains on two cores."""
    epochs: float | None = None
    """Epochs of each row; by default those of its preset."""
    batch_size: int | None = None
    """Batch size of each row; by default that of its preset."""
    seed: int = 0
    """Seed of all rows."""


def ablation(command: AblationCommand) -> Path:
    """Trains what is missing, reads all reports and writes the one on all rows.

    Returns:
        Its HTML page.

    Raises:
        UserError: a preset is unknown, a row below `--out` has other settings, or one fails.
    """
    from common.reporting.provenance import command_line, facts
    from common.reporting.publish import publish
    from ifcvaegan import comparison

    out = folder_of(command)
    check(command)
    wanted = {name: settings(command, name) for name in command.rows}
    for number, (name, config) in enumerate(wanted.items(), start=1):
        log_to(None)
        logger.info("row %d of %d: %s", number, len(wanted), name)
        train_row(out / name, name, config)
    log_to(None)
    line = command_line("ifcvaegan.ablation", command)
    rows = comparison.Rows(
        folders={name: out / name for name in command.rows},
        base=command.base,
        published=(command.dataset, command.attributes) == ("celeba", ("Smiling",)),
        facts=facts(out / command.rows[-1], command.seed, line),
    )
    return publish(comparison.report(rows, out / "report"), out / "report")


def folder_of(command: AblationCommand) -> Path:
    """The folder of the rows."""
    return command.out or Path("runs") / f"ifcvaegan-ablation-{command.base}"


def check(command: AblationCommand) -> None:
    """Refuses what can be refused before anything is trained.

    Raises:
        UserError: a preset is unknown, or a row below `--out` has other settings.
    """
    check_seed(command.seed)
    unknown = sorted(set(command.rows) - set(ROWS))
    if unknown or not command.rows:
        raise UserError(f"--rows names {unknown or 'none'}; the rows are {', '.join(ROWS)}.")
    for name in command.rows:
        check_row(folder_of(command) / name, settings(command, name))


def settings(command: AblationCommand, preset: str) -> Config:
    """The settings of a row, with what the command changes in all of them."""
    config = PRESETS[command.base](command.dataset)
    train: dict[str, Any] = {"epochs": command.epochs, "batch_size": command.batch_size}
    train = {name: value for name, value in train.items() if value is not None}
    source: dict[str, Any] = {name: getattr(command, name) for name in PLACES}
    replace = dataclasses.replace
    return replace(
        config,
        run=replace(config.run, seed=command.seed),
        source=replace(config.source, limit=command.limit, **source),
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
    from common.training.fit import stage_length

    report = folder / "report" / "report.json"
    history = Run(folder).history_file("vaegan")
    if not (report.is_file() and history.is_file()):
        return False
    environment = json.loads((folder / "environment.json").read_text("utf-8"))
    steps, _ = stage_length(config.train, environment["data"]["images"])
    trained = int(read_history(history)["step"][-1]) >= steps
    return trained and report.stat().st_mtime >= history.stat().st_mtime


def train_row(folder: Path, name: str, config: Config) -> None:
    """Trains a row, or goes on with it, unless it is done.

    Args:
        folder: of its run.
        name: of the row.
        config: its settings.

    Raises:
        UserError: the training failed.
        KeyboardInterrupt: after Ctrl-C, when the row has saved its state.
    """
    import keras

    from ifcvaegan.train import train

    if is_done(folder, config):
        return
    begun = is_begun(folder)
    launch = LaunchConfig(
        preset=name, resume=folder if begun else None, out=None if begun else folder
    )
    keras.backend.clear_session()  # of the row before
    config, described = device.configure(config)
    try:
        train(config, launch, described)
    except UserError as error:
        raise UserError(
            f"The row {name} ended early: {error} Once that is mended, the same command goes on."
        ) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command goes on") from None


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, then trains and reports."""
    carry_out(AblationCommand, "python -m ifcvaegan.ablation", ablation, arguments, check)


if __name__ == "__main__":
    main()
