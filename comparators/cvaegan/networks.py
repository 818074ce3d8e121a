"""The networks of CVAE-GAN in the sizes of IFcVAEGAN's (its authors' code; see `config`).

5x5 convolutions of stride 2 with ReLU in E, D and C, 3x3 transposed ones with batch normalisation
in G; biases everywhere; Keras' own padding and first weights. The class c enters E beside the
features of x, before the last layer (the paper), and G beside z.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

LARGEST_LOG_VARIANCE = 10.0  # either way: keeps exp finite; as in IFcVAEGAN here
Symbolic = Any  # Keras' symbolic tensors, which its stubs do not describe


def encoder(
    latent_size: int = 200, attributes: int = 1, size: int = 64, filters: int = 64
) -> keras.Model:
    """E: (x, c) -> (mu, log sigma^2); 7,584,160 parameters.

    Args:
        latent_size: Z, the length of z.
        attributes: A, the length of c.
        size: side of the images, a power of two from 16 on.
        filters: of the first convolution; doubled towards the end.

    Returns:
        A model from [images `[B, S, S, 3]` in [-1, 1], attributes `[B, A]`] to means `[B, Z]` and
        log variances `[B, Z]` between -10 and 10.
    """
    image = keras.Input((size, size, 3), name="image")
    attribute = keras.Input((attributes,), name="attribute")
    x = layers.Concatenate()([_trunk(image, filters), attribute])  # [B, 8192 + A]
    mean = layers.Dense(latent_size, name="mean", dtype="float32")(x)
    log_variance: Any = layers.Dense(latent_size, name="log_variance", dtype="float32")(x)
    log_variance = keras.ops.clip(log_variance, -LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
    return keras.Model([image, attribute], [mean, log_variance], name="encoder")


def generator(
    latent_size: int = 200, attributes: int = 1, size: int = 64, filters: int = 64
) -> keras.Model:
    """G: (c, z) -> x; 3,206,147 trainable parameters, as IFcVAEGAN's decoder.

    Args:
        latent_size: Z, the length of z.
        attributes: A, the length of c.
        size: side of the images, a power of two from 16 on.
        filters: of the last hidden layer; each one before it has twice as many.

    Returns:
        A model from [attributes `[B, A]`, latents `[B, Z]`] to images `[B, S, S, 3]` in [-1, 1].
    """
    widths = [filters * 2**stage for stage in reversed(range(_stages(size)))]  # 512, 256, 128, 64
    attribute = keras.Input((attributes,), name="attribute")
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Concatenate()([attribute, latent])
    x = layers.Dense(4 * 4 * widths[0], activation="relu")(x)
    x = layers.Reshape((4, 4, widths[0]))(x)  # [B, 4, 4, 512]
    for width in widths[1:]:  # [B, 8, 8, 256], [B, 16, 16, 128], [B, 32, 32, 64]
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", dtype="float32")(x)
    image = layers.Activation("tanh", dtype="float32")(x)  # [B, 64, 64, 3]
    return keras.Model([attribute, latent], image, name="generator")


def discriminator(size: int = 64, filters: int = 64) -> keras.Model:
    """D: x -> (logit of "x is real", f_D); 4,314,753 parameters.

    Args:
        size: side of the images, a power of two from 16 on.
        filters: of the first convolution; doubled towards the end.

    Returns:
        A model from images `[B, S, S, 3]` in [-1, 1] to logits `[B, 1]` and to the features
        `[B, F]` that the last layer takes.
    """
    return _reader(1, size, filters, "discriminator")


def classifier(attributes: int = 1, size: int = 64, filters: int = 64) -> keras.Model:
    """C: x -> (logits of c, f_C); 4,314,753 parameters for one attribute.

    Args:
        attributes: A, the length of c.
        size: side of the images, a power of two from 16 on.
        filters: of the first convolution; doubled towards the end.

    Returns:
        A model from images `[B, S, S, 3]` in [-1, 1] to logits `[B, A]` and to the features
        `[B, F]` that the last layer takes.
    """
    return _reader(attributes, size, filters, "classifier")


def _reader(units: int, size: int, filters: int, name: str) -> keras.Model:
    """An image to logits and to the features before them."""
    image = keras.Input((size, size, 3), name="image")
    features = layers.Activation("linear", dtype="float32")(_trunk(image, filters))
    logits = layers.Dense(units, name="logits", dtype="float32")(features)
    return keras.Model(image, [logits, features], name=name)


def _trunk(image: Symbolic, filters: int) -> Symbolic:
    """The convolutions of E, D and C, flattened."""
    x = image
    for stage in range(_stages(image.shape[1])):
        # [B, 32, 32, 64], [B, 16, 16, 128], [B, 8, 8, 256], [B, 4, 4, 512]
        x = layers.Conv2D(filters * 2**stage, 5, strides=2, padding="same", activation="relu")(x)
    return layers.Flatten()(x)


def _stages(size: int) -> int:
    """Convolutions from the image to a 4x4 map: 4 for a side of 64."""
    return int(math.log2(size)) - 2
