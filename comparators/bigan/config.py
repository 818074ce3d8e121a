"""Settings of BiGAN and the latent regressor on MNIST, each with its source.

"The authors' code" is that of Donahue, Krähenbühl & Darrell (arXiv 1605.09782), its script
`train_mnist.sh` and the defaults of `train_gan.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.settings.config import RunConfig, Source, check_setting, check_stage

Method = Literal["bigan", "latent_regressor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the networks, all of them fully connected."""

    latent_size: int = 50
    """Length of z, which is uniform on [-1, 1] (the authors' code, `u-50`); CRG's has 100."""
    width: int = 1024
    """Units of each hidden layer (the authors' code, `mnist_mlp`)."""

    def __post_init__(self) -> None:
        for name in ("latent_size", "width"):
            value = getattr(self, name)
            check_setting(f"networks.{name}", value, value >= 1, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GANConfig:
    """The training: all networks together."""

    epochs: float = 400.0
    """Passes over the training images: 200 at the full learning rate, 200 in which it falls (the
    authors' code)."""
    period: float = 5.0
    """Epochs between log lines, samples and saved states. Ours."""
    batch_size: int = 128
    """Images a step (the authors' code)."""
    learning_rate: float = 2e-4
    """Learning rate of Adam, for all networks, in the first half (the authors' code)."""
    beta_1: float = 0.5
    """Adam's beta_1 (the authors' code); beta_2 is its 0.999."""
    last_rate: float = 0.01
    """Share of the learning rate that is left at the end, after an exponential fall over the second
    half (the authors' code, where it falls epoch by epoch; here step by step)."""
    decay: float = 2.5e-5
    """Weight decay: this share of each weight is added to its gradient (the authors' code)."""
    reestimate_batches: int = 1000
    """At the end, re-estimate the statistics of batch normalisation over this many batches (the
    authors' code, `deploy_iters`); 0 keeps the moving averages of the training."""

    def __post_init__(self) -> None:
        check_stage("gan", self)
        last, decay, batches = self.last_rate, self.decay, self.reestimate_batches
        check_setting("gan.last_rate", last, 0 < last <= 1, "above 0 and at most 1")
        check_setting("gan.decay", decay, 0 <= decay < math.inf, "at least 0 and finite")
        check_setting("gan.reestimate_batches", batches, batches >= 0, "at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a run depends on."""

    package: Annotated[Literal["comparators.bigan"], tyro.conf.Suppress] = "comparators.bigan"
    """Whose settings these are."""
    dataset: Literal["mnist"] = "mnist"
    """28x28 digits. Of the 60,000 for training, the last 5,000 are dev; another 10,000 are for
    test, as for CRG here. The authors' code trains on 50,000, or on all 60,000 with
    `use_test_set`."""
    method: Method = "bigan"
    """`bigan`: encoder and generator against a discriminator of pairs (x, z). `latent_regressor`: a
    GAN plus an encoder that learns z from generated images."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    gan: GANConfig = field(default_factory=GANConfig)
