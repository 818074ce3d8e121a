"""Settings of CRG on MNIST: the paper's values as defaults, each with its source.

"Sec." and "Table" refer to Dogan & Keles, arXiv 1907.01841.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from common.settings.config import RunConfig, Source, check_average, check_setting, check_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the three networks (Table 1)."""

    latent_size: int = 100
    """Length of z, which is uniform on [-1, 1] (Sec. 3.2.1)."""
    generator_channels: tuple[int, ...] = (128, 128, 64)
    """Channels after the dense layer and the two transposed convolutions (Table 1)."""
    output_activation: Literal["tanh", "lrelu"] = "tanh"
    """The generator's last activation: tanh in Sec. 3.2.1, LReLU in Table 1."""
    discriminator_channels: tuple[int, ...] = (64, 128)
    """Channels of the two convolutions (Table 1)."""
    discriminator_dropout: float = 0.3
    """Dropout rate after each convolution (Table 1)."""
    encoder_channels: tuple[int, ...] = (32, 64, 128, 256, 512)
    """Channels of the five convolutions (Table 1)."""
    encoder_dropout: tuple[float, ...] = (0.3, 0.3, 0.3, 0.3, 0.3)
    """Dropout rates after the five convolutions (Table 1)."""

    def __post_init__(self) -> None:
        for name, count in (
            ("generator_channels", 3),
            ("discriminator_channels", 2),
            ("encoder_channels", 5),
        ):
            value = getattr(self, name)
            right = len(value) == count and min(value) >= 1
            check_setting(f"networks.{name}", value, right, f"{count} numbers, each at least 1")
        rates = self.encoder_dropout
        right = len(rates) == 5 and all(0 <= rate < 1 for rate in rates)
        check_setting("networks.encoder_dropout", rates, right, "5 rates from 0 to below 1")
        rate = self.discriminator_dropout
        check_setting("networks.discriminator_dropout", rate, 0 <= rate < 1, "from 0 to below 1")
        check_setting("networks.latent_size", self.latent_size, self.latent_size > 0, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GANConfig:
    """Stage 1: the non-saturating GAN (Sec. 3.2.1)."""

    epochs: float = 250.0
    """Passes over the training images (Sec. 3.2.1)."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 256
    """Images a step (Sec. 3.2.1)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam, for both players (Sec. 3.2.1)."""
    beta_1: float = 0.5
    """Adam's beta_1 (Sec. 3.2.1); beta_2 is not stated: Keras' 0.999."""
    ema: float | None = None
    """Decay of an exponential moving average (EMA) of the generator's weights, which replaces them
    at the end of the stage. Ours; the authors' later code uses 0.999."""

    def __post_init__(self) -> None:
        check_stage("gan", self)
        check_average("gan", self.ema)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """Stage 2: the encoder, two updates an iteration (Sec. 3.1)."""

    epochs: float = 200.0
    """Passes over the real images (Sec. 3.2.1)."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 256
    """Images a step; not stated in the paper, so the GAN's."""
    learning_rate: float = 2e-4
    """Learning rate of Adam: "the same parameters as the one we used to train the GAN"
    (Sec. 3.2.1)."""
    beta_1: float = 0.5
    """Adam's beta_1, as for the GAN (Sec. 3.2.1)."""
    objectives: Literal["both", "latent_cycle", "image_cycle"] = "both"
    """Eqs. 1 and 2 in turn, or one of them alone: Eq. 1, as AEGAN and the latent regressor train
    their encoders (Secs. 2 and 4.1), or Eq. 2. One alone is ours, to see what each contributes."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning-rate schedule; "cosine" falls to zero at the end of the stage. Ours."""
    reduction: Literal["mean", "sum"] = "mean"
    """How both losses reduce: means ("MSE" and "MAE" in Sec. 3.2.2) or sums (Eqs. 1 and 2)."""
    shared_optimizer: bool = False
    """Use one set of Adam moments for both objectives. The paper does not say."""
    clip_norm: float | None = None
    """Bound on the global norm of each gradient. Ours."""
    ema: float | None = None
    """Decay of an EMA of the encoder's weights, which replaces them at the stage's end. Ours."""
    reestimate_batches: int = 0
    """Re-estimate the moving statistics of batch normalisation over this many batches of real
    images at the end of the stage; 0 keeps those of training. Ours."""
    keep: Literal["last", "best"] = "last"
    """The encoder of the last step, or of the period with the smallest sum of both losses on dev
    (the paper's choice for CelebA, Sec. 3.2.2)."""

    def __post_init__(self) -> None:
        check_stage("encoder", self)
        check_average("encoder", self.ema)
        right = self.objectives == "both" or not self.shared_optimizer
        check_setting("encoder.shared_optimizer", True, right, "off where there is one objective")
        right = self.keep == "last" or self.ema is None
        check_setting("encoder.keep", self.keep, right, "last with ema")
        clip, batches = self.clip_norm, self.reestimate_batches
        right = clip is None or 0 < clip < math.inf
        check_setting("encoder.clip_norm", clip, right, "above 0 and finite, or none")
        check_setting("encoder.reestimate_batches", batches, batches >= 0, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a CRG run depends on."""

    package: Annotated[Literal["crg"], tyro.conf.Suppress] = "crg"
    """Whose settings these are."""
    dataset: Literal["mnist"] = "mnist"
    """28x28 digits. Of the 60,000 for training (Sec. 3.2.1), the last 5,000 are dev; another 10,000
    are for test."""
    stages: tuple[Literal["gan", "encoder"], ...] = ("gan", "encoder")
    """Which stages to train; the encoder alone needs --init with a generator."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    gan: GANConfig = field(default_factory=GANConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    report_images: int | None = None
    """Images in a report; all by default."""

    def __post_init__(self) -> None:
        count = self.report_images
        check_setting("report_images", count, count is None or count > 1, "at least 2")
        check_setting("stages", self.stages, bool(self.stages), "gan, encoder or both")


def dataset_of(folder: Path) -> str:
    """The data set of a run or of a folder of weights: `mnist` where it does not say.

    Then whoever reads its settings says what is wrong with them.
    """
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "mnist"
    return values.get("dataset", "mnist") if isinstance(values, dict) else "mnist"
