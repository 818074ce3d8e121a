"""The tab Brushes over the WebSocket: strokes come, candidates go back after each slice of steps.

The worker takes one slice at a time and serves whoever waits longest, so visitors who paint take
turns. A stroke that comes meanwhile is drawn before the next slice: the newest counts at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from common.errors import UserError
from common.settings.config import check_seed
from common.strokes import StrokeEditor
from studio.messages import answered, packed
from studio.painting import Painting
from studio.settings import Settings, as_text

if TYPE_CHECKING:
    from common.datasets.alignment import Photo
    from studio.models import Model
    from studio.sessions import Session
    from studio.state import Studio


class Brushes:
    """What one page paints, and the steps that run for it."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Lets no more steps follow."""
        if self._running is not None:
            self._running.cancel()

    async def paint(
        self, socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]
    ) -> None:
        """One wish: `begin`, `look`, `stop`, `frames`, or an event of `Painting.act`."""
        what, event = told.get("what"), told.get("event")
        if what == "begin":
            await begin(studio, session, told)
        painting = painting_of(session)
        if what == "frames":
            frames = await studio.work(painting.frames, told.get("number"))
            head = {"id": told.get("id"), "frames": len(frames), "number": told.get("number")}
            await socket.send_bytes(packed(head, {"strip": strip(frames)}))
            return
        if what == "stop":
            painting.left = 0
        elif what == "act":
            await studio.work(painting.act, event if isinstance(event, dict) else {})
        elif what not in ("begin", "look"):
            raise UserError("The page and the studio do not understand each other; load it again.")
        await show(socket, painting, told)
        if painting.left and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(answered(run, socket, studio, session, told))


async def run(socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]) -> None:
    """Takes the steps that are left, slice by slice, and shows the candidates after each."""
    try:
        while (painting := session.painting) is not None and painting.left:
            await studio.work(painting.go_on)
            await show(socket, painting, told)
    except (WebSocketDisconnect, RuntimeError):  # the page was closed meanwhile
        return


async def show(socket: WebSocket, painting: Painting, told: dict[str, Any]) -> None:
    """Sends the candidates as one strip, and what the page shows beside them."""
    shown = painting.shown
    head = {
        "id": told.get("id"),
        "numbers": shown.numbers.tolist(),
        "costs": [round(float(cost), 4) for cost in shown.costs],
        **painting.facts,
    }
    await socket.send_bytes(packed(head, {"strip": strip(shown.images)}))


async def begin(studio: Studio, session: Session, told: dict[str, Any]) -> None:
    """A new painting of the session, from nothing or from its picture.

    Raises:
        UserError: the model has no brushes, or there is no picture.
    """
    model = studio.models.find(told.get("model"))
    if not isinstance(model.outline, StrokeEditor):
        raise UserError("This model is not edited by strokes; choose another one.")
    settings, photo = start_of(model, studio, session, told)

    def task() -> Painting:
        editor = studio.models.editor(model.name)
        return Painting(editor, settings, photo)

    session.painting = await studio.work(task)


def start_of(
    model: Model, studio: Studio, session: Session, told: dict[str, Any]
) -> tuple[Settings, Photo | None]:
    """The settings of a new painting, and the photograph from which it starts.

    A face starts from the photograph of the tab Photo, a digit from the one on the pad, another
    picture from what was brought for it.

    Raises:
        UserError: there is no such picture yet, or a seed that is none.
    """
    seed = told.get("seed", 0)
    if not isinstance(seed, int):
        raise UserError("The seed is a whole number.")
    check_seed(seed)
    settings = Settings(package=model.package, model=model.name, seed=seed)
    if not told.get("from_picture"):
        return settings, None
    if model.outline.kind.noun == "digit":
        picture = studio.picture(session, told.get("picture"))
        return replace(settings, picture=as_text(picture)), None
    if model.outline.kind.noun == "face":
        photo, _ = session.subject
        return replace(settings, **session.photo_settings), photo
    if session.brought is None:
        raise UserError("Choose a picture first.")
    name, sha256, photo = session.brought
    invert = bool(told.get("invert"))
    return replace(settings, photo=name, photo_sha256=sha256, invert=invert), photo


def painting_of(session: Session) -> Painting:
    """The painting of a visitor.

    Raises:
        UserError: there is none.
    """
    if session.painting is None:
        raise UserError("Nothing is painted yet; choose a model.")
    return session.painting


def strip(images: np.ndarray) -> np.ndarray:
    """Images `[K, H, W, C]` below each other, `[K H, W, C]`."""
    return images.reshape(-1, *images.shape[2:])
