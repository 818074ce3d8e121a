"""Toys that the tests of iGAN share: a generator whose latents have a known meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from igan.config import Config, DataConfig, NetworkConfig
from igan.strokes import Stroke

if TYPE_CHECKING:
    import keras

    from igan.editor import IGANEditor
    from igan.manifold import Manifold

SIDE = 32  # of the toy's images
PLACES = ((8, 8), (8, 24), (24, 8), (24, 24))  # row and column of its blobs
TINY = Config(
    dataset="drawn",
    data=DataConfig(image_size=SIDE),
    networks=NetworkConfig(
        latent_size=12, generator_filters=2, discriminator_filters=2, predictor_filters=2
    ),
)


def blobs_generator() -> keras.Model:
    """tanh(z W) of 12 latents: red, green and blue of a soft blob in each quarter of the image.

    Latent 3 q + c makes quarter q brighter in channel c alone, so what strokes ask for has a known
    answer.
    """
    import keras

    rows, columns = np.mgrid[:SIDE, :SIDE]
    basis = np.zeros((12, SIDE, SIDE, 3), np.float32)
    for quarter, (row, column) in enumerate(PLACES):
        blob = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 3.5**2))
        for channel in range(3):
            basis[3 * quarter + channel, :, :, channel] = 2.0 * blob
    latent = keras.Input((12,), name="latent")
    x = keras.layers.Dense(SIDE * SIDE * 3, use_bias=False, name="basis")(latent)
    x = keras.layers.Reshape((SIDE, SIDE, 3))(x)
    network = keras.Model(latent, keras.layers.Activation("tanh")(x), name="generator")
    network.get_layer("basis").set_weights([basis.reshape(12, -1)])
    return network


@pytest.fixture(scope="session")
def manifold() -> Manifold:
    """The images of four coloured blobs."""
    from igan.manifold import Manifold

    return Manifold(blobs_generator())


@pytest.fixture(scope="session")
def model(manifold, tmp_path_factory) -> IGANEditor:
    """An editor of blobs; its predictor and discriminator are untrained."""
    import keras

    from igan.editor import IGANEditor, build

    keras.utils.set_random_seed(1)
    nets = {**build(TINY), "generator": manifold.generator}
    return IGANEditor(tmp_path_factory.mktemp("blobs"), TINY, **nets)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> Path:
    """A run of tiny untrained networks."""
    import keras

    from common.runs.directory import create_run
    from igan.editor import build

    keras.utils.set_random_seed(2)
    folder = tmp_path_factory.mktemp("tiny") / "run"
    run = create_run(folder, "igan", "drawn", TINY)
    run.save_networks(build(TINY))
    return folder


@pytest.fixture
def stroke() -> Callable[..., Stroke]:
    """A stroke across the blob of the upper left quarter."""

    def make(kind="colour", colour=(255, 40, 40), **options) -> Stroke:
        points = options.pop("points", ((0.2, 0.25), (0.3, 0.25)))
        return Stroke(kind=kind, points=points, colour=colour, **options)

    return make
