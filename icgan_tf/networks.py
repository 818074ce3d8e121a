"""Generators and discriminators of IcGAN; the encoders are in `icgan_tf.encoder_networks`.

- `generator`, `discriminator`: the original IcGAN (Perarnau et al. 2016, Table 1, and the authors'
  Torch code), for squares whose side is a power of two; with a dense layer, more filters and
  dropout those of the Stanford report (Sun, Li & Xu, Sec. 5.1 and 5.3).
- `dense_generator`, `dense_discriminator`: 28x28 digits. The report's TensorFlow baseline
  (zhangqianhui/ICGAN-tensorflow) has y at every layer; without that, and with the report's rules,
  they are its "28x28x1" networks for MNIST (Sec. 4), whose widths it does not give.

Conventions: convolutions 4x4 with stride 2 halve or double the side, in Keras' "same" as in Torch.
Batch normalisation as in Torch: momentum 0.9, epsilon 1e-5. Discriminators end in logits, the
sigmoid is part of the loss. Every layer keeps its bias, as in both codes.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import keras
from keras import layers

from common.training import spread

Symbolic: TypeAlias = Any  # Keras' symbolic tensors, which its stubs do not describe

SLOPE, BASELINE_SLOPE = 0.2, 0.01  # of LReLU, Radford et al. 2015; the baseline's code
DENSE = 1024  # units of the first dense layer in the 28x28 networks, the baseline's code
SMALL, MEDIUM = 64, 128  # their feature maps of 14x14 and of 7x7, the baseline's code


def generator(
    latent_size: int = 100,
    conditions: int = 18,
    size: int = 64,
    channels: int = 3,
    filters: int = 64,
    dense: int = 0,
    dense_form: Literal["vector", "spatial"] = "vector",
    output_activation: Literal["tanh", "sigmoid"] = "tanh",
    condition_layer: int = 0,
) -> keras.Model:
    """G: (z, y) -> x, Table 1; 3,725,123 parameters with the defaults.

    Args:
        latent_size: Z, the length of z.
        conditions: A, the length of y.
        size: side of the images, a power of two from 16 on.
        channels: of the images, 1 or 3.
        filters: of the last hidden layer; each one before it has twice as many.
        dense: units of the report's dense layer before the deconvolutions; 0 for none.
        dense_form: how that layer is read: "vector", `[dense]` at 1x1, or "spatial", a map of 2x2
            with the first deconvolution's channels (the width `dense` then does not matter).
        output_activation: "tanh" for images in [-1, 1], "sigmoid" for [0, 1].
        condition_layer: y enters after so many transposed convolutions; 0, z itself, is the best of
            the paper's ablation.

    Returns:
        A model from [latents `[B, Z]`, conditions `[B, A]`] to images `[B, S, S, C]`.

    Raises:
        ValueError: the side is not such a power of two, or the layer does not exist.
    """
    stages = _stages(size, condition_layer)
    latent = keras.Input((latent_size,), name="latent")
    condition = keras.Input((conditions,), name="condition")

    def at(place: int, x):
        return with_condition(x, condition) if condition_layer == place else x

    x = at(0, latent)
    widths = [filters * 2**stage for stage in reversed(range(stages))]  # 512, 256, 128, 64
    if dense and dense_form == "spatial":
        x = layers.Dense(2 * 2 * widths[0], kernel_initializer=normal())(x)
        x = activated(layers.Reshape((2, 2, widths[0]))(x), "relu")  # [B, 2, 2, 512]
    else:
        if dense:
            x = activated(layers.Dense(dense, kernel_initializer=normal())(x), "relu")
        x = layers.Reshape((1, 1, x.shape[-1]))(x)
        x = layers.Conv2DTranspose(widths.pop(0), 4, kernel_initializer=normal())(x)
        x = at(1, activated(x, "relu"))  # [B, 4, 4, 512]
    for place, width in enumerate(widths, stages - len(widths) + 1):  # [B, 8, 8, 256], ...
        x = at(place, activated(_deconvolution(width)(x), "relu"))
    x = _deconvolution(channels, dtype="float32")(x)  # [B, 64, 64, 3]
    x = layers.Activation(output_activation, dtype="float32")(x)
    return keras.Model([latent, condition], x, name="generator")


def discriminator(
    conditions: int = 18,
    size: int = 64,
    channels: int = 3,
    filters: int = 64,
    condition_layer: int = 1,
    dropout: float = 0.0,
) -> keras.Model:
    """D: (x, y) -> logit of "x is real and matches y", Table 1; 2,803,393 parameters.

    Args:
        conditions: A, the length of y.
        size: side of the images, a power of two from 16 on.
        channels: of the images, 1 or 3.
        filters: of the first convolution; each one after it has twice as many.
        condition_layer: y enters after so many convolutions, repeated over the map; 1 is the best
            of the paper's ablation, 0 the image itself.
        dropout: rate after each convolution but the first and the last (the report, Sec. 5.3,
            which gives neither rate nor place).

    Returns:
        A model from [images `[B, S, S, C]`, conditions `[B, A]`] to logits `[B, 1]`.

    Raises:
        ValueError: the side or the layer does not exist.
    """
    stages = _stages(size, condition_layer)
    image = keras.Input((size, size, channels), name="image")
    condition = keras.Input((conditions,), name="condition")
    x = image if condition_layer else with_condition(image, condition)
    for stage in range(stages):  # [B, 32, 32, 64], [B, 16, 16, 128], [B, 8, 8, 256], [B, 4, 4, 512]
        x = convolution(filters * 2**stage)(x)
        x = activated(x, "lrelu", normalised=stage > 0, dropout=dropout if stage else 0.0)
        if condition_layer == stage + 1:
            x = with_condition(x, condition)
    logits = layers.Conv2D(1, 4, kernel_initializer=normal(), dtype="float32", name="logits")(x)
    logits = layers.Flatten(dtype="float32")(logits)
    return keras.Model([image, condition], logits, name="discriminator")


def dense_generator(
    latent_size: int = 64,
    conditions: int = 10,
    condition_everywhere: bool = False,
    output_activation: Literal["tanh", "sigmoid"] = "tanh",
) -> keras.Model:
    """G for 28x28 digits; 6,652,481 parameters, 6,725,601 with y at every layer (the baseline).

    Args:
        latent_size: Z, the length of z.
        conditions: A, the length of y.
        condition_everywhere: y enters each of the four layers, not the first one alone.
        output_activation: "sigmoid" in the baseline.

    Returns:
        A model from [latents `[B, Z]`, conditions `[B, A]`] to images `[B, 28, 28, 1]`.
    """
    latent = keras.Input((latent_size,), name="latent")
    condition = keras.Input((conditions,), name="condition")

    def again(x):
        return with_condition(x, condition) if condition_everywhere else x

    x = layers.Concatenate()([latent, condition])
    x = layers.Dense(DENSE, kernel_initializer=normal())(x)
    x = again(activated(x, "relu", gamma_spread=0.0))
    x = layers.Dense(7 * 7 * MEDIUM, kernel_initializer=normal())(x)
    x = activated(x, "relu", gamma_spread=0.0)
    x = again(layers.Reshape((7, 7, MEDIUM))(x))  # [B, 7, 7, 128]
    x = _deconvolution(SMALL)(x)
    x = again(activated(x, "relu", gamma_spread=0.0))  # [B, 14, 14, 64]
    x = _deconvolution(1, dtype="float32")(x)  # [B, 28, 28, 1]
    x = layers.Activation(output_activation, dtype="float32")(x)
    return keras.Model([latent, condition], x, name="generator")


def dense_discriminator(
    conditions: int = 10,
    condition_everywhere: bool = False,
    slope: float = SLOPE,
    dropout: float = 0.0,
) -> keras.Model:
    """D for 28x28 digits; 6,579,649 parameters, 6,600,139 with y at every layer (the baseline).

    Args:
        conditions: A, the length of y.
        condition_everywhere: y enters each of the four layers, not the second one alone.
        slope: of LReLU.
        dropout: rate after the second and the third layer.

    Returns:
        A model from [images `[B, 28, 28, 1]`, conditions `[B, A]`] to logits `[B, 1]`.
    """
    image = keras.Input((28, 28, 1), name="image")
    condition = keras.Input((conditions,), name="condition")

    def again(x):
        return with_condition(x, condition) if condition_everywhere else x

    x = convolution(SMALL)(again(image))
    x = activated(x, "lrelu", gamma_spread=0.0, normalised=False, slope=slope)
    x = with_condition(x, condition)  # [B, 14, 14, 74]
    x = convolution(MEDIUM)(x)
    x = activated(x, "lrelu", gamma_spread=0.0, slope=slope, dropout=dropout)
    x = again(layers.Flatten()(x))  # [B, 6272]
    x = layers.Dense(DENSE, kernel_initializer=normal())(x)
    x = again(activated(x, "lrelu", gamma_spread=0.0, slope=slope, dropout=dropout))
    logits = layers.Dense(1, kernel_initializer=normal(), dtype="float32", name="logits")(x)
    return keras.Model([image, condition], logits, name="discriminator")


def with_condition(x: Symbolic, condition: Symbolic) -> Symbolic:
    """Appends y `[B, A]` to features `[B, F]`, or to each place of a map `[B, H, W, F]`."""
    if len(x.shape) == 4:
        _, height, width, _ = x.shape
        repeated = layers.RepeatVector(height * width)(condition)  # [B, H * W, A]
        condition = layers.Reshape((height, width, condition.shape[-1]))(repeated)
    return layers.Concatenate()([x, condition])


def _stages(size: int, condition_layer: int) -> int:
    """Convolutions from the image to a 4x4 map, 4 for a side of 64; y enters after one of them."""
    stages = math.log2(size) - 2 if size > 0 else 0
    if stages < 2 or stages != int(stages):
        raise ValueError(f"The side of the images is {size}; it must be 16, 32, 64, 128, ...")
    if not 0 <= condition_layer <= stages:
        raise ValueError(f"condition_layer is {condition_layer}; it must be 0 to {int(stages)}.")
    return int(stages)


def activated(
    x: Symbolic,
    activation: Literal["relu", "lrelu"],
    normalised: bool = True,
    slope: float = SLOPE,
    dropout: float = 0.0,
    gamma_spread: float = 0.02,
) -> Symbolic:
    """Batch normalisation (first scales N(1, `gamma_spread`)), ReLU or leaky ReLU, dropout."""
    if normalised:
        gamma: Any = keras.initializers.RandomNormal(mean=1.0, stddev=gamma_spread)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma)(x)
    x = layers.ReLU()(x) if activation == "relu" else layers.LeakyReLU(slope)(x)
    return spread.Dropout(dropout)(x) if dropout else x


def convolution(width: int) -> layers.Layer:
    """A 4x4 convolution that halves the side."""
    return layers.Conv2D(width, 4, strides=2, padding="same", kernel_initializer=normal())


def _deconvolution(width: int, dtype: str | None = None) -> layers.Layer:
    """A 4x4 transposed convolution that doubles the side."""
    return layers.Conv2DTranspose(
        width, 4, strides=2, padding="same", kernel_initializer=normal(), dtype=dtype
    )


def normal() -> Any:
    """N(0, 0.02): the first weights of G and D in both codes."""
    return keras.initializers.RandomNormal(stddev=0.02)
