"""Settings of IcGAN: the original's values as defaults, each with its source.

[O]: the authors' Torch code of Perarnau et al. 2016 (arXiv 1611.06355); [R]: the Stanford report of
Sun, Li & Xu; [B]: the TensorFlow code that it starts from (zhangqianhui/ICGAN-tensorflow).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.datasets.celeba.faces import WHOLE_WIDTH, Crop
from common.settings.config import (
    RunConfig,
    Source,
    check_average,
    check_setting,
    check_stage,
    check_unused,
)

Dataset = Literal["mnist", "celeba", "drawn"]

PAPER18 = (  # the attributes that [O] keeps of CelebA's 40, in its order
    "Bald",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Gray_Hair",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Pale_Skin",
    "Receding_Hairline",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Hat",
)
CROPS: dict[str, Crop] = {
    "center108": (35, 55, 143, 163),  # [R], Sec. 4
    "paper138": (30, 40, 168, 178),  # [O]
    "center178": WHOLE_WIDTH,
}
SPLITS = {  # how many of all of CelebA's files train; None: its own partition
    "official": None,
    "report": 196_608,  # the "97 %" of [R]: 24 times its 8,192 images
    "authors": 202_599 - 19_961,  # [O] holds so many out
}
LAYERS = ("generator_condition_layer", "discriminator_condition_layer")
ALL = ("all",)  # every attribute that the data set has, CelebA's 40 [R]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see of the images and their attributes."""

    image_size: int = 64
    """Side of the images in pixels: 64 for faces; digits are 28 or, with a black border, 32."""
    attributes: tuple[str, ...] = PAPER18
    """CelebA's attribute names, or `all`. The authors keep 18 of 40, the report all. Digits have
    their ten classes."""
    crop: Literal["center108", "paper138", "center178"] = "paper138"
    """Which square of CelebA's 178x218 is kept: 138 pixels around the face (the authors' code), the
    108 in the centre (the report), or the whole width."""
    split: Literal["official", "report", "authors"] = "official"
    """How CelebA is split: by its partition file, or in the order of the files: the report's 97 /
    1.5 / 1.5 %, or the authors', who hold out the last 19,961 images."""
    pixel_range: Literal["signed", "unit", "raw"] = "signed"
    """Range of real and generated images: [-1, 1] with tanh (the authors, the report), or [0, 1]
    with a sigmoid (the baseline's code). `raw` is the report's first attempt, real images in 0..255
    against a tanh; there D wins at once."""
    condition_values: Literal["signed", "unit"] = "signed"
    """Values of y: -1 and +1 (the authors' code), or 0 and 1 (the baseline's)."""

    def __post_init__(self) -> None:
        check_setting("data.attributes", self.attributes, bool(self.attributes), "at least one")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Families and sizes of the four networks."""

    family: Literal["paper", "dense", "baseline"] = "paper"
    """`paper`: the authors' networks, for sides that are powers of two; `dense`: the report's for
    28x28 digits; `baseline`: those of the baseline's code, with y at every layer."""
    latent_size: int = 100
    """Length of z, drawn from N(0, I) (the authors' code); 64 in the baseline's."""
    generator_filters: int = 64
    """Filters of G's last hidden layer in the family `paper`, doubled towards z (the authors'
    code)."""
    generator_dense: int = 0
    """Units of a dense layer before G's transposed convolutions; 0 for none (the authors' code).
    The report adds one, of a width that it does not give."""
    generator_dense_form: Literal["vector", "spatial"] = "vector"
    """How that layer is read: as a vector at 1x1, or as a 2x2 map. Ours: the report does not
    say."""
    discriminator_filters: int = 64
    """Filters of D's first convolution in the family `paper`, doubled towards the end (the authors'
    code). The report "increases" them."""
    generator_condition_layer: int = 0
    """Append y in G after this many transposed convolutions: 0 is z itself, as in the authors' code
    and the report; the others are those of the authors' ablation."""
    discriminator_condition_layer: int = 1
    """Append y in D after this many convolutions: 1 in the authors' code and the report, 0 is the
    image itself."""
    discriminator_dropout: float = 0.0
    """Dropout rate after D's hidden layers except the first. The report adds dropout at a rate that
    it does not give."""
    encoders: Literal["independent", "conditional", "shared"] = "independent"
    """How E_z and E_y belong together, as in the authors' comparison: `independent` (IND, their
    choice); `conditional` (IND-COND), where E_z is told y, repeated over the image; `shared` (SNG),
    with the same convolutions, trained together in the stage encoder_z."""
    encoder_filters: int = 32
    """Filters of the encoders' first convolution, doubled towards the end (the authors' code)."""
    encoder_z_dense: int | None = None
    """Hidden units of E_z; by default as many as come from the convolutions, 4,096 (the authors'
    code)."""
    encoder_y_dense: int = 512
    """Hidden units of E_y (the authors' code)."""

    def __post_init__(self) -> None:
        for name in (
            "latent_size",
            "generator_filters",
            "discriminator_filters",
            "encoder_filters",
            "encoder_y_dense",
        ):
            check_setting(f"networks.{name}", getattr(self, name), getattr(self, name) > 0, "> 0")
        rate, dense, hidden = self.discriminator_dropout, self.generator_dense, self.encoder_z_dense
        check_setting("networks.discriminator_dropout", rate, 0 <= rate < 1, "from 0 to below 1")
        check_setting("networks.generator_dense", dense, dense >= 0, "at least 0")
        right = hidden is None or hidden > 0
        check_setting("networks.encoder_z_dense", hidden, right, "at least 1, or none")


