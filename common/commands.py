"""What the commands of all packages do alike: words, log, checks, device; `evaluate`, `--set`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from common import device
from common import run as runs
from common.config import PLACES, check_seed, check_setting
from common.datasets.folder import check_inputs
from common.errors import UserError, did_you_mean

T = TypeVar("T")
M = TypeVar("M", bound=Any)


def carry_out(
    kind: type[T],
    program: str,
    work: Callable[[T], object],
    arguments: Sequence[str] | None = None,
    check: Callable[[T], object] | None = None,
    description: str | None = None,
) -> None:
    """Reads a command line, checks it, starts TensorFlow and does the work.

    Args:
        kind: the dataclass of the command line.
        program: as people type it, `python -m crg.edit`.
        work: what is done.
        arguments: the words after the program; those of the process by default.
        check: refuses what can be refused before TensorFlow starts, which takes seconds.
        description: what `--help` says first, if not the docstring of the dataclass.
    """
    refuse_repetition(sys.argv[1:] if arguments is None else arguments)
    command = tyro.cli(kind, prog=program, args=arguments, description=description)
    runs.log_to(None)
    if check is not None:
        check(command)
    device.choose()
    work(command)


def refuse_repetition(arguments: Sequence[str]) -> None:
    """Refuses an option that is given twice, of which the first would be lost.

    Raises:
        UserError: naming it.
    """
    given = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    for option in given:
        if given.count(option) > 1:
            raise UserError(
                f"{option} is given {given.count(option)} times; give it once, several values one "
                f"after the other: {option} A B."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateCommand:
    """Measures a trained model on test images, beside the published numbers."""

    run: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]", name="run")
    ] = None
    """A run or a folder of weights; by default the model that comes with the project."""
    out: Path | None = None
    """Folder of the report; `RUN/report` by default, `runs/<weights>-report` for weights."""
    limit: int | None = None
    """Use so many test images only, evenly spaced; by default those of the run's own report, which
    are all but for the presets `quick` and `smoke`."""
    data_dir: Path | None = None
    """The folder of the data; by default that of the training."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared; by default as in the training."""
    cache_dir: Path | None = None
    """Where decoded images and the judge of faces are kept; by default that of the training."""
    seed: int = 0
    """Of random latents, baselines and readers."""


def check_evaluation(command: EvaluateCommand) -> None:
    """Refuses an evaluation whose options cannot be.

    Raises:
        UserError: fewer than two images, or a seed out of range.
    """
    check_seed(command.seed)
    limit = command.limit
    check_setting("limit", limit, limit is None or limit > 1, "at least 2")


def moved(config: Any, command: EvaluateCommand) -> Any:
    """A run's settings, with the folders of the data and of the cache that the command names."""
    given = {name: getattr(command, name) for name in PLACES}
    folders = {name: folder for name, folder in given.items() if folder is not None}
    return dataclasses.replace(config, run=dataclasses.replace(config.run, **folders))


def to_measure(command: EvaluateCommand, load: Callable[[Path | None], M]) -> tuple[M, Any]:
    """Loads the model of an evaluation: the model, and its settings as the command moves them.

    Args:
        command: the evaluation.
        load: the package's; its models have a `config`.

    Raises:
        UserError: options that cannot be, or a run that is not trained yet.
    """
    import keras

    keras.config.set_dtype_policy("float32")  # after a bfloat16 training too
    check_evaluation(command)
    model = load(command.run)
    return model, moved(model.config, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand:
    """Encodes images and generates them anew."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """An image or a folder of images, such as the model was trained on: digits, white on black, or
    faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; the sheet goes to `OUT/sheets/`."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def check_reconstruction(command: ReconstructCommand) -> None:
    """Refuses images that are missing or would be overwritten.

    Raises:
        UserError: naming them.
    """
    check_inputs(command.out, command.images)


def attribute_values(
    settings: Sequence[str],
    names: Sequence[str],
    absent: int,
    lowest: float,
    highest: float,
) -> dict[str, float]:
    """What `--set` says: attribute -> value.

    Args:
        settings: such as `Smiling=1`.
        names: of the attributes that the model knows.
        absent: the value that stands for absence; 1 stands for presence.
        lowest: the smallest value.
        highest: the largest value.

    Raises:
        UserError: an unknown attribute, one that is named twice, or a value that is none.
    """
    values: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if "," in setting:
            raise UserError(f"--set {setting}: write spaces between several, not commas.")
        if name not in names:
            raise UserError(
                f"--set {setting}: the model has no attribute {name!r}."
                f"{did_you_mean(name, names)} It has {', '.join(names)}."
            )
        if name in values:
            raise UserError(f"--set names {name} twice; give it one value.")
        try:
            values[name] = float(text)
        except ValueError:
            raise UserError(f"--set {setting}: write {name}=1 or {name}={absent}.") from None
        if not lowest <= values[name] <= highest:
            raise UserError(
                f"--set {setting}: the value must be between {lowest:g} and {highest:g}."
            )
    return values
