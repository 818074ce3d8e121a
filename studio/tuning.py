"""Pivotal tuning of a model to the face of the tab Photo, slice by slice, over the WebSocket.

A slice takes a part of a second; between two of them other visitors have their turn. The tuned
copy belongs to the session and is forgotten with it, or with the photograph.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from common.errors import UserError
from common.tuning import Fitting, Tuning
from studio.messages import answered
from studio.sessions import Copy, Face
from studio.settings import face_of, tunable

if TYPE_CHECKING:
    from studio.models import Model
    from studio.sessions import Session
    from studio.state import Studio

SLICE = 0.25  # seconds of steps at a time, after which the page is told
LONGEST = 300.0  # seconds that a visitor may ask for


@dataclass(frozen=True, slots=True)
class Task:
    """What is tuned: a model, to which face, for how many seconds."""

    model: Model
    face: Face
    seconds: float


class Tuner:
    """The tuning that runs for one page."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None
        self._stopped = False

    def close(self) -> None:
        """Lets no more steps follow, and keeps none of them."""
        if self._running is not None:
            self._running.cancel()

    async def tune(
        self, socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]
    ) -> None:
        """One wish: `begin`, with a model and seconds, or `stop`, which keeps what is reached.

        Raises:
            UserError: it cannot be done.
        """
        if told.get("what") == "stop":
            self._stopped = True
            return
        if self._running is not None and not self._running.done():
            raise UserError("A tuning is running; stop it first.")
        model = studio.models.find(told.get("model"))
        tunable(model.outline)
        _ = session.subject  # refused now where there is no face
        task = Task(model, session.which_face, checked_seconds(told.get("seconds")))
        self._stopped = False

        async def run(*words: Any) -> None:
            await self._run(task, *words)

        self._running = asyncio.create_task(answered(run, socket, studio, session, told))

    async def _run(
        self, task: Task, socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]
    ) -> None:
        """Takes the steps, and keeps the copy that they lead to."""
        photo, alignment = session.subject

        def begin() -> Fitting[Any]:
            editor = tunable(studio.models.editor(task.model.name))
            return Fitting(editor, face_of(editor, photo, alignment), Tuning(seconds=task.seconds))

        try:
            fitting = await studio.work(begin)
            while not fitting.ended and not (self._stopped and fitting.steps):
                loss = await studio.work(take_slice, fitting)
                if session.which_face != task.face:
                    raise UserError("The face was changed, so its tuning has ended.")
                done = min(1.0, 1.0 - fitting.left / task.seconds)
                head = {"id": told.get("id"), "steps": fitting.steps, "loss": loss, "share": done}
                await socket.send_json(head)
            found = await studio.work(fitting.result)
            if session.which_face != task.face:
                raise UserError("The face was changed, so its tuning has ended.")
            session.copy = Copy(task.model.name, task.face, found.editor, found.steps)
            errors = {"before": found.before, "after": found.after, "steps": found.steps}
            await socket.send_json({"id": told.get("id"), "done": True, **errors})
        except (WebSocketDisconnect, RuntimeError):  # the page was closed meanwhile
            return


def take_slice(fitting: Fitting[Any]) -> float:
    """Takes steps for a part of a second; returns the last loss."""
    begun, loss = time.monotonic(), 0.0
    while not fitting.ended and (not loss or time.monotonic() - begun < SLICE):
        loss = fitting.step()
    return loss


def checked_seconds(seconds: Any) -> float:
    """The seconds of a tuning.

    Raises:
        UserError: no number from 1 to 300.
    """
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 1 <= seconds <= LONGEST:
        raise UserError(f"A tuning takes 1 to {LONGEST:.0f} seconds, not {seconds!r}.")
    return float(seconds)
