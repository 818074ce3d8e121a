"""What images become, what an edit asks for, and what a session needs of an editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from common.editor import Editor, Rows, indexed
from igan.strokes import Drawing, Stroke
from igan.weights import Weights

if TYPE_CHECKING:
    import keras

    from igan.config import Config
    from igan.manifold import Manifold
    from igan.manipulation import Descent

Method: TypeAlias = Literal["opt", "cnn", "cnn_opt"]  # of projection [R, Sec. 4.1.1 to 4.1.3]

ITERATIONS = 200  # of L-BFGS-B, at most [C]
POOL = 256  # random latents, the cheapest of which are the starts of `opt`; ours
STARTS = 8  # of `opt`; [C] takes one, the report says that stability needs more than 100


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]` in [-1, 1], float32.
    """

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """A request: strokes; none is the projection.

    Attributes:
        strokes: in the order in which they were drawn.
        base: images of strokes below them, of the model's size.
        weights: of the terms of the objective.
        steps: of gradient descent, at most.
        count: candidates, of which the cheapest is taken; the first starts at z0 itself.
        seed: of the others.
    """

    strokes: Sequence[Stroke] = ()
    base: Drawing | None = None
    weights: Weights = field(default_factory=Weights)
    steps: int = 40
    count: int = 16
    seed: int = 0

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.strokes) or self.base is not None


class ManifoldEditor(Editor[Paint], Protocol):
    """An editor whose images lie on a manifold: iGAN's own, as sessions and reports know it."""

    @property
    def config(self) -> Config:
        """Its settings."""
        ...

    @property
    def discriminator(self) -> keras.Model:
        """D, for the realism term."""
        ...

    def descent(self, realism: bool) -> Descent:
        """Steps and costs, which all sessions share; whether the realism term is among them."""
        ...

    @property
    def manifold(self) -> Manifold:
        """The images that G makes."""
        ...

    def predict(self, images: np.ndarray) -> Codes:
        """P(x) of uint8 images `[N, H, W, C]`."""
        ...

    def project(self, images: np.ndarray, method: Method = "cnn_opt", **options: Any) -> Any:
        """The `Projection` of uint8 images `[N, H, W, C]`."""
        ...
