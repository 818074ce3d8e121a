"""`python -m studio.replay`: makes an image of the page again, bit for bit, from its settings.

python -m studio.replay edit.json --photo FILE --out DIR
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.commands import carry_out
from common.errors import UserError, exits_cleanly
from common.files import atomic_path

if TYPE_CHECKING:
    import numpy as np

    from common.datasets.alignment import Photo
    from common.editor import Editor
    from studio.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCommand:
    """Makes an image of the page again, bit for bit."""

    settings: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SETTINGS")]
    """The JSON file that the page handed out beside the image."""
    out: Path
    """Folder for `<name of the settings>.png`."""
    photo: Path | None = None
    """The photograph, where the image is of one."""
    run: Path | None = None
    """The run or folder of weights, where it is not the one in `weights/`."""


def replay(command: ReplayCommand) -> Path:
    """Carries the command out.

    Returns:
        The image.

    Raises:
        UserError: the settings, the photograph or the model are not those that made the image.
    """
    from studio.models import Models
    from studio.settings import png, read_settings, sha256

    settings = read_settings(command.settings)
    models = Models([command.run] if command.run else ())
    name = next(iter(models.known)) if command.run else settings.model
    editor = models.editor(name)
    photo = photo_of(command, settings)
    if settings.candidate is None:
        result = edited_again(editor, settings, photo)
    else:
        result = painted_again(editor, settings, photo)
    file = command.out / f"{command.settings.stem}.png"
    with atomic_path(file) as temporary:
        temporary.write_bytes(png(result))
    same = sha256(result.tobytes()) == settings.result_sha256
    logger.info("%s: %s", file, "the same image, bit for bit" if same else "another image")
    if not same:
        logger.warning("Another model of that name, or other versions, may have made the first.")
    return file


def photo_of(command: ReplayCommand, settings: Settings) -> Photo | None:
    """The photograph of the settings, where they are of one.

    Raises:
        UserError: it is not named, or another one.
    """
    from common.datasets.alignment import read_photo
    from studio.settings import sha256

    if not settings.photo:
        return None
    if command.photo is None or not command.photo.is_file():
        raise UserError(f"The image is of the photograph {settings.photo}: name it by --photo.")
    if sha256(command.photo.read_bytes()) != settings.photo_sha256:
        raise UserError(f"{command.photo} is another file than {settings.photo} was.")
    return read_photo(command.photo)


def edited_again(editor: Editor, settings: Settings, photo: Photo | None) -> np.ndarray:
    """The edit of a face or of a digit, uint8 `[H, W, C]`."""
    from studio.settings import align_as, face_of, from_text, make, put_back

    if photo is not None:
        alignment = align_as(settings, photo)
        made = make(editor, face_of(editor, photo, alignment), settings.values)
        return put_back(editor, photo, alignment, made, settings.paste)
    a_pair = [from_text(one) for one in settings.pair]
    pair = (a_pair[0], a_pair[1]) if len(a_pair) == 2 else None
    return make(editor, from_text(settings.picture), settings.values, pair).edited


def painted_again(editor: Editor, settings: Settings, photo: Photo | None) -> np.ndarray:
    """What was painted, uint8 `[H, W, C]`.

    Raises:
        UserError: the model is not edited by strokes, or the settings are no painting's.
    """
    from common.strokes import StrokeEditor
    from studio.painting import Painting
    from studio.settings import start_image

    if not isinstance(editor, StrokeEditor):
        raise UserError("The image was painted, but this model is not edited by strokes.")
    painting = Painting(editor, settings, start_image(settings, editor.kind, photo))
    painting.replay(settings.events)
    return painting.result(settings.candidate, settings.share, settings.on_photo)


def check(command: ReplayCommand) -> None:
    """Refuses settings that cannot be read before TensorFlow starts."""
    from studio.settings import read_settings

    read_settings(command.settings)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and replays."""
    carry_out(ReplayCommand, "python -m studio.replay", replay, arguments, check)


if __name__ == "__main__":
    main()
