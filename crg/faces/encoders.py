"""The encoder on VGG16's first blocks (Sec. 3.2.2), in the readings that text and count allow.

"6 blocks with a total of approximately 26 million trainable parameters": VGG16's blocks 1 to 4
without the fourth pooling, batch normalisation and spatial dropout at the end of each block, "two
new blocks", the last convolution a transposed one of 1x1, global max pooling. How many convolutions
the new blocks have is not said, and what the text says of their widths gives 23 million, never 26.
`remnant26m` is what lies commented out in a script of the authors' later tree: 26,648,896. Order
within a block: convolutions with ReLU, normalisation, dropout, pooling, as in that script.

No normalisation, dropout or activation follows the last convolution: dropout there would zero whole
coordinates of z, ReLU would forbid negative ones.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from common.errors import UserError
from common.training.spread import SpatialDropout2D

ops: Any = keras.ops  # whose stubs know the tensors of another backend
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))  # blocks 1 to 4
POOLED = 3  # blocks that end with pooling: "we remove the fourth"
BGR_MEANS = (103.939, 116.779, 123.68)  # of ImageNet, which VGG16's weights expect subtracted

Preprocessing = Literal["caffe", "none"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One reading of the encoder.

    Attributes:
        vgg_blocks: of VGG16, from the first.
        blocks: channels of the convolutions of each new block with normalisation and dropout.
        head: channels of convolutions after those, before the last one.
        dense: read z from all positions by a dense layer, after one more pooling. Ours. Otherwise
            each coordinate of z is the largest value that the last convolution has at any position.
    """

    vgg_blocks: int
    blocks: tuple[tuple[int, ...], ...]
    head: tuple[int, ...] = ()
    dense: bool = False


VARIANTS = {
    "remnant26m": Variant(4, ((512, 512), (1024, 1024))),
    "literal23m": Variant(4, ((1024, 1024),), (128,)),  # "doubled", "128 in the last block"
    "b6_512": Variant(4, ((1024, 1024),), (512,)),  # 26.6 million as well, of two new blocks
    "vgg_small64": Variant(3, ((96, 96),)),  # ours, for 64 pixels and two CPU cores
    "vgg_dense64": Variant(3, ((64,),), dense=True),  # ours, likewise
}


@keras.saving.register_keras_serializable("crg")
class VGGPreprocessing(layers.Layer):
    """Images in [-1, 1] as VGG16's weights expect them: 0..255, BGR, ImageNet's means subtracted.

    In the graph and without rounding, so that gradients pass. The paper is silent on it.
    """

    def call(self, inputs):
        levels = (ops.clip(inputs, -1.0, 1.0) + 1.0) * 127.5
        return ops.flip(levels, axis=-1) - ops.convert_to_tensor(BGR_MEANS, levels.dtype)


def encoder(
    latent_size: int = 128,
    image_size: int = 128,
    variant: str = "remnant26m",
    dropout: float = 0.5,
    preprocessing: Preprocessing = "caffe",
) -> keras.Model:
    """e: x -> z; 26,648,896 trainable parameters and 4,992 moving statistics by default.

    Args:
        latent_size: Z, the length of z.
        image_size: S, the side of the images.
        variant: one of `VARIANTS`.
        dropout: rate of the spatial dropout at the end of each block.
        preprocessing: "caffe" as VGG16's weights want it, or "none".

    Returns:
        A model from images `[B, S, S, 3]` in [-1, 1] to latents `[B, Z]`.
    """
    reading = VARIANTS[variant]
    blocks = [*VGG16[: reading.vgg_blocks], *reading.blocks]
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    if preprocessing == "caffe":
        x = VGGPreprocessing(name="preprocessing", dtype="float32")(x)
    for number, channels in enumerate(blocks, 1):
        for index, width in enumerate(channels, 1):
            name = f"block{number}_conv{index}"
            x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        x = layers.BatchNormalization(name=f"block{number}_norm")(x)
        x = SpatialDropout2D(dropout, name=f"block{number}_dropout")(x)
        if number <= POOLED:
            x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
    for index, width in enumerate(reading.head, 1):
        name = f"block{len(blocks) + 1}_conv{index}"
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
    if reading.dense:
        x = layers.Flatten()(layers.MaxPooling2D(2)(x))  # [B, S/16 * S/16 * C]
        x = layers.Dense(latent_size, name="latent", dtype="float32")(x)
        return keras.Model(image, x, name="encoder")
    # At 1x1 a transposed convolution is an ordinary one whose kernel is stored the other way round.
    x = layers.Conv2DTranspose(latent_size, 1, name="latent", dtype="float32")(x)
    x = layers.GlobalMaxPooling2D(dtype="float32")(x)
    return keras.Model(image, x, name="encoder")


def load_vgg16(network: keras.Model, file: Path | None = None) -> None:
    """Gives the convolutions of VGG16 in an encoder their weights.

    Args:
        network: of `encoder`.
        file: weights in Keras' format, of the whole VGG16 without its top, or of its blocks 1 to 4;
            by default those of ImageNet, which Keras downloads once.

    Raises:
        UserError: the file is missing or is no such file, or the download fails.
    """
    whole = keras.applications.VGG16(include_top=False, weights=None)  # pyright: ignore[reportArgumentType]
    if file is None:
        try:
            whole = keras.applications.VGG16(include_top=False, weights="imagenet")
        except Exception as error:  # Keras raises a bare one when it cannot download
            raise UserError(
                f"VGG16's ImageNet weights cannot be downloaded ({error}); name a file of them by "
                "--encoder.vgg-file, or start without by --encoder.vgg none."
            ) from error
    else:
        _load_file(whole, file)
    for layer in network.layers:
        if layer.weights and isinstance(layer, layers.Conv2D):
            source = next((one for one in whole.layers if one.name == layer.name), None)
            if source is not None and [w.shape for w in source.weights] == [
                w.shape for w in layer.weights
            ]:
                layer.set_weights(source.get_weights())


def _load_file(whole: keras.Model, file: Path) -> None:
    """Reads a file of VGG16's weights into the network, or into its first four blocks."""
    if not file.is_file():
        raise UserError(f"There is no file {file}; --encoder.vgg-file names VGG16's weights.")
    first = keras.Model(whole.input, whole.get_layer("block4_conv3").output)
    errors = []
    for network in (first, whole):
        try:
            with warnings.catch_warnings():  # Keras warns part by part before it raises
                warnings.filterwarnings("ignore", message="Skipping nested container")
                network.load_weights(file)
        except (ValueError, KeyError, OSError) as error:
            errors.append(str(error))
        else:
            return
    raise UserError(
        f"{file} does not hold the weights of VGG16, of all its blocks or of the first four: "
        f"{errors[-1]}"
    )


def centre(network: keras.Model, images: Any) -> None:
    """Moves the bias of the last convolution so that the mean z of a batch is 0.

    The maximum over all positions of a linear map starts well above 0, and z has mean 0.

    Args:
        network: of `encoder`.
        images: float32 `[B, S, S, 3]` in [-1, 1].
    """
    mean = np.asarray(network(images, training=True)).mean(axis=0)
    bias = network.get_layer("latent").bias
    bias.assign(bias - mean)
