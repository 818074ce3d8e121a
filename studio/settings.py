"""What made an image: everything that the page was told, in a file that a command replays."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
from PIL import Image

from common.cli.edits import STEPS, frames_in
from common.datasets.alignment import Alignment, Photo, align
from common.directions.files import parsed
from common.directions.layers import latent_size
from common.directions.vectors import Direction, moved
from common.editor import Control, Edited, Editor, Pair, Tunable, path_of
from common.errors import UserError
from common.files import shown
from common.kinds import Faces
from common.transfer.motion import FRAMES
from common.transfer.pasting import Paste, changes, pasted

PAINTED = 1600  # pixels of the longer side of a picture that is painted on: an edit takes a second
FARTHEST = 10.0  # strength of a direction; strength 1 is its own step

Along: TypeAlias = Sequence[tuple[Direction, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """An edit of one image.

    Attributes:
        package: of the model's paper.
        model: its name.
        values: name of a control -> value; those that were not turned are missing.
        photo: name of the photograph; empty for a digit.
        photo_sha256: of the file.
        face: which face of it.
        landmarks: x and y of both eyes in its pixels, where a person has placed them.
        paste: how the edit was put back into it.
        invert: the photograph is dark on white, where the model knows white on dark.
        picture: a digit, PNG in base64.
        pair: two of them, without and with, where a control goes along a direction.
        directions: along which z went besides, in their order: `name`, `strength`, and what their
            files hold.
        tuned_steps: of the tuning to the face before the edit; 0 for none.
        seed: of a painting's candidates.
        events: all that was done in it (`studio.painting`); strokes, and steps between them.
        candidate: the one that was chosen; None where nothing is painted.
        share: of the way from the start to it, 0 to 1.
        on_photo: whether its edit was done to the photograph.
        result_sha256: of the pixels of the result.
    """

    package: str
    model: str
    values: dict[str, float] = field(default_factory=dict)
    photo: str = ""
    photo_sha256: str = ""
    face: int = 1
    landmarks: tuple[float, ...] = ()
    paste: Paste = "difference"
    invert: bool = False
    picture: str = ""
    pair: tuple[str, ...] = ()
    directions: tuple[dict[str, Any], ...] = ()
    tuned_steps: int = 0
    seed: int = 0
    events: tuple[dict[str, Any], ...] = ()
    candidate: int | None = None
    share: float = 1.0
    on_photo: bool = False
    result_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What an edit makes of one image: uint8 `[H, W, C]` each, and what the model reads in it.

    Attributes:
        edit: with the codes, for the way from the reconstruction to the edited image.
    """

    original: np.ndarray
    reconstruction: np.ndarray
    edited: np.ndarray
    readings: dict[str, float]
    edit: Edited


def make(
    editor: Editor,
    image: np.ndarray,
    values: dict[str, float],
    pair: Pair | None = None,
    along: Along = (),
    tuned: Editor | None = None,
) -> Made:
    """Edits one image.

    Args:
        editor: the trained model.
        image: uint8 `[H, W, C]`.
        values: what the controls are turned to.
        pair: without and with, for a control that goes along a direction.
        along: directions that z goes along besides, and how far.
        tuned: the editor with a decoder that is fitted to the image.

    Raises:
        UserError: the model does not know what is asked for.
    """
    model = tuned or editor
    edited = model.edit(image[None], model.request(checked_values(values, editor), pair))
    if along:
        codes = moved(edited.codes, [one for one, _ in along], [strength for _, strength in along])
        edited = replace(edited, codes=codes, images=model.decode(codes))
    if tuned is not None:
        edited = replace(edited, tuned=[tuned])
    readings = {name: float(one[0]) for name, one in editor.readings(edited.inputs).items()}
    reconstruction = model.decode(edited.inputs)[0]
    return Made(image, reconstruction, edited.images[0], readings, edited)


def along_of(settings: Settings, editor: Editor) -> Along:
    """The directions of the settings, and how far they were followed.

    Raises:
        UserError: they are none, or of a model with other codes.
    """
    found = []
    for told in settings.directions:
        name = shown(str(told.get("name", "a direction")), 80)
        direction = parsed(json.dumps(told), name, latent_size(tunable(editor)))
        found.append((direction, checked_strength(told.get("strength"))))
    return found


def tunable(editor: Editor) -> Tunable[Any]:
    """The editor, if it has a latent.

    Raises:
        UserError: it has none.
    """
    if not isinstance(editor, Tunable):
        raise UserError("This model has no latent; choose another one.")
    return editor


def checked_strength(strength: Any) -> float:
    """How far along a direction.

    Raises:
        UserError: no number between -10 and 10.
    """
    number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not number or not -FARTHEST <= strength <= FARTHEST:
        raise UserError(
            f"The strength of a direction is {strength!r}; give a number between -{FARTHEST:g} "
            f"and {FARTHEST:g}."
        )
    return float(strength)