@dataclass(frozen=True, slots=True, kw_only=True)
class GANConfig:
    """Stage 1: the conditional GAN."""

    epochs: float = 25.0
    """Passes over the training images (the authors' code)."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 64
    """Images a step, in all three sources."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both players, in all three sources."""
    beta_1: float = 0.5
    """Adam's beta_1 in both codes; beta_2 is 0.999, epsilon 1e-8."""
    schedule: Literal["constant", "step"] = "constant"
    """Learning-rate schedule. The report tried steps, with little effect."""
    step_epochs: float = 10.0
    """Epochs of a step of the schedule. Ours."""
    step_factor: float = 0.1
    """Factor of the learning rate at each step of the schedule. Ours."""
    wrong_weight: float = 0.5
    """Weight of D's loss on real images with labels that do not match: 0.5 in the authors' code, 0
    in the baseline's and in Eq. 1."""
    fake_weight: float | None = None
    """Weight of D's loss on fakes; by default 0.5 beside wrong labels (the authors' code), 1
    without them (the baseline's, Eq. 1)."""
    prior: Literal["empirical", "batch", "uniform"] = "empirical"
    """Where the fakes' labels come from: random training images (the authors' code), the current
    batch (the baseline's), or classes drawn evenly."""
    flip: bool = False
    """Mirror the real images at random, as the authors do with faces."""
    augmented_discriminator: bool = False
    """D sees all images, real or not, moved and recoloured (DiffAugment, arXiv 2006.10738), to
    avoid memorising few faces. Ours."""
    ema: float | None = None
    """Decay of an EMA of G's weights, which replaces them at the end. Ours."""
    reestimate_batches: int = 100
    """Re-estimate the moving statistics of G's batch normalisation over this many batches of 256 at
    the end: 100 in the authors' code; 0 keeps those of training."""

    def __post_init__(self) -> None:
        check_stage("gan", self)
        check_average("gan", self.ema)
        factor, epochs = self.step_factor, self.step_epochs
        check_setting("gan.step_factor", factor, 0 < factor <= 1, "above 0 and at most 1")
        check_setting("gan.step_epochs", epochs, 0 < epochs < math.inf, "above 0 and finite")
        for name in ("wrong_weight", "reestimate_batches"):
            value = getattr(self, name)
            check_setting(f"gan.{name}", value, 0 <= value < math.inf, "at least 0")
        fakes = self.fake_weight
        right = fakes is None or 0 < fakes < math.inf
        check_setting("gan.fake_weight", fakes, right, "above 0, or none")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderZConfig:
    """Stage 2: E_z, on generated images (Eq. 2)."""

    epochs: float = 15.0
    """Passes over as many generated images as there are training images (the authors' code)."""
    period: float = 1.0
    """Epochs between log lines and saved states. Ours."""
    batch_size: int = 64
    """Images a step (the authors' code)."""
    learning_rate: float = 1e-4
    """Learning rate of Adam (the authors' code); 1e-2 in the baseline's."""
    beta_1: float = 0.1
    """Adam's beta_1 (the authors' code); 0.5 in the baseline's."""
    fixed_pairs: bool = True
    """Draw as many pairs (z, y') as there are training images, once, and train on these (the
    authors' code); or draw new pairs in each step (the baseline's)."""
    reduction: Literal["mean", "sum"] = "mean"
    """How the loss reduces over the dimensions of z: a mean in both codes, a sum in Eq. 2."""
    real_weight: float = 0.0
    """Weight of the squared error of real images that the frozen G reconstructs from E_z(x) and y;
    Eq. 2 alone has no real images. Ours; an experiment of the authors has this error alone."""

    def __post_init__(self) -> None:
        check_stage("encoder_z", self)
        real = self.real_weight
        check_setting("encoder_z.real_weight", real, 0 <= real < math.inf, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderYConfig:
    """Stage 3: E_y, on real images (Eq. 3)."""

    epochs: float = 15.0
    """Passes over the training images (the authors' code)."""
    period: float = 1.0
    """Epochs between log lines and saved states. Ours."""
    batch_size: int = 64
    """Images a step (the authors' code)."""
    learning_rate: float = 1e-4
    """Learning rate of Adam (the authors' code); 1e-3 in the baseline's."""
    beta_1: float = 0.1
    """Adam's beta_1 (the authors' code); 0.5 in the baseline's."""
    reduction: Literal["mean", "sum"] = "mean"
    """How the loss reduces over the attributes: a mean in both codes, a sum in Eq. 3."""
    keep: Literal["last", "best"] = "last"
    """Keep E_y of the last step (the authors' code), or of the period with the smallest loss on
    `dev`."""

    def __post_init__(self) -> None:
        check_stage("encoder_y", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that an IcGAN run depends on."""

    package: Annotated[Literal["icgan_tf"], tyro.conf.Suppress] = "icgan_tf"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """Digits, CelebA's faces (--data-dir names their folder), or faces drawn by this program."""
    stages: tuple[Literal["gan", "encoder_z", "encoder_y"], ...] = ("gan", "encoder_z", "encoder_y")
    """Which stages to train; encoder_z alone needs --init with a generator."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    gan: GANConfig = field(default_factory=GANConfig)
    encoder_z: EncoderZConfig = field(default_factory=EncoderZConfig)
    encoder_y: EncoderYConfig = field(default_factory=EncoderYConfig)
    report_images: int | None = None
    """Images in a report; all by default."""

    def __post_init__(self) -> None:
        count, size, family = self.report_images, self.data.image_size, self.networks.family
        check_setting("report_images", count, count is None or count > 1, "at least 2")
        check_setting("stages", self.stages, bool(self.stages), "gan, encoder_z, encoder_y or some")
        if self.dataset == "mnist":
            check_setting("data.image_size", size, size in (28, 32), "28 or 32 for digits")
        if family == "paper":
            right = size >= 16 and math.log2(size).is_integer()
            check_setting("data.image_size", size, right, "16, 32, 64, ... for family paper")
            last = int(math.log2(size)) - 2
            for name in LAYERS:
                layer = getattr(self.networks, name)
                check_setting(f"networks.{name}", layer, 0 <= layer <= last, f"0 to {last}")
        else:
            right = self.dataset == "mnist" and size == 28
            check_setting("networks.family", family, right, "paper, but for digits of 28x28")
        self._refuse_unused()
        prior = self.gan.prior
        right = prior != "uniform" or self.dataset == "mnist"
        check_setting("gan.prior", prior, right, "empirical or batch for faces")

    def _refuse_unused(self) -> None:
        """Refuses settings that would silently have no effect, or that cannot work together."""
        data, sizes = self.data, self.networks
        if self.dataset == "mnist":
            check_setting("data.attributes", data.attributes, data.attributes == ALL, "all: digits")
            check_setting("gan.flip", self.gan.flip, not self.gan.flip, "off for digits")
            check_unused("data", data, ("crop", "split"), "digits")
        if self.dataset == "drawn":
            check_unused("data", data, ("split",), "drawn faces")
        if self.gan.schedule == "constant":
            check_unused("gan", self.gan, ("step_epochs", "step_factor"), "a constant schedule")
        right = data.pixel_range != "raw" or self.stages == ("gan",)
        check_setting("data.pixel_range", data.pixel_range, right, "signed or unit with encoders")
        if not sizes.generator_dense:
            check_unused("networks", sizes, ("generator_dense_form",), "G without a dense layer")
        if sizes.encoders == "shared" and sizes.family != "baseline":
            told = "without encoder_y, which the stage encoder_z trains if encoders are shared"
            check_setting("stages", self.stages, "encoder_y" not in self.stages, told)
            check_unused("encoder_z", self.encoder_z, ("real_weight",), "shared encoders")
        if sizes.family == "paper":
            return
        unused = ["generator_filters", "generator_dense", "discriminator_filters", *LAYERS]
        if sizes.family == "baseline":
            unused += ["encoders", "encoder_filters", "encoder_z_dense", "encoder_y_dense"]
            values, told = data.condition_values, "unit: E_y is a sigmoid"
            check_setting("data.condition_values", values, values == "unit", told)
        check_unused("networks", sizes, unused, f"the family {sizes.family}")
