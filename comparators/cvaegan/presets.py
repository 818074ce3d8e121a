"""Presets of CVAE-GAN."""

from __future__ import annotations

from common.settings.config import Source
from comparators.cvaegan.config import Config, CVAEGANConfig, DataConfig, Dataset, NetworkConfig


def paper(dataset: Dataset = "celeba") -> Config:
    """The paper's losses and weights in IFcVAEGAN's sizes: 64 px, 64 filters, 8 epochs at batch 32.

    Meant for a GPU. Not measured by us.
    """
    return Config(dataset=dataset)


def quick(dataset: Dataset = "celeba") -> Config:
    """With the width, epochs, rate and mirroring of IFcVAEGAN's `stable`, for comparison with it.

    For `--limit 8192`, on two CPU cores. Not measured yet.
    """
    return Config(
        dataset=dataset,
        data=DataConfig(flip=True),
        networks=NetworkConfig(filters=24),
        cvaegan=CVAEGANConfig(epochs=15.0, learning_rate=5e-4),
    )


def smoke(dataset: Dataset = "drawn") -> Config:
    """Narrow networks and 64 faces, in seconds: runs every line of code, for the tests."""
    return Config(
        dataset=dataset,
        source=Source(limit=64),
        data=DataConfig(image_size=16),
        networks=NetworkConfig(latent_size=8, filters=4),
        cvaegan=CVAEGANConfig(epochs=3.0),
    )


PRESETS = {"paper": paper, "quick": quick, "smoke": smoke}
EXTENDABLE = ("cvaegan.epochs",)
