"""One user's editing of one image, without any window: what a script and a web page drive.

A session starts from a photo, which is projected, from latents, or from scratch. Strokes become
constraints, `step` moves all candidates, `fix` makes what is liked the new start, and `transfer`
brings the edit to the photo.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from PIL import Image

from common.errors import UserError
from common.strokes import Candidates
from common.transfer.motion import FRAMES
from common.transfer.photo import transferred
from igan import candidates as rules
from igan.codes import Codes, ManifoldEditor, Method, Paint
from igan.constraints import constraints_of
from igan.manipulation import Costs, Manipulator, State
from igan.photo import middle_square, pasted
from igan.strokes import Drawing, Stroke, drawn, framed
from igan.weights import Weights

CANDIDATES = 16  # latents that move together; [C] takes 64 on a GPU
STEPS = 40  # after each change of the strokes [C]
PROJECTED = 100  # iterations of L-BFGS-B for a photo, at most: about a second; ours
PATIENCE, LEAST_GAIN = 10, 1e-3  # stop when the best cost fell by less, so many steps long; ours


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stroke that was drawn.

    Attributes:
        stroke: what was drawn.
        source: the image that a warp moves, `[S, S, C]` in [-1, 1].
        before: where the candidates were; None where another start has been fixed since.
        steps: that they had taken there.
    """

    stroke: Stroke
    source: np.ndarray | None
    before: State | None
    steps: int


