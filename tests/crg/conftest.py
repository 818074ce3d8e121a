"""Tiny CRG networks and runs, which the tests of this package share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from common.runs.directory import create_run
from crg.config import Config, NetworkConfig

if TYPE_CHECKING:
    from crg.editor import CRGEditor

TINY = Config(
    networks=NetworkConfig(
        latent_size=4,
        generator_channels=(4, 4, 2),
        discriminator_channels=(2, 4),
        encoder_channels=(2, 2, 4, 4, 8),
    )
)


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """The paper's settings with networks of a few channels and four latents."""
    return TINY


@pytest.fixture(scope="session")
def untrained_run() -> Callable[..., Path]:
    """A function that saves tiny untrained networks, all or the named ones, as a run does.

    Their weights are enlarged: different digits get clearly different codes, and different codes
    clearly different images.
    """
    import keras

    from crg.editor import build

    keras.utils.set_random_seed(1)
    nets = build(TINY)
    for variable in nets["generator"].trainable_variables:
        variable.assign(2.5 * variable)
    kernel = nets["encoder"].trainable_variables[-2]  # of the last layer
    kernel.assign(10.0 * kernel)

    def make(folder: Path, *names: str) -> Path:
        run = create_run(folder, "crg", "mnist", TINY)
        run.save_networks({name: nets[name] for name in names or nets})
        return folder

    return make


@pytest.fixture(scope="session")
def model(
    tmp_path_factory: pytest.TempPathFactory, untrained_run: Callable[..., Path]
) -> CRGEditor:
    """Such networks as a command loads them; their folder lacks the discriminator."""
    from crg import editor

    folder = tmp_path_factory.mktemp("crg") / "run"
    return editor.load(untrained_run(folder, "generator", "encoder"))


@pytest.fixture
def _model_loaded_once(model: CRGEditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that name the folder of `model` get it without reading it again."""
    for how in ("load", "outline"):
        monkeypatch.setattr(f"crg.editor.{how}", {model.folder: model}.__getitem__)


@pytest.fixture(scope="session")
def halving() -> CRGEditor:
    """g shows z in the first four of 28x28 pixels, and e reads half of it there."""
    import keras
    import numpy as np

    from crg.editor import CRGEditor

    z, image = keras.Input((4,)), keras.Input((28, 28, 1))
    show, read = keras.layers.Dense(784, use_bias=False), keras.layers.Dense(4, use_bias=False)
    generator = keras.Model(z, keras.layers.Reshape((28, 28, 1))(show(z)))
    encoder = keras.Model(image, read(keras.layers.Flatten()(image)))
    show.set_weights([np.eye(4, 784)])
    read.set_weights([0.5 * np.eye(784, 4)])
    return CRGEditor(Path("half"), Config(), generator, encoder)
