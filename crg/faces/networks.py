"""Generator and critic of CRG on faces, at every level of their growth (Sec. 3.2.2).

"Similar to the Progressive GAN architecture": that of Karras et al. 2018, Table 2, with spectral
normalisation in both networks. The paper gives no layers and no widths; `crg.faces.presets` has the
readings. Pixel normalisation and the standard deviation over a minibatch are kept, the equalised
learning rate is not (under spectral normalisation its constant has no effect on the output).

The layers of all levels have the same names, by which `hand_on` carries weights to the next level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import layers

from common.errors import UserError
from common.training.growing import (
    Doubled,
    Fade,
    MinibatchStddev,
    PixelNormalization,
    SpectralConv2D,
    SpectralDense,
)
from crg.faces.config import Config
from crg.faces.encoders import encoder

SLOPE = 0.2  # of LReLU (Karras et al. 2018, Appendix A)


def generator(
    latent_size: int = 128,
    channels: Sequence[int] = (512, 512, 512, 512, 256, 128),
    first_convolutions: int = 2,
    size: int | None = None,
    fading: bool = False,
) -> keras.Model:
    """g: z -> x at one level of its growth; 22,148,227 parameters at 128 pixels.

    With the layers to RGB of all six levels it is 22,155,154.

    Args:
        latent_size: Z, the length of z.
        channels: at 4, 8, 16, ... pixels.
        first_convolutions: 3x3 convolutions at 4x4.
        size: S, the side of the images, 4 at least; by default that of the last of `channels`.
        fading: blend the level in, see `Fade`; else what it has become.

    Returns:
        A model from latents `[B, Z]` to images `[B, S, S, 3]` in [-1, 1].
    """
    last = level_of(size, channels)
    latent = keras.Input((latent_size,), name="latent")
    x = SpectralDense(4 * 4 * channels[0], name="dense")(latent)
    x = layers.Reshape((4, 4, channels[0]))(x)
    x = _normalised_activation(x)
    for index in range(first_convolutions):
        x = SpectralConv2D(channels[0], name=f"conv_4_{index}")(x)
        x = _normalised_activation(x)
    before = x
    for level in range(1, last + 1):  # [B, 8, 8, 512], [B, 16, 16, 512], ...
        before = x
        x = Doubled()(x)
        for index in range(2):
            x = SpectralConv2D(channels[level], name=f"conv_{4 * 2**level}_{index}")(x)
            x = _normalised_activation(x)
    x = _rgb(x, 4 * 2**last)
    if fading and last:
        old = Doubled(dtype="float32")(_rgb(before, 2 * 2**last))
        x = Fade(name="fade", dtype="float32")([old, x])
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(latent, x, name="generator")


def critic(
    channels: Sequence[int] = (512, 512, 512, 512, 256, 128),
    size: int | None = None,
    fading: bool = False,
    normalise_score: bool = True,
    gain: float = 1.0,
) -> keras.Model:
    """D: x -> a score without bounds, at one level; 22,932,097 parameters at 128 pixels.

    With the layers from RGB of all six levels it is 22,941,313.

    Args:
        channels: at 4, 8, 16, ... pixels.
        size: S, the side of the images, 4 at least; by default that of the last of `channels`.
        fading: blend the level in, see `Fade`.
        normalise_score: spectral normalisation of the last dense layer too.
        gain: factor after each normalised layer.

    Returns:
        A model from images `[B, S, S, 3]` in [-1, 1] to scores `[B, 1]`.
    """
    last = level_of(size, channels)
    side = 4 * 2**last
    image = keras.Input((side, side, 3), name="image")
    x = _from_rgb(image, channels[last], side, gain)
    for level in range(last, 0, -1):
        width, side = channels[level], 4 * 2**level
        for index, out in enumerate((width, channels[level - 1])):
            x = SpectralConv2D(out, gain=gain, name=f"conv_{side}_{index}")(x)
            x = layers.LeakyReLU(SLOPE)(x)
        x = layers.AveragePooling2D(2)(x)
        if fading and level == last:
            small = layers.AveragePooling2D(2)(image)
            x = Fade(name="fade")([_from_rgb(small, channels[level - 1], side // 2, gain), x])
    x = MinibatchStddev()(x)
    x = SpectralConv2D(channels[0], gain=gain, name="conv_4_0")(x)
    x = layers.LeakyReLU(SLOPE)(x)
    x = layers.Flatten()(x)
    x = SpectralDense(channels[0], gain=gain, name="dense")(x)
    x = layers.LeakyReLU(SLOPE)(x)
    score = SpectralDense(1, normalised=normalise_score, name="score", dtype="float32")(x)
    return keras.Model(image, score, name="critic")


def build(config: Config) -> dict[str, keras.Model]:
    """All networks that the settings describe, by name, as they are when training is done."""
    sizes = config.networks
    return {
        "generator": generator(sizes.latent_size, sizes.channels, sizes.first_convolutions),
        "critic": critic(
            sizes.channels, normalise_score=sizes.normalise_score, gain=sizes.critic_gain
        ),
        "encoder": encoder(
            sizes.latent_size,
            config.image_size,
            sizes.encoder,
            sizes.encoder_dropout,
            sizes.vgg_preprocessing,
        ),
    }


def pretrained(file: Path, latent_size: int, image_size: int) -> keras.Model:
    """A generator of any origin (Sec. 2), from a file in Keras' format.

    Keras' safe mode stays on: a file cannot bring code along.

    Args:
        file: ends in `.keras`.
        latent_size: Z that it must take.
        image_size: S of the images that it must make.

    Raises:
        UserError: it cannot be read, or has other inputs or outputs.
    """
    try:
        network = keras.models.load_model(file, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"--generator {file} cannot be read as a Keras model: {error}. Layers of your own must "
            "be registered, and code within the file is not run."
        ) from error
    assert isinstance(network, keras.Model)
    shapes = network.input_shape, network.output_shape
    if shapes != ((None, latent_size), (None, image_size, image_size, 3)):
        raise UserError(
            f"--generator {file} takes {shapes[0]} and makes {shapes[1]}; this run has latents of "
            f"{latent_size} and images of {image_size}x{image_size}x3: change "
            "--networks.latent-size, or the preset for the size."
        )
    return keras.Model(network.inputs[0], network.outputs[0], name="generator")


def level_of(size: int | None, channels: Sequence[int]) -> int:
    """The number of a level: 0 at 4 pixels, 1 at 8, ...; the last one by default."""
    return len(channels) - 1 if size is None else round(math.log2(size)) - 2


def _normalised_activation(x):
    x = layers.LeakyReLU(SLOPE)(x)
    return PixelNormalization()(x)


def _rgb(x, side: int):
    """1x1 to three channels, in float32: what follows is an image."""
    return SpectralConv2D(3, 1, name=f"to_rgb_{side}", dtype="float32")(x)


def _from_rgb(x, width: int, side: int, gain: float):
    x = SpectralConv2D(width, 1, gain=gain, name=f"from_rgb_{side}")(x)
    return layers.LeakyReLU(SLOPE)(x)
