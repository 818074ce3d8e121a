"""Configurations: frozen dataclasses, written to and read back from JSON.

A package's `config.py` composes `RunConfig`, `Source` and its papers' own dataclasses into one
`Config`; its `presets.py` has functions that return one. `common.settings.flags` makes the command
line of `python -m <package>.train` from them.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import cattrs
from cattrs.preconf.json import make_converter

from common.errors import UserError

C = TypeVar("C")
Precision = Literal["float32", "bfloat16", "auto"]

LARGEST_SEED = 2**31 - 1  # what every generator here takes
PLACES = ("source", "data_dir", "cache_dir")  # of `Source`; they belong to one machine
MOVABLE = ("run.device", *(f"source.{name}" for name in PLACES))  # may differ in a resumed run


def check_setting(name: str, value: Any, right: bool, allowed: str) -> None:
    """Refuses a setting at the border.

    Raises:
        UserError: when `right` is false, naming the setting, its value and what is allowed.
    """
    if not right:
        raise UserError(f"The setting {name} is {value!r}; it must be {allowed}.")


def check_seed(seed: int) -> None:
    """Refuses seeds that not every generator takes.

    Raises:
        UserError: it is negative or too large.
    """
    check_setting("seed", seed, 0 <= seed <= LARGEST_SEED, f"between 0 and {LARGEST_SEED}")


def check_unused(group: str, settings: Any, names: Sequence[str], where: str) -> None:
    """Refuses other values than the defaults of settings that have no effect.

    Args:
        group: of the settings, for the message.
        settings: a dataclass with defaults.
        names: of those without effect.
        where: on what they have none.

    Raises:
        UserError: naming the setting.
    """
    for name in names:
        value, usual = getattr(settings, name), getattr(type(settings)(), name)
        allowed = f"{usual}: it has no effect on {where}"
        check_setting(f"{group}.{name}", value, value == usual, allowed)


def check_stage(stage: str, settings: Any) -> None:
    """Refuses settings that all stages have and that cannot be trained with.

    Args:
        stage: for the message.
        settings: has `epochs`, `period`, `batch_size`, `learning_rate` and `beta_1`.

    Raises:
        UserError: naming the setting.
    """
    for name in ("epochs", "period", "batch_size", "learning_rate"):
        value = getattr(settings, name)
        check_setting(f"{stage}.{name}", value, 0 < value < math.inf, "above 0 and finite")
    beta_1 = settings.beta_1
    check_setting(f"{stage}.beta_1", beta_1, 0 <= beta_1 < 1, "from 0 to below 1")


def check_average(stage: str, ema: float | None) -> None:
    """Refuses a momentum of averaged weights that is none.

    Raises:
        UserError: it is not between 0 and 1.
    """
    check_setting(f"{stage}.ema", ema, ema is None or 0 < ema < 1, "between 0 and 1, or none")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the images come from, and how many of them."""

    data_dir: Path | None = None
    """A folder with the data set, in any of its forms (detected automatically). Digits need none:
    MNIST is part of this repository."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared, in its own folder if --data-dir names none."""
    cache_dir: Path | None = None
    """Where decoded images are kept; by default in `~/.cache/image-editing-gans`."""
    limit: int | None = None
    """Train on only the first images, this many; the images that choose and validate are limited to
    as many."""

    def __post_init__(self) -> None:
        for name in PLACES:
            folder = getattr(self, name)
            if isinstance(folder, Path):  # so that a resume finds it from any folder
                object.__setattr__(self, name, folder.absolute())
        limit = self.limit
        check_setting("limit", limit, limit is None or limit > 0, "at least 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How a run is carried out, whatever the paper."""

    seed: int = 0
    """Seed of the networks' initial weights, the order of the data, the noise and the dropout."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`gpu` fails where there is none; `auto` falls back to the CPU and says so."""
    precision: Precision = "float32"
    """`bfloat16` is mixed: weights and losses stay float32; `auto` takes it where the processor
    computes in it, and float32 elsewhere, also on GPUs."""
    deterministic: bool = False
    """Bit-identical results from run to run on one machine, at some cost of speed."""
    xla: bool = False
    """Compile the steps with XLA (on CPUs slower than without)."""
    backup_seconds: float = 300.0
    """Save the state at least this often, and at the end of each period."""

    def __post_init__(self) -> None:
        seconds = self.backup_seconds
        check_seed(self.seed)
        together = not (self.xla and self.deterministic)
        check_setting("xla", self.xla, together, "off with --deterministic, which XLA does not do")
        check_setting("backup-seconds", seconds, 0 < seconds < math.inf, "above 0 and finite")


def _strict(value: Any, kind: type[Any]) -> Any:
    """Takes primitives of exactly the type `kind`: `int("3")` and `bool("no")` hide mistakes."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} where a value of type {kind.__name__} belongs")
    return value


_converter = make_converter(forbid_extra_keys=True)
for _kind in (bool, int, float, str):
    _converter.register_structure_hook(_kind, _strict)
_converter.register_structure_hook(Path, lambda value, _: Path(_strict(value, str)))


def to_json(config: Any) -> dict[str, Any]:
    """The dataclass `config` as plain JSON values; `from_json` reads an equal object back."""
    return _converter.unstructure(config)


def from_json(kind: type[C], values: Any, where: str = "config.json") -> C:
    """Reads what `to_json` wrote.

    Args:
        kind: the dataclass to build.
        values: the JSON object.
        where: the file, for error messages.

    Raises:
        UserError: unknown or missing fields, or values of the wrong type, each with its place.
    """

    def words(error: BaseException, _: type[Any] | None) -> str:
        if isinstance(error, cattrs.ForbiddenExtraKeysError):
            known = [one.name for one in dataclasses.fields(error.cl)]
            return f"unknown fields {sorted(error.extra_fields)}, known are {known}"
        return f"missing {error}" if isinstance(error, KeyError) else str(error).rstrip(".")

    if not isinstance(values, Mapping):
        raise UserError(f"{where} holds {values!r} where the fields of a {kind.__name__} belong.")
    try:
        return _converter.structure(values, kind)
    except cattrs.BaseValidationError as error:
        errors = "; ".join(cattrs.transform_error(error, format_exception=words))
        raise UserError(
            f"{where} does not describe a {kind.__name__}: {errors}. "
            "It may belong to another package, or to another version of this one."
        ) from error


def read_values(folder: Path) -> Any:
    """Reads `config.json` of a run directory or of a folder of weights, as it stands.

    Raises:
        UserError: the folder or the file is missing or broken.
    """
    file = Path(folder) / "config.json"
    if not file.is_file():
        if (Path(folder) / "command.txt").is_file():
            raise UserError(
                f"The start of the run {folder} was cut off before there was anything to keep: "
                "delete the folder and start again."
            )
        raise UserError(
            f"{folder} is not a run: it has no config.json. "
            "Name a folder that a train command wrote, or one below weights/."
        )
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is not valid JSON ({error}); restore it or start anew.") from error


def read_config(kind: type[C], folder: Path) -> C:
    """Reads `config.json` of a run directory or of a folder of weights.

    Raises:
        UserError: the folder or the file is missing or broken.
    """
    values = read_values(folder)
    package = isinstance(values, Mapping) and values.get("package")
    own = {one.name: one.default for one in dataclasses.fields(kind)}.get("package")  # pyright: ignore[reportArgumentType]
    if own and package and package != own:
        raise UserError(
            f"{folder} was trained by {package}, not by {own}: use python -m {package}.evaluate, "
            f".reconstruct or .edit, or name a run of {own}."
        )
    return from_json(kind, values, str(Path(folder) / "config.json"))


def differences(old: Any, new: Any, prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Field -> (old, new) for every leaf in which two equal dataclasses' values differ."""
    found: dict[str, tuple[Any, Any]] = {}
    for field in dataclasses.fields(old):
        a, b = getattr(old, field.name), getattr(new, field.name)
        if dataclasses.is_dataclass(a):
            found |= differences(a, b, f"{prefix}{field.name}.")
        elif a != b:
            found[prefix + field.name] = (a, b)
    return found
