"""Directions of a visitor: made from pictures or from a model alone, kept, saved, loaded, followed.

They lie in the session, by ids that are made here. What the page calls a direction is a text
beside it; no name from the page reaches the file system.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.datasets import detection
from common.datasets.alignment import alignments, read_photo
from common.datasets.celeba.faces import HEIGHT, WIDTH
from common.directions.files import parsed, values_of
from common.directions.layers import latent_size, of_activations, of_weights
from common.directions.vectors import Direction, of_pairs, principal
from common.editor import Tunable
from common.errors import UserError
from common.files import shown
from studio.results import handed_out
from studio.sessions import Kept, Session
from studio.settings import checked_strength, face_of, tunable
from studio.state import Studio, session_of, shared
from studio.uploads import MOST_BYTES, body, check_pixels, json_body

if TYPE_CHECKING:
    from studio.models import Model

DRAWN = 500  # random codes whose activations are analysed; a second or a few
MOST_SAMPLES = 40  # pictures in a set
MOST_COUNT = 8  # directions that are found at once
NAME = 40  # characters of a name
MOST_TEXT = 2**20  # bytes of a direction's file: 100 numbers have two thousand


async def add_sample(request: Request) -> Response:
    """Takes a picture as the model sees it; answers with its id, and a note where one is due.

    The picture is the body; with `?photo` the face of the tab Photo, with `?random=SEED` what the
    model makes of a random code.
    """
    session, studio = session_of(request), shared(request)
    model = studio.models.find(request.query_params.get("model"))
    note = ""
    if "random" in request.query_params:
        seed = request.query_params["random"]
        if not seed.isdecimal() or len(seed) > 9:
            raise UserError("A random picture has a number of at most nine digits.")

        def draw() -> np.ndarray:
            editor = tunable(studio.models.editor(model.name))
            return editor.decode(editor.random(1, int(seed)))[0]

        picture = await studio.work(draw)
    elif "photo" in request.query_params:
        if model.outline.kind.noun != "face":
            raise UserError("This model knows no faces; choose a picture of your own.")
        picture = face_of(model.outline, *session.subject)
    else:
        name = shown(unquote(request.headers.get("x-name", "the picture")), 80)
        content = await body(request, MOST_BYTES)
        picture, note = await studio.work(sample_of, model, content, name)
    return JSONResponse({"picture": session.keep(picture), "note": note})


def sample_of(model: Model, content: bytes, name: str) -> tuple[np.ndarray, str]:
    """A file as the model sees it, uint8 `[H, W, C]`, and a note where no face is found in it.

    A face as large as CelebA's images, or as the model's, is aligned already, as the commands take
    it.

    Raises:
        UserError: it is no image.
    """
    check_pixels(content)
    photo, kind = read_photo(io.BytesIO(content), name), model.outline.kind
    if kind.noun != "face" or photo.image.size in ((WIDTH, HEIGHT), (kind.size, kind.size)):
        return kind.array(photo.image), ""
    faces = alignments(photo) if detection.installed() else []
    if faces:
        return face_of(model.outline, photo, faces[0]), ""
    return kind.array(photo.image), f"No face was found in {name}; its middle is taken."


async def make_new(request: Request) -> Response:
    """Makes directions; answers with all of the session.

    The body says `how`: "pictures", from the mean code of `without` to that of `with`; "varied",
    the principal components of the codes of `with`; "random", those of the first layer's answers to
    random codes; "layer", its singular vectors. `name`, and for all but the first `count`.
    """
    session, studio = session_of(request), shared(request)
    model = studio.models.find(request.query_params.get("model"))
    tunable(model.outline)
    told = await json_body(request)
    how, count, name = told.get("how"), checked_count(told.get("count", 1)), named(told.get("name"))
    sets = {
        side: pictures_of(model, studio, session, told.get(side)) for side in ("without", "with")
    }

    def find() -> list[Direction]:
        return found(tunable(studio.models.editor(model.name)), how, sets, count)

    directions = await studio.work(find)
    for number, direction in enumerate(directions, start=1):
        numbered = f"{name} {number}" if len(directions) > 1 else name
        session.hold(Kept(numbered, model.name, direction))
    return listed(session)


def found(
    editor: Tunable[Any], how: object, sets: dict[str, np.ndarray | None], count: int
) -> list[Direction]:
    """The directions that are asked for.

    Args:
        editor: the model.
        how: as of `make_new`.
        sets: pictures `without` and `with`, uint8 `[N, H, W, C]`; None for none.
        count: of directions.

    Raises:
        UserError: pictures are missing, or all alike.
    """
    without, with_ = sets["without"], sets["with"]
    match how:
        case "pictures":
            if without is None or with_ is None:
                raise UserError("A direction needs pictures without and with something; add both.")
            return [of_pairs(*(editor.encode(one).latent for one in (without, with_)))]
        case "varied":
            if with_ is None or len(with_) <= count:
                raise UserError(f"{count} directions need more than {count} pictures; add some.")
            return principal(editor.encode(with_).latent, count)
        case "random":
            return of_activations(editor, count, DRAWN)
        case "layer":
            return of_weights(editor, count)
    raise UserError("The page and the studio do not understand each other; load it again.")


async def load(request: Request) -> Response:
    """Takes the file of a direction, JSON, in the body; answers with all of the session."""
    session, studio = session_of(request), shared(request)
    model = studio.models.find(request.query_params.get("model"))
    content = await body(request, MOST_TEXT)
    file = shown(unquote(request.headers.get("x-name", "the file")), 80)

    def read() -> Direction:
        return parsed(content, file, latent_size(tunable(studio.models.editor(model.name))))

    direction = await studio.work(read)
    told = json.loads(content)
    name = named(told.get("name") or file.removesuffix(".json"))
    session.hold(
        Kept(name, model.name, dataclasses.replace(direction, origin=direction.origin[:200]))
    )
    return listed(session)


async def list_all(request: Request) -> Response:
    """All directions of the session."""
    return listed(session_of(request))


async def forget(request: Request) -> Response:
    """Removes a direction; answers with those that are left."""
    session_of(request).directions.pop(request.path_params["name"], None)
    return listed(session_of(request))


async def save(request: Request) -> Response:
    """The file of a direction, which `--direction` of the commands takes."""
    kept = session_of(request).directions.get(request.path_params["name"])
    if kept is None:
        raise UserError("There is no such direction any more; make it again.")
    text = json.dumps({"name": kept.name, **values(kept)}, indent=2) + "\n"
    plain = re.sub(r"[^\w-]+", "-", kept.name, flags=re.ASCII).strip("-")
    return handed_out(text.encode(), f"{plain or 'direction'}.json", "application/json")


def followed(model: Model, session: Session, told: dict[str, Any]) -> list[tuple[Kept, float]]:
    """The directions that an edit follows, in the session's order, and how far.

    Raises:
        UserError: one of another model, or that is no longer there, or a strength that is none.
    """
    along = told.get("along") or {}
    if not isinstance(along, dict) or any(name not in session.directions for name in along):
        raise UserError("There is no such direction any more; make it again.")
    strengths = {name: checked_strength(strength) for name, strength in along.items()}
    kept = [(one, strengths.get(name, 0.0)) for name, one in session.directions.items()]
    for one, strength in kept:
        if strength and one.model != model.name:
            raise UserError(f"The direction {one.name} is of {one.model}; choose that model.")
    return [(one, strength) for one, strength in kept if strength]


def as_settings(kept: Kept, strength: float) -> dict[str, Any]:
    """A direction that an edit followed, for its settings."""
    return {"name": kept.name, "strength": strength, **values(kept)}


def values(kept: Kept) -> dict[str, Any]:
    """What the file of a direction holds."""
    return {**values_of(kept.direction), "model": kept.model, "from": kept.direction.origin}


def listed(session: Session) -> Response:
    """All directions of a session, as the page shows them."""
    return JSONResponse(
        [
            {"id": key, "name": one.name, "model": one.model, "origin": one.direction.origin}
            for key, one in session.directions.items()
        ]
    )


def pictures_of(model: Model, studio: Studio, session: Session, names: object) -> np.ndarray | None:
    """Pictures by their ids, uint8 `[N, H, W, C]`; None for none.

    Raises:
        UserError: they are too many, gone, or of another kind.
    """
    if not isinstance(names, list) or not names:
        return None
    if len(names) > MOST_SAMPLES:
        raise UserError(f"A set has at most {MOST_SAMPLES} pictures, not {len(names)}.")
    pictures = [studio.picture(session, name) for name in names]
    kind = model.outline.kind
    if any(one.shape != (kind.size, kind.size, kind.channels) for one in pictures):
        raise UserError(f"Some pictures are no {kind.noun}s of this model; add them again.")
    return np.stack(pictures)


def checked_count(count: object) -> int:
    """How many directions.

    Raises:
        UserError: no whole number from 1 to 8.
    """
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= MOST_COUNT:
        return count
    raise UserError(f"Directions at once: 1 to {MOST_COUNT}, not {count!r}.")


def named(name: object) -> str:
    """A name as the page shows it."""
    return shown(str(name or "").strip(), NAME) or "direction"
