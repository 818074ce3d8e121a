"""The convolution of PIONEER's generator.

[PG]: Karras et al. 2018 (arXiv 1710.10196), whose generator it is.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from common.training.growing import ops


@keras.saving.register_keras_serializable("pioneer")
class EqualConv2D(keras.layers.Layer):
    """Equalised learning rate: W ~ N(0, 1) enters as W sqrt(2 / inputs) ([PG], Sec. 4.1).

    Args:
        filters: channels of what it makes.
        side: of the kernel, which moves by one pixel.
        padding: "same" or "valid".
        **options: of a layer.
    """

    first: Any = keras.initializers.RandomNormal(stddev=1.0)  # how the kernel starts

    def __init__(self, filters: int, side: int = 3, padding: str = "same", **options: Any):
        super().__init__(**options)
        self.filters, self.side, self.padding = filters, side, padding

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=(self.side, self.side, shape[-1], self.filters),
            initializer=self.first,
            autocast=False,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    @property
    def effective(self) -> tf.Tensor:
        """The kernel as it is used, `[side, side, C, filters]`."""
        inputs = self.side * self.side * self.kernel.shape[2]
        return self.kernel * (2.0 / inputs) ** 0.5

    def call(self, inputs):
        kernel = ops.cast(self.effective, self.compute_dtype)
        return ops.conv(inputs, kernel, padding=self.padding) + self.bias

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "side": self.side, "padding": self.padding}
        return super().get_config() | own
