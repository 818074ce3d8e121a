"""`python -m icgan_tf.edit`: attribute editing, x* = G(E_z(x), y*), of an image or a folder.

What the scripts of Perarnau et al. 2016 offer is here: single attributes, all attributes in turn, y
swapped between two images, interpolation; and the report's "digit + k". What each edit does to y is
in `icgan_tf.codes`.

    python -m icgan_tf.edit IMAGES --shift 1 --out DIR
    python -m icgan_tf.edit IMAGES --set Smiling=1 Eyeglasses=-1 --out DIR --run RUN
    python -m icgan_tf.edit IMAGES --set Smiling=1 --set Eyeglasses=1 --out DIR --run RUN
    python -m icgan_tf.edit IMAGES --swap OTHER.png --out DIR
    python -m icgan_tf.edit IMAGES --interpolate OTHER.png --out DIR
    python -m icgan_tf.edit IMAGES --all-attributes --out DIR
    python -m icgan_tf.edit IMAGES --direction thick.json --strength 1 --out DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.along import AlongOptions, check_along, edited_along
from common.cli.commands import carry_out, control_values, refuse_nothing
from common.cli.edits import (
    EditImagesCommand,
    check_edits,
    check_several,
    name_of,
    write_each,
)
from common.cli.images import (
    check_fits,
    one_image,
    read_inputs,
)
from common.errors import UserError, exits_cleanly
from common.files import called
from icgan_tf.codes import Each, Interpolate, Request, Set, Shift, Swap

if TYPE_CHECKING:
    from icgan_tf.editor import IcGANEditor

STEPS = 4  # between the ends of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand(EditImagesCommand):
    """Edits images by their attributes.

    Takes one of --shift, --set, --swap, --interpolate and --all-attributes, or --direction, or
    both.
    """

    shift: tyro.conf.UseAppendAction[tuple[int, ...]] = ()
    """Digits: add this number, modulo ten; again for a further edit, as --set."""
    set: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    """Attributes to set, such as `Smiling=1 Eyeglasses=-1`; 1 means present, -1 absent; values from
    -3 to 3 are degrees.
    --set again, as in `--set Smiling=1 --set Eyeglasses=1`, is a further edit: each has a folder in
    OUT, and all are side by side on the sheet."""
    swap: Path | None = None
    """Take the attributes of this image, and show it with those of the inputs."""
    interpolate: Path | None = None
    """Go to this image in a straight line; each `<name>.png` is the image half-way."""
    steps: int | None = None
    """Images between the two ends of --interpolate, on the sheet; 4 by default."""
    all_attributes: bool = False
    """Each attribute in turn, on the sheet; each `<name>.png` is the reconstruction."""
    wrap: bool = True
    """--no-wrap: --shift past 9 asks for no digit at all, as in the baseline's code."""
    exclusive: bool = True
    """--no-exclusive: a hair colour that is set does not clear the others, and so on."""
    along: Annotated[AlongOptions, tyro.conf.arg(name="")] = field(default_factory=AlongOptions)


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: not exactly one edit, one that does not fit the model, or images that are
            missing, unreadable or to be overwritten.
    """
    from icgan_tf import editor

    check(command)
    model = editor.load(command.run)
    requests = requests_of(command, model)
    for request in requests:
        model.check(request)
    inputs = read_inputs(command, model.kind)
    edits, told = edited_along(
        command.tuning, command.along, model, inputs.stems, inputs.images, requests
    )
    details = {"attribute_names": list(model.attribute_names), **told}
    named = dict(zip(names_of(requests), edits, strict=True))
    return write_each(command, inputs, named, model, [details] * len(edits))


def requests_of(command: EditCommand, model: IcGANEditor) -> Sequence[Request]:
    """The edits of the command: one, or one for each --shift or --set.

    Raises:
        UserError: an attribute that the model does not have, a value that is none, or several
            images where one belongs.
    """
    if command.all_attributes:
        return [Each(command.exclusive)]
    if command.shift:
        return [Shift(amount, command.wrap) for amount in command.shift]
    for path in (command.swap, command.interpolate):
        if path is not None:
            other = one_image(model, path, "name one of them", invert=command.invert)
            steps = command.steps or STEPS
            return [Swap(other) if path is command.swap else Interpolate(other, steps)]
    if not command.set:  # a --direction alone
        return [Set({}, command.exclusive)]
    return [Set(values_of(settings, model), command.exclusive) for settings in command.set]


def names_of(requests: Sequence[Request]) -> list[str]:
    """What to call edits where there are several: `shift=1`, `Smiling=1+Male=-1`."""
    found = []
    for request in requests:
        if isinstance(request, Shift):
            found.append(f"shift={request.k}")
        elif isinstance(request, Set):
            found.append(name_of(request.values))
        else:  # one alone, whose name nobody sees
            found.append(type(request).__name__)
    return found


def values_of(settings: Sequence[str], model: IcGANEditor) -> dict[str, float]:
    """What one --set says, as attribute -> value.

    Raises:
        UserError: an attribute that the model does not have, or a value that is none.
    """
    from common.datasets.celeba.lists import ATTRIBUTES

    for setting in settings:
        if model.digits and setting.partition("=")[0] in ATTRIBUTES:
            raise UserError(
                f"--set {setting}: the model {called(model.folder)} knows digits, not faces; "
                "name a run that was trained on faces by --run."
            )
    return control_values(settings, [c for c in model.controls if c.name != "shift"])


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: no edit or several, one that the model does not know, options that belong to
            another edit, or images that are missing or would be overwritten.
    """
    from icgan_tf import editor

    given = {
        "--shift": bool(command.shift),
        "--set": bool(command.set),
        "--swap": command.swap is not None,
        "--interpolate": command.interpolate is not None,
        "--all-attributes": command.all_attributes,
    }
    named_edits = [flag for flag, present in given.items() if present]
    if len(named_edits) > 1 or not (named_edits or command.along.direction):
        what = " and ".join(named_edits) or "no edit"
        raise UserError(
            f"You asked for {what}; give exactly one of {', '.join(given)}, or a --direction."
        )
    refuse_nothing(command.set)
    check_along(command.along)
    if command.steps is not None and command.steps < 1:
        raise UserError(f"--steps is {command.steps}; it must be at least 1.")
    unused = {
        "--steps": command.steps is not None and command.interpolate is None,
        "--no-wrap": not (command.wrap or command.shift),
        "--animate": command.animate is not None and command.all_attributes,
        "--no-exclusive": not (command.exclusive or command.set or command.all_attributes),
    }
    for option, ignored in unused.items():
        if ignored:
            edit = named_edits[0] if named_edits else "--direction"
            raise UserError(f"{option} has no effect on {edit}; leave it out.")
    check_edits(command, command.swap, command.interpolate)
    model = editor.outline(command.run)
    check_fits(command, model)
    if command.shift or command.set:
        requests = requests_of(command, model)
        for request in requests:
            model.check(request)
        check_several(command, names_of(requests))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    several = ("--set", "--shift")
    carry_out(EditCommand, "python -m icgan_tf.edit", apply, arguments, check, repeatable=several)


if __name__ == "__main__":
    main()
