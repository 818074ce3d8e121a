"""The networks of PIONEER at every level of their growth, as in its authors' code.

The layers of all levels have the same names, by which `hand_on` carries weights to the next one.
Generator: equalised rate, pixel normalisation before LReLU. Encoder: spectral norm and LReLU, also
after its last convolution. The layers from and to RGB are ordinary ones, in Keras' first weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from common.training.growing import Doubled, Fade, PixelNormalization, SpectralConv2D
from comparators.pioneer.layers import EqualConv2D

SLOPE = 0.2  # of LReLU, the authors' code


def generator(
    latent_size: int = 512,
    channels: Sequence[int] = (512, 512, 512, 512, 256, 128),
    fading: bool = False,
) -> keras.Model:
    """g: z -> x; 22,926,467 parameters at 128 pixels, 22,484,227 at 64.

    Args:
        latent_size: Z, the length of z.
        channels: at 4, 8, 16, ... pixels; the last is that of the images.
        fading: blend the last level in, see `Fade`.

    Returns:
        A model from latents `[B, Z]` of length 1 to images `[B, S, S, 3]`, about [-1, 1].
    """
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Reshape((1, 1, latent_size))(latent)
    x = layers.ZeroPadding2D(3)(x)  # a 4x4 kernel then makes 4x4 pixels
    x = _equal(x, channels[0], 4, "4_0", "valid")
    x = _equal(x, channels[0], 3, "4_1")
    before, side = x, 4
    for width in channels[1:]:  # [B, 8, 8, 512], [B, 16, 16, 512], ...
        before, side = Doubled()(x), 2 * side
        x = _equal(before, width, 3, f"{side}_0")
        x = _equal(x, width, 3, f"{side}_1")
    x = _to_rgb(x, side)
    if fading:
        x = Fade(name="fade", dtype="float32")([_to_rgb(before, side // 2), x])
    return keras.Model(latent, x, name="generator")


def encoder(
    latent_size: int = 512,
    channels: Sequence[int] = (512, 512, 512, 512, 256, 128),
    fading: bool = False,
) -> keras.Model:
    """e: x -> z; 25,139,200 parameters at 128 pixels, 24,254,464 at 64.

    Args:
        latent_size: Z, the length of z.
        channels: at 4, 8, 16, ... pixels; the last is that of the images.
        fading: blend the last level in, see `Fade`.

    Returns:
        A model from images `[B, S, S, 3]` in [-1, 1] to latents `[B, Z]` of length 1.
    """
    side = 4 * 2 ** (len(channels) - 1)
    image = keras.Input((side, side, 3), name="image")
    x = _from_rgb(image, channels[-1], side)
    for width in reversed(channels[:-1]):
        x = _spectral(x, width, 3, f"{side}_0")
        x = _spectral(x, width, 3, f"{side}_1")
        x = layers.AveragePooling2D(2)(x)
        if fading and x.shape[1] == image.shape[1] // 2:
            small = layers.AveragePooling2D(2)(image)
            x = Fade(name="fade")([_from_rgb(small, width, side // 2), x])
        side //= 2
    x = _spectral(x, channels[0], 3, "4_0")
    x = _spectral(x, latent_size, 4, "4_1", "valid")  # [B, 1, 1, Z]
    latent = layers.UnitNormalization(dtype="float32")(layers.Flatten()(x))
    return keras.Model(image, latent, name="encoder")


def _equal(x, width: int, side: int, name: str, padding: str = "same"):
    x = EqualConv2D(width, side, padding, name=f"conv_{name}")(x)
    return layers.LeakyReLU(SLOPE)(PixelNormalization()(x))


def _spectral(x, width: int, side: int, name: str, padding: str = "same"):
    x = SpectralConv2D(width, side, padding, name=f"conv_{name}")(x)
    return layers.LeakyReLU(SLOPE)(x)


def _to_rgb(x, side: int):
    return layers.Conv2D(3, 1, name=f"to_rgb_{side}", dtype="float32")(x)


def _from_rgb(x, width: int, side: int):
    return layers.Conv2D(width, 1, name=f"from_rgb_{side}")(x)
