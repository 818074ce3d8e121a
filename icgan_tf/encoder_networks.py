"""Encoders of IcGAN: E_z, which finds z in an image, and E_y, which reads y.

- `encoder`: the original's (Perarnau et al. 2016, Table 2, and the authors' Torch code), one for z
  and one for y: IND, the best of their comparison. With `conditions`, E_z is told y: IND-COND.
- `shared_encoders`: both with the same convolutions: SNG.
- `baseline_encoder`: E_z and E_y of the report's TensorFlow baseline, for 28x28 digits.

Convolutions 5x5 with stride 2 get Torch's padding of 2 on each side, since Keras' "same" would pad
1 and 2. Batch normalisation as in Torch: momentum 0.9, epsilon 1e-5.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers

from icgan_tf.config import Config
from icgan_tf.networks import (
    MEDIUM,
    SMALL,
    Symbolic,
    activated,
    convolution,
    normal,
    with_condition,
)


def build(config: Config, conditions: int, channels: int) -> tuple[keras.Model, keras.Model]:
    """E_z and E_y that the settings describe, with fresh weights.

    Args:
        config: the settings.
        conditions: A, the length of y.
        channels: of the images, 1 or 3.
    """
    sizes, side = config.networks, config.data.image_size
    latent, filters = sizes.latent_size, sizes.encoder_filters
    dense_z, dense_y = sizes.encoder_z_dense, sizes.encoder_y_dense
    if sizes.family == "baseline":
        encoder_z = baseline_encoder(latent, "normalised", "encoder_z")
        return encoder_z, baseline_encoder(conditions, "sigmoid", "encoder_y")
    if sizes.encoders == "shared":
        return shared_encoders(latent, conditions, side, channels, dense_z, dense_y, filters)
    told = conditions if sizes.encoders == "conditional" else 0
    encoder_z = encoder(latent, side, channels, dense_z, filters, "encoder_z", told)
    return encoder_z, encoder(conditions, side, channels, dense_y, filters, "encoder_y")


def encoder(
    outputs: int,
    size: int = 64,
    channels: int = 3,
    dense: int | None = None,
    filters: int = 32,
    name: str = "encoder_z",
    conditions: int = 0,
) -> keras.Model:
    """E_z: x -> z or E_y: x -> y, Table 2; 18,278,244 parameters for z, 3,186,962 for y.

    No activation and no normalisation at the end, "so z can look like N(0, 1)".

    Args:
        outputs: Z or A.
        size: side of the images.
        channels: of the images, 1 or 3.
        dense: units of the hidden dense layer, 512 for E_y; as many as it gets if None, for E_z.
        filters: of the first of the four convolutions; each one after it has twice as many.
        name: `encoder_z` or `encoder_y`.
        conditions: length of the y that E_z is told, repeated over the image; 0 for none.

    Returns:
        A model from images `[B, S, S, C]` to `[B, outputs]`; with conditions, from [images,
        conditions `[B, A]`].
    """
    image = keras.Input((size, size, channels), name="image")
    if not conditions:
        return keras.Model(image, _head(_trunk(image, filters), outputs, dense), name=name)
    condition = keras.Input((conditions,), name="condition")
    found = _head(_trunk(with_condition(image, condition), filters), outputs, dense)
    return keras.Model([image, condition], found, name=name)


def shared_encoders(
    latent_size: int = 100,
    conditions: int = 18,
    size: int = 64,
    channels: int = 3,
    z_dense: int | None = None,
    y_dense: int = 512,
    filters: int = 32,
) -> tuple[keras.Model, keras.Model]:
    """E_z and E_y with the same four convolutions (SNG); each has a hidden layer of its own.

    Args:
        latent_size: Z.
        conditions: A.
        size: side of the images.
        channels: of the images, 1 or 3.
        z_dense: units of E_z's hidden dense layer; as many as it gets if None.
        y_dense: units of E_y's.
        filters: of the first convolution.

    Returns:
        Two models from images `[B, S, S, C]`, to `[B, Z]` and `[B, A]`. Training one changes the
        other.
    """
    image = keras.Input((size, size, channels), name="image")
    x = _trunk(image, filters)
    encoder_z = keras.Model(image, _head(x, latent_size, z_dense), name="encoder_z")
    return encoder_z, keras.Model(image, _head(x, conditions, y_dense), name="encoder_y")


def find_latent(encoder_z: keras.Model, image: Any, condition: Any, training: bool = False) -> Any:
    """E_z(x) `[B, Z]`, or E_z(x, y) where E_z is told y.

    Args:
        encoder_z: E_z.
        image: `[B, H, W, C]` in the range of the training.
        condition: y `[B, A]`, as G is told it.
        training: whether batch normalisation uses this batch.
    """
    if len(encoder_z.inputs) == 1:
        return encoder_z(image, training=training)
    both = [keras.ops.convert_to_tensor(one) for one in (image, condition)]
    return encoder_z(both, training=training)


def baseline_encoder(
    outputs: int, ending: Literal["normalised", "sigmoid"], name: str = "encoder_z"
) -> keras.Model:
    """E_z or E_y of the baseline; 534,272 parameters for Z = 64, 195,402 for 10 classes.

    Args:
        outputs: Z or A.
        ending: batch normalisation after E_z's last layer, a sigmoid after E_y's.
        name: `encoder_z` or `encoder_y`.

    Returns:
        A model from images `[B, 28, 28, 1]` in [0, 1] to `[B, outputs]`.
    """
    image = keras.Input((28, 28, 1), name="image")
    x = image
    for width in (SMALL, MEDIUM):  # [B, 14, 14, 64], [B, 7, 7, 128]
        x = activated(convolution(width)(x), "relu", gamma_spread=0.0)
    x = layers.Flatten()(x)
    x = layers.Dense(outputs, kernel_initializer=normal(), dtype="float32")(x)
    if ending == "normalised":
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype="float32")(x)
    else:
        x = layers.Activation("sigmoid", dtype="float32")(x)
    return keras.Model(image, x, name=name)


def _trunk(x: Symbolic, filters: int) -> Symbolic:
    """The four convolutions, flattened: `[B, 4096]` for 64x64 images and 32 filters."""
    for stage in range(4):  # [B, 32, 32, 32], [B, 16, 16, 64], [B, 8, 8, 128], [B, 4, 4, 256]
        x = layers.ZeroPadding2D(2)(x)
        x = layers.Conv2D(filters * 2**stage, 5, strides=2, kernel_initializer=_torch())(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
    return layers.Flatten()(x)


def _head(x: Symbolic, outputs: int, dense: int | None) -> Symbolic:
    """The two dense layers."""
    x = layers.Dense(dense or x.shape[-1], kernel_initializer=_torch())(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = layers.ReLU()(x)
    return layers.Dense(outputs, kernel_initializer=_torch(), dtype="float32")(x)


def _torch() -> Any:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): Torch's first weights, which the encoders keep."""
    return keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
