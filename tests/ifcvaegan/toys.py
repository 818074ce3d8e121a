"""An editor whose codes and faces are known, and figures that are all different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.datasets.records import Records
from common.settings.config import from_json
from ifcvaegan.config import Config, NetworkConfig
from ifcvaegan.editor import Codes
from ifcvaegan.results import AttributeResult

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


PERCENT = {
    "protocols": {
        "every": {"class0": 11, "class1": 12, "mse": 13, "edit_effect": 14},
        "mean": {"class0": 21, "class1": 22, "mse": 23, "edit_effect": 24},
        "present": {"class0": 1, "class1": 2, "mse": 3, "edit_effect": 4},
        "authors": {"class0": 91, "class1": 92, "mse": 93, "edit_effect": 94},
    },
    "leaks": {
        "linear_means": 31,
        "linear_latents": 32,
        "network_means": 33,
        "network_latents": 34,
    },
    "kept0": {
        "nearer": 41,
        "others": 42,
        "others_photo": 43,
        "male": 44,
        "male_photo": 45,
        "hair": 46,
    },
    "kept1": {
        "nearer": 51,
        "others": 52,
        "others_photo": 53,
        "male": 54,
        "male_photo": 55,
        "hair": 56,
    },
    "moved": {"class0": 61, "class1": 62, "nearer": 63, "others": 64},
    "readers": {"classifier_real": 71, "classifier_rebuilt": 72, "y_head": 73},
}


def result() -> AttributeResult:
    """What a report may say of an attribute, a different figure in each field, of 8 faces."""

    def intervals(told: Any) -> dict[str, Any]:
        if isinstance(told, int):
            return {"mean": told / 100, "low": 0.0, "high": 1.0, "n": 8}
        return {name: intervals(value) for name, value in told.items()}

    return from_json(AttributeResult, {"base_rate": 0.6, **intervals(PERCENT)})
