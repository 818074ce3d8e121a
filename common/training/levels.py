"""The levels of a training whose networks grow: how long each lasts, and in which batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Growth(Protocol):
    """The settings of such a training; lengths count real images."""

    @property
    def fade_images(self) -> int:
        """Images while a level is blended in."""
        ...

    @property
    def stable_images(self) -> int:
        """Images after that, but at the last level."""
        ...

    @property
    def final_images(self) -> int:
        """Images after the last level is blended in."""
        ...

    @property
    def period_images(self) -> int:
        """Images between log lines, samples and saved states."""
        ...

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Images a step of each player, at each level."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the growth, a stage of its own for `fit`.

    Attributes:
        game: what is trained, for the name of the stage.
        size: S, the side of its images.
        batch_size: real images an iteration.
        fade_images: real images during which the level is blended in, of all below.
        epochs: passes over the training images.
        period: passes over the training images in one period.
    """

    game: str
    size: int
    batch_size: int
    fade_images: int
    epochs: float
    period: float

    @property
    def stage(self) -> str:
        """Of its history and its backup."""
        return f"{self.game}-{self.size:03d}"

    @property
    def fade_steps(self) -> int:
        """Iterations during which it is blended in."""
        return self.fade_images // self.batch_size


def levels(
    game: str,
    settings: Growth,
    sizes: Sequence[int],
    images: int,
    *,
    steps: int = 1,
    first_fade: bool = False,
) -> list[Level]:
    """The levels of a training, from the smallest images on.

    Args:
        game: what is trained.
        settings: of the training.
        sizes: the sides of the images, one a level.
        images: number of training images.
        steps: batches an iteration.
        first_fade: the first level, which has nothing to blend, lasts as long as the others.
    """
    found = []
    for index, (size, batch) in enumerate(zip(sizes, settings.batch_sizes, strict=True)):
        last = index == len(sizes) - 1
        fade = settings.fade_images if index else 0
        length = fade + (settings.final_images if last else settings.stable_images)
        if first_fade and not index:
            length += settings.fade_images
        found.append(
            Level(
                game=game,
                size=size,
                batch_size=steps * batch,
                fade_images=fade,
                epochs=length / images,
                period=min(settings.period_images, length) / images,
            )
        )
    return found
