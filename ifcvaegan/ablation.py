"""Trains and evaluates the rows of the paper's Table 1, into one table and one figure.

    python -m ifcvaegan.ablation --data-dir CELEBA --limit 8192 --filters 24 --epochs 8
    python -m ifcvaegan.ablation --bases paper release stable --rows best no_aux --seeds 0 1 ...
    python -m ifcvaegan.ablation --comparators runs/cvaegan-celeba-001 ...

Each model is a run below `--out`, as `ifcvaegan.train` makes one. The command can be stopped at any
time and given again: runs that are done are read, one that was interrupted goes on, the rest is
trained.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import device
from common.cli.commands import carry_out
from common.cli.evaluation import EvaluateCommand, Split, report_folder
from common.errors import UserError, exits_cleanly
from common.runs.directory import Run
from common.runs.history import read_history
from common.runs.log import log_to
from common.settings.config import PLACES, Precision, check_seed, read_config
from common.settings.flags import LaunchConfig, refuse_changes
from ifcvaegan.config import Config, Dataset, attribute_names
from ifcvaegan.presets import EXTENDABLE, ROWS, TABLE_1, Base, Variant

if TYPE_CHECKING:
    from common.reporting.tables import Table

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationCommand:
    """Trains and evaluates the rows of Table 1; given again, it continues where it stopped."""

    out: Path | None = None
    """Folder of the runs, one a model, and of the report on all; `runs/ifcvaegan-ablation` by
    default."""
    bases: tuple[Base, ...] = ("paper",)
    """Presets that the rows vary: the losses of the paper, those of the authors' code, `stable`, or
    `stable_eq12`. Each row switches L^_class and L_aux on and off and sets alpha."""
    rows: tuple[str, ...] = tuple(TABLE_1)
    """Rows, in the order of the table; `naive_fig3` and `if_fig2` may join them."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of each row."""
    split: Split = "dev"
    """The images of the report: dev, by which settings are chosen, or test, for final figures."""
    dataset: Dataset = "celeba"
    """CelebA's faces, or faces drawn by this program."""
    data_dir: Path | None = None
    """The folder of the data."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared."""
    cache_dir: Path | None = None
    """Where decoded images and the classifier are kept."""
    limit: int | None = None
    """Train on only this many images."""
    attributes: tuple[str, ...] = ("Smiling",)
    """Attributes to learn; the table tells of the first one."""
    filters: int = 64
    """Width of E, D and C; 24 trains on two cores."""
    epochs: float | None = None
    """Epochs of each model; by default those of its base."""
    batch_size: int | None = None
    """Batch size of each model; by default that of its base."""
    precision: Precision = "float32"
    """Of the trainings, as in `ifcvaegan.train`."""
    comparators: tuple[Path, ...] = ()
    """Runs of other systems whose editors have the first attribute, such as `comparators.cvaegan`,
    for a table with these."""


def ablation(command: AblationCommand) -> Path:
    """Trains what is missing, reads all reports and writes the one on all models.

    Returns:
        Its HTML page.

    Raises:
        UserError: a row is unknown, a run below `--out` has other settings, or one fails.
    """
    from common.reporting.provenance import command_line, facts
    from common.reporting.publish import publish
    from ifcvaegan import comparison

    check(command)
    out, wanted = folder_of(command), variants(command)
    for number, variant in enumerate(wanted, start=1):
        log_to(None)
        logger.info("model %d of %d: %s", number, len(wanted), variant.label)
        train_variant(out / variant.name, variant, settings(command, variant))
    log_to(None)
    reports = {variant: report_of(out / variant.name, command) for variant in wanted}
    line = command_line("ifcvaegan.ablation", command)
    work = comparison.Comparison(
        reports=reports,
        attribute=attribute_names(settings(command, wanted[0]))[0],
        split=command.split,
        published=(command.dataset, command.attributes) == ("celeba", ("Smiling",)),
        facts=facts(out / wanted[-1].name, wanted[-1].seed, line),
        further=[beside(command, reports)] if command.comparators else (),
    )
    return publish(comparison.report(work, out / "report"), out / "report")


def beside(command: AblationCommand, reports: Mapping[Variant, Path]) -> Table:
    """These models and the comparators in one table."""
    from ifcvaegan import comparison, others

    config = settings(command, next(iter(reports)))
    attribute = attribute_names(config)[0]
    leaks = {
        variant.label: comparison.result_of(file, attribute)[0].leaks.network_means
        for variant, file in reports.items()
    }
    runs = {variant.label: folder_of(command) / variant.name for variant in reports}
    runs |= others.labelled(command.comparators)
    return others.table(runs, leaks, config, attribute, command.split)


def folder_of(command: AblationCommand) -> Path:
    """The folder of the runs."""
    return command.out or Path("runs") / "ifcvaegan-ablation"


