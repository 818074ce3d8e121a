"""`python -m ifcvaegan.edit`: attribute editing of an image or a folder, x* = D(y*, E_z(x)).

What an edit does to y is in `ifcvaegan.codes`.

    python -m ifcvaegan.edit IMAGES --set Smiling=1 --out DIR --run RUN
    python -m ifcvaegan.edit IMAGES --set Smiling=1 --set Eyeglasses=1 --out DIR --run RUN
    python -m ifcvaegan.edit IMAGES --sweep Smiling --out DIR --run RUN
    python -m ifcvaegan.edit --photo FILE --set Smiling=0 --tune --out DIR
    python -m ifcvaegan.edit IMAGES --direction smile.json --strength 1 --out DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.along import AlongOptions, check_along, edited_along
from common.cli.commands import carry_out, control_values, refuse_nothing, refuse_unknown
from common.cli.edits import (
    EditImagesCommand,
    check_edits,
    check_several,
    name_of,
    write_each,
)
from common.cli.images import (
    check_fits,
    read_inputs,
)
from common.errors import UserError, exits_cleanly
from ifcvaegan.codes import Set, Sweep

if TYPE_CHECKING:
    from ifcvaegan.editor import IFcVAEGANEditor

MOST_STEPS = 40  # of a sweep
STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand(EditImagesCommand):
    """Edits faces by their attributes, --set or --sweep, and along --direction."""

    set: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    """Attributes to set, such as `Smiling=1` or `Smiling=1 Male=0`; 1 is present, 0 absent, and
    others from -1 to 2 are degrees. Attributes that are not set stay as E reads them.
    --set again, as in `--set Smiling=1 --set Eyeglasses=1`, is a further edit: each has a folder in
    OUT, and all are side by side on the sheet."""
    sweep: str | None = None
    """Show this attribute from 0 to 1 on the sheet; each `<name>.png` has it at 1."""
    steps: int | None = None
    """Images in a sweep, 2 to 40; 5 by default."""
    along: Annotated[AlongOptions, tyro.conf.arg(name="")] = field(default_factory=AlongOptions)


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: not exactly one edit, one that does not fit the model, or images that are
            missing, unreadable or to be overwritten.
    """
    from ifcvaegan import editor

    check(command)
    model = editor.load(command.run)
    inputs = read_inputs(command, model.kind)
    requests = requests_of(command, model)
    edits, told = edited_along(
        command.tuning, command.along, model, inputs.stems, inputs.images, requests
    )
    details = {"attribute_names": list(model.attribute_names), **told}
    named = dict(zip(names_of(requests), edits, strict=True))
    return write_each(command, inputs, named, model, [details] * len(edits))


def requests_of(command: EditCommand, model: IFcVAEGANEditor) -> Sequence[Set | Sweep]:
    """The edits of the command: one, or one for each --set; the model may be an outline.

    Raises:
        UserError: an attribute that the model does not have, or a value that is none.
    """
    if command.sweep is None:  # a --direction alone is an edit that sets nothing
        return [Set(control_values(one, model.controls)) for one in command.set or ((),)]
    refuse_unknown(f"--sweep {command.sweep}", command.sweep, model.controls)
    return [Sweep(command.sweep, command.steps or STEPS)]


def names_of(requests: Sequence[Set | Sweep]) -> list[str]:
    """What to call edits where there are several, such as `Smiling=1+Male=0`."""
    return [name_of(one.values) if isinstance(one, Set) else one.name for one in requests]


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: no edit or both, one that the model does not know, or images that are missing or
            would be overwritten.
    """
    from ifcvaegan import editor

    given = int(bool(command.set)) + int(command.sweep is not None)
    if given != 1 and (given or not command.along.direction):
        raise UserError("Give exactly one of --set NAME=1 and --sweep NAME, or a --direction.")
    refuse_nothing(command.set)
    check_along(command.along)
    if command.steps is not None:
        if command.sweep is None:
            raise UserError(f"--steps {command.steps} is for a --sweep.")
        if not 2 <= command.steps <= MOST_STEPS:
            raise UserError(f"--steps {command.steps}: a sweep has 2 to {MOST_STEPS}.")
    check_edits(command)
    model = editor.outline(command.run)
    check_fits(command, model)
    check_several(command, names_of(requests_of(command, model)))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    several = ("--set",)
    carry_out(EditCommand, "python -m ifcvaegan.edit", apply, arguments, check, repeatable=several)


if __name__ == "__main__":
    main()
