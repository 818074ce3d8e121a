"""Attribute editing with IcGAN: encode an image, change y, generate. x* = G(E_z(x), y*).

Perarnau et al. 2016, Sec. 3.3; the report, Sec. 1 and 6.2. z = E_z(x) holds what is not in y; y is
what E_y reads, made binary (the largest class, or the sign of each attribute). What the authors'
scripts offer is here: single attributes, all attributes in turn, y swapped between two images,
interpolation; and the report's "digit + k".

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

from common import device
from common import run as runs
from common.errors import UserError, exits_cleanly

if TYPE_CHECKING:
    import keras

    from icgan_tf.trained import Trained

logger = logging.getLogger(__name__)

EXCLUSIVE = (  # setting one of a group clears the others (the authors' code)
    ("Bald", "Bangs", "Receding_Hairline"),
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Straight_Hair", "Wavy_Hair"),
)
TOGGLED = ("Male",)  # in `variations`, turned over instead of set (the authors' code)
LARGEST_VALUE = 3.0  # of an attribute that is set; 1 is what the networks know
BLOCK = 500  # images that pass a network at a time
SHEET_ROWS = 40  # at most so many images on the sheet


def encode(model: Trained, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Encodes images: z = E_z(x), y = E_y(x).

    Args:
        model: the trained networks.
        images: uint8 `[N, S, S, C]`, digits also in 28x28.

    Returns:
        float32 latents `[N, Z]`, and the attributes that E_y reads, float32 `[N, A]` on the scale
        of 0 for absent and 1 for present, not yet binary.
    """
    from common.images import padded, to_range

    data = model.config.data

    def apply(network: keras.Model) -> np.ndarray:
        blocks = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
        inputs = (to_range(padded(block, data.image_size), data.pixel_range) for block in blocks)
        return np.concatenate([network(x, training=False) for x in inputs])

    y = apply(model.encoder_y)
    return apply(model.encoder_z), (y + 1.0) / 2.0 if data.condition_values == "signed" else y


def binary(attributes: np.ndarray, one_hot: bool) -> np.ndarray:
    """What E_y reads as attributes that are there or not.

    Args:
        attributes: `[N, A]` on the scale of 0 and 1.
        one_hot: they are classes, of which each image has one.

    Returns:
        float32 `[N, A]` of 0 and 1.
    """
    if one_hot:
        return np.eye(attributes.shape[1], dtype=np.float32)[attributes.argmax(axis=1)]
    return (attributes > 0.5).astype(np.float32)


