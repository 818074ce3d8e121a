"""Presets of CRG: the paper's settings, the shipped model's, and short ones."""

from __future__ import annotations

import dataclasses
from typing import Literal

from common.settings.config import Source
from crg.config import Config, EncoderConfig, GANConfig, NetworkConfig


def paper() -> Config:
    """The paper, unchanged: 250 GAN and 200 encoder epochs at batch 256 (Table 1, Sec. 3.2.1).

    Takes days on two CPU cores; meant for a GPU. Published: MAE 0.006, MSE 0.021 (an impossible
    pair, see the README), dhash 0.979, phash 0.977, whash 0.964. Not measured by us at this length.
    """
    return Config()


def recommended() -> Config:
    """The same networks, trained in about two hours on two CPU cores.

    Smaller batches (more updates per image), an EMA of g's weights, no dropout in e, a falling
    learning rate, re-estimated batch statistics. The shipped model has these settings, with its
    encoder trained in parts of 1.25, 4 and 3.5 epochs: MSE 0.0081 on [0, 1], hashes 0.939, 0.935,
    0.924. Five GAN epochs made clearer digits and worse reconstructions (README.md).
    """
    return Config(
        networks=NetworkConfig(encoder_dropout=(0.0, 0.0, 0.0, 0.0, 0.0)),
        gan=GANConfig(epochs=3.0, period=0.5, batch_size=64, ema=0.999),
        encoder=EncoderConfig(
            epochs=5.0,
            period=0.5,
            batch_size=64,
            learning_rate=2e-4,
            schedule="cosine",
            clip_norm=1.0,
            reestimate_batches=200,
        ),
    )


def latent_only() -> Config:
    """The encoder of `recommended`, trained by Eq. 1 alone, for the generator named by --init.

    This is what the latent regressor and AEGAN do (Secs. 4.1 and 2), on CRG's own generator: five
    epochs, about half an hour on two CPU cores. README has what 2 epochs give.
    """
    return _one_objective("latent_cycle")


def image_only() -> Config:
    """The encoder of `recommended`, trained by Eq. 2 alone, for the generator named by --init.

    An autoencoder whose decoder is the frozen generator: five epochs, about half an hour on two CPU
    cores. README has what 2 epochs give.
    """
    return _one_objective("image_cycle")


def _one_objective(which: Literal["latent_cycle", "image_cycle"]) -> Config:
    config = recommended()
    encoder = dataclasses.replace(config.encoder, objectives=which)
    return dataclasses.replace(config, stages=("encoder",), encoder=encoder)


def quick() -> Config:
    """Narrow networks, a few minutes on two CPU cores: what `make demo` trains.

    Learning rates are 1e-3: with the paper's 2e-4, so short a GAN made only 8 of the 10 digits. On
    1,000 test images, seed 0: MSE 0.015 on [0, 1], hashes 0.904, 0.907, 0.910.
    """
    return Config(
        networks=NetworkConfig(
            generator_channels=(64, 64, 32),
            discriminator_channels=(32, 64),
            encoder_channels=(16, 32, 32, 64, 64),
            encoder_dropout=(0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        gan=GANConfig(epochs=1.25, period=0.25, batch_size=64, learning_rate=1e-3, ema=0.99),
        encoder=EncoderConfig(
            epochs=0.5,
            period=0.25,
            batch_size=64,
            learning_rate=1e-3,
            schedule="cosine",
            clip_norm=1.0,
            reestimate_batches=50,
        ),
        report_images=1000,
    )


def smoke() -> Config:
    """Tiny networks and 512 images, under a minute: runs every line of code, for the tests."""
    return Config(
        source=Source(limit=512),
        networks=NetworkConfig(
            latent_size=16,
            generator_channels=(16, 16, 8),
            discriminator_channels=(8, 16),
            encoder_channels=(8, 8, 16, 16, 32),
        ),
        gan=GANConfig(epochs=3.0, batch_size=64, ema=0.9),
        encoder=EncoderConfig(epochs=3.0, batch_size=64, keep="best", reestimate_batches=2),
        report_images=64,
    )


PRESETS = {
    "paper": paper,
    "recommended": recommended,
    "latent-only": latent_only,
    "image-only": image_only,
    "quick": quick,
    "smoke": smoke,
}
EXTENDABLE = ("gan.epochs", "encoder.epochs")