def checked_values(values: Any, editor: Editor) -> dict[str, float]:
    """The values of controls, as they came from a page or a file.

    Raises:
        UserError: a control that the model does not have, or a value that it does not allow.
    """
    known: dict[str, Control] = {control.name: control for control in editor.controls}
    checked = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        if name not in known:
            raise UserError(f"The model has no control {name!r}; it has {', '.join(known)}.")
        control = known[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not control.low <= value <= control.high:
            raise UserError(
                f"{name} must be a number between {control.low:g} and {control.high:g}."
            )
        checked[name] = float(value)
    return checked


def face_of(editor: Editor, photo: Photo, alignment: Alignment) -> np.ndarray:
    """The aligned face of a photograph as the model sees it, uint8 `[S, S, 3]`."""
    return editor.kind.array(alignment.framed(photo))


def put_back(
    editor: Editor, photo: Photo, alignment: Alignment, made: Made, how: Paste
) -> np.ndarray:
    """The photograph with the edit, uint8 `[H, W, 3 or 4]`; with "none" the edited face alone.

    Raises:
        UserError: there is no program that computes flow, which "transfer" needs.
    """
    if how == "none" or not isinstance(editor.kind, Faces):
        return made.edited
    path = path_of(editor, made.edit, 0, FRAMES)
    return pasted(photo, alignment, editor.kind, changes(path, how)[-1])


def frames_of(
    editor: Editor, made: Made, photo: Photo | None, alignment: Alignment | None, how: Paste
) -> Sequence[np.ndarray]:
    """Nine images from nothing to all of an edit, uint8 `[H, W, C]`; a photograph made smaller."""
    if photo is None or alignment is None or how == "none":
        return list(path_of(editor, made.edit, 0, STEPS))
    return frames_in(photo, alignment, how, made.edit, editor)


def align_as(settings: Settings, photo: Photo) -> Alignment:
    """Where the face of the settings is in their photograph."""
    return align(photo, settings.photo, settings.face, landmarks=settings.landmarks or None)


def start_image(
    settings: Settings, photo: Photo | None, face: tuple[Photo, Alignment] | None
) -> np.ndarray | None:
    """The image from which a painting starts, uint8 `[H, W, 1 or 3]`; None for nothing."""
    if settings.picture:
        return from_text(settings.picture)
    if face is not None:
        return np.asarray(face[1].framed(face[0]))
    if photo is None:
        return None
    pixels = lessened(photo).pixels
    return 255 - pixels if settings.invert else pixels


def lessened(photo: Photo) -> Photo:
    """The photograph in RGB with at most `PAINTED` pixels on a side."""
    image = photo.image.copy()
    image.thumbnail((PAINTED, PAINTED))
    return Photo(np.asarray(image))


def to_text(settings: Settings) -> str:
    """The file that the page hands out."""
    file = f" --photo {settings.photo!r}" if settings.photo else ""
    replay = f"python -m studio.replay edit.json{file} --out DIR"
    return json.dumps({"replay": replay, **asdict(settings)}, indent=2) + "\n"


def read_settings(file: Path) -> Settings:
    """Reads what `to_text` wrote.

    Raises:
        UserError: it is no such file.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        told.pop("replay", None)
        for name in ("pair", "landmarks", "events"):
            told[name] = tuple(told[name])
        told["directions"] = tuple(dict(one) for one in told.get("directions", ()))
        settings = Settings(**told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{file} is not what the page hands out beside an image ({type(error).__name__})."
        ) from error
    if settings.paste not in get_args(Paste):
        raise UserError(f"{file}: paste is {settings.paste!r}, not one of {get_args(Paste)}.")
    return settings


def png(image: np.ndarray) -> bytes:
    """A uint8 image `[H, W, 1, 3 or 4]` as PNG."""
    held = io.BytesIO()
    pixels = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(np.ascontiguousarray(pixels)).save(held, format="PNG")
    return held.getvalue()


def as_text(image: np.ndarray) -> str:
    """A small image as PNG in base64."""
    return base64.b64encode(png(image)).decode()


def from_text(text: str) -> np.ndarray:
    """The image of `as_text`, uint8 `[H, W, C]`.

    Raises:
        UserError: it is none.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as one:
            return np.asarray(one).reshape(one.height, one.width, -1)
    except (OSError, SyntaxError, ValueError, binascii.Error) as error:
        raise UserError("The picture in the settings is no PNG in base64.") from error


def sha256(content: bytes) -> str:
    """The hash of bytes, such as those of a file or of pixels."""
    return hashlib.sha256(content).hexdigest()
