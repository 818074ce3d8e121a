"""What all requests share: models, runs, visitors, examples, and whose turn it is.

One computation runs at a time, whoever asks: two would only share the same cores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
import numpy as np

from common.datasets.folder import as_array, as_mode, decode
from common.errors import UserError
from common.files import ROOT
from studio.models import Models
from studio.runs import Runs
from studio.sessions import Session, Sessions

T = TypeVar("T")


class Studio:
    """What all requests share.

    Args:
        models: the trained models.
        runs: the trainings.
    """

    def __init__(self, models: Models, runs: Runs):
        self.models = models
        self.runs = runs
        self.sessions = Sessions()
        self.presets = presets()
        self._turn = asyncio.Lock()

    async def work(self, task: Callable[..., T], *arguments: Any) -> T:
        """Does work in a thread when it is its turn."""
        async with self._turn:
            return await anyio.to_thread.run_sync(task, *arguments)

    def picture(self, session: Session, name: object) -> np.ndarray:
        """A small picture of the session or an example, uint8 `[H, W, C]`.

        Raises:
            UserError: there is none of that name.
        """
        found = session.pictures.get(str(name), self.presets.get(str(name)))
        if found is None:
            raise UserError("Draw or choose a picture first.")
        return found


def presets() -> dict[str, np.ndarray]:
    """The examples by name, such as `digits/digit-3` and `pairs/thin`."""
    files = [
        file for one in ("digits", "pairs") for file in (ROOT / "examples" / one).glob("*.png")
    ]
    return {
        f"{file.parent.name}/{file.stem}": as_array(as_mode(decode(file), "L"))
        for file in sorted(files)
    }


def shared(request: Any) -> Studio:
    """What all requests share."""
    return request.app.state.studio


def session_of(request: Any) -> Session:
    """The visitor of a request."""
    return request.scope["state"]["session"]
