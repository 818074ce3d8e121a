"""Tiny CRG networks and runs, which the tests of this package share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from crg.config import Config, NetworkConfig

TINY = Config(
    networks=NetworkConfig(
        latent_size=4,
        generator_channels=(4, 4, 2),
        discriminator_channels=(2, 4),
        encoder_channels=(2, 2, 4, 4, 8),
    )
)


@pytest.fixture(autouse=True)
def _log_ends_with_the_test() -> Iterator[None]:
    """Takes away what `log_to` adds, so that no handler holds the captured output of one test."""
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """The paper's settings with networks of a few channels and four latents."""
    return TINY


@pytest.fixture
def untrained_run() -> Callable[..., Path]:
    """A function that saves tiny untrained networks, all or the named ones, as a run does.

    Their weights are enlarged: different digits get clearly different codes, and different codes
    clearly different images.
    """
    import keras

    from common import run as runs
    from crg.trained import build

    def make(folder: Path, *names: str) -> Path:
        keras.utils.set_random_seed(1)
        run = runs.create(folder, "crg", "mnist", TINY)
        nets = build(TINY.networks)
        for net in nets.values():
            for variable in net.trainable_variables:
                variable.assign(2.5 * variable)
        run.save_networks({name: nets[name] for name in names or nets})
        return folder

    return make


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """The ten examples, uint8 `[10, 28, 28, 1]`, in the order of their file names."""
    from common.datasets.folder import read_images
    from common.run import ROOT

    return read_images(ROOT / "examples" / "digits", (28, 28), "L")[1]
