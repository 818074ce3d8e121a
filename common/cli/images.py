"""What commands on images of all packages do: files in, an editor's images out."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from common.cli.tuning import TuneOptions, check_tuning
from common.datasets.alignment import Alignment, Paste, Photo, align, pasted, read_photo
from common.datasets.folder import check_inputs, write_images
from common.editor import SHOWN, Edited, Editor
from common.errors import UserError
from common.files import called, refuse_overwriting, write_json
from common.kinds import Faces, Kind

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesCommand:
    """What every command on images takes."""

    images: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="IMAGES")] = None
    """An image or a folder of images, such as the model was trained on: digits, white on black, or
    faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; sheets and codes go to `OUT/sheets/`."""
    photo: Path | None = None
    """Instead of IMAGES any photograph with a face: that is found, aligned as CelebA's are, and the
    result pasted back at full resolution."""
    face: int = 1
    """Which face of the photograph; 1 is the largest."""
    box: tuple[float, float, float, float] | None = None
    """Where the face is, if it is not found: LEFT TOP RIGHT BOTTOM in pixels, from brow to chin."""
    landmarks: tuple[float, ...] | None = None
    """Or x and y of both eyes, that on the left of the picture first; or those, the tip of the nose
    and the corners of the mouth."""
    paste: Paste = "difference"
    """What of the result goes into the photograph: what it changes, which keeps the photograph
    sharp; the face itself, with a soft border; or nothing, and the face is written alone."""
    invert: bool = False
    """The inputs are digits, black on white; without it, that is found out for each."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunableCommand(ImagesCommand):
    """What `edit` and `reconstruct` take besides."""

    tuning: Annotated[TuneOptions, tyro.conf.arg(name="")] = field(default_factory=TuneOptions)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a command works on.

    Attributes:
        stems: N names for the results.
        images: uint8 `[N, H, W, C]`, as the model knows them.
        photo: the photograph that the one image is a face of.
        alignment: where it is in there.
    """

    stems: list[str]
    images: np.ndarray
    photo: Photo | None = None
    alignment: Alignment | None = None


def check_images(command: ImagesCommand, *others: Path | None) -> None:
    """Refuses images that are missing or might be overwritten, and options without a photograph.

    Args:
        command: names images or a photograph.
        *others: further images that it reads.

    Raises:
        UserError: naming them.
    """
    if (command.images is None) == (command.photo is None):
        raise UserError("Give either IMAGES, a file or a folder, or --photo FILE.")
    check_inputs(command.out, command.images, *others)
    if command.photo is None:
        given = {
            "--face": command.face != 1,
            "--box": command.box,
            "--landmarks": command.landmarks,
        }
        for option in [option for option, value in given.items() if value]:
            raise UserError(f"{option} says where a face is in a photograph; name that by --photo.")
    elif not command.photo.is_file():
        raise UserError(f"--photo {command.photo}: there is no such file.")
    elif command.invert:
        raise UserError("--invert is for digits; --photo takes a photograph of a face.")
    elif command.box and command.landmarks:
        raise UserError("--box and --landmarks both say where the face is; give one of them.")
    else:
        refuse_overwriting([command.photo], command.out)


def read_inputs(command: ImagesCommand, kind: Kind, flag: str = "--invert") -> Inputs:
    """The images of a command, or the face of its photograph.

    Args:
        command: names them.
        kind: of images that the model knows.
        flag: how a user says that digits are black on white, for warnings.

    Raises:
        UserError: images that cannot be read; no face; a model of digits.
    """
    if command.photo is None:
        assert command.images is not None  # see `check_images`
        return Inputs(*kind.read(command.images, command.invert, flag))
    check_takes_photos(command, kind)
    photo = read_photo(command.photo)
    where = {"face": command.face, "box": command.box, "landmarks": command.landmarks}
    alignment = align(photo, str(command.photo), **where)
    image = kind.array(alignment.framed(photo))
    return Inputs([command.photo.stem], image[None], photo, alignment)


def check_takes_photos(command: ImagesCommand, kind: Kind) -> None:
    """Refuses a photograph of a face for a model of something else.

    Raises:
        UserError: naming both.
    """
    if command.photo is not None and not isinstance(kind, Faces):
        raise UserError(
            f"--photo {command.photo}: the model knows {kind.noun}s; name one of faces by --run, "
            "such as weights/ifcvaegan-celeba."
        )


def check_fits(command: TunableCommand, outline: Any) -> None:
    """Refuses a photograph or a tuning that the model cannot be asked for.

    Args:
        command: as read.
        outline: the model without its networks.

    Raises:
        UserError: as `check_takes_photos` and `check_tuning`.
    """
    check_takes_photos(command, outline.kind)
    check_tuning(command.tuning, command.images, outline, command.out)


def write_results(
    command: ImagesCommand, kind: Kind, inputs: Inputs, before: np.ndarray, after: np.ndarray
) -> None:
    """Writes each result as `OUT/<stem>.png`: as the model made it, or pasted into its photograph.

    Args:
        command: says where to and how.
        kind: of images.
        inputs: what they were made of.
        before: what a change is counted from, uint8 `[N, H, W, C]`.
        after: the results, uint8, the same shape.

    Raises:
        UserError: the folder cannot be written into.
    """
    if inputs.photo is not None and command.paste != "none":
        assert isinstance(kind, Faces)
        assert inputs.alignment is not None
        pair = before[0], after[0]
        whole = pasted(inputs.photo, inputs.alignment, kind.crop, *pair, command.paste)
        after = whole[None]
    write_images(command.out, inputs.stems, after)


def one_image(editor: Editor, path: Path, why: str, **options: Any) -> np.ndarray:
    """A file with one image, uint8 `[H, W, C]`.

    Args:
        editor: knows the kind of images.
        path: the file, or a folder with one image.
        why: what to do where there are several.
        **options: of the kind's `read`.

    Raises:
        UserError: the path holds several images.
    """
    images = editor.kind.read(path, **options)[1]
    if len(images) > 1:
        raise UserError(f"{path} holds {len(images)} images; {why}.")
    return images[0]


def write_edits(
    command: ImagesCommand,
    inputs: Inputs,
    edited: Edited,
    editor: Editor,
    details: Mapping[str, Any],
) -> Path:
    """Writes each edited image as `OUT/<stem>.png`, a sheet and the codes to `OUT/sheets/`.

    Args:
        command: names the folder.
        inputs: what was edited.
        edited: what became of it.
        editor: the trained model.
        details: what else `edits.json` tells.

    Returns:
        The folder.

    Raises:
        UserError: the folder cannot be written into.
    """
    from common.reporting.sheets import grid

    out, stems, images = command.out, inputs.stems, inputs.images
    before = images
    if inputs.photo is not None:
        made = edited.reconstructions
        before = editor.decode(edited.inputs) if made is None else made
    write_results(command, editor.kind, inputs, before, edited.images)
    folder = out / "sheets"
    columns = {"input": images[:SHOWN], **edited.columns}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    labels = list(stems[:SHOWN])
    if edited.readings:
        labels = [f"{stem} {text}" for stem, text in zip(labels, edited.readings, strict=False)]
    grid(rows, folder / "edits.png", row_labels=labels, column_labels=list(columns))
    write_json(
        folder / "edits.json",
        {
            "model": called(editor.folder),
            **details,
            "images": list(stems),
            "codes": _fields(edited.inputs),
            "edited_codes": _fields(edited.codes),
        },
    )
    logger.info("edited images: %d in %s, the sheet in %s", len(stems), out, folder)
    if len(stems) > SHOWN:
        logger.info("the sheet shows the first %d", SHOWN)
    return out


def _fields(codes: Any) -> dict[str, Any]:
    """The arrays of a paper's codes by name."""
    return {
        one.name: value
        for one in dataclasses.fields(codes)
        if (value := getattr(codes, one.name)) is not None
    }
