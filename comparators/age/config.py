"""Settings of AGE on faces, each with its source.

"The authors' code" is that of Ulyanov, Vedaldi & Lempitsky (arXiv 1704.02304): the command for
CelebA in its README, and the defaults of `age.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.settings.config import RunConfig, Source, check_setting, check_stage

Dataset = Literal["celeba", "drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What the networks see of the images; the whole width of CelebA's, as in the authors' code."""

    image_size: Literal[32, 64] = 64
    """Side of the images in pixels (the authors' code has networks of both)."""
    attributes: tuple[str, ...] = ("Smiling",)
    """Attributes that are read beside the images; AGE uses none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the networks."""

    latent_size: int = 64
    """Length of z, which is uniform on the unit sphere (the authors' code, `--nz 64`)."""
    filters: int = 64
    """Channels of the first convolution of E and of the last hidden layer of G (the authors' code);
    16 train on two CPU cores."""

    def __post_init__(self) -> None:
        for name in ("latent_size", "filters"):
            value = getattr(self, name)
            check_setting(f"networks.{name}", value, value >= 1, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AGEConfig:
    """The training."""

    epochs: float = 5.0
    """Passes over the training images (the authors' code, for all of CelebA; there, one more at
    batch 256 and `image_weight` 15 follows, by --init)."""
    period: float = 0.25
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 64
    """Images a step (the authors' code)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam, for both networks (the authors' code)."""
    beta_1: float = 0.5
    """Adam's beta_1 (the authors' code)."""
    drop_epochs: float = 5.0
    """Epochs after which the learning rate is halved, again and again (the authors' code)."""
    generator_steps: int = 3
    """Updates of the generator to one of the encoder (the authors' code for CelebA)."""
    image_weight: float = 10.0
    """Weight of |g(e(x)) - x|_1 in the encoder's loss (the authors' code)."""
    latent_weight: float = 1000.0
    """Weight of the cosine term between z and e(g(z)) in the generator's (the authors' code)."""
    reestimate_batches: int = 100
    """At the end, re-estimate the batch statistics of both networks over this many batches of real
    images and their codes; 0 keeps the moving averages. Ours: in training they see two kinds."""

    def __post_init__(self) -> None:
        check_stage("age", self)
        for name in ("drop_epochs", "image_weight", "latent_weight"):
            value = getattr(self, name)
            check_setting(f"age.{name}", value, value > 0, "above 0")
        steps, batches = self.generator_steps, self.reestimate_batches
        check_setting("age.generator_steps", steps, steps >= 1, "at least 1")
        check_setting("age.reestimate_batches", batches, batches >= 0, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a run depends on."""

    package: Annotated[Literal["comparators.age"], tyro.conf.Suppress] = "comparators.age"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """CelebA by its own partition, or faces that are drawn."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    data: DataConfig = field(default_factory=DataConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    age: AGEConfig = field(default_factory=AGEConfig)
