"""Networks that grow level by level: their layers, and what carries one level to the next.

[PG]: Karras et al. 2018 (arXiv 1710.10196), the progressive GAN. [SN]: spectral normalisation,
Miyato et al. 2018 (arXiv 1802.05957). How long each level lasts: `common.training.levels`.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from common.training.adversarial import AdversarialModel

ops: Any = keras.ops  # whose stubs know the tensors of another backend
EPSILON = 1e-8  # below squared lengths ([PG], authors' code)


class _Spectral(keras.layers.Layer):
    """A layer whose kernel W enters as W / sigma(W), its largest singular value divided out [SN].

    sigma = u^T W v, with W as a matrix `[inputs, outputs]`, or an estimate that the gradient passes
    through as through u W v^T. u and v are state: they move by `power_iteration` alone and are
    saved with the weights, W itself is never rewritten. Keras' own `SpectralNormalization` assigns
    W / sigma to W in each training call, so that no gradient passes through sigma, and three calls
    within a step normalise three times.
    """

    first: Any = "he_normal"  # how the kernel starts

    def __init__(self, units: int, *, normalised: bool = True, gain: float = 1.0, **options: Any):
        super().__init__(**options)
        self.units, self.normalised, self.gain = units, normalised, gain

    def _weights(self, shape: tuple[int, ...]) -> None:
        inputs = 1
        for side in shape[:-1]:
            inputs *= side
        # float32 under mixed precision too: sigma is a sum of thousands of products.
        self.kernel = self.add_weight(
            shape=shape, initializer=self.first, autocast=False, name="kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        if self.normalised:
            self.u = self._unit(inputs, "u")
            self.v = self._unit(self.units, "v")

    def _unit(self, size: int, name: str) -> keras.Variable:
        """A random direction, which the power iteration turns."""

        def drawn(shape, dtype=None):
            random: Any = keras.random.normal(shape, dtype=dtype)
            return _normalised(random)

        return self.add_weight(
            shape=(size,), initializer=drawn, trainable=False, autocast=False, name=name
        )

    @property
    def matrix(self) -> tf.Tensor:
        """W as a matrix `[inputs, outputs]`."""
        return ops.reshape(self.kernel, (-1, self.units))

    @property
    def sigma(self) -> tf.Tensor:
        """The estimate u^T W v of W's largest singular value, a scalar."""
        return ops.sum(ops.matmul(self.u, self.matrix) * self.v)

    @property
    def effective_kernel(self) -> tf.Tensor:
        """Gain W / sigma in the precision of the layer, or W without normalisation."""
        scale = self.gain / self.sigma if self.normalised else 1.0
        return ops.cast(self.kernel * scale, self.compute_dtype)

    def power_iteration(self) -> None:
        """One step towards the singular vectors of the current W ([SN], Algorithm 1)."""
        matrix = ops.stop_gradient(self.matrix)
        u = _normalised(ops.matmul(matrix, self.v))
        self.u.assign(u)
        self.v.assign(_normalised(ops.matmul(u, matrix)))

    def get_config(self) -> dict[str, Any]:
        own = {"units": self.units, "normalised": self.normalised, "gain": self.gain}
        return super().get_config() | own


@keras.saving.register_keras_serializable("common")
class SpectralDense(_Spectral):
    """A dense layer under spectral normalisation: `[B, I]` to `[B, units]`."""

    def build(self, shape):
        self._weights((shape[-1], self.units))

    def call(self, inputs):
        return ops.matmul(inputs, self.effective_kernel) + self.bias

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)


@keras.saving.register_keras_serializable("common")
class SpectralConv2D(_Spectral):
    """A convolution of stride 1: `[B, H, W, C]` to `[B, H, W, units]` with the padding "same".

    Args:
        units: filters.
        kernel_size: side of the kernel, k; W's rows are its k * k * C inputs.
        padding: "same" or "valid".
        normalised: without, it is an ordinary convolution.
        **options: of a layer.
    """

    def __init__(self, units: int, kernel_size: int = 3, padding: str = "same", **options: Any):
        super().__init__(units, **options)
        self.kernel_size, self.padding = kernel_size, padding

    def build(self, shape):
        self._weights((self.kernel_size, self.kernel_size, shape[-1], self.units))

    def call(self, inputs):
        return ops.conv(inputs, self.effective_kernel, padding=self.padding) + self.bias

    def compute_output_shape(self, shape):
        lost = self.kernel_size - 1 if self.padding == "valid" else 0
        return (shape[0], *(side and side - lost for side in shape[1:-1]), self.units)

    def get_config(self) -> dict[str, Any]:
        own = {"kernel_size": self.kernel_size, "padding": self.padding}
        return super().get_config() | own


@keras.saving.register_keras_serializable("common")
class PixelNormalization(keras.layers.Layer):
    """Each pixel's features to mean square 1 ([PG], Sec. 4.2): x / sqrt(mean(x^2) + 1e-8)."""

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        scale = ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + EPSILON)
        return inputs * ops.cast(scale, inputs.dtype)


