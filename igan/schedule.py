"""The learning rate of both stages: constant, then linear to zero [R, appendix][C]."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("igan")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Constant for a share of the steps, then linear to zero; the authors' falls once an epoch.

    Args:
        rate: the constant.
        steps: of the stage.
        constant_share: of the steps.
    """

    def __init__(self, rate: float, steps: int, constant_share: float = 0.5):
        super().__init__()
        self.rate, self.steps, self.constant_share = rate, steps, constant_share

    def __call__(self, step):
        """The rate at a step, 0 from the last one on."""
        done: Any = ops.cast(step, "float32")
        left: Any = 1.0 - done / self.steps
        tail = 1.0 - self.constant_share
        share: Any = ops.clip(left / tail, 0.0, 1.0) if tail else ops.ones_like(left)
        return self.rate * share

    def get_config(self) -> dict[str, Any]:
        """For saving."""
        return {"rate": self.rate, "steps": self.steps, "constant_share": self.constant_share}
