"""A trained iGAN: G, P and D, by which images are projected onto the manifold and edited there.

An image x becomes z (`igan.projection`), an edit moves z (`igan.manipulation`), and z becomes the
image G(z).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.editor import Rows, indexed
from common.images import cropped, in_blocks, padded, to_range, to_uint8
from common.kinds import Digits, Faces, Kind, Pictures
from common.runs import trained
from igan.config import GRAY, Config

if TYPE_CHECKING:
    import keras

    from igan.features import Distance

SHIPPED = "igan-fashion"  # below weights/
NEEDED = ("generator", "predictor", "discriminator")  # for editing


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]` in [-1, 1], float32.
    """

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True, slots=True)
class IGANEditor:
    """A trained iGAN: where it lies, its settings, and its networks."""

    folder: Path
    config: Config
    generator: keras.Model
    predictor: keras.Model
    discriminator: keras.Model

    @property
    def kind(self) -> Kind:
        """Digits, clothing, faces, or the pictures of a folder."""
        size = self.config.data.image_size
        match self.config.dataset:
            case "mnist":
                return Digits()
            case "fashion":
                return Pictures(28, 1, "piece of clothing")
            case "folder":
                return Pictures(size)
        from common.datasets.celeba.faces import WHOLE_WIDTH

        return Faces(size, WHOLE_WIDTH)

    def shown(self, images: np.ndarray) -> np.ndarray:
        """Images of the kind as the networks see them, float32 in G's range, `[N, S, S, C]`."""
        size = self.config.data.image_size
        return np.asarray(to_range(padded(images, size), self.config.pixel_range))

    def decode(self, codes: Codes) -> np.ndarray:
        """X = G(z), uint8 `[N, H, W, C]`; digits and clothing without their border."""
        made = in_blocks(
            lambda z: to_uint8(self.generator(z, training=False), self.config.pixel_range),
            codes.latent,
        )
        return cropped(made, self.kind.size)

    def predict(self, images: np.ndarray) -> Codes:
        """Z = P(x) of uint8 images `[N, H, W, C]` [R, Sec. 4.1.2]."""
        return Codes(in_blocks(lambda x: self.predictor(self.shown(x), training=False), images))


def build(config: Config) -> dict[str, keras.Model]:
    """All three networks that the settings describe, by name, with fresh weights."""
    from igan import networks

    sizes, size, channels = config.networks, config.data.image_size, config.channels
    output = "sigmoid" if config.dataset in GRAY else "tanh"
    latent = sizes.latent_size
    return {
        "generator": networks.generator(latent, size, channels, sizes.generator_filters, output),
        "discriminator": networks.discriminator(size, channels, sizes.discriminator_filters),
        "predictor": networks.predictor(latent, size, channels, sizes.predictor_filters),
    }


def outline(folder: Path | None) -> IGANEditor:
    """As `load`, at once but without the networks: what it knows of kind and controls."""
    found, config = trained.find(folder, SHIPPED, "igan", Config, NEEDED)
    return IGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> IGANEditor:
    """Loads G, P and D of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or not all of its networks are trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "igan", Config, build, NEEDED)
    return IGANEditor(folder, config, **nets)
