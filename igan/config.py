"""Settings of iGAN: the authors' values as defaults, each with its source.

[R]: the report of Gupta, Kansal & Bansal 2016, whose appendix prints the training code; [C]: the
public code of iGAN (Zhu et al. 2016), from which that code comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tyro

from common.settings.config import RunConfig, Source, check_average, check_setting, check_stage

Dataset = Literal["fashion", "mnist", "celeba", "drawn", "folder"]
GRAY = ("fashion", "mnist")  # the data sets of one channel, 28x28
GROUPS = {  # the classes of Fashion-MNIST that stand for the report's three data sets [R, Ch. 6]
    "shoes": ("Sneaker", "Ankle boot"),
    "bags": ("Bag",),
    "shirts": ("T-shirt/top", "Shirt"),
}
JOINT = tuple(name for names in GROUPS.values() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see."""

    image_size: int = 64
    """Side of the images in pixels, 32, 64 or 128; 64 in the report (Sec. 5.2), 128 for one model
    of the public code. Digits and clothing get a black border to 32."""
    classes: tuple[str, ...] = ("all",)
    """Which classes to train on: "0" to "9" for digits; for Fashion-MNIST the names of its classes,
    or `shoes`, `bags`, `shirts`, which stand for the report's three data sets. All by default;
    other data have none."""

    def __post_init__(self) -> None:
        right = self.image_size in (32, 64, 128)
        check_setting("data.image_size", self.image_size, right, "32, 64 or 128")
        check_setting("data.classes", self.classes, bool(self.classes), "at least one, or all")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the three networks (the report, Sec. 5.2; the public code)."""

    latent_size: int = 100
    """Length of z, which is uniform on [-1, 1] (the report, Sec. 5.2 and appendix)."""
    generator_filters: int = 128
    """Filters of G's last hidden layer, doubled towards z (the public code; 64 in its model of 128
    pixels)."""
    discriminator_filters: int = 128
    """Filters of D's first convolution, doubled towards the end (the public code)."""
    predictor_filters: int = 128
    """The same for P, whose architecture is D's except for the outputs (the report, Sec. 4.1.2)."""

    def __post_init__(self) -> None:
        for name in ("latent_size", "generator_filters", "discriminator_filters"):
            check_setting(f"networks.{name}", getattr(self, name), getattr(self, name) > 0, "> 0")
        filters = self.predictor_filters
        check_setting("networks.predictor_filters", filters, filters > 0, "> 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class GANConfig:
    """Stage 1: the DCGAN (the report, Sec. 5.1 and appendix)."""

    epochs: float = 25.0
    """Passes of D over the training images. The public code trains 25 + 25 epochs and updates only
    G in every other batch: 25 of ours."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 128
    """Images a step (the report's appendix)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both players (the report's appendix)."""
    beta_1: float = 0.5
    """Adam's beta_1 (the report's appendix); beta_2 is 0.999, epsilon 1e-8 (the public code)."""
    constant_share: float = 0.5
    """Share of the stage before the learning rate falls linearly to zero: 25 of 50 epochs (the
    report's appendix, the public code)."""
    weight_decay: float = 1e-5
    """L2 on every weight, added to the gradient (the report's appendix): coupled, not AdamW's."""
    discriminator_steps: int = 1
    """D's updates for each of G's: k in the report's Sec. 5.1. The appendix' `update_k` of 2
    alternates, so k = update_k - 1. The images of a step are divided among the updates."""
    ema: float | None = None
    """Decay of an EMA of G's weights, which replaces them at the end of the stage. Ours."""
    flip: bool = False
    """Mirror the real images at random. Ours, for faces."""
    augment: bool = False
    """Shift, brighten and cut all images that D sees, real or fake, by a function that gradients
    pass (DiffAugment, Zhao et al. 2020). Ours, for a few thousand images."""
    reestimate_batches: int = 1000
    """Batches of the pass that estimates the statistics of batch normalisation after the training
    (the public code); 0 keeps those of the training."""

    def __post_init__(self) -> None:
        check_stage("gan", self)
        check_average("gan", self.ema)
        check_tail("gan", self)
        steps, batch = self.discriminator_steps, self.batch_size
        right = steps > 0 and batch % steps == 0
        check_setting("gan.discriminator_steps", steps, right, f"a divisor of {batch}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorConfig:
    """Stage 2: the predictor P through the frozen G (the report, Sec. 4.1.2)."""

    epochs: float = 50.0
    """Passes over the training images, 25 + 25 in the public code."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 128
    """Images a step (the public code)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam (the public code)."""
    beta_1: float = 0.5
    """Adam's beta_1 (the public code)."""
    constant_share: float = 0.5
    """Share of the stage before the learning rate falls linearly to zero (the public code)."""
    weight_decay: float = 1e-5
    """L2 on every weight, added to the gradient (the public code)."""
    flip: bool = False
    """Mirror the images at random. Ours, for faces."""
    reestimate_batches: int = 1000
    """Batches of real images in the pass that estimates P's statistics of batch normalisation (the
    public code)."""

    def __post_init__(self) -> None:
        check_stage("predictor", self)
        check_tail("predictor", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureConfig:
    """The feature space C of the distance L (the report, Sec. 4.1)."""

    space: Literal["pixels", "discriminator", "vgg"] = "discriminator"
    """What is compared besides pixels: nothing, activations of D, or those of a VGG16 whose weights
    are in `file`. The public code takes conv4 of an AlexNet, whose weights no package brings; D's
    are always there."""
    weight: float = 1.0
    """Weight of the feature term beside the pixel term. At 1 both are equal on average over pairs
    of generated images, since layers are scaled so. Ours; AlexNet's 0.002 (the public code) is for
    its own scale."""
    file: str | None = None
    """Weights of VGG16's blocks for `vgg`: a `.weights.h5` of Keras."""

    def __post_init__(self) -> None:
        right = 0 < self.weight < math.inf
        check_setting("features.weight", self.weight, right, "above 0 and finite")
        right = (self.space == "vgg") == (self.file is not None)
        check_setting("features.file", self.file, right, "given with the space vgg, and only there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that an iGAN run depends on."""

    package: Annotated[Literal["igan"], tyro.conf.Suppress] = "igan"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """`fashion` (Fashion-MNIST), `mnist`, `celeba`, `drawn` (faces that this program draws) or
    `folder` (any folder of images, named by --data-dir)."""
    stages: tuple[Literal["gan", "predictor"], ...] = ("gan", "predictor")
    """Which stages to train; the predictor alone needs --init with a generator."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    gan: GANConfig = field(default_factory=GANConfig)
    predictor: PredictorConfig = field(default_factory=PredictorConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    report_images: int | None = 200
    """Images in a report; each is projected by every method. 200 is our number."""

    def __post_init__(self) -> None:
        count = self.report_images
        check_setting("report_images", count, count is None or count > 1, "at least 2")
        check_setting("stages", self.stages, bool(self.stages), "gan, predictor or both")
        classes, gray = self.data.classes, self.dataset in GRAY
        known = class_names(self.dataset)
        right = classes == ("all",) or (gray and set(classes) <= {*known, *groups(self.dataset)})
        allowed = f"all, or of {', '.join(known)}" if gray else "all: these data have no classes"
        check_setting("data.classes", classes, right, allowed)

    @property
    def channels(self) -> int:
        """1 for gray images, 3 for colour."""
        return 1 if self.dataset in GRAY else 3

    @property
    def pixel_range(self) -> Literal["unit", "signed"]:
        """Of what the networks see: [0, 1] and a sigmoid for gray, else [-1, 1] and a tanh [C]."""
        return "unit" if self.dataset in GRAY else "signed"


def class_names(dataset: Dataset) -> tuple[str, ...]:
    """The classes of a data set, in the order of its labels; none of those without labels."""
    from common.datasets import fashion

    digits = tuple(str(digit) for digit in range(10))
    return {"fashion": fashion.CLASSES, "mnist": digits}.get(dataset, ())


def groups(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Names for several classes at once."""
    return GROUPS if dataset == "fashion" else {}


def check_tail(stage: str, settings: Any) -> None:
    """Refuses what both stages have beside `check_stage`.

    Raises:
        UserError: naming the setting.
    """
    share, decay, batches = (
        getattr(settings, name) for name in ("constant_share", "weight_decay", "reestimate_batches")
    )
    check_setting(f"{stage}.constant_share", share, 0 <= share <= 1, "from 0 to 1")
    check_setting(f"{stage}.weight_decay", decay, 0 <= decay < math.inf, "at least 0")
    check_setting(f"{stage}.reestimate_batches", batches, batches >= 0, "at least 0")
