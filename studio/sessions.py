"""What the page keeps of a visitor, in memory alone, and for how long."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from common.datasets.alignment import Alignment, Photo
from common.directions.vectors import Direction
from common.editor import Editor
from common.errors import UserError
from studio.painting import Painting
from studio.settings import Made, Settings

MOST = 64  # visitors at a time; the one who was away longest gives way
IDLE = 30 * 60.0  # seconds without a request, after which a session ends
GRACE = 60.0  # seconds that a closed page may take to come back, such as for a reload
PICTURES = 96  # drawings and small pictures that a session holds
DIRECTIONS = 32  # that a session holds

Face: TypeAlias = tuple[str, int, tuple[float, ...]]  # the file's hash, which face, placed eyes


@dataclass(frozen=True, slots=True)
class Result:
    """The last edit of a tab: what it made, of what, and the settings of it."""

    made: Made
    settings: Settings
    photo: Photo | None = None
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A direction of a visitor: its name, and the model that it is of."""

    name: str
    model: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Copy:
    """A model whose decoder is fitted to one face of a photograph.

    Attributes:
        model: its name.
        face: `Session.which_face` at that time.
        editor: with the fitted decoder.
        steps: that were done.
    """

    model: str
    face: Face
    editor: Editor
    steps: int


@dataclass(slots=True)
class Session:
    """One visitor.

    Attributes:
        photo: the photograph; and its name, its file's hash and the faces found in it.
        face: which of the faces is edited, from 1.
        landmarks: places of both eyes, where the visitor has set them.
        pictures: drawings and small pictures by their ids.
        directions: by their ids.
        copy: the one tuned model.
        results: the last edit of each tab.
        brought: the name, the file's hash and the pixels of a picture to paint on.
        painting: what is painted.
        sockets: pages that are open.
        seen: when it last asked for something.
    """

    photo: Photo | None = None
    photo_name: str = ""
    photo_sha256: str = ""
    faces: list[Alignment] = field(default_factory=list)
    face: int = 1
    landmarks: tuple[float, ...] = ()
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    directions: dict[str, Kept] = field(default_factory=dict)
    copy: Copy | None = None
    results: dict[str, Result] = field(default_factory=dict)
    brought: tuple[str, str, Photo] | None = None
    painting: Painting | None = None
    sockets: int = 0
    seen: float = 0.0

    def keep(self, picture: np.ndarray) -> str:
        """Keeps a drawing; returns its id. The oldest gives way."""
        if len(self.pictures) >= PICTURES:
            del self.pictures[next(iter(self.pictures))]
        name = f"drawn-{secrets.token_hex(4)}"
        self.pictures[name] = picture
        return name

    def hold(self, kept: Kept) -> str:
        """Keeps a direction; returns its id.

        Raises:
            UserError: there are too many.
        """
        if len(self.directions) >= DIRECTIONS:
            raise UserError(f"The page holds {DIRECTIONS} directions; remove one first.")
        name = f"direction-{secrets.token_hex(4)}"
        self.directions[name] = kept
        return name

    @property
    def which_face(self) -> Face:
        """The photograph and the face in it, as a key."""
        return self.photo_sha256, self.face, self.landmarks

    def copy_of(self, model: str) -> Copy:
        """The copy of a model that is tuned to the face that is edited.

        Raises:
            UserError: there is none.
        """
        if self.copy is None or (self.copy.model, self.copy.face) != (model, self.which_face):
            raise UserError("No copy of this model is tuned to this face; tune one first.")
        return self.copy

    @property
    def subject(self) -> tuple[Photo, Alignment]:
        """The photograph and where the face is that is edited.

        Raises:
            UserError: there is no photograph, or no face in it.
        """
        if self.photo is None:
            raise UserError("Choose a photograph first.")
        if not self.faces:
            raise UserError("No face is found; click on both eyes in the photograph.")
        return self.photo, self.faces[self.face - 1]

    @property
    def photo_settings(self) -> dict[str, Any]:
        """What the settings of an edit say of the photograph."""
        return {
            "photo": self.photo_name,
            "photo_sha256": self.photo_sha256,
            "face": self.face,
            "landmarks": self.landmarks,
        }


class Sessions:
    """All visitors by the secret in their cookie.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._all: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._all)

    def now(self) -> float:
        """The time by its clock, in seconds."""
        return self._clock()

    def find(self, secret: str | None) -> Session | None:
        """The session of a cookie, if it has not ended."""
        self.sweep()
        session = self._all.get(secret or "")
        if session is not None:
            session.seen = self._clock()
        return session

    def begin(self) -> str:
        """A new session; returns its secret."""
        self.sweep()
        while len(self._all) >= MOST:
            del self._all[min(self._all, key=lambda one: self._all[one].seen)]
        secret = secrets.token_urlsafe(24)
        self._all[secret] = Session(seen=self._clock())
        return secret

    def sweep(self) -> None:
        """Ends sessions whose page is closed, or that nobody has used for long."""
        now = self._clock()
        for secret, session in list(self._all.items()):
            if now - session.seen > (IDLE if session.sockets else GRACE):
                del self._all[secret]
