"""The four networks of IFcVAEGAN, as the authors' code has them (the paper gives no tables).

Creswell, Bharath & Sengupta, arXiv 1711.05175 v1; `CVAE1`, `DISCRIMINATOR` and `AUX` of their
release. 64x64 faces, 64 filters.

Conventions: all convolutions have biases, also before batch normalisation; only the decoder is
normalised (momentum 0.9, epsilon 1e-5); ReLU everywhere, also in the discriminator; no dropout.
`padding="torch"` is exact: Torch pads a 5x5 convolution of stride 2 by 2 on both sides and its 3x3
transposed one drops the first row and column of the result, where Keras' "same" pads 1 and 2 and
drops the last. First weights and biases are Torch's, U(-1/sqrt(n), 1/sqrt(n)) with n inputs.

What the release ends in a sigmoid (reconstruction, y, real or fake, the auxiliary answer) ends in
logits here; the sigmoid is part of the losses.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import keras
from keras import layers

from ifcvaegan.config import Padding, Upsampling

LARGEST_LOG_VARIANCE = 10.0  # either way: keeps exp finite; a healthy training stays below
Symbolic: TypeAlias = Any  # Keras' symbolic tensors, which its stubs do not describe


def encoder(
    latent_size: int = 200,
    attributes: int = 1,
    size: int = 64,
    filters: int = 64,
    detached: bool = False,
    padding: Padding = "torch",
    normalised: bool = False,
) -> keras.Model:
    """E: x -> (mu, log sigma^2, logits of y); 7,591,953 parameters with the defaults.

    Args:
        latent_size: Z, the length of z.
        attributes: A, the length of y.
        size: side of the images, a power of two from 16 on.
        filters: of the first convolution; doubled towards the end.
        detached: y is read from the features without a gradient into them, as in the release; the
            paper's equations let it through.
        padding: "torch" or "same".
        normalised: batch normalisation after each convolution.

    Returns:
        A model from images `[B, S, S, 3]` in [0, 1] to means `[B, Z]`, log variances `[B, Z]`
        between -10 and 10, and logits `[B, A]`.

    Raises:
        ValueError: the size is no power of two from 16 on.
    """
    image = keras.Input((size, size, 3), name="image")
    hidden = _trunk(image, filters, padding, normalised)  # [B, 8192]
    mean = _dense(latent_size, hidden, name="mean", dtype="float32")
    log_variance = _dense(latent_size, hidden, name="log_variance", dtype="float32")
    log_variance = keras.ops.clip(log_variance, -LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
    read = keras.ops.stop_gradient(hidden) if detached else hidden
    logits = _dense(attributes, read, name="attributes", dtype="float32")
    return keras.Model(image, [mean, log_variance, logits], name="encoder")


def decoder(
    latent_size: int = 200,
    attributes: int = 1,
    size: int = 64,
    filters: int = 64,
    padding: Padding = "torch",
    upsampling: Upsampling = "transposed3",
) -> keras.Model:
    """D: (y, z) -> logits of x; 3,206,147 trainable parameters and 896 moving statistics.

    Args:
        latent_size: Z, the length of z.
        attributes: A, the length of y.
        size: side of the images, a power of two from 16 on.
        filters: of the last hidden layer; each one before it has twice as many.
        padding: "torch" or "same", of "transposed3".
        upsampling: "transposed3", "transposed4" or "resize".

    Returns:
        A model from [attributes `[B, A]`, latents `[B, Z]`] to logits `[B, S, S, 3]`, whose sigmoid
        is the image.

    Raises:
        ValueError: the size is no power of two from 16 on.
    """
    widths = [filters * 2**stage for stage in reversed(range(_stages(size)))]  # 512, 256, 128, 64
    attribute = keras.Input((attributes,), name="attribute")
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Concatenate()([attribute, latent])
    x = layers.ReLU()(_dense(4 * 4 * widths[0], x))
    x = layers.Reshape((4, 4, widths[0]))(x)  # [B, 4, 4, 512]
    for width in widths[1:]:  # [B, 8, 8, 256], [B, 16, 16, 128], [B, 32, 32, 64]
        x = _upsampled(width, x, padding, upsampling)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
    logits = _upsampled(3, x, padding, upsampling, dtype="float32")  # [B, 64, 64, 3]
    return keras.Model([attribute, latent], logits, name="decoder")


def discriminator(size: int = 64, filters: int = 64, padding: Padding = "torch") -> keras.Model:
    """C: x -> logit of "x is real"; 4,314,753 parameters. It never sees y.

    Args:
        size: side of the images, a power of two from 16 on.
        filters: of the first convolution; doubled towards the end.
        padding: "torch" or "same".

    Returns:
        A model from images `[B, S, S, 3]` in [0, 1] to logits `[B, 1]`.

    Raises:
        ValueError: the size is no power of two from 16 on.
    """
    image = keras.Input((size, size, 3), name="image")
    logits = _dense(1, _trunk(image, filters, padding), dtype="float32")
    return keras.Model(image, logits, name="discriminator")


def with_features(discriminator: keras.Model) -> keras.Model:
    """C with what it makes its decision from: the same layers, x -> (logit, features `[B, F]`)."""
    return keras.Model(
        discriminator.input, [discriminator.output, discriminator.layers[-1].input], name="observer"
    )


def auxiliary(latent_size: int = 200, attributes: int = 1, width: int = 1000) -> keras.Model:
    """A: z -> logits of y; 1,203,001 parameters.

    Args:
        latent_size: Z, the length of z.
        attributes: A, the length of y.
        width: of both hidden layers.

    Returns:
        A model from latents `[B, Z]` to logits `[B, A]`.
    """
    latent = keras.Input((latent_size,), name="latent")
    x = latent
    for _ in range(2):
        x = layers.ReLU()(_dense(width, x))
    return keras.Model(latent, _dense(attributes, x, dtype="float32"), name="auxiliary")


def _stages(size: int) -> int:
    """Convolutions from the image to a 4x4 map: 4 for a side of 64."""
    stages = math.log2(size) - 2 if size > 0 else 0
    if stages < 2 or stages != int(stages):
        raise ValueError(f"The side of the images is {size}; it must be 16, 32, 64, 128, ...")
    return int(stages)


def _trunk(image: Symbolic, filters: int, padding: Padding, normalised: bool = False) -> Symbolic:
    """The convolutions that encoder and discriminator have alike, flattened."""
    x = image
    for stage in range(_stages(image.shape[1])):
        # [B, 32, 32, 64], [B, 16, 16, 128], [B, 8, 8, 256], [B, 4, 4, 512]
        kernel, bias = _torch(5 * 5 * x.shape[-1])
        if padding == "torch":
            x = layers.ZeroPadding2D(2)(x)
        x = layers.Conv2D(
            filters * 2**stage,
            5,
            strides=2,
            padding="valid" if padding == "torch" else "same",
            kernel_initializer=kernel,
            bias_initializer=bias,
        )(x)
        if normalised:
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
    return layers.Flatten()(x)


def _upsampled(
    width: int, x: Symbolic, padding: Padding, upsampling: Upsampling, dtype: str | None = None
) -> Symbolic:
    """Doubles the side."""
    side = 4 if upsampling == "transposed4" else 3
    kernel, bias = _torch(side * side * x.shape[-1])
    options: dict[str, Any] = {
        "kernel_initializer": kernel,
        "bias_initializer": bias,
        "dtype": dtype,
    }
    if upsampling == "resize":
        x = layers.UpSampling2D(2, dtype=dtype)(x)  # nearest neighbours
        return layers.Conv2D(width, side, padding="same", **options)(x)
    torch = upsampling == "transposed3" and padding == "torch"
    padding_ = "valid" if torch else "same"
    x = layers.Conv2DTranspose(width, side, strides=2, padding=padding_, **options)(x)
    return layers.Cropping2D(((1, 0), (1, 0)), dtype=dtype)(x) if torch else x


def _dense(units: int, x: Symbolic, **options: Any) -> Symbolic:
    """A dense layer with Torch's first weights."""
    kernel, bias = _torch(x.shape[-1])
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)(x)


def _torch(inputs: int) -> tuple[Any, Any]:
    """U(-1/sqrt(n), 1/sqrt(n)), Torch's first weights and biases of a unit with n inputs."""
    bound = 1.0 / math.sqrt(inputs)
    uniform = keras.initializers.RandomUniform
    return uniform(-bound, bound), uniform(-bound, bound)
