"""Settings of IFcVAEGAN: the paper's values as defaults, each with its source.

[P]: Creswell, Bharath & Sengupta, arXiv 1711.05175 v1; [C]: the authors' code at that time. Where
neither says, "ours".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.datasets.celeba.faces import WHOLE_WIDTH, Crop
from common.settings.config import RunConfig, Source, check_average, check_setting

CROPS: dict[str, Crop] = {
    "center178": WHOLE_WIDTH,  # [C]
    "center108": (35, 55, 143, 163),  # that of the IcGAN report
    "paper138": (30, 40, 168, 178),  # that of the IcGAN authors
}
SPLITS = {"official": None, "report": 196_608}  # how many of all of CelebA's files train

Dataset = Literal["celeba", "drawn"]
Padding = Literal["torch", "same"]
Fidelity = Literal["paper", "release"]
Pixels = Literal["sum", "mean", "release"]
Upsampling = Literal["transposed3", "transposed4", "resize"]
AuxiliaryMode = Literal["max_bce", "capped", "confuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see of the images and their attributes."""

    image_size: int = 64
    """Side of the images in pixels (the authors' code)."""
    attributes: tuple[str, ...] = ("Smiling",)
    """CelebA's names; the paper trains one model for each of Smiling, Male and Eyeglasses. Several
    at once, or `all`: ours."""
    crop: Literal["center108", "paper138", "center178"] = "center178"
    """Which square of CelebA's 178x218 is kept: the whole width in the authors' code; "un-cropped"
    in the paper."""
    split: Literal["official", "report"] = "official"
    """How CelebA is split: by its partition file, or `report`: 97 / 1.5 / 1.5 % in the order of the
    files. The authors' code holds the first 100 images out and has no other split; here they are
    held out as well."""
    flip: bool = False
    """Mirror the training images at random; the authors' code builds the transform but does not use
    it."""
    shift: int = 0
    """Move the training images at random, by up to this many pixels each way. Ours."""
    jitter: float = 0.0
    """Change brightness, contrast and saturation of the training images at random, each by up to
    this share. Ours."""

    def __post_init__(self) -> None:
        size = self.image_size
        right = size >= 16 and math.log2(size).is_integer()
        check_setting("data.image_size", size, right, "16, 32, 64, ...")
        check_setting("data.shift", self.shift, 0 <= self.shift < size, "from 0 to below the size")
        check_setting("data.jitter", self.jitter, 0 <= self.jitter < 1, "from 0 to below 1")
        names = self.attributes
        check_setting("data.attributes", names, bool(names), "at least one")
        apart = not any("," in name for name in names) and len(set(names)) == len(names)
        check_setting("data.attributes", names, apart, "different ones, with spaces between them")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the four networks."""

    latent_size: int = 200
    """Length of z (the paper); 100 by default in the authors' code."""
    filters: int = 64
    """Filters of the first convolution of E and C and of the last hidden layer of D (the authors'
    code); 24 trains on two CPU cores."""
    auxiliary_width: int = 1000
    """Units of both hidden layers of A (the authors' code)."""
    padding: Padding = "torch"
    """Padding of the convolutions: as the authors' framework pads them, or Keras' own."""
    encoder_normalised: bool = False
    """Batch normalisation in E, as in the encoder of Larsen et al. (arXiv 1512.09300). Ours;
    with it, edits are learnt in fewer epochs (README)."""
    decoder_filters: int | None = None
    """Filters of D's last hidden layer, if it has its own width. Ours."""
    upsampling: Upsampling = "transposed3"
    """How D doubles the side. `transposed3`: the authors' transposed convolution, whose kernel of 3
    is not divisible by its stride of 2, which leaves a grid on images. `transposed4`: with a kernel
    of 4. `resize`: nearest neighbours, then a convolution; both from Odena et al. 2016."""

    def __post_init__(self) -> None:
        width = self.decoder_filters
        check_setting("networks.decoder_filters", width, width is None or width > 0, "> 0")
        for name in ("latent_size", "filters", "auxiliary_width"):
            check_setting(f"networks.{name}", getattr(self, name), getattr(self, name) > 0, "> 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """Weights of the autoencoder's terms (Eqs. 9 to 12), and how they are read."""

    alpha: float = 0.2
    """Weight of the KL divergence (Sec. 4.1, the best model)."""
    beta: float = 0.0
    """Weight of the class loss of reconstructions, L^_class (Sec. 4.1, the best model)."""
    gamma: float = 1.0
    """Weight of -L_aux; the paper has no name for it, the authors' code calls it so."""
    delta: float = 0.1
    """Weight of the GAN term (Sec. 4.1). With 0, and no `features`, C does not play."""
    rho: float = 0.1
    """Weight of the class loss, L_class (Sec. 4.1)."""
    features: float = 0.0
    """Weight of the squared difference of C's features of an image and of its reconstruction:
    Larsen et al. (arXiv 1512.09300, the paper's [13]), Eq. 8, beside L_rec. Ours."""
    pixels: Pixels = "mean"
    """How L_rec is reduced over the pixels, and the KL over z, which the paper leaves open. `sum`:
    both are sums, as in Eq. 1. `mean`: both are means. `release`: pixels and channels are summed
    and divided by H^2, the KL is divided by Z, as in the authors' code."""
    reference_batch: int = 1
    """Number by which the label terms (Eqs. 5 to 7) are divided. 1: they are means over the batch,
    as Sec. 3.1 defines them. The authors' code has sums over the batch in all other terms but means
    in these, so they weigh 1/32 at its batch of 32."""
    fidelity: Fidelity = "paper"
    """Where the class terms' gradients go: `paper`, into the features, as in Eqs. 9 and 10;
    `release`, into the y-head alone, as in the authors' code."""
    auxiliary_mode: AuxiliaryMode = "max_bce"
    """The term that keeps y out of z: `max_bce` is Eq. 12. Ours are bounded: `capped` stops when A
    is no better than the base rate, `confuse` pulls A towards it."""
    ramp_steps: int = 0
    """Steps over which gamma grows from 0. Ours."""

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma", "delta", "rho", "features"):
            value = getattr(self, name)
            check_setting(f"loss.{name}", value, 0 <= value < math.inf, "at least 0")
        batch, ramp = self.reference_batch, self.ramp_steps
        check_setting("loss.reference_batch", batch, batch > 0, "at least 1")
        check_setting("loss.ramp_steps", ramp, ramp >= 0, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """The one stage."""

    epochs: float = 8.0
    """Passes over the training images; Sec. 4.1 for the naive model, not stated for the others."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 32
    """Images a step: as in Table 1, judging by its 16 faces; 64 by default in the authors' code."""
    learning_rate: float = 2e-4
    """Learning rate of RMSprop for all players: not in the paper; 1e-3, later 2e-4 in the authors'
    code."""
    auxiliary_learning_rate: float | None = None
    """Learning rate of A, if it has its own: an A that is slower than E is fooled by a z that still
    tells y. Ours."""
    smoothing: float = 0.99
    """RMSprop's rho for the autoencoder and A (the authors' code)."""
    discriminator_smoothing: float = 0.5
    """RMSprop's rho for C: the paper's "momentum" of 0.5, which the authors' code passes as rho."""
    discriminator_momentum: float = 0.0
    """RMSprop's momentum for C: the other reading of that 0.5."""
    halving_epochs: float | None = None
    """Epochs in which all learning rates halve, smoothly. Ours."""
    augmented_discriminator: bool = False
    """C sees all images, real or not, with other colours and moved by up to an eighth of the side
    (DiffAugment, arXiv 2006.10738), to avoid memorising few faces. Ours."""
    ema: float | None = None
    """Decay of an EMA of E's and D's weights, which replaces them at the end. Ours."""
    reestimate_batches: int = 0
    """At the end, re-estimate D's moving statistics over the reconstructions of this many batches
    of 256 training images (and E's, if it has any, over the images). During training, D's mix
    reconstructions and images of random z; in the authors' code they stay so. Ours."""

    def __post_init__(self) -> None:
        batches = self.reestimate_batches
        check_setting("train.reestimate_batches", batches, batches >= 0, "at least 0")
        for name in ("epochs", "period", "batch_size", "learning_rate"):
            value = getattr(self, name)
            check_setting(f"train.{name}", value, 0 < value < math.inf, "above 0 and finite")
        for name in ("auxiliary_learning_rate", "halving_epochs"):
            value = getattr(self, name)
            right = value is None or 0 < value < math.inf
            check_setting(f"train.{name}", value, right, "above 0 and finite")
        for name in ("smoothing", "discriminator_smoothing", "discriminator_momentum"):
            value = getattr(self, name)
            check_setting(f"train.{name}", value, 0 <= value < 1, "from 0 to below 1")
        check_average("train", self.ema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that an IFcVAEGAN run depends on."""

    package: Annotated[Literal["ifcvaegan"], tyro.conf.Suppress] = "ifcvaegan"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """CelebA's faces (--data-dir names their folder), or faces drawn by this program."""
    stages: tuple[Literal["vaegan"], ...] = ("vaegan",)
    """There is one stage; all players train together."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    report_images: int | None = None
    """Images in a report; all by default."""

    def __post_init__(self) -> None:
        count = self.report_images
        check_setting("report_images", count, count is None or count > 1, "at least 2")
        check_setting("stages", self.stages, self.stages == ("vaegan",), "vaegan")


def attribute_names(config: Config) -> tuple[str, ...]:
    """The names of the columns of y, in order."""
    if config.data.attributes != ("all",):
        return config.data.attributes
    from common.datasets import drawn
    from common.datasets.celeba import loader as celeba

    return drawn.ATTRIBUTES if config.dataset == "drawn" else celeba.ATTRIBUTES
