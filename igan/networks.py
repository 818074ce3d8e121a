"""The three networks of iGAN: a DCGAN (Radford et al. 2016) and the predictor.

[R, Sec. 5.2]: "DCGAN mainly builds on multiple convolution, deconvolution and ReLU layers, and
eases the min-max training via batch normalization"; the sizes are those of the public code [C], see
`igan.config`. Deviations:

- Batch normalisation has epsilon 1e-5 ([C] 1e-8): a channel that is dead in the estimated
  statistics would be blown up by 1e4.
- Convolutions pad as TensorFlow's "same" does, by 1 and 2 pixels; [C] pads by 2 and 2.
- D ends in a logit; its sigmoid is part of the loss (the same function, stable).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
from keras import layers

SEED_SIZE = 4  # side of the first map of G and of the last one of D [C]
KERNEL = 5  # of all convolutions, whose stride is 2 [C]
SLOPE = 0.2  # of D's and P's LeakyReLU [C]
SPREAD = 0.02  # of the first weights, N(0, 0.02), and gains, N(1, 0.02) [C]
EPSILON = 1e-5  # of batch normalisation, ours
MOMENTUM = 0.9  # of its moving statistics, which the pass after the training replaces; ours


def generator(
    latent_size: int = 100,
    size: int = 64,
    channels: int = 3,
    filters: int = 128,
    output_activation: Literal["tanh", "sigmoid"] = "tanh",
) -> keras.Model:
    """G: z -> x; 18,885,760 trainable weights with the defaults, without a bias [C].

    Args:
        latent_size: Z, the length of z.
        size: S, side of the images, 4 times a power of two.
        channels: C of the images.
        filters: of the last hidden layer, doubled towards z.
        output_activation: tanh for images in [-1, 1], sigmoid for [0, 1].

    Returns:
        A model from latents `[B, Z]` in [-1, 1] to images `[B, S, S, C]`.
    """
    widths = _widths(size, filters)[::-1]
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Dense(SEED_SIZE**2 * widths[0], use_bias=False, kernel_initializer=_normal())(latent)
    x = layers.ReLU()(_normalised(x))  # one statistic a unit, 16,384 of them, before the reshape
    x = layers.Reshape((SEED_SIZE, SEED_SIZE, widths[0]))(x)  # [B, 4, 4, 1024]
    for width in widths[1:]:  # [B, 8, 8, 512], [B, 16, 16, 256], [B, 32, 32, 128]
        x = layers.ReLU()(_normalised(_deconvolution(width)(x)))
    x = _deconvolution(channels, "float32")(x)  # [B, 64, 64, C]
    x = layers.Activation(output_activation, dtype="float32")(x)
    return keras.Model(latent, x, name="generator")


def discriminator(size: int = 64, channels: int = 3, filters: int = 128) -> keras.Model:
    """D: x -> logit of "x is real"; 17,232,768 trainable weights with the defaults [C].

    Args:
        size: S, side of the images.
        channels: C of the images.
        filters: of the first convolution, doubled towards the end.

    Returns:
        A model from images `[B, S, S, C]` in G's range to logits `[B, 1]`.
    """
    image, x = _trunk(size, channels, filters)
    logits = layers.Dense(1, use_bias=False, kernel_initializer=_normal(), dtype="float32")(x)
    return keras.Model(image, logits, name="discriminator")


def predictor(
    latent_size: int = 100, size: int = 64, channels: int = 3, filters: int = 128
) -> keras.Model:
    """P: x -> z, D with other outputs [R, Sec. 4.1.2]; 18,854,784 trainable weights [C].

    Args:
        latent_size: Z, the length of z.
        size: S, side of the images.
        channels: C of the images.
        filters: of the first convolution, doubled towards the end.

    Returns:
        A model from images `[B, S, S, C]` in G's range to latents `[B, Z]` in (-1, 1).
    """
    image, x = _trunk(size, channels, filters)
    dense = layers.Dense(latent_size, use_bias=False, kernel_initializer=_normal(), dtype="float32")
    latent = layers.Activation("tanh", dtype="float32")(dense(x))
    return keras.Model(image, latent, name="predictor")


def feature_layers(network: keras.Model) -> list[str]:
    """The names of the activations of D's convolutions but the first."""
    return [layer.name for layer in network.layers if layer.name.startswith("features_")][1:]


def _trunk(size: int, channels: int, filters: int) -> tuple[Any, Any]:
    """The image, and D's and P's convolutions of it, flattened `[B, 16384]`."""
    image = keras.Input((size, size, channels), name="image")
    x = image
    for index, width in enumerate(_widths(size, filters)):
        x = layers.Conv2D(  # [B, 32, 32, 128], [B, 16, 16, 256], [B, 8, 8, 512], [B, 4, 4, 1024]
            width,
            KERNEL,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=_normal(),
        )(x)
        x = _normalised(x) if index else x
        x = layers.LeakyReLU(SLOPE, name=f"features_{index}")(x)
    return image, layers.Flatten()(x)


def _widths(size: int, filters: int) -> list[int]:
    """Filters of the maps from the one of half the image's side to the one of 4x4."""
    count = int(math.log2(size // SEED_SIZE))
    return [filters * 2**index for index in range(count)]


def _normalised(x: Any) -> Any:
    """Batch normalisation of what a layer without a bias gives."""
    gain: Any = keras.initializers.RandomNormal(mean=1.0, stddev=SPREAD)
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, gamma_initializer=gain)(x)


def _deconvolution(width: int, dtype: str | None = None) -> layers.Layer:
    """A transposed convolution that doubles the side."""
    return layers.Conv2DTranspose(
        width,
        KERNEL,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=_normal(),
        dtype=dtype,
    )


def _normal() -> Any:
    """N(0, 0.02)."""
    return keras.initializers.RandomNormal(stddev=SPREAD)
