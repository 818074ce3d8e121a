"""Learning rates that fall, and trainings that end, when nothing gets better any more.

Keras' `ReduceLROnPlateau` and `EarlyStopping` see one optimizer and keep their counts in memory;
here both are a function of the history, so that a resumed training goes on as if it had not
stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """What happens after periods without a new smallest value.

    Attributes:
        patience: periods until the learning rate falls, and again after it has.
        factor: by which it falls.
        stop: periods until the training ends.
    """

    patience: int = 10
    factor: float = 0.5
    stop: int = 20

    def scale(self, values: Sequence[float]) -> float:
        """The factor of the first learning rate after periods with these values."""
        scale, best, waited = 1.0, math.inf, 0
        for value in values:
            waited = 0 if value < best else waited + 1
            best = min(best, value)
            if waited == self.patience:
                scale, waited = scale * self.factor, 0
        return scale

    def ended(self, values: Sequence[float]) -> bool:
        """Whether the training ends after periods with these values."""
        return len(values) > self.stop and min(values[-self.stop :]) >= min(values[: -self.stop])
