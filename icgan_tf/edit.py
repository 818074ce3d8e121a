"""`python -m icgan_tf.edit`: attribute editing, x* = G(E_z(x), y*), of an image or a folder.

What the scripts of Perarnau et al. 2016 offer is here: single attributes, all attributes in turn, y
swapped between two images, interpolation; and the report's "digit + k". What each edit does to y is
in `icgan_tf.codes`.

    python -m icgan_tf.edit IMAGES --shift 1 --out DIR
    python -m icgan_tf.edit IMAGES --set Smiling=1 Eyeglasses=-1 --out DIR --run RUN
    python -m icgan_tf.edit IMAGES --swap OTHER.png --out DIR
    python -m icgan_tf.edit IMAGES --interpolate OTHER.png --out DIR
    python -m icgan_tf.edit IMAGES --all-attributes --out DIR
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common.commands import attribute_values, carry_out
from common.errors import UserError, exits_cleanly
from icgan_tf.codes import (
    EXCLUSIVE,
    between,
    binary,
    decode,
    encode,
    shifted,
    variations,
    with_values,
)

if TYPE_CHECKING:
    from icgan_tf.trained import Trained

logger = logging.getLogger(__name__)

LARGEST_VALUE = 3.0  # of an attribute that is set; 1 is what the networks know
SHEET_ROWS = 40  # at most so many images on the sheet
STEPS = 4  # between the ends of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand:
    """Edits images by their attributes.

    Takes one of --shift, --set, --swap, --interpolate and --all-attributes.
    """

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """An image or a folder of images: digits, white on black, or faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; sheets and codes go to `OUT/sheets/`."""
    shift: int | None = None
    """Digits: add this number, modulo ten."""
    set: tuple[str, ...] = ()
    """Attributes to set, such as `Smiling=1 Eyeglasses=-1`; 1 is present, -1 absent, from -3
    to 3 by degrees."""
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
    invert: bool = False
    """The inputs are digits, black on white."""
    run: Path | None = None
    """A run or a folder of weights; by default the model of digits that comes with the project."""


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: not exactly one edit, one that does not fit the model, or images that are
            missing, unreadable or to be overwritten.
    """
    from common.datasets.folder import write_images
    from common.files import write_json
    from common.sheets import grid
    from icgan_tf import trained

    check(command)
    model = trained.load(command.run)
    values = check_for_model(command, model)
    stems, images = read(command.images, model, command.invert)
    other = one_image(command.swap or command.interpolate, model, command.invert)
    latents, answers = encode(model, images)
    attributes = binary(answers, model.digits)

    edited = edit_of(command, model, latents, attributes, values, other)
    write_images(command.out, stems, edited.images)
    sheets = command.out / "sheets"
    shown = slice(SHEET_ROWS)
    columns = {"input": images, "reconstruction": decode(model, latents, attributes)}
    columns |= edited.columns
    rows = [list(row) for row in zip(*(column[shown] for column in columns.values()), strict=True)]
    names = model.attribute_names
    columns_read = [i for i, name in enumerate(names) if model.digits or name in values]
    read_as = [
        named(row[columns_read], [names[i] for i in columns_read]) for row in attributes[shown]
    ]
    labels = [" ".join(filter(None, pair)) for pair in zip(stems[shown], read_as, strict=True)]
    grid(rows, sheets / "edits.png", row_labels=labels, column_labels=list(columns))
    write_json(
        sheets / "edits.json",
        {
            "model": model.folder.name,
            "attribute_names": names,
            "images": stems,
            "latents": latents,
            "encoder_y": answers,
            "attributes": attributes,
            "edited_attributes": edited.attributes,
        },
    )
    logger.info("edited images: %d in %s, all on %s", len(stems), command.out, sheets / "edits.png")
    return command.out


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit makes of N images.

    Attributes:
        images: one for each input, uint8 `[N, H, W, C]`.
        attributes: those that it was generated with `[N, A]`.
        columns: of the sheet, after the reconstruction: label -> images `[N, H, W, C]`.
    """

    images: np.ndarray
    attributes: np.ndarray
    columns: dict[str, np.ndarray]


def edit_of(
    command: EditCommand,
    model: Trained,
    latents: np.ndarray,
    attributes: np.ndarray,
    values: Mapping[str, float],
    other: np.ndarray | None,
) -> Edited:
    """Carries out the one edit of the command.

    Args:
        command: which edit.
        model: the trained networks.
        latents: of the inputs `[N, Z]`.
        attributes: of the inputs, binary `[N, A]`.
        values: what --set says.
        other: the image of --swap or --interpolate, uint8 `[1, H, W, C]`.
    """
    if command.all_attributes:
        return in_turn(model, latents, attributes, command.exclusive)
    if command.swap is not None and other is not None:
        return swapped(model, latents, attributes, other)
    if command.interpolate is not None and other is not None:
        return interpolated(model, latents, attributes, other, command.steps or STEPS)
    if command.shift is not None:
        label = f"digit {command.shift:+d}"
        wanted = shifted(attributes, command.shift, command.wrap)
    else:
        label = "\n".join(command.set)
        wanted = with_values(attributes, model.attribute_names, values, command.exclusive)
    images = decode(model, latents, wanted)
    return Edited(images, wanted, {label: images})


def in_turn(model: Trained, latents: np.ndarray, attributes: np.ndarray, exclusive: bool) -> Edited:
    """Every attribute, or every class, in turn; the edited image is the reconstruction."""
    varied = variations(attributes, model.attribute_names, model.digits, exclusive)
    columns = {label: decode(model, latents, wanted) for label, wanted in varied.items()}
    return Edited(decode(model, latents, attributes), attributes, columns)


def swapped(
    model: Trained, latents: np.ndarray, attributes: np.ndarray, other: np.ndarray
) -> Edited:
    """The y of another image with the z of each input, and the other way round."""
    z, y = codes_of(model, other, len(latents))
    images = decode(model, latents, y)
    columns = {
        "attributes of the other": images,
        "the other": np.repeat(other, len(latents), axis=0),
        "its reconstruction": decode(model, z, y),
        "with these attributes": decode(model, z, attributes),
    }
    return Edited(images, y, columns)


def interpolated(
    model: Trained, latents: np.ndarray, attributes: np.ndarray, other: np.ndarray, steps: int
) -> Edited:
    """The straight line from each input to another image; the edited image is half-way."""
    start, end = (latents, attributes), codes_of(model, other, len(latents))
    shares = np.linspace(0.0, 1.0, steps + 2)[1:]
    columns = {f"{share:.0%}": decode(model, *between(start, end, share)) for share in shares}
    columns["the other"] = np.repeat(other, len(latents), axis=0)
    z, y = between(start, end, 0.5)
    return Edited(decode(model, z, y), y, columns)


def codes_of(model: Trained, other: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Z and binary y of one image `[1, H, W, C]`, repeated: `[count, Z]` and `[count, A]`."""
    z, answer = encode(model, other)
    y = binary(answer, model.digits)
    return np.repeat(z, count, axis=0), np.repeat(y, count, axis=0)


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: no edit or several, options that belong to another edit, or images that are
            missing or would be overwritten.
    """
    from common.datasets.folder import check_inputs

    given = {
        "--shift": command.shift is not None,
        "--set": bool(command.set),
        "--swap": command.swap is not None,
        "--interpolate": command.interpolate is not None,
        "--all-attributes": command.all_attributes,
    }
    named_edits = [flag for flag, present in given.items() if present]
    if len(named_edits) != 1:
        what = " and ".join(named_edits) or "no edit"
        raise UserError(f"You asked for {what}; give exactly one of {', '.join(given)}.")
    if command.steps is not None and command.steps < 1:
        raise UserError(f"--steps is {command.steps}; it must be at least 1.")
    unused = {
        "--steps": command.steps is not None and command.interpolate is None,
        "--no-wrap": not command.wrap and command.shift is None,
        "--no-exclusive": not (command.exclusive or command.set or command.all_attributes),
    }
    for option, ignored in unused.items():
        if ignored:
            raise UserError(f"{option} has no effect on {named_edits[0]}; leave it out.")
    check_inputs(command.out, command.images, command.swap, command.interpolate)


def check_for_model(command: EditCommand, model: Trained) -> dict[str, float]:
    """What --set says, as attribute -> value; checks that the model knows the edit.

    Raises:
        UserError: --shift of faces, an unknown attribute, a value that is none, or attributes that
            exclude each other.
    """
    from common.datasets.celeba import ATTRIBUTES

    if command.shift is not None and not model.digits:
        raise UserError("--shift adds to digits, but this model knows faces; use --set.")
    for setting in command.set:
        if model.digits and setting.partition("=")[0] in ATTRIBUTES:
            raise UserError(
                f"--set {setting}: the model {model.folder.name} knows digits, not faces; name a "
                "run that was trained on faces by --run."
            )
    names = model.attribute_names
    values = attribute_values(command.set, names, -1, -LARGEST_VALUE, LARGEST_VALUE)
    present = [name for name, value in values.items() if value > 0]
    groups = (model.attribute_names,) if model.digits else EXCLUSIVE if command.exclusive else ()
    for group in groups:
        clash = [name for name in present if name in group]
        if len(clash) > 1:
            raise UserError(
                f"--set {' '.join(command.set)}: {' and '.join(clash)} exclude each other; set one "
                "of them" + ("." if model.digits else ", or add --no-exclusive.")
            )
    if model.digits and values:
        if not present:
            raise UserError("--set of a digit says which digit to make, such as --set 7=1.")
        return {name: values.get(name, -1.0) for name in model.attribute_names}
    return values


def read(path: Path, model: Trained, invert: bool) -> tuple[list[str], np.ndarray]:
    """An image or a folder of images as the model takes them: stems and uint8 `[N, H, W, C]`."""
    if model.digits:
        from common.datasets.folder import read_digits

        return read_digits(path, invert)
    from common.datasets.faces import read_faces

    if invert:
        raise UserError("--invert is for digits; the model knows faces.")
    return read_faces(path, model.config.data.image_size, model.config.data.crop)


def one_image(path: Path | None, model: Trained, invert: bool) -> np.ndarray | None:
    """The image of --swap or --interpolate, uint8 `[1, H, W, C]`; None where there is no path.

    Raises:
        UserError: the path holds several images.
    """
    if path is None:
        return None
    images = read(path, model, invert)[1]
    if len(images) > 1:
        raise UserError(f"{path} holds {len(images)} images; name one of them.")
    return images


def named(row: np.ndarray, names: Sequence[str]) -> str:
    """Those of the attributes `[A]` that E_y reads, as `(7)` or `(Smiling)`; `(-)` for none."""
    present = [name for name, value in zip(names, row, strict=True) if value > 0.5]
    return f"({', '.join(present) or '-'})" if len(names) else ""


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    carry_out(EditCommand, "python -m icgan_tf.edit", apply, arguments, check)


if __name__ == "__main__":
    main()