class EditSession:
    """The state of an editing: photo, start, strokes and candidates.

    Args:
        editor: the trained model.
        count: candidates that move together.
        most: candidates to show, at most.
        weights: of the terms of the objective.
        seed: of all draws.
    """

    def __init__(
        self,
        editor: ManifoldEditor,
        *,
        count: int = CANDIDATES,
        most: int = rules.SHOWN,
        weights: Weights | None = None,
        seed: int = 0,
    ):
        self.editor = editor
        self.most = most
        self.weights = weights or Weights()
        self.seed = seed
        self.manipulator = Manipulator(editor.descent(bool(self.weights.realism)), count)
        self.photo: np.ndarray | None = None
        self.projected: np.ndarray | None = None  # z of the photo
        self.start: np.ndarray | None = None
        self.base: Drawing | None = None
        self.steps = 0
        self._drawn: list[Drawn] = []
        self._undone: list[Drawn] = []
        self.restart()

    @property
    def strokes(self) -> list[Stroke]:
        """What is drawn, the oldest first."""
        return [one.stroke for one in self._drawn]

    # Where it starts

    def set_photo(
        self, photo: np.ndarray, method: Method = "cnn_opt", iterations: int = PROJECTED
    ) -> None:
        """Projects a photo, and starts anew from what it became.

        Args:
            photo: uint8 `[H, W, 3]` or `[H, W, 1]`, of any size; its middle square is edited.
            method: of the projection.
            iterations: of L-BFGS-B, at most.
        """
        left, top, right, bottom = middle_square(photo)
        square = photo[top:bottom, left:right]
        image = Image.fromarray(square[:, :, 0] if square.shape[2] == 1 else square)
        small = self.editor.kind.array(image)
        projection = self.editor.project(small[None], method, iterations=iterations)
        self.photo, self.projected = photo, projection.latent[0]
        self.restart(self.projected)

    def restart(self, start: np.ndarray | None = None) -> None:
        """Takes all strokes away, and draws the candidates anew.

        Args:
            start: z0 `[Z]`; None for scratch.
        """
        self.start = start
        self._drawn.clear()
        self._undone.clear()
        self._begin()

    def paint(self, request: Paint, start: np.ndarray | None) -> None:
        """Carries out a request from latents `[Z]`, or from scratch."""
        self.restart(start)
        self.draw_on(request.base)
        for stroke in request.strokes:
            self.add_stroke(stroke)
        if request:
            self.run(request.steps)

    def weigh(self, weights: Weights) -> None:
        """Other weights of the terms; that of realism is 0 or not as before."""
        self.weights = weights
        self._changed()

    def draw_on(self, base: Drawing | None) -> None:
        """Images of strokes below the strokes, of the model's size S; None for none."""
        self.base = base
        self._changed()

    def fix(self, number: int, share: float = 1.0) -> None:
        """Makes a candidate, or a point on the way to it, the new start; the strokes stay.

        Args:
            number: of the candidate.
            share: of the way from the start, 0 to 1; from scratch there is only the candidate.
        """
        end = self._latent(number)
        start = end if self.start is None else (1.0 - share) * self.start + share * end
        self.start = start.astype(np.float32)
        for drawn_ones in (self._drawn, self._undone):
            drawn_ones[:] = [replace(one, before=None) for one in drawn_ones]
        self._begin()

    # Strokes

    def add_stroke(self, stroke: Stroke, number: int | None = None) -> None:
        """One more stroke; the candidates go on from where they are.

        Args:
            stroke: what is drawn.
            number: of the candidate on which, of which a warp moves a square; the best by default.
        """
        number = int(self.order[0]) if number is None else number
        moved = self._signed(self._latent(number)) if stroke.kind == "warp" else None
        self._draw(stroke, moved)
        self._undone.clear()

    def undo(self) -> bool:
        """Takes the last stroke back; whether there was one.

        The candidates go back to where they were when it was drawn, or, where another start has
        been fixed since, stay where they are.
        """
        if not self._drawn:
            return False
        last = self._drawn.pop()
        self._undone.append(last)
        if last.before is not None:
            self.manipulator.state, self.steps = last.before, last.steps
        self._changed()
        return True

    def redo(self) -> bool:
        """Draws the stroke again that was taken back last; whether there was one."""
        if not self._undone:
            return False
        again = self._undone.pop()
        self._draw(again.stroke, again.source)
        return True

    # Optimisation

    def step(self, steps: int = 1) -> Costs:
        """Moves all candidates; their costs afterwards."""
        self.manipulator.step(self.constraints, steps)
        self.steps += steps
        self._measure()
        return self.costs

    def run(self, steps: int = STEPS, seconds: float | None = None) -> Costs:
        """Moves all candidates until nothing is gained, the steps are done or the time is over.

        Args:
            steps: at most.
            seconds: at most; None for no limit.
        """
        started, before = time.monotonic(), np.inf
        for done in range(0, steps, PATIENCE):
            best = float(self.step(min(PATIENCE, steps - done)).total.min())
            if best > (1.0 - LEAST_GAIN) * before:
                break
            if seconds is not None and time.monotonic() - started > seconds:
                break
            before = best
        return self.costs

    # What it shows

    @property
    def latents(self) -> np.ndarray:
        """Z of all candidates, `[B, Z]`."""
        return self.manipulator.latents

    def candidates(self) -> Candidates:
        """The candidates to show, numbered by their places among all."""
        latents = self.latents[self.order]
        return Candidates(self.order, self.costs.total[self.order], self._decoded(latents))

    def average(self) -> np.ndarray:
        """The average of the candidates shown, weighted by their costs, uint8 `[H, W, C]`."""
        shown = self.candidates()
        mean = np.tensordot(rules.average_weights(shown.costs), shown.images.astype(float), 1)
        return np.rint(mean).astype(np.uint8)

    def frames(
        self, number: int, count: int = rules.FRAMES, way: rules.Interpolation = "linear"
    ) -> np.ndarray:
        """Images from the start to a candidate, uint8 `[count, H, W, C]`.

        From scratch there is no start: the candidate itself, `count` times.
        """
        end = self._latent(number)
        start = end if self.start is None else self.start
        return self._decoded(rules.between(start, end, count, way))

    def photo_frames(self, number: int, count: int = FRAMES) -> np.ndarray:
        """From the photo's projection, not the start, to a candidate, uint8 `[count, H, W, 3]`.

        Raises:
            UserError: there is no photo.
        """
        if self.photo is None or self.projected is None:
            raise UserError("There is no photo to bring the edit to: start from one.")
        path = self._decoded(rules.between(self.projected, self._latent(number), count))
        return np.repeat(path, 3 // path.shape[3], axis=3)

    def edited_photo(self, number: int) -> np.ndarray:
        """The photo with the edit of a candidate, uint8 `[H, W, 3]`; see `transfer`."""
        return self.transfer(number, which=slice(-1, None))[0]

    def transfer(self, number: int, count: int = FRAMES, which: slice = slice(None)) -> np.ndarray:
        """The photo with the edit of a candidate at each frame, uint8 `[count, H, W, 3]`.

        Args:
            number: of the candidate.
            count: of frames; the report's 8 by default.
            which: of them; all by default.

        Raises:
            UserError: there is no photo, or no program that computes flow.
        """
        path = self.photo_frames(number, count)
        assert self.photo is not None
        left, top, right, bottom = box = middle_square(self.photo)
        colour = np.repeat(self.photo, 3 // self.photo.shape[2], axis=2)
        squares = transferred(colour[top:bottom, left:right], path, which)
        return np.stack([pasted(colour, square, box) for square in squares])

    def _begin(self) -> None:
        """Draws the candidates around the start."""
        self.steps = 0
        self.manipulator.restart(self.start, self.seed)
        self._changed()

    def _draw(self, stroke: Stroke, moved: np.ndarray | None) -> None:
        self._drawn.append(Drawn(stroke, moved, self.manipulator.state, self.steps))
        self._changed()

    def _changed(self) -> None:
        """Makes constraints of the strokes, and measures all candidates by them."""
        manifold = self.editor.manifold
        size, visible = manifold.image_shape[0], self.editor.kind.size
        framed_ones = [framed(stroke, size, visible) for stroke in self.strokes]
        drawing = drawn(framed_ones, size, self.base)
        self.constraints = constraints_of(
            drawing,
            [one.source for one in self._drawn if one.source is not None],
            manifold.image_shape,
            self.start,
            None if self.start is None else self._signed(self.start),
            manifold.latent_size,
            self.weights,
        )
        self._measure()

    def _measure(self) -> None:
        """Costs and order of the candidates as they are."""
        self.costs: Costs = self.manipulator.costs(self.constraints)
        if self.steps <= rules.FREEZE_AFTER:
            self.order = rules.best(self.costs.total, self.most)

    def _latent(self, number: int) -> np.ndarray:
        return self.latents[number]

    def _signed(self, latent: np.ndarray) -> np.ndarray:
        return np.asarray(self.editor.manifold.signed(tf.constant(latent[None], tf.float32)))[0]

    def _decoded(self, latents: np.ndarray) -> np.ndarray:
        return self.editor.decode(Codes(latents))
