"""How every evaluation begins: the model, its settings, the images, where the report goes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import numpy as np
import tyro

from common import datasets
from common.datasets.records import Records
from common.files import check_writable
from common.runs.directory import output_folder
from common.runs.looks import looks_text, note_look
from common.settings.config import PLACES, check_seed, check_setting

if TYPE_CHECKING:
    from common.reporting.document import Report

E = TypeVar("E", bound=Any)  # an editor with a `config`
Split = Literal["dev", "test", "both"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateCommand:
    """Measures a trained model on images of dev or test, beside the published numbers."""

    run: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]", name="run")
    ] = None
    """A run or a folder of weights; by default the model that comes with the project."""
    split: Split = "dev"
    """`dev`: the images by which settings are chosen. `test`: for final figures, once; the run
    keeps a note of it. `both`: all of them, beside other systems' figures; with IcGAN's digits, the
    10,000 of MNIST's test file."""
    out: Path | None = None
    """Folder of the report; `RUN/report` or `RUN/report-test` by default, `runs/<weights>-report`
    and `-report-test` for weights."""
    limit: int | None = None
    """Use only this many of the images, evenly spaced; by default those of the run's own report,
    which are all, except with the presets `quick` and `smoke`."""
    data_dir: Path | None = None
    """The folder of the data; by default that of the training."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared; by default as in the training."""
    cache_dir: Path | None = None
    """Where decoded images and classifiers of faces are kept; by default that of the training."""
    seed: int = 0
    """Seed of random latents, baselines and readers."""


def check_evaluation(command: EvaluateCommand) -> None:
    """Refuses an evaluation whose options cannot be.

    Raises:
        UserError: fewer than two images, or a seed out of range.
    """
    check_seed(command.seed)
    limit = command.limit
    check_setting("limit", limit, limit is None or limit > 1, "at least 2")


def check_before(command: EvaluateCommand, outline: Callable[[Path | None], Any]) -> None:
    """Refuses, before TensorFlow starts, an evaluation that cannot be or whose report cannot.

    Args:
        command: the evaluation.
        outline: the package's `editor.outline`.

    Raises:
        UserError: as `check_evaluation`; no trained model; a folder without the data, or one in
            which no report can be written.
    """
    check_evaluation(command)
    model = outline(command.run)
    config = with_folders(model.config, command)
    datasets.check(config.dataset, config.source)
    check_writable(command.out or output_folder(model.folder, report_folder(command.split)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Generic[E]):
    """What an evaluation works on.

    Attributes:
        editor: the trained model.
        config: its settings, with the folders that the command names.
        train: the training images.
        split: of the data that is measured.
        real: its images, or some of them.
        total: how many there are of them.
        out: folder of the report.
        seed: of random latents, baselines and readers.
        facts: where the numbers come from, for the report.
    """

    editor: E
    config: Any
    train: Records
    split: Split
    real: Records
    total: int
    out: Path
    seed: int
    facts: list[tuple[str, str]]

    def summary(self, what: str) -> str:
        """One line: how many images, and what was done with them."""
        n = len(self.real)
        spaced = "" if n == self.total else f", evenly spaced of {self.total:,}"
        of = "dev and test" if self.split == "both" else self.split
        return f"{n:,} real {of} images{spaced}, {what}"


def begin_evaluation(
    command: EvaluateCommand,
    package: str,
    load: Callable[[Path | None], E],
    images: Callable[[Any, Any], Records],
) -> Evaluation[E]:
    """Loads the model and the images.

    Args:
        command: the evaluation.
        package: its name.
        load: the package's `editor.load`.
        images: the package's `data.load`: settings and split to records.

    Raises:
        UserError: options that cannot be, a run that is not trained yet, or data that are not what
            the loader needs.
    """
    import keras

    from common.reporting.provenance import command_line, facts

    keras.config.set_dtype_policy("float32")  # after a bfloat16 training too
    check_evaluation(command)
    editor = load(command.run)
    config = with_folders(editor.config, command)
    train, every = images(config, "train"), split_images(images, config, command.split)
    real = every.spaced(config.report_images if command.limit is None else command.limit)
    out = command.out or output_folder(editor.folder, report_folder(command.split))
    minutes = "; this takes minutes" if len(real) > 2_000 else ""
    logger.info("evaluating %s on %d %s images%s", editor.folder, len(real), command.split, minutes)
    line = command_line(f"{package}.evaluate", command)
    return Evaluation(
        editor=editor,
        config=config,
        train=train,
        split=command.split,
        real=real,
        total=len(every),
        out=out,
        seed=command.seed,
        facts=facts(editor.folder, config.run.seed, line),
    )


def split_images(images: Callable[[Any, Any], Records], config: Any, split: Split) -> Records:
    """The images of a split.

    Args:
        images: the package's `data.load`.
        config: its settings.
        split: of the data.
    """
    if split != "both":
        return images(config, split)
    dev, test = (images(config, one) for one in ("dev", "test"))
    return dataclasses.replace(
        test,
        images=np.concatenate([dev.images, test.images]),
        attributes=np.concatenate([dev.attributes, test.attributes]),
        source=f"{dev.source}, and {test.source}",
    )


def report_folder(split: Split) -> str:
    """Where the report of a split lies within a run."""
    return "report" if split == "dev" else f"report-{split}"


def finish_evaluation(work: Evaluation, report: Report) -> Path:
    """Writes the report and shows its main table; a look at test is noted in the run first.

    Returns:
        The report's HTML page.
    """
    from common.reporting.publish import publish

    folder = work.editor.folder
    if work.split != "dev":
        note_look(folder, len(work.real), dict(work.facts)["command"])
    looks = [("looks at test", told)] if (told := looks_text(folder)) else []
    return publish(dataclasses.replace(report, facts=[*report.facts, *looks]), work.out)


def with_folders(config: Any, command: Any) -> Any:
    """A run's settings, with the folders of the data and of the cache that the command names."""
    given = {name: getattr(command, name) for name in PLACES}
    folders = {name: folder for name, folder in given.items() if folder is not None}
    return dataclasses.replace(config, source=dataclasses.replace(config.source, **folders))
