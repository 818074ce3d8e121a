"""Presets of PIONEER."""

from __future__ import annotations

from common.settings.config import Source
from comparators.pioneer.config import Config, Dataset, NetworkConfig, PioneerConfig


def paper(dataset: Dataset = "celeba") -> Config:
    """The authors' code for CelebA at 128 pixels: 16.8 million images.

    Meant for a GPU. Published by CRG's authors: FID 23.15, dhash 0.852, phash 0.804, whash 0.864.
    Not measured by us.
    """
    return Config(dataset=dataset)


def small64(dataset: Dataset = "celeba") -> Config:
    """64 pixels and narrow networks, for two CPU cores. Ours; not measured yet.

    z has 128 dimensions, so the weight of its term is a quarter; the cosine then weighs as in
    `paper`.
    """
    return Config(
        dataset=dataset,
        networks=NetworkConfig(latent_size=128, channels=(128, 128, 64, 32, 16)),
        pioneer=PioneerConfig(
            fade_images=40_000,
            stable_images=40_000,
            final_images=120_000,
            period_images=20_000,
            batch_sizes=(64, 64, 64, 32, 32),
            latent_weight=25.0,
        ),
    )


def smoke(dataset: Dataset = "drawn") -> Config:
    """Tiny networks at 8 pixels and 32 images: runs every line of code, for the tests."""
    return Config(
        dataset=dataset,
        source=Source(limit=32),
        networks=NetworkConfig(latent_size=8, channels=(8, 4)),
        pioneer=PioneerConfig(
            fade_images=32,
            stable_images=32,
            final_images=32,
            period_images=32,
            batch_sizes=(16, 16),
            ema=0.9,
        ),
    )


PRESETS = {"paper": paper, "small64": small64, "smoke": smoke}
EXTENDABLE = ("pioneer.final_images",)
