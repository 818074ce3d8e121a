"""What a run directory holds, read back by the tests of every package."""

from __future__ import annotations

import csv
from pathlib import Path

import keras
import numpy as np

METRICS = ["mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash"]


def history(run: Path, stage: str) -> list[dict[str, str]]:
    """The rows of a stage's history, column -> text."""
    with (run / f"history-{stage}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights(run: Path, name: str) -> list[np.ndarray]:
    """The weights, trainable ones first in each layer, in the order of `network.weights`."""
    network = keras.saving.load_model(run / "networks" / f"{name}.keras")
    assert isinstance(network, keras.Model)
    return network.get_weights()


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    """Whether all arrays agree, bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    """Whether two networks have the same weights, bit for bit."""
    return same(one.get_weights(), other.get_weights())


def saved(run: Path, stage: str, owner: str) -> list[np.ndarray]:
    """The variables of a network or an optimizer in the saved state, in their order."""
    with np.load(run / "backup" / f"{stage}.npz") as state:
        keys = [key for key in state.files if key.startswith(f"{owner}/")]
        return [state[key] for key in sorted(keys, key=lambda key: int(key.split("/")[-1]))]
