"""Networks from settings, and trained ones from a run or from `weights/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from common import trained
from common.images import range_text
from common.trained import Ports
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


def ports(config: Config) -> dict[str, tuple[Ports, Ports]]:
    """Network -> what goes into it and what comes out of it, in words; for users of exports."""
    from common.datasets.faces import face_text

    names = ", ".join(attribute_names(config))
    what = face_text(config.data.image_size, config.data.crop)
    image = {"image": f"{what}; {range_text('unit')}"}
    attribute = {"attribute": f"y: 1 for present, 0 for absent, of {names}"}
    latent = {"latent": "z: the mean that E gives, or a sample"}
    read = {"attribute_logits": f"a sigmoid makes them probabilities, of {names}"}
    return {
        "encoder": (
            image,
            {"mean": "of z", "log_variance": "of z: log sigma^2", **read},
        ),
        "decoder": (
            {**attribute, **latent},
            {"image_logits": f"a sigmoid makes them an image, {range_text('unit')}"},
        ),
        "discriminator": (image, {"logits": "above 0: real"}),
        "auxiliary": (latent, read),
    }


def load(folder: Path | None) -> Trained:
    """Loads E and D of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its networks are not trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "ifcvaegan", Config, build, NEEDED)
    return Trained(folder, config, **nets)