def decode(model: Trained, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Generates images: x = G(z, y), each by itself whatever else is in the batch.

    Args:
        model: the trained networks.
        latents: float32 `[N, Z]`.
        attributes: `[N, A]`, 0 for absent and 1 for present.

    Returns:
        uint8 images `[N, S, S, C]`; digits without their border, `[N, 28, 28, 1]`.
    """
    from common.images import cropped, to_uint8

    data = model.config.data
    y = np.asarray(attributes, np.float32)
    y = 2.0 * y - 1.0 if data.condition_values == "signed" else y
    made = "unit" if data.pixel_range == "unit" else "signed"  # the range of G's activation
    blocks = [slice(start, start + BLOCK) for start in range(0, len(latents), BLOCK)]
    images = np.concatenate(
        [to_uint8(model.generator([latents[b], y[b]], training=False), made) for b in blocks]
    )
    return cropped(images, 28) if model.digits else images


def shifted(attributes: np.ndarray, k: int, wrap: bool = True) -> np.ndarray:
    """Classes plus k: "the real MNIST digits ... added with one" (the report, Sec. 6.2).

    Args:
        attributes: one-hot `[N, A]`.
        k: any integer.
        wrap: count modulo A. The baseline's code does not: past the last class it asks for none.

    Returns:
        `[N, A]`, one-hot; without `wrap` a row may be all 0.
    """
    count = attributes.shape[1]
    classes = attributes.argmax(axis=1) + k
    moved = np.eye(count, dtype=np.float32)[classes % count]
    if not wrap:
        moved[(classes < 0) | (classes >= count)] = 0.0
    return moved


def with_values(
    attributes: np.ndarray,
    names: Sequence[str],
    values: Mapping[str, float],
    exclusive: bool = True,
) -> np.ndarray:
    """Attributes with some of them set.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the A columns.
        values: attribute -> value, -1 for absent and 1 for present.
        exclusive: an attribute that becomes present clears the others of its group, unless they are
            set themselves.

    Returns:
        `[N, A]`.
    """
    edited = np.array(attributes, np.float32)
    for name, value in values.items():
        groups = [group for group in EXCLUSIVE if name in group] if exclusive and value > 0 else []
        for other in (other for group in groups for other in group):
            if other in names and other not in values:
                edited[:, names.index(other)] = 0.0
    for name, value in values.items():
        edited[:, names.index(name)] = (value + 1.0) / 2.0
    return edited


def variations(
    attributes: np.ndarray, names: Sequence[str], one_hot: bool, exclusive: bool = True
) -> dict[str, np.ndarray]:
    """Every attribute in turn: label -> `[N, A]`. Classes: every class.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the columns.
        one_hot: they are classes.
        exclusive: as for `with_values`.
    """
    if one_hot:
        rows = np.eye(len(names), dtype=np.float32)
        return {
            name: np.repeat(row[None], len(attributes), axis=0)
            for name, row in zip(names, rows, strict=True)
        }
    varied = {}
    for column, name in enumerate(names):
        if name in TOGGLED:
            varied[f"{name} toggled"] = np.array(attributes, np.float32)
            varied[f"{name} toggled"][:, column] = 1.0 - attributes[:, column]
        else:
            varied[name] = with_values(attributes, names, {name: 1.0}, exclusive)
    return varied


def between(
    start: tuple[np.ndarray, np.ndarray], end: tuple[np.ndarray, np.ndarray], share: float
) -> tuple[np.ndarray, np.ndarray]:
    """A point on the straight line between two (z, y), of `[N, Z]` and `[N, A]` or broadcast."""
    z, y = ((1.0 - share) * a + share * b for a, b in zip(start, end, strict=True))
    return z.astype(np.float32), y.astype(np.float32)


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
    """Attributes to set, such as `Smiling=1 Eyeglasses=-1`; 1 is present, -1 absent."""
    swap: Path | None = None
    """Take the attributes of this image, and show it with those of the inputs."""
    interpolate: Path | None = None
    """Go to this image in a straight line; each `<name>.png` is the image half-way."""
    steps: int = 4
    """Images between the two ends of --interpolate, on the sheet."""
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
    from common.datasets.folder import refuse_overwriting, write_images
    from common.files import write_json
    from common.sheets import grid
    from icgan_tf import trained

    check_edit(command)
    for path in filter(None, (command.images, command.swap, command.interpolate)):
        refuse_overwriting(path, command.out)
    model = trained.load(command.run)
    values = check_for_model(command, model)
    stems, images = read(command.images, model, command.invert)
    other = one_image(command.swap or command.interpolate, model, command.invert)
    latents, answers = encode(model, images)
    attributes = binary(answers, model.digits)

    edited, wanted, columns = edit_of(command, model, (latents, attributes), values, other)
    write_images(command.out, stems, edited)
    sheets = command.out / "sheets"
    shown = slice(SHEET_ROWS)
    drawn = {"input": images, "reconstruction": decode(model, latents, attributes), **columns}
    rows = [list(row) for row in zip(*(column[shown] for column in drawn.values()), strict=True)]
    names = model.attribute_names
    read_as = [named(row, names) if model.digits else "" for row in attributes[shown]]
    labels = [" ".join(filter(None, pair)) for pair in zip(stems[shown], read_as, strict=True)]
    grid(rows, sheets / "edits.png", row_labels=labels, column_labels=list(drawn))
    write_json(
        sheets / "edits.json",
        {
            "model": model.folder.name,
            "attribute_names": names,
            "images": stems,
            "latents": latents,
            "encoder_y": answers,
            "attributes": attributes,
            "edited_attributes": wanted,
        },
    )
    logger.info("%d edited images in %s, the sheet in %s", len(stems), command.out, sheets)
    return command.out


def edit_of(
    command: EditCommand,
    model: Trained,
    codes: tuple[np.ndarray, np.ndarray],
    values: Mapping[str, float],
    other: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The edited images, their attributes, and the columns of the sheet after the reconstruction.

    Args:
        command: which edit.
        model: the trained networks.
        codes: latents `[N, Z]` and binary attributes `[N, A]` of the inputs.
        values: what --set says.
        other: the image of --swap or --interpolate, uint8 `[1, S, S, C]`.
    """
    latents, attributes = codes

    def images_of(wanted: np.ndarray) -> np.ndarray:
        return decode(model, latents, wanted)

    if command.all_attributes:
        varied = variations(attributes, model.attribute_names, model.digits, command.exclusive)
        columns = {label: images_of(wanted) for label, wanted in varied.items()}
        return images_of(attributes), attributes, columns
    if command.shift is not None:
        wanted = shifted(attributes, command.shift, command.wrap)
        label = f"digit {command.shift:+d}"
    elif values:
        wanted = with_values(attributes, model.attribute_names, values, command.exclusive)
        label = "\n".join(command.set)
    else:
        assert other is not None
        z, answer = encode(model, other)
        ends = (z, binary(answer, model.digits))
        if command.swap is not None:
            wanted = np.repeat(ends[1], len(latents), axis=0)
            with_theirs = decode(model, np.repeat(z, len(latents), axis=0), attributes)
            again = np.repeat(decode(model, *ends), len(latents), axis=0)
            columns = {
                "attributes of the other": images_of(wanted),
                "the other": np.repeat(other, len(latents), axis=0),
                "its reconstruction": again,
                "with these attributes": with_theirs,
            }
            return columns["attributes of the other"], wanted, columns
        shares = np.linspace(0.0, 1.0, command.steps + 2)[1:-1]
        columns = {f"{share:.0%}": decode(model, *between(codes, ends, share)) for share in shares}
        columns["100%"] = np.repeat(decode(model, *ends), len(latents), axis=0)
        columns["the other"] = np.repeat(other, len(latents), axis=0)
        halfway = between(codes, ends, 0.5)
        return decode(model, *halfway), halfway[1], columns
    edited = images_of(wanted)
    return edited, wanted, {label: edited}


def check_edit(command: EditCommand) -> None:
    """Refuses a command that names no edit or several.

    Raises:
        UserError: saying which were given, and which there are.
    """
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
        raise UserError(f"{what} was asked for; give exactly one of {', '.join(given)}.")
    if command.steps < 1:
        raise UserError(f"--steps is {command.steps}; it must be at least 1.")


def check_for_model(command: EditCommand, model: Trained) -> dict[str, float]:
    """What --set says, as attribute -> value; checks that the model knows the edit.

    Raises:
        UserError: --shift of faces, an unknown attribute, a value that is none, or attributes that
            exclude each other.
    """
    if command.shift is not None and not model.digits:
        raise UserError("--shift adds to digits, but this model knows faces; use --set.")
    values: dict[str, float] = {}
    for setting in command.set:
        name, _, text = setting.partition("=")
        if name not in model.attribute_names:
            import difflib

            close = difflib.get_close_matches(name, model.attribute_names, n=1, cutoff=0.4)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UserError(
                f"--set {setting}: the model has no attribute {name!r}.{hint} "
                f"It has {', '.join(model.attribute_names)}."
            )
        if name in values:
            raise UserError(f"--set names {name} twice; give it one value.")
        try:
            values[name] = float(text)
        except ValueError:
            raise UserError(f"--set {setting}: write {name}=1 or {name}=-1.") from None
        if not abs(values[name]) <= LARGEST_VALUE:
            raise UserError(f"--set {setting}: the value must be between -3 and 3.")
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
    from common.datasets.celeba import read_faces

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
    """The attributes `[A]` that are present, as `(7)` or `(Smiling, Young)`."""
    return f"({', '.join(name for name, value in zip(names, row, strict=True) if value > 0.5)})"


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    command = tyro.cli(EditCommand, prog="python -m icgan_tf.edit", args=arguments)
    runs.log_to(None)
    device.choose()
    apply(command)


if __name__ == "__main__":
    main()
