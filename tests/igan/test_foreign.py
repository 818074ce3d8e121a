"""Generators of the other papers, and of files, are projected onto like iGAN's own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import crg.networks
import icgan_tf.networks
from common.errors import UserError
from igan.foreign import projector_of
from igan.project import ProjectCommand


def command(folder: Path, network: keras.Model, **options) -> ProjectCommand:
    """The command that inverts a network, of enlarged weights, saved in the folder."""
    for variable in network.trainable_variables:
        variable.assign(3.0 * variable)
    network.save(folder / "generator.keras")
    return ProjectCommand(
        images=folder, out=folder, generator=folder / "generator.keras", method="opt", **options
    )


def test_a_generator_of_crg_takes_its_digits(tmp_path):
    keras.utils.set_random_seed(0)
    wanted = command(tmp_path, crg.networks.generator(4, (4, 4, 2)))
    kind, projector = projector_of(wanted)
    assert (kind.noun, kind.size) == ("digit", 28)
    latents = np.float32([[0.5, -0.4, 0.3, 0.8]])
    image = projector.manifold.rendered(latents)
    found = projector.project(image, "opt", starts=4)
    assert found.cost[0] < 0.05 * projector.costs(image, np.zeros((1, 4), np.float32))[0]


@pytest.mark.slow
@pytest.mark.parametrize("condition", [None, (1.0, -1.0)])
def test_a_generator_of_icgan_has_its_y_found_or_held(tmp_path, condition):
    keras.utils.set_random_seed(0)
    network = icgan_tf.networks.generator(3, 2, 32, 1, 2)
    _, projector = projector_of(command(tmp_path, network, prior="normal", condition=condition))
    assert projector.manifold.latent_size == (5 if condition is None else 3)
    latents = np.float32([[0.5, -1.4, 0.3, 0.9, -0.9]])[:, : projector.manifold.latent_size]
    image = projector.manifold.rendered(latents)
    found = projector.project(image, "opt", starts=4)
    assert found.cost[0] < 0.2 * projector.costs(image, np.zeros_like(latents))[0]


def test_an_encoder_of_z_alone_begins_with_a_condition_in_the_middle(tmp_path):
    keras.utils.set_random_seed(0)
    network = icgan_tf.networks.generator(3, 2, 32, 1, 2)
    _, projector = projector_of(command(tmp_path, network, prior="normal"))
    projector.predictor = lambda images, training: np.full((len(images), 3), 0.5, np.float32)
    image = projector.manifold.rendered(np.float32([[0.5, 0.5, 0.5, 0.0, 0.0]]))
    found = projector.project(image, "cnn")
    assert found.latent.tolist() == [[0.5, 0.5, 0.5, 0.0, 0.0]]
    assert found.cost[0] < 1e-10


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        (lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), {}, "not square"),
        (
            lambda: icgan_tf.networks.generator(3, 2, 32, 1, 2),
            {"condition": (1.0,)},
            "has 1 values, not 2",
        ),
        (lambda: crg.networks.generator(4, (4, 4, 2)), {"condition": (1.0,)}, "not 0"),
    ],
)
def test_what_is_no_generator_or_no_condition_is_refused(tmp_path, network, options, said):
    with pytest.raises(UserError, match=said):
        projector_of(command(tmp_path, network(), **options))


def test_a_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "generator.keras").write_text("no network")
    wanted = ProjectCommand(
        images=tmp_path, out=tmp_path, generator=tmp_path / "generator.keras", method="opt"
    )
    with pytest.raises(UserError, match="Keras cannot read"):
        projector_of(wanted)
