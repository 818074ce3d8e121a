"""Trained networks that reconstruct images: x -> G(E(x))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.editor import Rows, indexed
from common.images import in_blocks, to_range, to_uint8
from common.kinds import Digits
from common.runs import trained
from comparators.bigan.config import Config

if TYPE_CHECKING:
    import keras

SHIPPED = "bigan-mnist"  # below weights/, where none comes with the project
NEEDED = ("generator", "encoder")


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]`, float32.
    """

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True, slots=True)
class BiGANEditor:
    """Trained G and E of either method: where they lie, and their settings."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder: keras.Model

    @property
    def title(self) -> str:
        """The method, as a table of several systems names it."""
        return "BiGAN" if self.config.method == "bigan" else "latent regressor"

    @property
    def kind(self) -> Digits:
        """Digits."""
        return Digits()

    def encode(self, images: np.ndarray) -> Codes:
        """The codes E(x) of uint8 images `[N, 28, 28, 1]`."""
        from comparators.bigan.networks import latents

        return Codes(
            in_blocks(
                lambda block: latents(self.encoder(to_range(block, "unit"), training=False)), images
            )
        )

    def decode(self, codes: Codes) -> np.ndarray:
        """The images G(z), uint8 `[N, 28, 28, 1]`."""
        return in_blocks(
            lambda block: to_uint8(self.generator(block, training=False), "unit"), codes.latent
        )

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E(x)) of uint8 images `[N, 28, 28, 1]`."""
        return self.decode(self.encode(images))


def build(config: Config) -> dict[str, keras.Model]:
    """All three networks that the settings describe, by name, with fresh weights."""
    from comparators.bigan import networks

    size, width = config.networks.latent_size, config.networks.width
    joint = config.method == "bigan"
    return {
        "generator": networks.generator(size, width),
        "encoder": networks.encoder(size, width, "normal" if joint else "zeros"),
        "discriminator": (
            networks.joint_discriminator(size, width) if joint else networks.discriminator(width)
        ),
    }


def outline(folder: Path | None) -> BiGANEditor:
    """As `load`, at once but without the networks."""
    found, config = trained.find(folder, SHIPPED, "comparators.bigan", Config, NEEDED)
    return BiGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> BiGANEditor:
    """Loads generator and encoder of a run.

    Raises:
        UserError: the folder is no run, or is not trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "comparators.bigan", Config, build, NEEDED)
    return BiGANEditor(folder, config, **nets)
