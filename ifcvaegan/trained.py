"""Networks from settings, and trained ones from a run or from `weights/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from common import trained
from ifcvaegan import networks
from ifcvaegan.config import Config, attribute_names

SHIPPED = "ifcvaegan-celeba"  # below weights/
NEEDED = ("encoder", "decoder")  # for editing


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained IFcVAEGAN: where it lies, its settings, and E and D."""

    folder: Path
    config: Config
    encoder: keras.Model
    decoder: keras.Model

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Of the columns of y."""
        return attribute_names(self.config)


def build(config: Config) -> dict[str, keras.Model]:
    """All four networks that the settings describe, by name, with fresh weights."""
    sizes, size = config.networks, config.data.image_size
    count = len(attribute_names(config))
    detached = config.loss.fidelity == "release"
    z, f, padding = sizes.latent_size, sizes.filters, sizes.padding
    return {
        "encoder": networks.encoder(z, count, size, f, detached, padding),
        "decoder": networks.decoder(z, count, size, f, padding),
        "discriminator": networks.discriminator(size, f, padding),
        "auxiliary": networks.auxiliary(z, count, sizes.auxiliary_width),
    }


def load(folder: Path | None) -> Trained:
    """Loads E and D of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its networks are not trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "ifcvaegan", Config, build, NEEDED)
    return Trained(folder, config, **nets)
