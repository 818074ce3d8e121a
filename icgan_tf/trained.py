"""Networks from settings, and trained ones from a run or from `weights/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from common import trained
from common.images import range_text
from common.trained import Ports
from icgan_tf import networks
from icgan_tf.config import ALL, Config

SHIPPED = "icgan-mnist"  # below weights/
NEEDED = ("generator", "encoder_z", "encoder_y")  # for editing


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained IcGAN: where it lies, its settings, and G, E_z and E_y."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder_z: keras.Model
    encoder_y: keras.Model

    @property
    def digits(self) -> bool:
        """The images are digits, gray and with one class each; else faces."""
        return self.config.dataset == "mnist"

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Of the columns of y: the classes "0" to "9", or those of faces."""
        return attribute_names(self.config)


def attribute_names(config: Config) -> tuple[str, ...]:
    """The names of the columns of y, in order."""
    if config.dataset == "mnist":
        return tuple(str(digit) for digit in range(10))
    if config.data.attributes != ALL:
        return config.data.attributes
    from common.datasets import celeba, drawn

    return drawn.ATTRIBUTES if config.dataset == "drawn" else celeba.ATTRIBUTES


def build(config: Config) -> dict[str, keras.Model]:
    """All four networks that the settings describe, by name, with fresh weights."""
    data, sizes = config.data, config.networks
    latent, conditions = sizes.latent_size, len(attribute_names(config))
    size, channels = data.image_size, 1 if config.dataset == "mnist" else 3
    output = "sigmoid" if data.pixel_range == "unit" else "tanh"
    dropout = sizes.discriminator_dropout
    if sizes.family == "paper":
        g = networks.generator(
            latent,
            conditions,
            size,
            channels,
            sizes.generator_filters,
            sizes.generator_dense,
            sizes.generator_dense_form,
            output,
        )
        d = networks.discriminator(
            conditions,
            size,
            channels,
            sizes.discriminator_filters,
            sizes.condition_layer,
            dropout,
        )
    else:
        everywhere = sizes.family == "baseline"
        slope = networks.BASELINE_SLOPE if everywhere else networks.SLOPE
        g = networks.dense_generator(latent, conditions, everywhere, output)
        d = networks.dense_discriminator(conditions, everywhere, slope, dropout)
    if sizes.family == "baseline":
        e_z = networks.baseline_encoder(latent, "normalised", "encoder_z")
        e_y = networks.baseline_encoder(conditions, "sigmoid", "encoder_y")
    else:
        filters = sizes.encoder_filters
        e_z = networks.encoder(latent, size, channels, sizes.encoder_z_dense, filters, "encoder_z")
        e_y = networks.encoder(
            conditions, size, channels, sizes.encoder_y_dense, filters, "encoder_y"
        )
    return {"generator": g, "discriminator": d, "encoder_z": e_z, "encoder_y": e_y}


def ports(config: Config) -> dict[str, tuple[Ports, Ports]]:
    """Network -> what goes into it and what comes out of it, in words; for users of exports."""
    from common.datasets.faces import face_text

    data, names = config.data, attribute_names(config)
    size, absent = data.image_size, -1 if data.condition_values == "signed" else 0
    border = f" with a black border to {size}x{size}" if size > 28 else ""
    digit = f"a digit as MNIST shows it, 28x28{border}"
    what = digit if config.dataset == "mnist" else face_text(size, data.crop)
    made = "unit" if data.pixel_range == "unit" else "signed"  # the range of G's activation
    image = {"image": f"{what}; {range_text(data.pixel_range)}"}
    latent = {"latent": "z, standard normal"}
    y = f"1 for present, {absent} for absent, of {', '.join(names)}"
    code = {**latent, "condition": f"y: {y}"}
    return {
        "generator": (code, {"image": range_text(made)}),
        "discriminator": ({**image, "condition": f"y: {y}"}, {"logits": "above 0: real"}),
        "encoder_z": (image, {"latent": "z as it is found, of smaller spread than normal"}),
        "encoder_y": (image, {"condition": f"y as it is read, about {y}"}),
    }


def load(folder: Path | None) -> Trained:
    """Loads G, E_z and E_y of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or not all of its networks are trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "icgan_tf", Config, build, NEEDED)
    return Trained(folder, config, **nets)
