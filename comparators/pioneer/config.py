"""Settings of PIONEER on faces, each with its source.

"The authors' code" is that of Heljakka, Solin & Kannala (arXiv 1807.03026), its branch `master`,
whose README says that its loss weights are a tenth of the paper's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from common.settings.config import RunConfig, Source, check_average, check_setting
from common.training.levels import Level, levels

Dataset = Literal["celeba", "drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of the networks, and of the images: as many levels as `channels`."""

    latent_size: int = 512
    """Length of z, uniform on the unit sphere (the authors' code: 511, and one for a label, taken
    from the same vector)."""
    channels: tuple[int, ...] = (512, 512, 512, 512, 256, 128)
    """Channels of g and e at 4, 8, 16, ... pixels (the authors' code); six are 128 pixels."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the images at each level, 4, 8, ..."""
        return tuple(4 * 2**level for level in range(len(self.channels)))

    def __post_init__(self) -> None:
        right = len(self.channels) > 1 and min(self.channels) > 0
        check_setting("networks.channels", self.channels, right, "2 or more numbers above 0")
        size = self.latent_size
        check_setting("networks.latent_size", size, size >= 1, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PioneerConfig:
    """The training. Lengths count real images."""

    fade_images: int = 1_200_000
    """Images while a level is blended in (the authors' code: half of a level's 2.4 million); the
    first level has as many more, though there is nothing to blend."""
    stable_images: int = 1_200_000
    """Images after that, except at the last level (the authors' code)."""
    final_images: int = 3_600_000
    """Images after the last level is blended in (the authors' code, which trains that level twice
    as long); may grow in a resumed run."""
    period_images: int = 200_000
    """Images between log lines, samples and saved states. Ours."""
    batch_sizes: tuple[int, ...] = (128, 128, 128, 64, 32, 16)
    """Images a step, at each level (the authors' code)."""
    learning_rate: float = 1e-3
    """Learning rate of Adam, for both networks; beta_1 is 0, beta_2 0.99 (the authors' code)."""
    generator_steps: int = 2
    """Updates of the generator to one of the encoder (the authors' code)."""
    kl_weight: float = 0.1
    """Weight of each KL (the authors' code)."""
    image_weight: float = 1.0
    """Weight of |g(e(x)) - x|_1 in the encoder's loss while a level is blended in (the authors'
    code)."""
    stable_image_weight: float = 1.5
    """The same once it is (the authors' code)."""
    latent_weight: float = 100.0
    """Weight of 2 - mean(z e(g(z))) in the generator's loss (the authors' code). The mean is the
    cosine divided by the length of z."""
    ema: float | None = 0.999
    """Decay of an EMA of the generator's weights, which replaces them at the end (the authors'
    code)."""
    flip: bool = True
    """Mirror the real images at random (the authors' code)."""

    def __post_init__(self) -> None:
        for name in ("fade_images", "stable_images", "final_images", "period_images"):
            value = getattr(self, name)
            check_setting(f"pioneer.{name}", value, value > 0, "at least 1")
        for name in ("learning_rate", "image_weight", "stable_image_weight", "latent_weight"):
            value = getattr(self, name)
            check_setting(f"pioneer.{name}", value, 0 < value < math.inf, "above 0 and finite")
        steps, kl, sizes = self.generator_steps, self.kl_weight, self.batch_sizes
        check_setting("pioneer.generator_steps", steps, steps >= 1, "at least 1")
        check_setting("pioneer.kl_weight", kl, 0 <= kl < math.inf, "at least 0")
        right = bool(sizes) and min(sizes) > 1  # a batch of 1 has no variance
        check_setting("pioneer.batch_sizes", sizes, right, "a number above 1 for each level")
        check_average("pioneer", self.ema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a run depends on."""

    package: Annotated[Literal["comparators.pioneer"], tyro.conf.Suppress] = "comparators.pioneer"
    """Whose settings these are."""
    dataset: Dataset = "celeba"
    """CelebA by its own partition, the whole width of its images, or faces that are drawn."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    pioneer: PioneerConfig = field(default_factory=PioneerConfig)

    def __post_init__(self) -> None:
        count, sizes = len(self.networks.channels), self.pioneer.batch_sizes
        right = len(sizes) == count
        check_setting("pioneer.batch_sizes", sizes, right, f"{count} numbers, one a level")

    @property
    def image_size(self) -> int:
        """Side of the images in pixels: that of the last level."""
        return self.networks.sizes[-1]

    def levels(self, images: int) -> list[Level]:
        """The levels of the training on so many images."""
        return levels("pioneer", self.pioneer, self.networks.sizes, images, first_fade=True)
