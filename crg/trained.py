"""Networks from settings, and trained ones from a run or from `weights/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from common import trained
from common.images import range_text
from common.trained import Ports
from crg import networks
from crg.config import Config

SHIPPED = "crg-mnist"  # below weights/
NEEDED = ("generator", "encoder")  # for editing


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained CRG: where it lies, its settings, and g and e."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder: keras.Model


def build(config: Config) -> dict[str, keras.Model]:
    """All three networks that the settings describe, by name, with fresh weights."""
    sizes = config.networks
    return {
        "generator": networks.generator(
            sizes.latent_size, sizes.generator_channels, sizes.output_activation
        ),
        "discriminator": networks.discriminator(
            sizes.discriminator_channels, sizes.discriminator_dropout
        ),
        "encoder": networks.encoder(
            sizes.latent_size, sizes.encoder_channels, sizes.encoder_dropout
        ),
    }


def ports(config: Config) -> dict[str, tuple[Ports, Ports]]:
    """Network -> what goes into it and what comes out of it, in words; for users of exports."""
    image = {"image": f"a digit as MNIST shows it, 28x28, {range_text('signed')}"}
    latent = {"latent": "z, from -1 to 1"}
    beyond = "; to be clipped" if config.networks.output_activation == "lrelu" else ""
    return {
        "generator": (latent, {"image": f"{range_text('signed')}{beyond}"}),
        "discriminator": (image, {"logits": "above 0: real"}),
        "encoder": (image, latent),
    }


def load(folder: Path | None) -> Trained:
    """Loads generator and encoder of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its encoder is not trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "crg", Config, build, NEEDED)
    return Trained(folder, config, **nets)
