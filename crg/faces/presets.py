"""Presets of CRG on faces: readings of the paper's generator, the shipped model, a short one."""

from __future__ import annotations

from common.settings.config import Source
from crg.faces.config import Config, EncoderConfig, GANConfig, NetworkConfig


def paper22m() -> Config:
    """The paper at 128 pixels: a generator of 22,155,154 parameters, "approximately 22 million".

    12 million images in stage 1, as in the authors' later code; meant for a GPU. Published: FID
    9.4, dhash 0.871, phash 0.848, whash 0.892. Not measured by us.
    """
    return Config()


def pggan512() -> Config:
    """As paper22m, with Karras et al.'s one convolution at 4x4: 19,795,346 parameters.

    Meant for a GPU. Not measured by us.
    """
    return Config(networks=NetworkConfig(first_convolutions=1))


def small64() -> Config:
    """64 pixels, narrow networks, for two CPU cores: about two hours for stage 1, one for stage 2.

    In bfloat16 with AMX, 540,000 of stage 1's 600,000 images took 109 minutes beside other work, 45
    images/s at 64 pixels; stage 2 had 14 to 25 images/s beside other work. Stage 1 has the paper's
    learning rates: with five times these, images of 4x4 pixels moved away from real ones between
    200 and 600 iterations (Frechet distance of their pixels 1.5, then 5.9; with the paper's 1.8,
    then 0.4; one seed). The encoder has neither the paper's rate nor its global maximum: after one
    epoch the dev MSE was 0.0350 with a dense layer at 1e-3, 0.0369 at 4e-4, and 0.0415 with the
    maximum at 1e-3 (one seed each).
    """
    return Config(
        networks=NetworkConfig(
            channels=(128, 128, 96, 64, 32),
            first_convolutions=1,
            normalise_score=False,
            critic_gain=2.0,
            encoder="vgg_dense64",
            encoder_dropout=0.1,
        ),
        gan=GANConfig(
            fade_images=60_000,
            stable_images=60_000,
            final_images=120_000,
            period_images=20_000,
            batch_sizes=(16, 16, 16, 16, 16),
            penalty_every=2,
        ),
        encoder=EncoderConfig(
            epochs=12.0,
            batch_size=32,
            learning_rate=1e-3,
            schedule="cosine",
            rotation=0.0,
            vertical_flip=False,
            clip_norm=1.0,
            keep="last",
        ),
    )


def smoke() -> Config:
    """Tiny networks at 16 pixels and 64 images: runs every line of code, for the tests."""
    return Config(
        source=Source(limit=64),
        networks=NetworkConfig(latent_size=8, channels=(8, 8, 8), encoder="vgg_small64"),
        gan=GANConfig(
            fade_images=32,
            stable_images=32,
            final_images=64,
            period_images=32,
            batch_sizes=(8, 8, 8),
            ema=0.9,
        ),
        encoder=EncoderConfig(epochs=3.0, batch_size=16, vgg="none"),
        report_images=32,
    )


PRESETS = {"paper22m": paper22m, "pggan512": pggan512, "small64": small64, "smoke": smoke}
EXTENDABLE = ("gan.final_images", "encoder.epochs")
