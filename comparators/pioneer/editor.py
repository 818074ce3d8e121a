"""Trained networks that reconstruct faces: x -> g(e(x))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.celeba.faces import WHOLE_WIDTH
from common.editor import Rows, indexed
from common.images import in_blocks, to_range, to_uint8
from common.kinds import Faces
from common.runs import trained
from comparators.pioneer.config import Config

if TYPE_CHECKING:
    import keras

SHIPPED = "pioneer-celeba"  # below weights/, where none comes with the project
NEEDED = ("generator", "encoder")


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]` of length 1, float32.
    """

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True, slots=True)
class PioneerEditor:
    """Trained g and e: where they lie, and their settings."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder: keras.Model

    @property
    def title(self) -> str:
        """The system, as a table of several names it."""
        return "PIONEER"

    @property
    def kind(self) -> Faces:
        """Faces of the run's size."""
        return Faces(self.config.image_size, WHOLE_WIDTH)

    def encode(self, images: np.ndarray) -> Codes:
        """The codes e(x) of uint8 images `[N, H, W, 3]`."""
        return Codes(in_blocks(lambda block: self.encoder(to_range(block), training=False), images))

    def decode(self, codes: Codes) -> np.ndarray:
        """The images g(z), uint8 `[N, H, W, 3]`."""
        return in_blocks(
            lambda block: to_uint8(self.generator(block, training=False)), codes.latent
        )

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """g(e(x)) of uint8 images `[N, H, W, 3]`."""
        return self.decode(self.encode(images))


def build(config: Config) -> dict[str, keras.Model]:
    """Both networks that the settings describe, by name, with fresh weights."""
    from comparators.pioneer import networks

    sizes = config.networks.latent_size, config.networks.channels
    return {"generator": networks.generator(*sizes), "encoder": networks.encoder(*sizes)}


def outline(folder: Path | None) -> PioneerEditor:
    """As `load`, at once but without the networks."""
    found, config = trained.find(folder, SHIPPED, "comparators.pioneer", Config, NEEDED)
    return PioneerEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> PioneerEditor:
    """Loads generator and encoder of a run.

    Raises:
        UserError: the folder is no run, or is not trained yet.
    """
    package = "comparators.pioneer"
    folder, config, nets = trained.load(folder, SHIPPED, package, Config, build, NEEDED)
    return PioneerEditor(folder, config, **nets)
