"""The three MNIST networks of CRG: Table 1 and Sec. 3.2.1 of Dogan & Keles (arXiv 1907.01841).

Where the paper is silent or contradicts itself:

- Table 1 gives the generator's last convolution LReLU, the text tanh: tanh by default, `lrelu` is
  the option.
- The text puts batch normalisation after each convolution of the encoder, the table omits it; its
  place among activation and dropout is open: convolution, normalisation, LReLU, dropout.
- Initial weights are not stated: Keras' defaults (Glorot uniform).
- The discriminator ends in logits; its sigmoid is part of the loss (the same function, stable).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers

from common.training.spread import Dropout

SLOPE = 0.2  # of LReLU in all three networks, Sec. 3.2.1


def generator(
    latent_size: int = 100,
    channels: Sequence[int] = (128, 128, 64),
    output_activation: Literal["tanh", "lrelu"] = "tanh",
) -> keras.Model:
    """g: z -> x, Table 1; 1,249,665 parameters.

    Args:
        latent_size: Z, the length of z.
        channels: of the dense layer and of the two deconvolutions.
        output_activation: "tanh" (the text) or "lrelu" (the table).

    Returns:
        A model from latents `[B, Z]` in [-1, 1] to images `[B, 28, 28, 1]` in [-1, 1].
    """
    first, *deconvolutions = channels
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Dense(7 * 7 * first)(latent)
    x = layers.LeakyReLU(SLOPE)(x)
    x = layers.Reshape((7, 7, first))(x)  # [B, 7, 7, 128]
    for width in deconvolutions:  # [B, 14, 14, 128], [B, 28, 28, 64]
        x = layers.Conv2DTranspose(width, 5, strides=2, padding="same")(x)
        x = layers.LeakyReLU(SLOPE)(x)
    x = layers.Conv2D(1, 5, padding="same", dtype="float32")(x)  # [B, 28, 28, 1]
    if output_activation == "tanh":
        x = layers.Activation("tanh", dtype="float32")(x)
    else:
        x = layers.LeakyReLU(SLOPE, dtype="float32")(x)
    return keras.Model(latent, x, name="generator")


def discriminator(channels: Sequence[int] = (64, 128), dropout: float = 0.3) -> keras.Model:
    """D: x -> logit of "x is real", Table 1; 212,865 parameters.

    Args:
        channels: of the two convolutions.
        dropout: rate after each of them.

    Returns:
        A model from images `[B, 28, 28, 1]` in [-1, 1] to logits `[B, 1]`.
    """
    image = keras.Input((28, 28, 1), name="image")
    x = image
    for width in channels:  # [B, 14, 14, 64], [B, 7, 7, 128]
        x = layers.Conv2D(width, 5, strides=2, padding="same")(x)
        x = layers.LeakyReLU(SLOPE)(x)
        x = Dropout(dropout)(x)
    x = layers.Flatten()(x)
    logits = layers.Dense(1, dtype="float32")(x)
    return keras.Model(image, logits, name="discriminator")


def encoder(
    latent_size: int = 100,
    channels: Sequence[int] = (32, 64, 128, 256, 512),
    dropout: Sequence[float] = (0.3, 0.3, 0.3, 0.3, 0.3),
) -> keras.Model:
    """e: x -> z, Table 1; 4,210,468 trainable parameters and 1,984 moving statistics.

    The two 5x5 convolutions (first and third) have stride 2, the 3x3 ones stride 1.

    Args:
        latent_size: Z, the length of z.
        channels: of the five convolutions.
        dropout: rate after each of them.

    Returns:
        A model from images `[B, 28, 28, 1]` in [-1, 1] to latents `[B, Z]` in (-1, 1).
    """
    kernels, strides = (5, 3, 5, 3, 3), (2, 1, 2, 1, 1)
    image = keras.Input((28, 28, 1), name="image")
    x = image
    for width, kernel, stride, rate in zip(channels, kernels, strides, dropout, strict=True):
        x = layers.Conv2D(width, kernel, strides=stride, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(SLOPE)(x)
        x = Dropout(rate)(x)
    x = layers.Flatten()(x)  # [B, 7 * 7 * 512]
    x = layers.Dense(latent_size, dtype="float32")(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(image, x, name="encoder")
