"""What every command does alike: words, log, checks, device; and what `--set` says."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import tyro

from common import device
from common.editor import Control
from common.errors import UserError, did_you_mean
from common.files import ROOT, check_writable
from common.runs.log import log_to
from common.settings.paths import PATHS

logger = logging.getLogger(__name__)

T = TypeVar("T")


def carry_out(
    kind: type[T],
    program: str,
    work: Callable[[T], object],
    arguments: Sequence[str] | None = None,
    check: Callable[[T], object] | None = None,
    description: str | None = None,
    repeatable: Sequence[str] = (),
) -> None:
    """Reads a command line, checks it, starts TensorFlow and does the work.

    Args:
        kind: the dataclass of the command line.
        program: as people type it, `python -m crg.edit`.
        work: what is done.
        arguments: the words after the program; those of the process by default.
        check: refuses what can be refused before TensorFlow starts, which takes seconds.
        description: what `--help` says first, if not the docstring of the dataclass.
        repeatable: options that may be given several times, such as `--set`, for an edit each.
    """
    refuse_repetition(sys.argv[1:] if arguments is None else arguments, repeatable)
    command = tyro.cli(kind, prog=program, args=arguments, description=description, registry=PATHS)
    log_to(None)
    if check is not None:
        check(command)
    out = getattr(command, "out", None)
    if out is not None:
        check_writable(out.parent if out.suffix in (".png", ".json") else out)
    device.choose()
    work(command)


def refuse_repetition(arguments: Sequence[str], repeatable: Sequence[str] = ()) -> None:
    """Refuses an option that is given twice, of which the first would be lost.

    Args:
        arguments: the words of a command line.
        repeatable: options that may be given several times.

    Raises:
        UserError: naming it.
    """
    given = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    for option in given:
        if given.count(option) > 1 and option not in repeatable:
            raise UserError(
                f"{option} is given {given.count(option)} times; give it once, several values one "
                f"after the other: {option} A B."
            )


def refuse_nothing(edits: Sequence[Sequence[str]]) -> None:
    """Refuses a `--set` that sets nothing.

    Args:
        edits: the settings of each `--set`.

    Raises:
        UserError: one has none.
    """
    if not all(edits):
        raise UserError("--set stands without an attribute; write --set NAME=1.")


def control_values(settings: Sequence[str], controls: Sequence[Control]) -> dict[str, float]:
    """What `--set` says: name of a control -> value.

    Args:
        settings: such as `Smiling=1`.
        controls: what the model offers.

    Raises:
        UserError: an unknown name, one that is given twice, or a value that is none.
    """
    known = {control.name: control for control in controls}
    values: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if "," in setting:
            raise UserError(f"--set {setting}: write spaces between several, not commas.")
        refuse_unknown(f"--set {setting}", name, controls)
        if name in values:
            raise UserError(f"--set names {name} twice; give it one value.")
        control = known[name]
        try:
            values[name] = float(text)
        except ValueError:
            raise UserError(
                f"--set {setting}: write {name}={control.on:g} or {name}={control.off:g}."
            ) from None
        if not control.low <= values[name] <= control.high:
            raise UserError(
                f"--set {setting}: the value must be between {control.low:g} and {control.high:g}."
            )
    tell_beyond({known[name]: value for name, value in values.items()})
    return values


def tell_beyond(values: Mapping[Control, float]) -> None:
    """Warns of attributes beyond absent and present, which no training image has."""
    for control, value in values.items():
        low, high = sorted((control.off, control.on))
        if control.default is None and not low <= value <= high:
            logger.warning(
                "%s=%g is an exaggeration: the model was trained on values from %g to %g, so the "
                "picture may break.",
                *(control.name, value, low, high),
            )


def refuse_unknown(given: str, name: str, controls: Sequence[Control]) -> None:
    """Refuses an attribute that the model does not have.

    Raises:
        UserError: naming those that it has, and other models that have this one.
    """
    known = [control.name for control in controls]
    if name not in known:
        raise UserError(
            f"{given}: the model has no attribute {name!r}.{did_you_mean(name, known)} It has "
            f"{', '.join(known)}.{elsewhere(name)}"
        )


def elsewhere(attribute: str) -> str:
    """Sentences that say where to get a model with that attribute of faces; else nothing."""
    from common.datasets import drawn
    from common.datasets.celeba.lists import ATTRIBUTES

    if attribute not in ATTRIBUTES:
        return ""
    told = []
    for file in sorted((ROOT / "weights").glob("*/config.json")):
        config = json.loads(file.read_text(encoding="utf-8"))
        names = config.get("data", {}).get("attributes", [])
        drawn_all = names == ["all"] and config["dataset"] == "drawn"
        if attribute in (drawn.ATTRIBUTES if drawn_all else names):
            told.append(
                f"--run weights/{file.parent.name} of {config['package']} has {attribute}, on "
                f"{'drawn faces' if config['dataset'] == 'drawn' else 'photographs'}."
            )
    told.append(
        "A model of photographs with it: python -m ifcvaegan.train --data-dir CELEBA "
        f"--data.attributes {attribute}."
    )
    return " " + " ".join(told)
