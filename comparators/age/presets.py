"""Presets of AGE."""

from __future__ import annotations

from common.settings.config import Source
from comparators.age.config import AGEConfig, Config, DataConfig, Dataset, NetworkConfig


def paper(dataset: Dataset = "celeba") -> Config:
    """The authors' command for CelebA, unchanged: 64 px, 5 epochs at batch 64.

    12,700 steps on all of CelebA; meant for a GPU. Not measured by us.
    """
    return Config(dataset=dataset)


def quick(dataset: Dataset = "celeba") -> Config:
    """A quarter of the filters at 32 px, for as many steps as 20 epochs of 8,192 faces have.

    About half an hour on two CPU cores. Not measured yet.
    """
    return Config(
        dataset=dataset,
        data=DataConfig(image_size=32),
        networks=NetworkConfig(filters=16),
        age=AGEConfig(epochs=20.0, period=1.0, drop_epochs=10.0),
    )


def small64(dataset: Dataset = "celeba") -> Config:
    """Half of the filters at 64 px, for two CPU cores and for comparison at that size. Ours.

    As many steps as 30 epochs of 8,192 faces have. Not measured yet.
    """
    return Config(
        dataset=dataset,
        networks=NetworkConfig(filters=32),
        age=AGEConfig(epochs=30.0, period=1.0, drop_epochs=15.0),
    )


def smoke(dataset: Dataset = "drawn") -> Config:
    """Narrow networks and 128 faces, in seconds: runs every line of code, for the tests."""
    return Config(
        dataset=dataset,
        source=Source(limit=128),
        data=DataConfig(image_size=32),
        networks=NetworkConfig(latent_size=8, filters=4),
        age=AGEConfig(epochs=3.0, period=1.0, batch_size=32, reestimate_batches=2),
    )


PRESETS = {"paper": paper, "quick": quick, "small64": small64, "smoke": smoke}
EXTENDABLE = ("age.epochs",)
