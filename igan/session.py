"""One user's editing of one image, without any window: what a script and a web page drive.

A session starts from a photo, which is projected, from latents, or from scratch. Strokes become
constraints, `step` moves all candidates, `fix` makes what is liked the new start, and `transfer`
brings the edit to the photo.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from common.datasets.folder import write_images
from common.errors import UserError
from common.files import write_json
from common.images import cropped, to_uint8
from common.settings.config import to_json
from common.transfer.motion import FRAMES
from common.transfer.photo import transferred
from igan import candidates as rules
from igan.codes import ManifoldEditor, Method, Paint
from igan.constraints import constraints_of
from igan.manipulation import Costs, Manipulator
from igan.photo import middle_square, pasted
from igan.strokes import Drawing, Stroke, drawn
from igan.weights import Weights

CANDIDATES = 16  # latents that move together; [C] takes 64 on a GPU
STEPS = 40  # after each change of the strokes [C]
PATIENCE, LEAST_GAIN = 10, 1e-3  # stop when the best cost fell by less, so many steps long; ours


@dataclass(frozen=True, slots=True)
class Shown:
    """The candidates to show, cheapest first.

    Attributes:
        numbers: their places among all candidates, `[K]`.
        costs: `[K]`.
        images: uint8 `[K, H, W, C]`.
    """

    numbers: np.ndarray
    costs: np.ndarray
    images: np.ndarray


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
        discriminator = editor.discriminator if self.weights.realism else None
        self.manipulator = Manipulator(editor.manifold, count, discriminator)
        self.photo: np.ndarray | None = None
        self.projected: np.ndarray | None = None  # z of the photo
        self.start: np.ndarray | None = None
        self.base: Drawing | None = None
        self.steps = 0
        self.strokes: list[Stroke] = []
        self._sources: list[np.ndarray | None] = []  # of each stroke, the image that a warp moves
        self._undone: list[tuple[Stroke, np.ndarray | None]] = []
        self.restart()

    # Where it starts

    def set_photo(self, photo: np.ndarray, method: Method = "cnn_opt") -> None:
        """Projects a photo, and starts anew from what it became.

        Args:
            photo: uint8 `[H, W, 3]` or `[H, W, 1]`, of any size; its middle square is edited.
            method: of the projection.
        """
        left, top, right, bottom = middle_square(photo)
        square = photo[top:bottom, left:right]
        image = Image.fromarray(square[:, :, 0] if square.shape[2] == 1 else square)
        small = self.editor.kind.array(image)
        self.photo, self.projected = photo, self.editor.project(small[None], method).latent[0]
        self.restart(self.projected)

    def restart(self, start: np.ndarray | None = None) -> None:
        """Takes all strokes away, and draws the candidates anew.

        Args:
            start: z0 `[Z]`; None for scratch.
        """
        self.start = start
        self.strokes.clear()
        self._sources.clear()
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
        self._begin()

    # Strokes

    def add_stroke(self, stroke: Stroke) -> None:
        """One more stroke; the candidates go on from where they are."""
        moved = self._signed(self._latent(int(self.order[0]))) if stroke.kind == "warp" else None
        self._change(stroke, moved)
        self._undone.clear()

    def undo(self) -> bool:
        """Takes the last stroke back; whether there was one."""
        if not self.strokes:
            return False
        self._undone.append((self.strokes.pop(), self._sources.pop()))
        self._changed()
        return True

    def redo(self) -> bool:
        """Draws the stroke again that was taken back last; whether there was one."""
        if not self._undone:
            return False
        self._change(*self._undone.pop())
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

    def candidates(self) -> Shown:
        """The candidates to show."""
        latents = self.latents[self.order]
        return Shown(self.order, self.costs.total[self.order], self._decoded(latents))

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

    def transfer(self, number: int, count: int = FRAMES) -> np.ndarray:
        """The photo with the edit of a candidate at each frame, uint8 `[count, H, W, 3]`.

        The path begins at the photo's projection, also where another start has been fixed.

        Args:
            number: of the candidate.
            count: of frames; the report's 8 by default.

        Raises:
            UserError: there is no photo, or no program that computes flow.
        """
        if self.photo is None or self.projected is None:
            raise UserError("There is no photo to bring the edit to: start from one.")
        ends = self.projected, self._latent(number)
        path = self._decoded(rules.between(*ends, count))
        left, top, right, bottom = box = middle_square(self.photo)
        colour = np.repeat(self.photo, 3 // self.photo.shape[2], axis=2)
        path = np.repeat(path, 3 // path.shape[3], axis=3)
        squares = transferred(colour[top:bottom, left:right], path)
        return np.stack([pasted(colour, square, box) for square in squares])

    def save(self, folder: Path) -> None:
        """Writes the candidates as images, and strokes, latents and costs as `session.json`."""
        shown = self.candidates()
        stems = [f"candidate-{place:02d}" for place in range(len(shown.images))]
        write_images(folder, stems, shown.images)
        write_json(
            folder / "session.json",
            {
                "strokes": [to_json(stroke) for stroke in self.strokes],
                "weights": to_json(self.weights),
                "seed": self.seed,
                "steps": self.steps,
                "start": self.start,
                "latents": self.latents[shown.numbers],
                "costs": shown.costs,
            },
        )

    def _begin(self) -> None:
        """Draws the candidates around the start."""
        self.steps = 0
        self.manipulator.restart(self.start, self.seed)
        self._changed()

    def _change(self, stroke: Stroke, moved: np.ndarray | None) -> None:
        self.strokes.append(stroke)
        self._sources.append(moved)
        self._changed()

    def _changed(self) -> None:
        """Makes constraints of the strokes, and measures all candidates by them."""
        manifold = self.editor.manifold
        size = manifold.image_shape[0]
        drawing = drawn([self._framed(stroke) for stroke in self.strokes], size, self.base)
        self.constraints = constraints_of(
            drawing,
            [image for image in self._sources if image is not None],
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

    def _framed(self, stroke: Stroke) -> Stroke:
        """A stroke on what is shown, as one on the model's image with its black border."""
        size, visible = self.editor.manifold.image_shape[0], self.editor.kind.size
        border = (size - visible) / 2
        points = [
            ((x * visible + border) / size, (y * visible + border) / size) for x, y in stroke.points
        ]
        return replace(stroke, points=tuple(points))

    def _latent(self, number: int) -> np.ndarray:
        return self.latents[number]

    def _signed(self, latent: np.ndarray) -> np.ndarray:
        return np.asarray(self.editor.manifold.signed(tf.constant(latent[None], tf.float32)))[0]

    def _decoded(self, latents: np.ndarray) -> np.ndarray:
        made = self.editor.manifold.rendered(latents)
        return cropped(to_uint8(made, self.editor.config.pixel_range), self.editor.kind.size)
