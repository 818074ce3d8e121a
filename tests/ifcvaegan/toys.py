"""An editor whose codes and faces are known, and figures that are all different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from common.datasets.records import Records
from common.metrics.intervals import Interval
from ifcvaegan.config import Config, NetworkConfig
from ifcvaegan.editor import Codes
from ifcvaegan.results import (
    AttributeResult,
    Kept,
    Leaks,
    Moved,
    Protocols,
    Readers,
    Shares,
)

NAMES = ("Smiling", "Male")
CONFIG = Config(networks=NetworkConfig(latent_size=1))


@dataclass(frozen=True)
class Toy:
    """E is right about y and z, and as sure as `sigma`; D is the function `show` of y and z."""

    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    show: Callable[[np.ndarray, np.ndarray], np.ndarray]
    sigma: float = 1e-9
    attribute_names: tuple[str, ...] = NAMES
    config: Config = CONFIG

    def encode(self, images: np.ndarray) -> Codes:
        y, z = self.read(images)
        return Codes(z, y, np.full(z.shape, 2 * np.log(self.sigma), np.float32))

    def decode(self, codes: Codes) -> np.ndarray:
        return self.show(codes.attributes, codes.latent)


def records(images: np.ndarray, attributes: np.ndarray) -> Records:
    return Records(images, attributes, NAMES, "toy", "memory")


def result() -> AttributeResult:
    """What a report may say of an attribute, a different figure in each field."""

    def interval(percent: int) -> Interval:
        return Interval(percent / 100, percent / 100 - 0.001, percent / 100 + 0.001, 8)

    def shares(tens: int) -> Shares:
        zero, one, mse, effect = (interval(tens + k) for k in range(1, 5))
        return Shares(class0=zero, class1=one, mse=mse, edit_effect=effect)

    def kept(tens: int) -> Kept:
        nearer, others, photo, male, male_photo = (interval(tens + k) for k in range(1, 6))
        return Kept(
            nearer=nearer, others=others, others_photo=photo, male=male, male_photo=male_photo
        )

    means, latents, network_means, network_latents = (interval(30 + k) for k in range(1, 5))
    real, rebuilt, y_head = (interval(70 + k) for k in range(1, 4))
    class0, class1, nearer, others = (interval(60 + k) for k in range(1, 5))
    return AttributeResult(
        base_rate=0.6,
        protocols=Protocols(
            every=shares(10), mean=shares(20), present=shares(0), authors=shares(90)
        ),
        leaks=Leaks(
            linear_means=means,
            linear_latents=latents,
            network_means=network_means,
            network_latents=network_latents,
        ),
        kept0=kept(40),
        kept1=kept(50),
        readers=Readers(classifier_real=real, classifier_rebuilt=rebuilt, y_head=y_head),
        moved=Moved(class0=class0, class1=class1, nearer=nearer, others=others),
    )
