"""`python -m studio.replay`: makes images of the page again, bit for bit, from their settings.

python -m studio.replay edit.json --photo FILE --out DIR
python -m studio.replay FOLDER --out DIR
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
from common.files import atomic_path, refuse_overwriting

if TYPE_CHECKING:
    import numpy as np

    from common.datasets.alignment import Alignment, Photo
    from common.editor import Editor
    from studio.settings import Made, Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCommand:
    """Makes images of the page again, bit for bit."""

    settings: Annotated[
        tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="SETTINGS [SETTINGS ...]")
    ]
    """The JSON files that the page handed out beside images, or folders of them."""
    out: Path
    """Folder for `<name of the settings>.png`, one for each."""
    photo: tuple[Path, ...] = ()
    """The photographs, where images are of such; each is known by its content."""
    run: Path | None = None
    """The run or folder of weights, where it is not the one in `weights/`."""
    animate: Path | None = None
    """A file for the animation of the edit, `.gif` or `.webp`; of one image."""


def replay(command: ReplayCommand) -> list[Path]:
    """Carries the command out; no image is written before all are made.

    Returns:
        The images.

    Raises:
        UserError: the settings, the photographs or the model are not those that made an image.
    """
    from studio.models import Models
    from studio.settings import png, read_settings, sha256

    models = Models([command.run] if command.run else ())
    made = []
    for file in settings_files(command.settings):
        settings = read_settings(file)
        name = next(iter(models.known)) if command.run else settings.model
        result = made_again(command, settings, models.editor(name))
        same = sha256(result.tobytes()) == settings.result_sha256
        made.append((command.out / f"{file.stem}.png", png(result), same))
    for file, content, same in made:
        with atomic_path(file) as temporary:
            temporary.write_bytes(content)
        logger.info("%s: %s", file, "the same image, bit for bit" if same else "another image")
    if not all(same for _, _, same in made):
        logger.warning("Another model of that name, or other versions, may have made the first.")
    return [file for file, _, _ in made]


def settings_files(paths: Sequence[Path]) -> list[Path]:
    """The files of settings that a command names, those of a folder by their names.

    Raises:
        UserError: none, a folder without any, or two of one name.
    """
    found: list[Path] = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise UserError(f"There are no settings, files that end in .json, in {path}.")
        found += files
    if not found:
        raise UserError("Name the settings of an image, or a folder of such files.")
    known: dict[str, Path] = {}
    for file in found:
        other = known.setdefault(file.stem, file)
        if other is not file:
            raise UserError(
                f"{other} and {file} would both make {file.stem}.png; leave one out, or rename it."
            )
    return found


def made_again(command: ReplayCommand, settings: Settings, editor: Editor) -> np.ndarray:
    """One image, uint8 `[H, W, C]`; its animation is written where the command names one.

    Raises:
        UserError: the settings do not fit the model.
    """
    from common.cli.edits import write_animation
    from studio.settings import frames_of, put_back

    photo = photo_of(command, settings)
    if settings.candidate is None:
        made, alignment = edited_again(editor, settings, photo)
        result = made.edited
        if photo is not None and alignment is not None:
            result = put_back(editor, photo, alignment, made, settings.paste)
        if command.animate is not None:
            write_animation(
                command.animate, frames_of(editor, made, photo, alignment, settings.paste)
            )
        return result
    return painted_again(editor, settings, photo)


def photo_of(command: ReplayCommand, settings: Settings) -> Photo | None:
    """The photograph of the settings, where they are of one.

    Raises:
        UserError: it is not named, or another one.
    """
    from common.datasets.alignment import read_photo

    file = photo_file(command, settings)
    return None if file is None else read_photo(file)


def photo_file(command: ReplayCommand, settings: Settings) -> Path | None:
    """The file of that photograph.

    Raises:
        UserError: it is not named, or another one.
    """
    from studio.settings import sha256

    if not settings.photo:
        return None
    if not command.photo:
        raise UserError(f"The image is of the photograph {settings.photo}: name it by --photo.")
    for file in command.photo:
        if sha256(file.read_bytes()) == settings.photo_sha256:
            return file
    are = "is another file" if len(command.photo) == 1 else "are other files"
    raise UserError(f"{', '.join(map(str, command.photo))} {are} than {settings.photo} was.")


def edited_again(
    editor: Editor, settings: Settings, photo: Photo | None
) -> tuple[Made, Alignment | None]:
    """The edit of a face or of a small picture, and where the face is in the photograph.

    Raises:
        UserError: the settings do not fit the model.
    """
    from studio.settings import align_as, along_of, face_of, from_text, make

    alignment = None if photo is None else align_as(settings, photo)
    if photo is None or alignment is None:
        image = from_text(settings.picture)
    else:
        image = face_of(editor, photo, alignment)
    a_pair = [from_text(one) for one in settings.pair]
    pair = (a_pair[0], a_pair[1]) if len(a_pair) == 2 else None
    along, copy = along_of(settings, editor), tuned_again(editor, settings, image)
    return make(editor, image, settings.values, pair, along, copy), alignment


def tuned_again(editor: Editor, settings: Settings, image: np.ndarray) -> Editor | None:
    """The copy that was tuned to the image by the steps of the settings; None for no steps.

    Raises:
        UserError: the steps are no number, or the model has no latent.
    """
    from common.tuning import Tuning, tuned
    from studio.settings import tunable

    steps, most = settings.tuned_steps, Tuning().steps
    if not isinstance(steps, int) or not 0 <= steps <= most:
        raise UserError(f"tuned_steps is {steps!r}; it is a whole number from 0 to {most}.")
    if not steps:
        return None
    logger.info("tuning again: %d steps", steps)
    return tuned(tunable(editor), image, Tuning(seconds=None, steps=steps)).editor


def painted_again(editor: Editor, settings: Settings, photo: Photo | None) -> np.ndarray:
    """What was painted, uint8 `[H, W, C]`.

    Raises:
        UserError: the model is not edited by strokes, or the settings are no painting's.
    """
    from common.strokes import StrokeEditor
    from studio.painting import Painting

    if not isinstance(editor, StrokeEditor):
        raise UserError("The image was painted, but this model is not edited by strokes.")
    painting = Painting(editor, settings, photo)
    painting.replay(settings.events)
    return painting.result(settings.candidate, settings.share, settings.on_photo)


def check(command: ReplayCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: settings that cannot be read, a photograph that is missing or would be replaced,
            or an animation that cannot be.
    """
    from common.cli.edits import ANIMATIONS
    from studio.settings import read_settings

    every = [read_settings(file) for file in settings_files(command.settings)]
    for file in command.photo:
        if not file.is_file():
            raise UserError(f"There is no photograph {file}.")
    refuse_overwriting(command.photo, command.out)
    for settings in every:
        photo_file(command, settings)
    if command.animate is None:
        return
    if len(every) > 1:
        raise UserError(f"--animate shows one edit, and there are settings of {len(every)}.")
    if command.animate.suffix.lower() not in ANIMATIONS:
        raise UserError(f"--animate {command.animate}: end the name in {' or '.join(ANIMATIONS)}.")
    if every[0].candidate is not None:
        raise UserError("--animate is for edits, and this was painted; leave it out.")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and replays."""
    carry_out(ReplayCommand, "python -m studio.replay", replay, arguments, check)


if __name__ == "__main__":
    main()
