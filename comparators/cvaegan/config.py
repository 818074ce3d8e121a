"""Settings of CVAE-GAN on faces, each with its source.

"The paper" is Bao et al. 2017, arXiv 1703.10155. Its text was not at hand; README says where its
losses and weights are from. Sizes are those of IFcVAEGAN's networks (arXiv 1711.05175 v1 and its
authors' code), so that the two methods differ in their losses and not in their width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.settings.config import RunConfig, Source, check_setting, check_stage

Dataset = Literal["celeba", "drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see of the images: the whole width of CelebA's, as in IFcVAEGAN."""

    image_size: int = 64
    """Side of the images in pixels (IFcVAEGAN; the paper has 128)."""
    attributes: tuple[str, ...] = ("Smiling",)
    """CelebA's names of the attributes to edit (IFcVAEGAN). Each has two classes, without it and
    with it; the paper has one class a person."""
    flip: bool = False
    """Mirror the training images at random. Ours; off, as in IFcVAEGAN."""

    def __post_init__(self) -> None:
        size, names = self.image_size, self.attributes
        right = size >= 16 and math.log2(size).is_integer()
        check_setting("data.image_size", size, right, "16, 32, 64, ...")
        right = bool(names) and names != ("all",) and len(set(names)) == len(names)
        check_setting("data.attributes", names, right, "names of different attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the four networks."""

    latent_size: int = 200
    """Length of z (IFcVAEGAN)."""
    filters: int = 64
    """Filters of the first convolution of E, D and C and of the last hidden layer of G (IFcVAEGAN);
    24 train on two CPU cores."""

    def __post_init__(self) -> None:
        for name in ("latent_size", "filters"):
            value = getattr(self, name)
            check_setting(f"networks.{name}", value, value >= 1, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class CVAEGANConfig:
    """The training: all networks together."""

    epochs: float = 8.0
    """Passes over the training images (IFcVAEGAN's, for the naive model)."""
    period: float = 1.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 32
    """Images a step (IFcVAEGAN)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam, for all networks. Ours: DCGAN's, as is beta_1."""
    beta_1: float = 0.5
    """Adam's beta_1. Ours."""
    kl_weight: float = 3.0
    """lambda_1, of the KL divergence, in E's loss (the paper; README)."""
    reconstruction_weight: float = 1.0
    """lambda_2, of L_G: pixels, and features of D and C (the paper; README)."""
    mean_weight: float = 1e-3
    """lambda_3, of L_GD: the mean features of D (the paper; README)."""
    class_weight: float = 1e-3
    """lambda_4, of L_GC: the mean features of C in each class (the paper; README)."""
    centre_decay: float = 0.9
    """Decay of the moving averages of the classes' mean features. Ours: the paper has moving
    averages, but their decay is not known here."""

    def __post_init__(self) -> None:
        check_stage("cvaegan", self)
        for name in ("kl_weight", "reconstruction_weight", "mean_weight", "class_weight"):
            value = getattr(self, name)
            check_setting(f"cvaegan.{name}", value, 0 <= value < math.inf, "at least 0")
        decay = self.centre_decay
        check_setting("cvaegan.centre_decay", decay, 0 <= decay < 1, "from 0 to below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a run depends on."""

    package: Annotated[Literal["comparators.cvaegan"], tyro.conf.Suppress] = "comparators.cvaegan"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """CelebA by its own partition, or faces that are drawn."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    cvaegan: CVAEGANConfig = field(default_factory=CVAEGANConfig)