@keras.saving.register_keras_serializable("common")
class MinibatchStddev(keras.layers.Layer):
    """Appends one feature: the standard deviation within groups of images ([PG], Sec. 3).

    Deviations of each feature and pixel over a group, averaged over features and pixels.
    `[B, H, W, C]` to `[B, H, W, C + 1]`.

    Args:
        group: images in a group, 4 as in the authors' code; the whole batch where it is smaller or
            no multiple of that.
        **options: of a layer.
    """

    def __init__(self, group: int = 4, **options: Any):
        super().__init__(**options)
        self.group = group

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        batch: Any = tf.shape(x)[0]
        _, height, width, channels = x.shape
        group: Any = tf.where((batch % self.group) == 0, self.group, batch)
        # Image i belongs to group i % (B / group).
        grouped = tf.reshape(x, (group, batch // group, height, width, channels))
        deviation = ops.sqrt(ops.var(grouped, axis=0) + EPSILON)
        feature = ops.mean(deviation, axis=(1, 2, 3), keepdims=True)
        feature = tf.tile(feature, tf.stack([group, height, width, 1]))
        return ops.concatenate([inputs, ops.cast(feature, inputs.dtype)], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"group": self.group}


@keras.saving.register_keras_serializable("common")
class Fade(keras.layers.Layer):
    """Blends a new level in: (1 - alpha) old + alpha new ([PG], Fig. 2).

    `alpha`, from 0 to 1, is a weight that does not train, so that it is saved.
    """

    def build(self, shape):
        self.alpha = self.add_weight(
            shape=(), initializer="zeros", trainable=False, autocast=False, name="alpha"
        )

    def call(self, inputs):
        old, new = inputs
        alpha = ops.cast(ops.convert_to_tensor(self.alpha), new.dtype)
        return old + alpha * (new - old)

    def compute_output_shape(self, shape):
        return shape[1]


@keras.saving.register_keras_serializable("common")
class Doubled(keras.layers.Layer):
    """Each pixel becomes 2x2 of the same ([PG]); `[B, H, W, C]` to `[B, 2H, 2W, C]`.

    Keras' `UpSampling2D` does the same in several times the time on a CPU.
    """

    def call(self, inputs):
        return doubled(inputs)

    def compute_output_shape(self, shape):
        return (shape[0], 2 * shape[1], 2 * shape[2], shape[3])


def doubled(images: tf.Tensor) -> tf.Tensor:
    """Nearest neighbour, twice the side."""
    _, height, width, channels = (side or 0 for side in images.shape.as_list())
    shape = (tf.shape(images)[0], height, 2, width, 2, channels)
    wide = tf.broadcast_to(images[:, :, None, :, None], shape)
    return tf.reshape(wide, (-1, 2 * height, 2 * width, channels))


def halved(images: tf.Tensor, times: int = 1) -> tf.Tensor:
    """Means over squares of 2x2 pixels, so many times."""
    return tf.nn.avg_pool2d(images, 2**times, 2**times, "VALID") if times else images


def spectral_layers(network: keras.Model) -> list[SpectralDense | SpectralConv2D]:
    """Those that have a power iteration."""
    kinds = (SpectralDense, SpectralConv2D)
    return [one for one in network.layers if isinstance(one, kinds) and one.normalised]


def advance(network: keras.Model) -> None:
    """One power iteration in each layer under spectral normalisation."""
    for layer in spectral_layers(network):
        layer.power_iteration()


def hand_on(small: keras.Model, large: keras.Model) -> None:
    """Gives a network of the next level the weights of this one, by the names of the layers.

    State is included, but alpha, which each step of a level sets. Layers without a namesake stay
    fresh: those of the new level, and of older layers to RGB.
    """
    known = {layer.name: layer for layer in small.layers}
    for layer in large.layers:
        if layer.weights and layer.name in known and not isinstance(layer, Fade):
            layer.set_weights(known[layer.name].get_weights())


class GrowingModel(AdversarialModel):
    """One level of a game whose networks grow, one of them a `generator`.

    Args:
        fade_steps: steps over which alpha of all networks grows from 0 to 1; 0 at the first level.
        seed: of the noise.
    """

    def __init__(self, *, fade_steps: int = 0, seed: int = 0):
        super().__init__(seed=seed)
        self.fade_steps = fade_steps

    def grow(self) -> tf.Tensor:
        """Sets alpha of the networks to what belongs to this step, and returns it."""
        step = tf.cast(tf.convert_to_tensor(self.step), tf.float32)
        alpha = tf.minimum(step / self.fade_steps, 1.0) if self.fade_steps else tf.ones(())
        for network in self.networks().values():
            for layer in network.layers:
                if isinstance(layer, Fade):
                    layer.alpha.assign(alpha)
        return alpha

    def at_level(self, images: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
        """Real images `[B, H, H, C]` in the size of this level, S.

        Blended as the networks are ([PG], Fig. 2). H is S times a power of two.
        """
        size = self.networks()["generator"].output_shape[1]
        new = halved(images, int(math.log2(images.shape[1] // size)))
        if not self.fade_steps:
            return new
        old = doubled(halved(new))
        return old + alpha * (new - old)


def _normalised(vector: tf.Tensor) -> tf.Tensor:
    return vector * ops.rsqrt(ops.sum(ops.square(vector)) + 1e-12)
