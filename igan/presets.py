"""Presets of iGAN: the authors' settings, those of the shipped models, and short ones."""

from __future__ import annotations

import dataclasses

from common.settings.config import Source
from igan.config import (
    GRAY,
    Config,
    DataConfig,
    Dataset,
    GANConfig,
    NetworkConfig,
    PredictorConfig,
)


def recommended(dataset: Dataset = "mnist") -> Config:
    """Narrow networks and hundreds of thousands of images, for two CPU cores.

    Digits and clothing have 32 pixels, others 64. G ends as an EMA of its weights. For a part of
    CelebA or any folder, whose images may be few, the GAN sees them mirrored and augmented.
    """
    gray = dataset in GRAY
    gan = GANConfig(
        epochs=16.0 if gray else 60.0,
        period=2.0 if gray else 5.0,
        batch_size=64,
        learning_rate=4e-4,
        ema=0.999,
        flip=not gray,
        augment=not gray,
        reestimate_batches=200,
    )
    predictor = PredictorConfig(
        epochs=10.0 if gray else 30.0,
        period=2.0 if gray else 5.0,
        batch_size=64,
        learning_rate=1e-3,
        flip=not gray,
        reestimate_batches=200,
    )
    return Config(
        dataset=dataset,
        data=DataConfig(image_size=32 if gray else 64),
        networks=NetworkConfig(
            generator_filters=32, discriminator_filters=24, predictor_filters=20
        ),
        gan=gan,
        predictor=predictor,
    )


def paper(dataset: Dataset = "celeba") -> Config:
    """The report and the public code: 64 pixels, 128 filters, 25 GAN and 50 predictor epochs.

    Takes days on two CPU cores; meant for a GPU. The report's L, in its own feature space, for its
    model of shoes: 0.140 on shoes, 0.398 on handbags, 0.451 on shirts. Not measured by us at this
    size.
    """
    return Config(dataset=dataset)


def quick(dataset: Dataset = "mnist") -> Config:
    """A few minutes on two CPU cores: half the filters and a tenth of the images of `recommended`.

    Not measured.
    """
    config = recommended(dataset)
    gray = dataset in GRAY
    return dataclasses.replace(
        config,
        networks=NetworkConfig(
            generator_filters=16, discriminator_filters=16, predictor_filters=16
        ),
        gan=dataclasses.replace(
            config.gan, epochs=2.0 if gray else 8.0, period=0.5 if gray else 2.0, ema=0.99
        ),
        predictor=dataclasses.replace(
            config.predictor, epochs=1.0 if gray else 4.0, period=0.5 if gray else 2.0
        ),
        report_images=50,
    )


def smoke(dataset: Dataset = "drawn") -> Config:
    """Tiny networks and 192 images, under a minute: runs every line of code, for the tests."""
    config = recommended(dataset)
    lengths = {"epochs": 3.0, "period": 1.0, "batch_size": 64, "reestimate_batches": 2}
    return dataclasses.replace(
        config,
        source=Source(limit=192),
        data=DataConfig(image_size=32),
        networks=NetworkConfig(
            latent_size=8, generator_filters=8, discriminator_filters=4, predictor_filters=4
        ),
        gan=dataclasses.replace(config.gan, ema=0.9, **lengths),
        predictor=dataclasses.replace(config.predictor, **lengths),
        report_images=2,
    )


PRESETS = {"recommended": recommended, "paper": paper, "quick": quick, "smoke": smoke}
EXTENDABLE = ()
