"""The networks of AGE at 64 and at 32 pixels (Ulyanov et al., arXiv 1704.02304), as in its code.

DCGAN's 4x4 convolutions, first weights N(0, 0.02^2), gains N(1, 0.02^2), no biases but that of the
encoder's last layer (and of the generator's at 32 pixels); batch normalisation with Torch's epsilon
1e-5 and momentum 0.9 in Keras' sense. Both take and give z on the unit sphere.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

SLOPE = 0.2  # of LReLU, the authors' code


def encoder(size: int = 64, latent_size: int = 64, filters: int = 64) -> keras.Model:
    """e: x -> z; 3,281,728 parameters at 64 pixels, 921,408 at 32.

    Args:
        size: side of the images, 64 or 32.
        latent_size: Z, the length of z.
        filters: channels of the first convolution.

    Returns:
        A model from images `[B, size, size, 3]` in [-1, 1] to latents `[B, Z]` of length 1.
    """
    image = keras.Input((size, size, 3), name="image")
    x = _convolution(filters)(image)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 32, 32, 64]
    for factor in (2, 4, 8) if size == 64 else (2, 4):  # [B, 16, 16, 128] to [B, 4, 4, 512]
        x = _convolution(factor * filters)(x)
        x = _normalised(x)
        x = layers.LeakyReLU(SLOPE)(x)
    if size == 64:
        x = _convolution(latent_size, strides=1, padding="valid", use_bias=True)(x)
    else:  # [B, 2, 2, Z] of [B, 4, 4, 256]
        x = _convolution(latent_size, use_bias=True)(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    latent = layers.UnitNormalization(dtype="float32")(x)
    return keras.Model(image, latent, name="encoder")


def generator(size: int = 64, latent_size: int = 64, filters: int = 64) -> keras.Model:
    """g: z -> x; 3,281,792 parameters at 64 pixels, 3,410,307 at 32.

    Args:
        size: side of the images, 64 or 32.
        latent_size: Z, the length of z.
        filters: channels of the last hidden layer at 64 pixels.

    Returns:
        A model from latents `[B, Z]` of length 1 to images `[B, size, size, 3]` in [-1, 1].
    """
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Reshape((1, 1, latent_size))(latent)
    x = _transposed(8 * filters, strides=1, padding="valid")(x)
    x = layers.ReLU()(_normalised(x))  # [B, 4, 4, 512]
    for factor in (4, 2, 1) if size == 64 else (4, 2, 2):  # to [B, 32, 32, 64 or 128]
        x = _transposed(factor * filters)(x)
        x = layers.ReLU()(_normalised(x))
    if size == 64:
        x = _transposed(3, dtype="float32")(x)
    else:
        x = layers.Conv2D(3, 1, kernel_initializer=_normal(), dtype="float32")(x)
    return keras.Model(latent, layers.Activation("tanh", dtype="float32")(x), name="generator")


def _normal(mean: float = 0.0) -> Any:
    return keras.initializers.RandomNormal(mean, 0.02)


def _convolution(channels: int, **options: Any) -> keras.layers.Layer:
    given = {"strides": 2, "padding": "same", "use_bias": False} | options
    return layers.Conv2D(channels, 4, kernel_initializer=_normal(), **given)


def _transposed(channels: int, **options: Any) -> keras.layers.Layer:
    given = {"strides": 2, "padding": "same", "use_bias": False} | options
    return layers.Conv2DTranspose(channels, 4, kernel_initializer=_normal(), **given)


def _normalised(x):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=_normal(1.0))(x)
