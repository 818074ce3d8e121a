"""The distance L between images: pixels, and activations of a network [R, Sec. 4.1].

L(x1, x2) = ||C(x1) - C(x2)||^2, where C(x) is x itself and its features. Each term is a mean, as in
the public code [C], not the printed sum. [C] takes conv4 of an AlexNet with a weight of 0.002,
which belongs to the scale of that layer; here each layer is divided by its own mean square
difference between generated images, so that a weight of 1 makes both terms alike whatever the
network.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from common.errors import UserError
from common.images import PixelRange
from igan.config import FeatureConfig
from igan.networks import feature_layers

Targets: TypeAlias = tuple[tf.Tensor, ...]  # an image in [-1, 1] and its features, `[B, h, w, c]`

PAIRS = 256  # of generated images, by which layers are scaled; ours
VGG_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv3")
VGG_MEANS = (103.939, 116.779, 123.68)  # blue, green, red of ImageNet, as Keras subtracts them


class Distance:
    """L from images in a generator's range, `[B, S, S, C]`, to targets.

    Args:
        pixel_range: of the images.
        features: from images in that range to activations; None compares pixels alone.
        scales: of the layers.
    """

    def __init__(
        self,
        pixel_range: PixelRange,
        features: keras.Model | None = None,
        scales: Sequence[float] = (),
    ):
        self.pixel_range: PixelRange = pixel_range
        self.features = features
        self.scales = tuple(scales)

    def targets(self, images: tf.Tensor) -> Targets:
        """C of images in the generator's range: the first argument of all distances to them."""
        return (to_signed(images, self.pixel_range), *self._activations(images))

    def __call__(
        self, images: tf.Tensor, targets: Targets, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """L of each image to its target, `[B]`.

        Args:
            images: `[B, S, S, C]`.
            targets: of as many images.
            mask: weights of the pixels, `[B, S, S, 1]`; of features resized to their side.
        """
        return tf.add_n(self.terms(images, targets, mask))

    def terms(
        self, images: tf.Tensor, targets: Targets, mask: tf.Tensor | None = None
    ) -> list[tf.Tensor]:
        """The two terms of L, `[B]` each: pixels, and features with their weight."""
        return self._terms(self.targets(images), targets, mask)

    def between(self, one: Targets, other: Targets, mask: tf.Tensor | None = None) -> tf.Tensor:
        """L of images whose features are known; either side may be one image for all."""
        return tf.add_n(self._terms(one, other, mask))

    def _terms(self, one: Targets, other: Targets, mask: tf.Tensor | None) -> list[tf.Tensor]:
        pixels, *layers = (_mean_square(a - b, mask) for a, b in zip(one, other, strict=True))
        scaled = [scale * layer for scale, layer in zip(self.scales, layers, strict=True)]
        return [pixels, tf.add_n(scaled) if scaled else tf.zeros_like(pixels)]

    def _activations(self, images: tf.Tensor) -> list[tf.Tensor]:
        if self.features is None:
            return []
        return [tf.cast(one, tf.float32) for one in self.features(images, training=False)]


def distance_of(
    settings: FeatureConfig,
    generator: keras.Model,
    discriminator: keras.Model | None,
    pixel_range: PixelRange,
) -> Distance:
    """The distance that the settings ask for, its layers scaled on images of the generator.

    Args:
        settings: space, weight and file.
        generator: z in [-1, 1] to images; trained.
        discriminator: of the space `discriminator`.
        pixel_range: of the images.

    Raises:
        UserError: the file of weights is missing or does not fit.
    """
    if settings.space == "pixels":
        return Distance(pixel_range)
    if settings.space == "vgg":
        features = vgg_features(Path(settings.file or ""), generator.output_shape, pixel_range)
    else:
        assert discriminator is not None
        outputs = [discriminator.get_layer(name).output for name in feature_layers(discriminator)]
        features = keras.Model(discriminator.input, outputs, name="features")
    rng = np.random.default_rng(0)
    latents = rng.uniform(-1, 1, (2 * PAIRS, generator.input_shape[-1])).astype(np.float32)
    one, other = (generator(z, training=False) for z in np.split(latents, 2))
    unscaled = Distance(pixel_range, features, (1.0,) * len(features.outputs))
    pairs = zip(unscaled.targets(one), unscaled.targets(other), strict=True)
    pixels, *layers = (float(tf.reduce_mean(tf.square(a - b))) for a, b in pairs)
    each = settings.weight * pixels / len(layers)
    return Distance(pixel_range, features, [each / layer if layer else 0.0 for layer in layers])


def vgg_features(file: Path, shape: tuple, pixel_range: PixelRange) -> keras.Model:
    """Activations of VGG16 (Simonyan & Zisserman 2015) for images of any channels.

    Args:
        file: its weights, of all five blocks or of the first three or four, `.weights.h5`.
        shape: of the images, `[B, S, S, C]`.
        pixel_range: of the images.

    Raises:
        UserError: the file is missing or does not fit.
    """
    if not file.is_file():
        raise UserError(f"There is no file {file} with weights of VGG16.")
    image: Any = keras.Input(shape[1:])
    pixels: Any = (to_signed(image, pixel_range) + 1.0) * 127.5
    if shape[-1] == 1:
        pixels = keras.ops.repeat(pixels, 3, axis=-1)
    pixels = pixels[..., ::-1] - np.array(VGG_MEANS, np.float32)
    base = keras.applications.VGG16(
        include_top=False,
        weights=None,  # pyright: ignore[reportArgumentType]
        input_shape=(*shape[1:3], 3),
    )
    for last in ("block5_pool", "block4_conv3", "block4_pool", "block3_conv3", "block3_pool"):
        part = keras.Model(base.input, base.get_layer(last).output)
        try:
            with warnings.catch_warnings():  # Keras warns part by part before it raises
                warnings.filterwarnings("ignore", message="Skipping nested container")
                part.load_weights(file)
        except (ValueError, KeyError, OSError):
            continue
        outputs = [base.get_layer(name).output for name in VGG_LAYERS]
        return keras.Model(image, keras.Model(base.input, outputs)(pixels), name="features")
    raise UserError(f"{file} does not hold weights of VGG16 as Keras saves them.")


def to_signed(images: tf.Tensor, pixel_range: PixelRange) -> tf.Tensor:
    """Images in a generator's range, in [-1, 1]."""
    return images * 2.0 - 1.0 if pixel_range == "unit" else images


def _mean_square(difference: tf.Tensor, mask: Any) -> tf.Tensor:
    """The mean square of each example `[B, h, w, c]`, weighted by a mask `[B, S, S, 1]`."""
    square: Any = tf.square(difference)
    if mask is None:
        return tf.reduce_mean(square, axis=[1, 2, 3])
    if mask.shape[1:3] != square.shape[1:3]:
        mask = tf.image.resize(mask, square.shape[1:3], "area")
    total = tf.reduce_sum(mask, axis=[1, 2, 3]) * tf.cast(square.shape[-1], tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(mask * square, axis=[1, 2, 3]), total)
