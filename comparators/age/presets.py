"""Presets of AGE."""

from __future__ import annotations

from common.settings.config import Source
from comparators.age.config import AGEConfig, Config, DataConfig, Dataset, NetworkConfig


def paper(dataset: Dataset = "celeba") -> Config:
    """The authors' command for CelebA, unchanged: 64 px, 5 epochs at batch 64.

    For all of CelebA, 12,700 steps, and a GPU. Not measured by us.
    """
    return Config(dataset=dataset)


def quick(dataset: Dataset = "celeba") -> Config:
    """A quarter of the filters at 32 px and as many steps on 8,192 faces as 20 epochs have.

    About half an hour on two CPU cores. Not measured yet.
    """
    return Config(
        dataset=dataset,
        data=DataConfig(image_size=32),
        networks=NetworkConfig(filters=16),
        age=AGEConfig(epochs=20.0, period=1.0, drop_epochs=10.0),
    )


def small64(dataset: Dataset = "celeba") -> Config:
    """Half of the filters at 64 px, for two CPU cores and a comparison at that size. Ours.

    As many steps on 8,192 faces as 30 epochs have. Not measured yet.
    """
    return Config(
        dataset=dataset,
        networks=NetworkConfig(filters=32),
        age=AGEConfig(epochs=30.0, period=1.0, drop_epochs=15.0),
    )


def smoke(dataset: Dataset = "drawn") -> Config:
    """Every line of code on narrow networks and 128 faces, in seconds: what the tests run."""
    return Config(
        dataset=dataset,
        source=Source(limit=128),
        data=DataConfig(image_size=32),
        networks=NetworkConfig(latent_size=8, filters=4),
        age=AGEConfig(epochs=3.0, period=1.0, batch_size=32, reestimate_batches=2),
    )


PRESETS = {"paper": paper, "quick": quick, "small64": small64, "smoke": smoke}
EXTENDABLE = ("age.epochs",)
