"""What the tests of IcGAN's steps share: a layer that keeps what it is shown, and plain values."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


class Witness(keras.layers.Layer):
    """Passes its input on, and keeps it with the mode of the call."""

    def __init__(self):
        super().__init__()
        self.seen: list[tuple[np.ndarray, bool | None]] = []

    def call(self, x, training=None):
        if tf.executing_eagerly():
            self.seen.append((np.asarray(x), training))
        return x

    def compute_output_shape(self, input_shape):
        return input_shape


def floats(logs: dict[str, tf.Tensor]) -> dict[str, float]:
    """What a step reports."""
    return {name: float(value) for name, value in logs.items()}


def state(net: keras.Model) -> list[np.ndarray]:
    """Every variable of a network: weights, moving statistics, dropout's counters."""
    return [variable.numpy().copy() for variable in net.variables]


def draws(*nets: keras.Model) -> list[int]:
    """How often each dropout layer of some networks has drawn its mask."""
    variables = [variable for net in nets for variable in net.variables]
    return [int(v.numpy()[-1]) for v in variables if v.path.endswith("seed_generator_state")]
