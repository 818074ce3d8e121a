"""The learning rate: constant for half of the steps, then falling exponentially."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("comparators.bigan")
class HalfConstant(keras.optimizers.schedules.LearningRateSchedule):
    """`rate` for the first half of the steps, then rate * last ** share of the second half.

    Args:
        rate: the learning rate of the first half.
        steps: of the whole training.
        last: share of the rate that is left at the end.
    """

    def __init__(self, rate: float, steps: int, last: float):
        self.rate, self.steps, self.last = rate, steps, last

    def __call__(self, step):
        """The rate at a step, a float32 scalar."""
        half = self.steps / 2.0
        share = tf.clip_by_value((tf.cast(step, tf.float32) - half) / half, 0.0, 1.0)
        return self.rate * tf.pow(self.last, share)

    def get_config(self) -> dict[str, float]:
        """The arguments."""
        return {"rate": self.rate, "steps": self.steps, "last": self.last}
