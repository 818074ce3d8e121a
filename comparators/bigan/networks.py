"""The networks of BiGAN and the latent regressor on MNIST (Donahue et al., arXiv 1605.09782).

As in the authors' code: fully connected, no biases, weights N(0, 0.02^2), batch normalisation
without gain or bias, epsilon 1e-8. Images are on [0, 1], latents on [-1, 1].

- z enters the generator and the joint discriminator twice or in the middle: the hidden layer adds a
  product of z to that of the layer before.
- The last layers of the discriminators, and of the latent regressor's encoder, start at 0.
- The authors' statistics for inference are unbiased variances; Keras' are 1/128 smaller.
"""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf
from keras import layers

SLOPE = 0.2  # of LReLU, the authors' code
STDDEV = 0.02  # of the first weights, the authors' code
SHAPE = (28, 28, 1)


def generator(latent_size: int = 50, width: int = 1024) -> keras.Model:
    """G: z -> x; 1,953,792 parameters.

    Returns:
        A model from latents `[B, Z]` in [-1, 1] to images `[B, 28, 28, 1]` in [0, 1].
    """
    latent = keras.Input((latent_size,), name="latent")
    x = _dense(width)(latent)
    x = _normalised(x)
    x = layers.ReLU()(x)  # [B, 1024]
    x = layers.Add()([_dense(width)(x), _dense(width)(latent)])
    x = _normalised(x)
    x = layers.ReLU()(x)  # [B, 1024]
    x = _dense(28 * 28, dtype="float32")(x)
    x = layers.Activation("sigmoid", dtype="float32")(x)
    return keras.Model(latent, layers.Reshape(SHAPE, dtype="float32")(x), name="generator")


def encoder(
    latent_size: int = 50, width: int = 1024, first: Literal["normal", "zeros"] = "normal"
) -> keras.Model:
    """E: x -> logits of z, see `latents`; 1,902,592 parameters.

    Args:
        latent_size: Z, the length of z.
        width: of the two hidden layers.
        first: the first weights of the last layer, "zeros" for the latent regressor.

    Returns:
        A model from images `[B, 28, 28, 1]` in [0, 1] to logits `[B, Z]`.
    """
    image = keras.Input(SHAPE, name="image")
    x = layers.Flatten()(image)
    x = _dense(width)(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    x = _dense(width)(x)
    x = _normalised(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    logits = _dense(latent_size, first, dtype="float32")(x)
    return keras.Model(image, logits, name="encoder")


def joint_discriminator(latent_size: int = 50, width: int = 1024) -> keras.Model:
    """D: (x, z) -> logit of "x is real and z = E(x)"; 1,903,616 parameters.

    Returns:
        A model from [images `[B, 28, 28, 1]` in [0, 1], latents `[B, Z]`] to logits `[B, 1]`.
    """
    image, latent = keras.Input(SHAPE, name="image"), keras.Input((latent_size,), name="latent")
    x = layers.Flatten()(image)
    x = _dense(width)(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    x = layers.Add()([_dense(width)(x), _dense(width)(latent)])
    x = _normalised(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    logits = _dense(1, "zeros", dtype="float32")(x)
    return keras.Model([image, latent], logits, name="discriminator")


def discriminator(width: int = 1024) -> keras.Model:
    """D: x -> logit of "x is real", of the latent regressor's GAN; 1,852,416 parameters.

    Returns:
        A model from images `[B, 28, 28, 1]` in [0, 1] to logits `[B, 1]`.
    """
    image = keras.Input(SHAPE, name="image")
    x = layers.Flatten()(image)
    x = _dense(width)(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    x = _dense(width)(x)
    x = _normalised(x)
    x = layers.LeakyReLU(SLOPE)(x)  # [B, 1024]
    logits = _dense(1, "zeros", dtype="float32")(x)
    return keras.Model(image, logits, name="discriminator")


def latents(logits: tf.Tensor) -> tf.Tensor:
    """The z = 2 sigmoid(a) - 1 of the encoder's logits a `[B, Z]` (the authors' code)."""
    return 2.0 * tf.sigmoid(logits) - 1.0


def _dense(
    width: int, first: Literal["normal", "zeros"] = "normal", **options
) -> keras.layers.Layer:
    start = "zeros" if first == "zeros" else keras.initializers.RandomNormal(stddev=STDDEV)
    return layers.Dense(
        width,
        use_bias=False,
        kernel_initializer=start,  # pyright: ignore[reportArgumentType]
        **options,
    )


def _normalised(x):
    return layers.BatchNormalization(center=False, scale=False, epsilon=1e-8)(x)
