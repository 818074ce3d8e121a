"""The levels of the progressive GAN: how long each lasts, and in which batches."""

from __future__ import annotations

from dataclasses import dataclass

from crg.faces.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the progressive GAN, a stage of its own for `fit`.

    Attributes:
        size: S, the side of its images.
        batch_size: real images an iteration, those of all steps of the critic.
        fade_images: real images during which the level is blended in, of all below.
        epochs: passes over the training images.
        period: passes over the training images in one period.
    """

    size: int
    batch_size: int
    fade_images: int
    epochs: float
    period: float

    @property
    def stage(self) -> str:
        """Of its history and its backup."""
        return f"gan-{self.size:03d}"

    @property
    def fade_steps(self) -> int:
        """Iterations during which it is blended in."""
        return self.fade_images // self.batch_size


def levels(config: Config, images: int) -> list[Level]:
    """The levels of stage 1 from 4 pixels on.

    Args:
        config: the settings.
        images: number of training images.
    """
    settings, last = config.gan, len(config.networks.channels) - 1
    found = []
    for index, size in enumerate(config.networks.sizes):
        fade = settings.fade_images if index else 0
        length = fade + (settings.final_images if index == last else settings.stable_images)
        batch = settings.critic_steps * settings.batch_sizes[index]
        shown = Level(
            size=size,
            batch_size=batch,
            fade_images=fade,
            epochs=length / images,
            period=min(settings.period_images, length) / images,
        )
        found.append(shown)
    return found
