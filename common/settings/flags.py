"""The command line of a training, made from dataclasses: every field is a flag.

A preset, a function that returns a package's `Config`, gives the defaults.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from common.errors import UserError, did_you_mean
from common.replicas import Devices
from common.settings.config import MOVABLE, differences, read_config
from common.settings.paths import PATHS, given

C = TypeVar("C")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LaunchConfig:
    """What a training command does with its settings; not stored with them."""

    preset: str
    """The settings that all other flags start from; the presets are described above."""
    out: Path | None = None
    """The run directory, new or empty; `runs/<package>-<dataset>-<NNN>` by default."""
    resume: Path | None = None
    """Continue the run in this directory; no other flag is needed."""
    init: Path | None = None
    """Start from the networks of this run or folder of weights, with fresh optimizers."""
    init_networks: tuple[str, ...] = ()
    """Take only these networks of --init; all that it holds by default."""
    devices: Devices = 1
    """Share each batch among this many devices: `all` GPUs of the machine, or a number; on the CPU,
    a number of logical devices. The batch size is that of all devices together."""
    cluster: tuple[str, ...] = ()
    """The addresses of several workers in one training, `node1:2222 node2:2222`; the first writes
    the run. Without this flag, the variable TF_CONFIG may name them."""
    worker: int | None = None
    """Which of the workers of --cluster this process is, from 0."""
    dry_run: bool = False
    """Write the settings, as JSON, and stop; the data are not read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCommand(Generic[C]):
    """The flags of a training command: the launch and every setting, without prefixes."""

    launch: Annotated[LaunchConfig, tyro.conf.arg(name="")]
    config: Annotated[C, tyro.conf.arg(name="")]


def parse_training(
    kind: type[C],
    presets: Mapping[str, Callable[..., C]],
    program: str,
    arguments: Sequence[str] | None = None,
    *,
    extendable: Sequence[str] = (),
) -> tuple[C, LaunchConfig]:
    """The command line of a training: presets for the defaults, every field a flag.

    With `--resume RUN` the defaults come from the run, and only the device, the folder of the data
    and longer lengths may differ.

    Args:
        kind: the package's `Config`.
        presets: name -> function that returns a `Config`; where it has the parameter `dataset`, it
            is given what `--dataset` says.
        program: as people type it, `python -m crg.train`.
        arguments: the words after the program; those of the process by default.
        extendable: fields (dotted) that may grow when a run is resumed.

    Raises:
        UserError: an unknown preset, or a resumed run with other settings.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", default=None)
    first.add_argument("--resume", type=given, default=None)
    first.add_argument("--dataset", default=None)
    early, _ = first.parse_known_args(arguments)
    if early.preset is not None and early.preset not in presets:
        raise UserError(
            f"There is no preset {early.preset!r}; choose one of {', '.join(presets)}."
            f"{did_you_mean(early.preset, presets)}"
        )
    name = early.preset or next(iter(presets))
    preset = presets[name]
    if early.resume:
        default = read_config(kind, early.resume)
        refuse_weights(early.resume)
    elif early.dataset in _datasets(preset):
        default = preset(early.dataset)
    else:
        default = preset()
    lines = [f"{key}: {(function.__doc__ or '').strip()}" for key, function in presets.items()]

    command = tyro.cli(
        TrainingCommand[kind],
        prog=program,
        args=arguments,
        registry=PATHS,
        default=TrainingCommand(launch=LaunchConfig(preset=name), config=default),
        description="Trains all stages, or the named ones, then reports.\n\nPresets:\n\n"
        + "\n\n".join(lines),
    )
    config, launched = command.config, command.launch
    if launched.resume:
        if early.preset or launched.out or launched.init:
            raise UserError(
                "--resume RUN takes everything from the run: leave out --preset, --out and --init, "
                "or start a new run without --resume."
            )
        refuse_changes(default, config, extendable)
    if launched.init_networks and not launched.init:
        raise UserError("--init-networks says what to take of --init RUN, which is missing.")
    return config, launched


def refuse_weights(folder: Path) -> None:
    """Refuses to go on with exported weights, which are no run.

    Raises:
        UserError: naming what does.
    """
    if any(folder.glob("*.weights.h5")):
        raise UserError(
            f"{folder} holds exported weights, which keep no state to go on from; start a new run "
            f"from them by --init {folder}."
        )


def _datasets(preset: Callable[..., Any]) -> tuple[str, ...]:
    """The data sets that a preset can be asked for: the literals of its parameter `dataset`."""
    return typing.get_args(typing.get_type_hints(preset).get("dataset"))


def refuse_changes(saved: Any, wanted: Any, extendable: Sequence[str]) -> None:
    """Checks that a resumed run differs in nothing but device, data folder and longer lengths.

    Raises:
        UserError: naming each other difference.
    """
    wrong = [
        f"{field} is {old} in the run and {new} here"
        for field, (old, new) in differences(saved, wanted).items()
        if not (field in MOVABLE or (field in extendable and new > old))
    ]
    if wrong:
        allowed = "the device and the folders of the data and of the cache"
        if extendable:
            larger = ", ".join(f"a larger {field}" for field in extendable)
            allowed = f"{allowed.replace(' and the', ', the')} and {larger}"
        raise UserError(
            f"A resumed run keeps its settings, but {'; '.join(wrong)}. Only {allowed} may change; "
            "for anything else start a new run with --init."
        )
