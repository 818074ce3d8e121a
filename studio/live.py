"""Edits and comparisons over a WebSocket: the page says what it wants, pixels come back.

A message is JSON; an answer is JSON alone, or a length, JSON and the pixels of images, which the
page draws as they are. The page waits for an answer before it asks again, so that of many moves of
a slider only the last counts. Strokes are told one by one (`studio.brushes`).
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from common.editor import Editor, Pair
from common.errors import UserError
from common.transfer.flow import check_flow
from common.transfer.pasting import Paste
from studio.brushes import Brushes
from studio.directions import as_settings, followed
from studio.messages import answered, packed
from studio.sessions import Result
from studio.settings import Made, Settings, as_text, face_of, make
from studio.tuning import Tuner

if TYPE_CHECKING:
    from common.datasets.alignment import Alignment, Photo
    from studio.models import Model
    from studio.sessions import Session
    from studio.state import Studio

PASTES: tuple[Paste, ...] = get_args(Paste)
Subject: TypeAlias = "np.ndarray | tuple[Photo, Alignment]"


async def live(socket: WebSocket) -> None:
    """One page, until it closes."""
    studio, session = socket.app.state.studio, socket.scope["state"]["session"]
    await socket.accept()
    if session is None:
        await socket.send_json({"error": "Your session has ended; load the page again."})
        await socket.close()
        return
    session.sockets += 1
    running: asyncio.Task[None] | None = None
    brushes, tuner = Brushes(), Tuner()
    try:
        while True:
            told = json.loads(await socket.receive_text())
            session.seen = studio.sessions.now()
            if running is not None and told.get("do") in ("compare", "stop"):
                running.cancel()
            if told.get("do") == "compare":
                running = asyncio.create_task(answered(compare, socket, studio, session, told))
            elif told.get("do") == "edit":
                await answered(edit, socket, studio, session, told)
            elif told.get("do") == "paint":
                await answered(brushes.paint, socket, studio, session, told)
            elif told.get("do") == "tune":
                await answered(tuner.tune, socket, studio, session, told)
    except (WebSocketDisconnect, ValueError, AttributeError):
        pass
    finally:
        session.sockets -= 1
        session.seen = studio.sessions.now()
        if running is not None:
            running.cancel()
        brushes.close()
        tuner.close()


async def edit(socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]) -> None:
    """Edits the photograph's face or a small picture with the controls as they stand."""
    begun = time.perf_counter()
    model = studio.models.find(told.get("model"))
    values = told.get("values") or {}
    pair = pair_of(studio, session, told)

    # All that the answer depends on is taken now: an upload may come between.
    subject = subject_of(model, studio, session, told)
    copy = session.copy_of(model.name) if told.get("tuned") else None
    kept = followed(model, session, told)
    settings = settings_for(model, session, studio, told, pair)
    settings = replace(settings, directions=tuple(as_settings(*one) for one in kept))
    settings = replace(settings, tuned_steps=copy.steps if copy else 0)

    def task() -> Made:
        editor = studio.models.editor(model.name)
        along = [(one.direction, strength) for one, strength in kept]
        tuned = copy.editor if copy else None
        return make(editor, image_of(editor, subject), values, pair, along, tuned)

    made = await studio.work(task)
    photo, alignment = (None, None) if isinstance(subject, np.ndarray) else subject
    tab = "photo" if photo is not None else "digits"
    tab = "directions" if told.get("tab") == "directions" else tab
    if photo is session.photo or photo is None:
        session.results[tab] = Result(made, settings, photo, alignment)
    head = {
        "id": told.get("id"),
        "readings": made.readings,
        "milliseconds": round(1e3 * (time.perf_counter() - begun), 1),
    }
    images = {
        "original": made.original,
        "reconstruction": made.reconstruction,
        "edited": made.edited,
    }
    await socket.send_bytes(packed(head, images))


async def compare(
    socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]
) -> None:
    """Takes one image through every model of its kind, one answer each."""
    from common.metrics.pairs import pair_values

    kind = "digit" if told.get("picture") else "face"
    models = [model for model in studio.models.known.values() if model.outline.kind.noun == kind]
    for number, model in enumerate(models):
        control = next((c for c in model.outline.controls if c.name == told.get("control")), None)
        subject = subject_of(model, studio, session, told)
        turned = control is not None and not control.pair
        values = {control.name: control.on} if control is not None and turned else {}

        def task(
            name: str = model.name, values: dict[str, float] = values, subject: Subject = subject
        ) -> tuple[Made, dict[str, float], float]:
            editor = studio.models.editor(name)
            image = image_of(editor, subject)
            begun = time.perf_counter()
            made = make(editor, image, values)
            seconds = time.perf_counter() - begun
            measured = pair_values(made.original[None], made.reconstruction[None])
            return made, {key: float(one[0]) for key, one in measured.items()}, seconds

        made, measured, seconds = await studio.work(task)
        head = {
            "id": told.get("id"),
            "model": model.name,
            "package": model.package,
            "number": number + 1,
            "count": len(models),
            "edits": turned,
            "measured": measured,
            "milliseconds": round(1e3 * seconds, 1),
        }
        images = {"original": made.original, "reconstruction": made.reconstruction}
        await socket.send_bytes(packed(head, {**images, "edited": made.edited}))
    await socket.send_json({"id": told.get("id"), "done": True, "count": len(models)})


def subject_of(model: Model, studio: Studio, session: Session, told: dict[str, Any]) -> Subject:
    """What an edit begins with: a drawing, or the photograph and where its face is.

    Raises:
        UserError: there is none, or the model knows others.
    """
    kind = model.outline.kind
    if told.get("picture"):
        picture = studio.picture(session, told["picture"])
        if picture.shape != (kind.size, kind.size, kind.channels):
            raise UserError(f"This model knows {kind.noun}s, the picture is none; choose another.")
        return picture
    if kind.noun != "face":
        raise UserError(f"This model knows {kind.noun}s; choose one of faces.")
    return session.subject


def image_of(editor: Editor, subject: Subject) -> np.ndarray:
    """What the model sees of it, uint8 `[H, W, C]`."""
    return subject if isinstance(subject, np.ndarray) else face_of(editor, *subject)


def pair_of(studio: Studio, session: Session, told: dict[str, Any]) -> Pair | None:
    """The pictures without and with what a direction leads to."""
    pair = told.get("pair")
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    without, with_ = (studio.picture(session, name) for name in pair)
    return without, with_


def settings_for(
    model: Model, session: Session, studio: Studio, told: dict[str, Any], pair: Pair | None
) -> Settings:
    """What made an edit, for a download.

    Raises:
        UserError: there is no program that computes flow, which "transfer" needs.
    """
    values = {name: float(value) for name, value in (told.get("values") or {}).items()}
    if told.get("picture"):
        return Settings(
            package=model.package,
            model=model.name,
            values=values,
            picture=as_text(studio.picture(session, told["picture"])),
            pair=tuple(as_text(one) for one in pair or ()),
        )
    paste = told.get("paste")
    if paste == "transfer":
        check_flow()
    return Settings(
        package=model.package,
        model=model.name,
        values=values,
        **session.photo_settings,
        paste=paste if paste in PASTES else "difference",
    )
