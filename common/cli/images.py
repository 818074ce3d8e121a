"""What the commands on images of all packages do: files in, a model's images out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from common.cli.tuning import TuneOptions, check_tuning
from common.datasets.alignment import Alignment, Photo, align, read_photo
from common.datasets.folder import check_inputs, write_images
from common.editor import Editor
from common.errors import UserError
from common.files import refuse_overwriting
from common.kinds import Faces, Kind
from common.transfer.flow import check_flow
from common.transfer.pasting import Paste, changes, pasted

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
    """Instead of IMAGES, any photograph with a face: the face is found and aligned like CelebA's,
    and the result is pasted back at full resolution."""
    face: int = 1
    """Which face of the photograph; 1 is the largest."""
    box: tuple[float, float, float, float] | None = None
    """Where the face is, if it is not found: LEFT TOP RIGHT BOTTOM in pixels, from brow to chin."""
    landmarks: tuple[float, ...] | None = None
    """Or x and y of both eyes, that on the left of the picture first; or those, the tip of the nose
    and the corners of the mouth."""
    paste: Paste = "difference"
    """How the result goes into the photograph. `difference`: what it changes is added; `feather`:
    the face itself, with a soft border; `transfer`: the photograph's own pixels are moved and
    recoloured as the edit does; `none`: not at all, the face is written alone."""
    invert: bool = False
    """The inputs are digits, black on white; by default, this is detected for each."""
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
        UserError: naming them, or what `check_photo` refuses.
    """
    if (command.images is None) == (command.photo is None):
        raise UserError("Give either IMAGES, a file or a folder, or --photo FILE.")
    check_inputs(command.out, command.images, *others)
    check_photo(command)


def check_photo(command: ImagesCommand) -> None:
    """Refuses a photograph that is missing or might be overwritten, and its options without one.

    Raises:
        UserError: naming them; no program that computes flow, which --paste transfer needs.
    """
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
        if command.paste == "transfer":
            check_flow()


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
            f"--photo {command.photo}: the model knows {kind.noun}s; name one of faces by --run: "
            "one that you trained, or weights/PACKAGE-celeba, with crg, ifcvaegan or igan."
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
    command: ImagesCommand, kind: Kind, inputs: Inputs, results: np.ndarray, path: np.ndarray
) -> np.ndarray:
    """Writes each result as `OUT/<stem>.png`: as the model made it, or pasted into its photograph.

    Args:
        command: says where to and how.
        kind: of images.
        inputs: what they were made of.
        results: uint8 `[N, H, W, C]`.
        path: of a photograph's face, from what a change is counted from to the result, uint8
            `[T, H, W, C]`.

    Returns:
        What was written, uint8 `[N, H, W, C]`; of a photograph all of it.

    Raises:
        UserError: the folder cannot be written into.
    """
    if inputs.photo is not None and command.paste != "none":
        assert isinstance(kind, Faces)
        assert inputs.alignment is not None
        change = changes(path, command.paste)[-1]
        results = pasted(inputs.photo, inputs.alignment, kind, change)[None]
    earlier = [stem for stem in inputs.stems if (command.out / f"{stem}.png").exists()]
    if earlier:
        logger.info("%s: %d of its images are replaced", command.out, len(earlier))
    write_images(command.out, inputs.stems, results)
    return results


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
