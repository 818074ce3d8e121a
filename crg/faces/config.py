"""Settings of CRG on faces: the paper's values as defaults, each with its source.

"Sec." refers to Dogan & Keles, arXiv 1907.01841. The authors' later code is a public tree of 2021
(image inpainting) with a progressive GAN of the same size. Karras et al. 2018 is arXiv 1710.10196,
which the generator "is similar to".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from common.datasets.celeba.faces import WHOLE_WIDTH, Crop
from common.settings.config import RunConfig, Source, check_average, check_setting
from common.training.levels import Level, levels

CROPS: dict[str, Crop] = {
    "center178": WHOLE_WIDTH,
    "center108": (35, 55, 143, 163),
    "paper138": (30, 40, 168, 178),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see of the images."""

    crop: Literal["center108", "paper138", "center178"] = "center178"
    """Which square of CelebA's 178x218 is kept. The paper does not say; ours: the whole width."""
    attributes: tuple[str, ...] = ("all",)
    """Attributes that an evaluation reads; the training uses none (Sec. 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the networks; the paper gives only their totals, 22 and 26 million (Sec. 3.2.2)."""

    latent_size: int = 128
    """Length of z (Table 2), which is drawn from N(0, I), as in the authors' later code."""
    channels: tuple[int, ...] = (512, 512, 512, 512, 256, 128)
    """Channels of generator and critic at 4, 8, 16, ... pixels (Karras et al. 2018, Table 2); one
    level each."""
    first_convolutions: int = 2
    """Convolutions of the generator at 4x4: with 2 it has 22,155,154 parameters, with 1, as in
    Karras et al. 2018, 19,795,346."""
    normalise_score: bool = True
    """Spectral normalisation of the critic's last layer too, as in the authors' later code."""
    critic_gain: float = 1.0
    """Factor after each normalised layer of the critic. Ours: at 1 the slope of a fresh critic is
    0.0005 at 64 pixels, and the gradient penalty pulls it towards 1."""

    encoder: Literal["remnant26m", "literal23m", "b6_512", "vgg_small64", "vgg_dense64"] = (
        "remnant26m"
    )
    """Which reading of the paper's encoder; see `crg.faces.encoders`."""
    encoder_dropout: float = 0.5
    """Rate of the spatial dropout at the end of each block (Sec. 3.2.2)."""
    vgg_preprocessing: Literal["caffe", "none"] = "caffe"
    """How the encoder first preprocesses an image: as VGG16's weights expect, or not at all. The
    paper does not say."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the images at each level, 4, 8, ..."""
        return tuple(4 * 2**level for level in range(len(self.channels)))

    def __post_init__(self) -> None:
        right = len(self.channels) > 1 and min(self.channels) > 0
        check_setting("networks.channels", self.channels, right, "2 or more numbers above 0")
        for name in ("latent_size", "first_convolutions"):
            value = getattr(self, name)
            check_setting(f"networks.{name}", value, value > 0, "at least 1")
        deep = self.encoder != "vgg_dense64" or len(self.channels) > 2
        check_setting("networks.encoder", self.encoder, deep, "another one below 16 pixels")
        gain, rate = self.critic_gain, self.encoder_dropout
        check_setting("networks.encoder_dropout", rate, 0 <= rate < 1, "from 0 to below 1")
        check_setting("networks.critic_gain", gain, 0 < gain < math.inf, "above 0 and finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class GANConfig:
    """Stage 1: the progressive WGAN-GP. Lengths count real images that the critic sees."""

    fade_images: int = 800_000
    """Images while a level is blended in (the authors' later code)."""
    stable_images: int = 800_000
    """Images after that, except at the last level (the authors' later code)."""
    final_images: int = 4_000_000
    """Images after the last level is blended in (the authors' later code); may grow in a resumed
    run."""
    period_images: int = 100_000
    """Images between log lines, samples and saved states. Ours."""
    batch_sizes: tuple[int, ...] = (128, 128, 128, 64, 32, 16)
    """Images a step of each player, at each level (the authors' later code)."""
    learning_rate: float = 1e-4
    """Adam's learning rate for the generator (Sec. 3.2.2)."""
    critic_learning_rate: float = 2e-4
    """Adam's learning rate for the critic (Sec. 3.2.2)."""
    beta_1: float = 0.0
    """Adam's beta_1; beta_2 is 0.99 and epsilon 1e-8 (all from the authors' later code)."""
    critic_steps: int = 2
    """Steps of the critic for one of the generator (Sec. 3.2.2, "1:2")."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty (Gulrajani et al. 2017)."""
    penalty_every: int = 1
    """The penalty enters at every n-th step of the critic, with n times the weight: "lazy
    regularization" (Karras et al. 2020, Appendix B). 1 in the paper."""
    drift: float = 0.001
    """Weight of the square of real images' scores (Karras et al. 2018, Appendix A.1)."""
    ema: float | None = 0.999
    """Decay of an EMA of the generator's weights, which replaces them at the end (Karras et al.
    2018, the authors' later code)."""
    flip: bool = True
    """Mirror the real images at random (the authors' later code)."""

    def __post_init__(self) -> None:
        for name in ("fade_images", "stable_images", "final_images", "period_images"):
            value = getattr(self, name)
            check_setting(f"gan.{name}", value, value > 0, "at least 1")
        for name in ("learning_rate", "critic_learning_rate"):
            value = getattr(self, name)
            check_setting(f"gan.{name}", value, 0 < value < math.inf, "above 0 and finite")
        beta_1, steps, every = self.beta_1, self.critic_steps, self.penalty_every
        check_setting("gan.beta_1", beta_1, 0 <= beta_1 < 1, "from 0 to below 1")
        check_setting("gan.critic_steps", steps, steps > 0, "at least 1")
        check_setting("gan.penalty_every", every, 0 < every <= steps, "from 1 to critic_steps")
        for name in ("penalty_weight", "drift"):
            value = getattr(self, name)
            check_setting(f"gan.{name}", value, 0 <= value < math.inf, "at least 0")
        sizes = self.batch_sizes
        right = bool(sizes) and min(sizes) > 0
        check_setting("gan.batch_sizes", sizes, right, "a number above 0 for each level")
        check_average("gan", self.ema)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """Stage 2: the encoder, two updates an iteration (Sec. 3.1)."""

    epochs: float = 300.0
    """Passes over the real images, at most (the authors' later code); the paper trains until
    nothing improves."""
    period: float = 1.0
    """Epochs between measurements on dev, log lines, samples and saved states (Sec. 3.2.2)."""
    batch_size: int = 128
    """Images a step (Sec. 3.2.2)."""
    learning_rate: float = 1e-4
    """RMSprop's learning rate (Sec. 3.2.2); rho is 0.9 and epsilon 1e-8."""
    schedule: Literal["plateau", "cosine"] = "plateau"
    """`plateau`: halved when dev has not improved for 10 periods; the stage ends after 20 (Sec.
    3.2.2). `cosine`: falls to zero at the end of the stage. Ours."""
    vgg: Literal["imagenet", "none"] = "imagenet"
    """What the blocks of VGG16 start from: ImageNet's weights (Sec. 3.2.2), or nothing."""
    vgg_file: Path | None = None
    """A file of VGG16's weights, all blocks or the first four; by default Keras downloads it."""
    rotation: float = 30.0
    """Rotate real images by up to this many degrees, either way (Sec. 3.2.2)."""
    horizontal_flip: bool = True
    """Mirror real images at random (Sec. 3.2.2)."""
    vertical_flip: bool = True
    """Turn real images upside down at random (Sec. 3.2.2); no generator of faces makes such
    images."""
    reduction: Literal["mean", "sum"] = "mean"
    """How both losses reduce: means ("MSE" and "MAE" in Sec. 3.2.2) or sums (Eqs. 1 and 2)."""
    shared_optimizer: bool = False
    """Use one set of RMSprop's means for both objectives. The paper does not say."""
    clip_norm: float | None = None
    """Bound on the global norm of each gradient. Ours."""
    ema: float | None = None
    """Decay of an EMA of the encoder's weights, which replaces them at the stage's end. Ours."""
    reestimate_batches: int = 0
    """Re-estimate the moving statistics of batch normalisation over this many batches of real
    images at the end of the stage; 0 keeps those of training. Ours."""
    keep: Literal["last", "best"] = "best"
    """The encoder of the last step, or of the period with the smallest sum of both losses on dev
    (Sec. 3.2.2)."""

    def __post_init__(self) -> None:
        for name in ("epochs", "period", "batch_size", "learning_rate"):
            value = getattr(self, name)
            check_setting(f"encoder.{name}", value, 0 < value < math.inf, "above 0 and finite")
        if self.vgg_file is not None:
            object.__setattr__(self, "vgg_file", self.vgg_file.absolute())
        degrees = self.rotation
        check_setting("encoder.rotation", degrees, 0 <= degrees <= 180, "from 0 to 180")
        check_average("encoder", self.ema)
        right = self.keep == "last" or self.ema is None
        check_setting("encoder.keep", self.keep, right, "last with ema")
        right = self.keep == "best" or self.schedule == "cosine"
        check_setting("encoder.keep", self.keep, right, "best with the schedule plateau")
        clip, batches = self.clip_norm, self.reestimate_batches
        right = clip is None or 0 < clip < math.inf
        check_setting("encoder.clip_norm", clip, right, "above 0 and finite, or none")
        check_setting("encoder.reestimate_batches", batches, batches >= 0, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a CRG run on faces depends on."""

    package: Annotated[Literal["crg"], tyro.conf.Suppress] = "crg"
    """Whose settings these are."""
    dataset: Literal["celeba", "drawn"] = "celeba"
    """CelebA's faces (--data-dir names their folder), or faces drawn by this program; `mnist`:
    digits, with other settings."""
    stages: tuple[Literal["gan", "encoder"], ...] = ("gan", "encoder")
    """Which stages to train; the encoder alone needs --init with a generator."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    gan: GANConfig = field(default_factory=GANConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    generator: Path | None = None
    """A trained generator of any origin, in Keras' format, for the stage `encoder` to invert (Sec.
    2). It maps latents `[B, Z]`, N(0, I), to images in [-1, 1] of this size."""
    report_images: int | None = None
    """Images in a report; all by default."""

    def __post_init__(self) -> None:
        count = self.report_images
        check_setting("report_images", count, count is None or count > 1, "at least 2")
        check_setting("stages", self.stages, bool(self.stages), "gan, encoder or both")
        if self.generator is not None:
            object.__setattr__(self, "generator", self.generator.absolute())
            right = self.stages == ("encoder",)
            check_setting("stages", self.stages, right, "encoder with a generator of your own")
        count, sizes = len(self.networks.channels), self.gan.batch_sizes
        right = len(sizes) == count
        check_setting("gan.batch_sizes", sizes, right, f"{count} numbers, one a level")

    @property
    def image_size(self) -> int:
        """Side of the images in pixels: that of the last level."""
        return self.networks.sizes[-1]

    def levels(self, images: int) -> list[Level]:
        """The levels of stage 1 on so many training images."""
        settings, sizes = self.gan, self.networks.sizes
        return levels("gan", settings, sizes, images, steps=settings.critic_steps)
