"""Layers of PIONEER: convolutions by equalised rate and by spectral norm, and the growth.

[PG]: Karras et al. 2018 (arXiv 1710.10196), [SN]: Miyato et al. 2018 (arXiv 1802.05957).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

ops: Any = keras.ops  # whose stubs know the tensors of another backend
EPSILON = 1e-8  # below squared lengths ([PG])


class _Convolution(keras.layers.Layer):
    """A convolution of stride 1 whose kernel enters as `effective`, in float32 until then."""

    first: Any = "zeros"  # how the kernel starts

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

    def call(self, inputs):
        kernel = ops.cast(self.effective, self.compute_dtype)
        return ops.conv(inputs, kernel, padding=self.padding) + self.bias

    @property
    def effective(self) -> tf.Tensor:
        """The kernel as it is used, `[side, side, C, filters]`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "side": self.side, "padding": self.padding}
        return super().get_config() | own


@keras.saving.register_keras_serializable("pioneer")
class EqualConv2D(_Convolution):
    """Equalised learning rate: W ~ N(0, 1) enters as W sqrt(2 / inputs) ([PG], Sec. 4.1)."""

    first = keras.initializers.RandomNormal(stddev=1.0)

    @property
    def effective(self) -> tf.Tensor:
        inputs = self.side * self.side * self.kernel.shape[2]
        return self.kernel * (2.0 / inputs) ** 0.5


@keras.saving.register_keras_serializable("pioneer")
class SpectralConv2D(_Convolution):
    """Spectral norm: W enters as W / sigma(W), sigma = u^T W v its largest singular value [SN].

    W is a matrix `[inputs, filters]` for that. u and v move by `power_iteration` alone.
    """

    first = "he_normal"

    def build(self, shape):
        super().build(shape)
        inputs = self.side * self.side * shape[-1]
        for name, size in (("u", inputs), ("v", self.filters)):
            unit = self.add_weight(
                shape=(size,),
                initializer=keras.initializers.Constant(size**-0.5),
                trainable=False,
                autocast=False,
                name=name,
            )
            setattr(self, name, unit)

    @property
    def matrix(self) -> tf.Tensor:
        """W as a matrix."""
        return ops.reshape(self.kernel, (-1, self.filters))

    @property
    def effective(self) -> tf.Tensor:
        sigma = ops.sum(ops.matmul(self.u, self.matrix) * self.v)
        return self.kernel / sigma

    def power_iteration(self) -> None:
        """One step towards the singular vectors of the current W ([SN], Algorithm 1)."""
        matrix = ops.stop_gradient(self.matrix)
        u = tf.math.l2_normalize(ops.matmul(matrix, self.v))
        self.u.assign(u)
        self.v.assign(tf.math.l2_normalize(ops.matmul(u, matrix)))


@keras.saving.register_keras_serializable("pioneer")
class PixelNormalization(keras.layers.Layer):
    """Each pixel's features to mean square 1 ([PG], Sec. 4.2)."""

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        scale = ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + EPSILON)
        return inputs * ops.cast(scale, inputs.dtype)


@keras.saving.register_keras_serializable("pioneer")
class Fade(keras.layers.Layer):
    """Blends a new level in: (1 - alpha) old + alpha new; alpha is saved and does not train."""

    def build(self, shape):
        self.alpha = self.add_weight(
            shape=(), initializer="zeros", trainable=False, autocast=False, name="alpha"
        )

    def call(self, inputs):
        old, new = inputs
        return old + ops.cast(ops.convert_to_tensor(self.alpha), new.dtype) * (new - old)

    def compute_output_shape(self, shape):
        return shape[1]


@keras.saving.register_keras_serializable("pioneer")
class Doubled(keras.layers.Layer):
    """Each pixel becomes 2x2 of the same; faster than Keras' `UpSampling2D` on a CPU."""

    def call(self, inputs):
        return doubled(inputs)

    def compute_output_shape(self, shape):
        return (shape[0], 2 * shape[1], 2 * shape[2], shape[3])


def doubled(images: tf.Tensor) -> tf.Tensor:
    """Nearest neighbour, twice the side, `[B, H, W, C]`."""
    _, height, width, channels = (side or 0 for side in images.shape.as_list())
    shape = (tf.shape(images)[0], height, 2, width, 2, channels)
    wide = tf.broadcast_to(images[:, :, None, :, None], shape)
    return tf.reshape(wide, (-1, 2 * height, 2 * width, channels))


def halved(images: tf.Tensor, times: int = 1) -> tf.Tensor:
    """Means over squares of 2x2 pixels, so many times."""
    return tf.nn.avg_pool2d(images, 2**times, 2**times, "VALID") if times else images
