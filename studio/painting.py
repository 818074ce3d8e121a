"""A painting: one visitor's session of strokes, and all that was done in it, which replays.

The server keeps strokes and latents, and no image but the photograph from which it may start. What
a session shows is a function of the calls and of their order (`common.strokes.StrokeSession`), so
the record of the calls makes each of its images again, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from common.datasets.alignment import Alignment, Photo
from common.errors import UserError
from common.kinds import Faces, Kind
from common.strokes import Candidates, StrokeEditor, StrokeSession
from common.transfer.pasting import changes, pasted
from studio.settings import Settings, align_as, start_image

SLICE = 2  # steps at a time, after which the candidates are shown
STEPS = 40  # after each change of the strokes, as in the paper's own session
MOST = 300  # strokes, undos and the like in one painting
LONGEST = 10_000  # slices at a stretch
POINTS = 2000  # of a stroke


class Painting:
    """What a visitor paints with one model.

    Args:
        editor: of the model.
        settings: its name, the seed of the candidates, and what `photo` is.
        photo: from which it starts, of a model of faces with the face in it; None for nothing, or
            for the small picture of the settings.

    Attributes:
        shown: the candidates as they are.
        events: all that was done, in order: a stroke, an undo, so many slices of steps.
        left: steps to go.
        has_start: whether there is an image from which the candidates lead away.
    """

    def __init__(self, editor: Any, settings: Settings, photo: Photo | None = None):
        self._settings = settings
        self.events: list[dict[str, Any]] = []
        self.left = 0
        self._editor: StrokeEditor = editor
        self._kind: Kind = editor.kind
        self._face: tuple[Photo, Alignment] | None = None
        if photo is not None and isinstance(self._kind, Faces):
            self._face = photo, align_as(settings, photo)
        start = start_image(settings, photo, self._face)
        self.has_start = self.has_photo = start is not None
        self._strokes: list[Any] = []
        self._undone: list[Any] = []
        self._session: StrokeSession = editor.session(settings.seed)
        if start is not None:
            self._session.set_photo(start)
        self.shown: Candidates = self._session.candidates()

    def act(self, event: dict[str, Any]) -> None:
        """Does one thing: a stroke, an undo, a redo, a fix, or steps.

        Args:
            event: `do` says which; a stroke has `stroke` and the `number` on which it was drawn, a
                fix `number` and `share`, steps have `times` slices.

        Raises:
            UserError: it is none of these, or cannot be done.
        """
        if sum(one["do"] != "steps" for one in self.events) >= MOST:
            raise UserError("This painting has become too long; start again.")
        match event.get("do"):
            case "stroke":
                self._stroke(event)
            case "undo" if self._session.undo():
                self._undone.append(self._strokes.pop())
                self._record({"do": "undo"})
                self.left = 0
            case "redo" if self._session.redo():
                self._strokes.append(self._undone.pop())
                self._record({"do": "redo"})
                self.left = STEPS
            case "fix":
                self._fix(event)
            case "steps":
                times = event.get("times", STEPS // SLICE)
                if not isinstance(times, int) or not 0 < times <= LONGEST:
                    raise UserError(f"{times!r} is no number of steps.")
                self.left = SLICE * times
            case "undo" | "redo":
                pass  # there is nothing to take back, or to draw again
            case other:
                raise UserError(f"The studio does not know what {other!r} is; load the page again.")
        self.shown = self._session.candidates()

    def go_on(self) -> None:
        """Takes one slice of the steps that are left."""
        self._session.step(SLICE)
        self.shown = self._session.candidates()
        self.left = max(0, self.left - SLICE)
        if self.events and self.events[-1]["do"] == "steps":
            self.events[-1]["times"] += 1
        else:
            self.events.append({"do": "steps", "times": 1})

    def replay(self, events: Sequence[Any]) -> None:
        """Does again what a painting has recorded.

        Raises:
            UserError: it is no such record.
        """
        for event in events:
            if not isinstance(event, dict):
                raise UserError(f"{event!r} is nothing that was done in a painting.")
            self.act(event)
            while event["do"] == "steps" and self.left:
                self.go_on()

    def frames(self, number: object) -> np.ndarray:
        """Images from the start to a candidate, uint8 `[T, H, W, C]`.

        Raises:
            UserError: there is no such candidate.
        """
        return self._session.frames(self._number(number))

    def result(self, number: object, share: float, on_photo: bool) -> np.ndarray:
        """A candidate, or a point on the way to it, uint8 `[H, W, C]`; or the photo edited so.

        A face is put back into the whole photograph, as `--paste transfer` does it.

        Raises:
            UserError: there is no such candidate, or no photo.
        """
        if on_photo and self._face is not None and isinstance(self._kind, Faces):
            path = self._session.photo_frames(self._number(number))
            return pasted(*self._face, self._kind, changes(path, "transfer")[-1])
        if on_photo:
            edited = self._session.edited_photo(self._number(number))
            return 255 - edited if self._settings.invert else edited
        frames = self.frames(number)
        return frames[round(checked_share(share) * (len(frames) - 1))]

    def settings(self, number: int, share: float, on_photo: bool) -> Settings:
        """What makes that result again."""
        events = tuple(dict(event) for event in self.events)
        place = {"candidate": number, "share": share, "on_photo": on_photo}
        return replace(self._settings, events=events, **place)

    @property
    def facts(self) -> dict[str, Any]:
        """What the page shows beside the images."""
        return {
            "model": self._settings.model,
            "seed": self._settings.seed,
            "strokes": self._strokes,
            "can_redo": bool(self._undone),
            "has_start": self.has_start,
            "has_photo": self.has_photo,
            "running": self.left > 0,
        }

    def _stroke(self, event: dict[str, Any]) -> None:
        """Draws one more stroke."""
        values = event.get("stroke")
        points = values.get("points") if isinstance(values, dict) else None
        if isinstance(points, list) and len(points) > POINTS:
            raise UserError(f"A stroke has at most {POINTS} points; this has {len(points)}.")
        stroke = self._editor.stroke(values)
        number = event.get("number")
        self._session.add_stroke(stroke, None if number is None else self._number(number))
        self._strokes.append(values)
        self._undone.clear()
        self._record({"do": "stroke", "stroke": values, "number": number})
        self.left = STEPS

    def _fix(self, event: dict[str, Any]) -> None:
        """Makes a candidate, or a point on the way to it, the new start."""
        number, share = self._number(event.get("number")), checked_share(event.get("share", 1.0))
        self._session.fix(number, share)
        self._record({"do": "fix", "number": number, "share": share})
        self.has_start = True
        self.left = STEPS if self._strokes else 0

    def _number(self, number: object) -> int:
        """A number of a candidate that is shown.

        Raises:
            UserError: it is none.
        """
        if isinstance(number, int) and number in self.shown.numbers:
            return number
        raise UserError("This candidate is no longer there; choose one that is shown.")

    def _record(self, event: dict[str, Any]) -> None:
        self.events.append(event)


def checked_share(share: object) -> float:
    """A share of the way to a candidate.

    Raises:
        UserError: it is not between 0 and 1.
    """
    if isinstance(share, int | float) and 0 <= share <= 1:
        return float(share)
    raise UserError("A share of the way is between 0 and 1.")
