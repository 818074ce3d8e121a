"""Presets of BiGAN and the latent regressor; `--method` says which of the two."""

from __future__ import annotations

from common.settings.config import Source
from comparators.bigan.config import Config, GANConfig, NetworkConfig


def paper() -> Config:
    """The authors' script for MNIST, unchanged: 400 epochs at batch 128.

    Half an hour on the authors' GPU; several hours on two CPU cores. Their README has a mean L2
    error of 5.95 for BiGAN on validation images, MSE 0.045 or more on [0, 1]. Not measured by us at
    this length.
    """
    return Config()


def quick() -> Config:
    """The same networks and losses for a tenth of the epochs: half an hour on two CPU cores.

    The learning rate falls over the second half of the 40 epochs, as in `paper`. README has what
    it gives.
    """
    return Config(gan=GANConfig(epochs=40.0, period=2.0))


def smoke() -> Config:
    """Narrow networks and 512 images, in seconds: runs every line of code, for the tests."""
    return Config(
        source=Source(limit=512),
        networks=NetworkConfig(latent_size=8, width=16),
        gan=GANConfig(epochs=3.0, period=1.0, batch_size=64, reestimate_batches=2),
    )


PRESETS = {"paper": paper, "quick": quick, "smoke": smoke}
EXTENDABLE = ()  # the learning rate falls towards the end of the run
