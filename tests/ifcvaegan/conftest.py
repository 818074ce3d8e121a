"""A tiny IFcVAEGAN of drawn faces, and faces, which the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ifcvaegan.config import Config, DataConfig, NetworkConfig

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from ifcvaegan.editor import IFcVAEGANEditor

NAMES = ("Smiling", "Male", "Eyeglasses")
TINY = Config(
    dataset="drawn",
    data=DataConfig(image_size=16, attributes=NAMES),
    networks=NetworkConfig(latent_size=6, filters=4, auxiliary_width=8),
)


@pytest.fixture(scope="session")
def config() -> Config:
    """Drawn faces of 16x16 with three attributes, six latents, four filters."""
    return TINY


@pytest.fixture(scope="session")
def faces() -> Records:
    """The first 24 drawn test faces with the three attributes."""
    from common.datasets import drawn

    return drawn.load("test", TINY.data.image_size, NAMES).take(slice(24))


@pytest.fixture(scope="session")
def networks(faces: Records) -> dict[str, keras.Model]:
    """Untrained networks whose codes tell the faces apart, and whose faces tell codes apart.

    Means of z and logits of y have mean 0 and standard deviation 1 over the faces, as trained ones
    have about; D's weights are enlarged.
    """
    import keras

    from common.images import to_range
    from ifcvaegan.editor import build

    keras.utils.set_random_seed(1)
    nets = build(TINY)
    outputs = nets["encoder"](to_range(faces.images, "unit"), training=False)
    for name, output in zip(("mean", "attributes"), (outputs[0], outputs[2]), strict=True):
        kernel, bias = nets["encoder"].get_layer(name).get_weights()
        mean, spread = np.mean(output, axis=0), np.std(output, axis=0)
        nets["encoder"].get_layer(name).set_weights([kernel / spread, (bias - mean) / spread])
    for variable in nets["decoder"].trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(4.0 * variable)
    return nets


@pytest.fixture(scope="session")
def model(networks: dict[str, keras.Model]) -> IFcVAEGANEditor:
    """E and D as a command gets them; their folder does not exist."""
    from ifcvaegan.editor import IFcVAEGANEditor

    folder = Path("no-folder") / "faces"
    return IFcVAEGANEditor(folder, TINY, networks["encoder"], networks["decoder"])
