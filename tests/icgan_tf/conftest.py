"""Tiny IcGAN networks and runs, of digits and of drawn faces, which the tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from common.runs.directory import create_run
from icgan_tf.config import ALL, Config, DataConfig, NetworkConfig

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from icgan_tf.editor import IcGANEditor

SIZES = NetworkConfig(
    latent_size=4,
    generator_filters=2,
    discriminator_filters=2,
    encoder_filters=2,
    encoder_z_dense=8,
    encoder_y_dense=8,
)
DIGITS = Config(dataset="mnist", data=DataConfig(image_size=32, attributes=ALL), networks=SIZES)
DENSE = Config(
    dataset="mnist",
    data=DataConfig(image_size=28, attributes=ALL, condition_values="unit", pixel_range="unit"),
    networks=NetworkConfig(
        family="dense", latent_size=4, encoder_filters=2, encoder_z_dense=8, encoder_y_dense=8
    ),
)
FACES = Config(dataset="drawn", data=DataConfig(image_size=16), networks=SIZES)


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """Digits in 32x32, networks of a few filters, four latents, conditions of -1 and 1."""
    return DIGITS


@pytest.fixture(scope="session")
def dense_config() -> Config:
    """Digits in 28x28, pixels and conditions of 0 and 1."""
    return DENSE


@pytest.fixture(scope="session")
def faces_config() -> Config:
    """Drawn faces of 16x16 with 18 attributes, conditions of -1 and 1."""
    return FACES


@pytest.fixture(scope="session")
def faces() -> Records:
    """The first 24 drawn test faces."""
    from common.datasets import drawn

    return drawn.load("test", FACES.data.image_size).take(slice(24))


def enlarged(config: Config, images: np.ndarray, factor: float) -> dict[str, keras.Model]:
    """Untrained networks that tell images apart: all four, by name.

    The codes of the images have mean 0 and standard deviation 1 in each dimension, as trained ones
    have; the factor makes different codes and conditions give clearly different images.
    """
    import keras

    from common.images import padded, to_range
    from icgan_tf import networks
    from icgan_tf.editor import build

    keras.utils.set_random_seed(1)
    with pytest.MonkeyPatch.context() as patch:
        for name, width in {"DENSE": 16, "SMALL": 2, "MEDIUM": 2}.items():  # of the dense family
            patch.setattr(networks, name, width)
        nets = build(config)
    for variable in nets["generator"].trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(factor * variable)
    x = to_range(padded(images, config.data.image_size), config.data.pixel_range)
    for name in ("encoder_z", "encoder_y"):
        codes = np.asarray(nets[name](x, training=False))
        kernel, bias = nets[name].trainable_variables[-2:]  # of the last layer
        kernel.assign(kernel / codes.std(axis=0))
        bias.assign((bias - codes.mean(axis=0)) / codes.std(axis=0))
    return nets


@pytest.fixture(scope="session")
def digit_networks(digits: np.ndarray) -> dict[str, keras.Model]:
    return enlarged(DIGITS, digits, 15.0)


@pytest.fixture(scope="session")
def face_networks(faces: Records) -> dict[str, keras.Model]:
    return enlarged(FACES, faces.images, 10.0)


@pytest.fixture(scope="session")
def dense_networks(digits: np.ndarray) -> dict[str, keras.Model]:
    return enlarged(DENSE, digits, 30.0)


@pytest.fixture(scope="session")
def untrained_run(digit_networks: dict[str, keras.Model]) -> Callable[..., Path]:
    """A function that saves the networks of digits, all or the named ones, as a run does."""

    def make(folder: Path, *names: str) -> Path:
        run = create_run(folder, "icgan", "mnist", DIGITS)
        run.save_networks({name: digit_networks[name] for name in names or digit_networks})
        return folder

    return make


@pytest.fixture
def _digits_built_once(
    digit_networks: dict[str, keras.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is loaded from an `untrained_run` goes into the networks that it is of."""
    monkeypatch.setattr("icgan_tf.editor.build", lambda config: digit_networks)


def editor_of(config: Config, nets: dict[str, keras.Model]) -> IcGANEditor:
    """The networks as a command gets them; their folder does not exist."""
    from icgan_tf.editor import NEEDED, IcGANEditor

    folder = Path("no-folder") / f"{config.dataset}-{config.data.image_size}"
    return IcGANEditor(folder, config, **{name: nets[name] for name in NEEDED})


@pytest.fixture(scope="session")
def model(digit_networks: dict[str, keras.Model]) -> IcGANEditor:
    """Digits, padded to 32x32."""
    return editor_of(DIGITS, digit_networks)


@pytest.fixture(scope="session")
def dense_model(dense_networks: dict[str, keras.Model]) -> IcGANEditor:
    """Digits as they are, 28x28."""
    return editor_of(DENSE, dense_networks)


@pytest.fixture(scope="session")
def faces_model(face_networks: dict[str, keras.Model]) -> IcGANEditor:
    """Faces of 16x16."""
    return editor_of(FACES, face_networks)


@pytest.fixture
def _models_loaded_once(
    model: IcGANEditor, faces_model: IcGANEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that name the folder of one of them as a run get it."""
    loaded = {one.folder: one for one in (model, faces_model)}
    for how in ("load", "outline"):
        monkeypatch.setattr(f"icgan_tf.editor.{how}", loaded.__getitem__)