def variants(command: AblationCommand) -> list[Variant]:
    """The models, in the order of the table."""
    every = itertools.product(command.bases, command.rows, command.seeds)
    return [Variant(*one) for one in every]


def check(command: AblationCommand) -> None:
    """Refuses what can be refused before anything is trained.

    Raises:
        UserError: a row is unknown, a run below `--out` has other settings, or a comparator has
            other images or not the attribute.
    """
    unknown = sorted(set(command.rows) - set(ROWS))
    if unknown or not command.rows:
        raise UserError(f"--rows names {unknown or 'none'}; the rows are {', '.join(ROWS)}.")
    for name in ("bases", "seeds"):
        if not getattr(command, name):
            raise UserError(f"--{name} names none; give at least one.")
    for seed in command.seeds:
        check_seed(seed)
    for variant in variants(command):
        check_row(folder_of(command) / variant.name, settings(command, variant))
    if command.comparators:
        from ifcvaegan import others

        config = settings(command, variants(command)[0])
        others.check(command.comparators, config, attribute_names(config)[0])


def settings(command: AblationCommand, variant: Variant) -> Config:
    """The settings of a model, with what the command changes in all of them."""
    config = variant.settings(command.dataset)
    train: dict[str, Any] = {"epochs": command.epochs, "batch_size": command.batch_size}
    train = {name: value for name, value in train.items() if value is not None}
    source: dict[str, Any] = {name: getattr(command, name) for name in PLACES}
    replace = dataclasses.replace
    return replace(
        config,
        run=replace(config.run, seed=variant.seed, precision=command.precision),
        source=replace(config.source, limit=command.limit, **source),
        data=replace(config.data, attributes=command.attributes),
        networks=replace(config.networks, filters=command.filters),
        train=replace(config.train, **train),
    )


def check_row(folder: Path, config: Config) -> None:
    """Refuses a run that was trained with other settings; more epochs than before are fine.

    Raises:
        UserError: naming what differs.
    """
    if not is_begun(folder):
        return
    try:
        refuse_changes(read_config(Config, folder), as_begun(folder, config), EXTENDABLE)
    except UserError as error:
        raise UserError(
            f"{folder} has other settings; name another folder by --out. {error}"
        ) from None


def is_begun(folder: Path) -> bool:
    """Whether the run exists."""
    return (folder / "config.json").is_file()


def as_begun(folder: Path, config: Config) -> Config:
    """The settings with the precision that `auto` stood for where the run began."""
    if not is_begun(folder) or config.run.precision != "auto":
        return config
    precision = read_config(Config, folder).run.precision
    return dataclasses.replace(config, run=dataclasses.replace(config.run, precision=precision))


def is_done(folder: Path, config: Config) -> bool:
    """Whether the run is trained to its end and its own report was written after that."""
    from common.training.fit import stage_length

    report = report_file(folder, "dev")
    history = Run(folder).history_file("vaegan")
    if not (report.is_file() and history.is_file()):
        return False
    environment = json.loads((folder / "environment.json").read_text("utf-8"))
    steps, _ = stage_length(config.train, environment["data"]["images"])
    trained = int(read_history(history)["step"][-1]) >= steps
    return trained and report.stat().st_mtime >= history.stat().st_mtime


def train_variant(folder: Path, variant: Variant, config: Config) -> None:
    """Trains a model, or goes on with it, unless it is done.

    Args:
        folder: of its run.
        variant: which model it is.
        config: its settings.

    Raises:
        UserError: the training failed.
        KeyboardInterrupt: after Ctrl-C, when the run has saved its state.
    """
    import keras

    from ifcvaegan.train import train

    if is_done(folder, config):
        return
    begun = is_begun(folder)
    launch = LaunchConfig(
        preset=variant.base, resume=folder if begun else None, out=None if begun else folder
    )
    keras.backend.clear_session()  # of the model before
    config, described = device.configure(as_begun(folder, config))
    try:
        train(config, launch, described)
    except UserError as error:
        raise UserError(
            f"The model {variant.label} ended early: {error} Once that is mended, the same command "
            "goes on."
        ) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command goes on") from None


def report_of(folder: Path, command: AblationCommand) -> Path:
    """The report of a run on the command's split, made if it is missing or older than the run."""
    from ifcvaegan.evaluate import evaluate

    file, history = report_file(folder, command.split), Run(folder).history_file("vaegan")
    if not file.is_file() or file.stat().st_mtime < history.stat().st_mtime:
        places: dict[str, Any] = {name: getattr(command, name) for name in PLACES}
        evaluate(EvaluateCommand(run=folder, split=command.split, **places))
    return file


def report_file(folder: Path, split: Split) -> Path:
    """Where the report of a run on a split lies."""
    return folder / report_folder(split) / "report.json"


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, then trains and reports."""
    carry_out(AblationCommand, "python -m ifcvaegan.ablation", ablation, arguments, check)


if __name__ == "__main__":
    main()
