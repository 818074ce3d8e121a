"""What an editor has beside the members of `common.editor.Editor` where it is edited by strokes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, slots=True)
class Candidates:
    """Images that follow the strokes of a session, the best first.

    Attributes:
        numbers: by which the session knows them, `[K]`.
        costs: how far each is from what is asked for, `[K]`.
        images: uint8 `[K, H, W, C]`.
    """

    numbers: np.ndarray
    costs: np.ndarray
    images: np.ndarray


class StrokeSession(Protocol):
    """One person's editing of one image by strokes.

    What it shows is a function of the calls and of their order, to the bit: a page replays them.
    """

    def set_photo(self, photo: np.ndarray) -> None:
        """Starts anew from what a photo becomes, uint8 `[H, W, 1 or 3]`: its middle square."""
        ...

    def add_stroke(self, stroke: Any, number: int | None = None) -> None:
        """One more stroke; the candidates go on from where they are.

        Args:
            stroke: what the editor's `stroke` has made.
            number: of the candidate on which it was drawn; the best by default.
        """
        ...

    def undo(self) -> bool:
        """Takes the last stroke back, and the candidates with it; whether there was one."""
        ...

    def redo(self) -> bool:
        """Draws the stroke again that was taken back last; whether there was one."""
        ...

    def step(self, steps: int) -> object:
        """Moves all candidates towards what the strokes ask for."""
        ...

    def fix(self, number: int, share: float = 1.0) -> None:
        """Makes a candidate, or a point on the way to it, 0 to 1, the new start."""
        ...

    def candidates(self) -> Candidates:
        """The candidates to show."""
        ...

    def frames(self, number: int) -> np.ndarray:
        """Images from the start to a candidate, uint8 `[T, H, W, C]`; the last is the candidate."""
        ...

    def photo_frames(self, number: int) -> np.ndarray:
        """Images from the photo's projection to a candidate, uint8 `[T, H, W, 3]`.

        Raises:
            UserError: there is no photo.
        """
        ...

    def edited_photo(self, number: int) -> np.ndarray:
        """The photo with the edit of a candidate, uint8 `[H, W, 3]`.

        Raises:
            UserError: there is no photo, or something is missing that this takes.
        """
        ...


@runtime_checkable
class StrokeEditor(Protocol):
    """What an editor has beside the members of `Editor` where it is edited by strokes.

    It is optional: `isinstance(editor, StrokeEditor)` says whether an editor has it.
    """

    @property
    def subjects(self) -> str:
        """What its images show, in the plural, such as "shoes"."""
        ...

    @property
    def brushes(self) -> Mapping[str, float]:
        """Kinds of strokes -> width of the brush in pixels of the model's images."""
        ...

    def stroke(self, values: Any) -> Any:
        """The stroke that a JSON object describes.

        It has `kind`, `points` (x and y from 0 to 1 of the shown image's sides), and may have
        `colour` (RGB, 0 to 255) and `width` (pixels of the model's images).

        Raises:
            UserError: it describes none.
        """
        ...

    def session(self, seed: int = 0) -> StrokeSession:
        """A new session that starts from nothing, with the seed of its candidates."""
        ...
