"""Networks from settings, and trained ones from a run or from `weights/`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import keras

from common import run as runs
from common.backup import unfinished
from common.config import read_config
from common.errors import UserError
from crg import networks
from crg.config import Config, NetworkConfig

logger = logging.getLogger(__name__)

SHIPPED = "crg-mnist"  # below weights/


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained CRG: where it lies, its settings, and g and e."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder: keras.Model


def build(config: NetworkConfig) -> dict[str, keras.Model]:
    """All three networks with the sizes of `config`, by name."""
    return {
        "generator": networks.generator(
            config.latent_size, config.generator_channels, config.output_activation
        ),
        "discriminator": networks.discriminator(
            config.discriminator_channels, config.discriminator_dropout
        ),
        "encoder": networks.encoder(
            config.latent_size, config.encoder_channels, config.encoder_dropout
        ),
    }


def load(folder: Path | None) -> Trained:
    """Loads generator and encoder of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its encoder is not trained yet.
    """
    if folder is None:
        folder = runs.default_weights(SHIPPED)
        if not folder.is_dir():
            raise UserError(
                f"There is no trained model in {folder}; name a run of your own by --run, "
                "which `python -m crg.train` makes."
            )
        logger.info("model: the one that comes with the project, %s", folder.name)
    config = read_config(Config, folder)
    nets = build(config.networks)
    wanted = {name: nets[name] for name in ("generator", "encoder")}
    missing = set(wanted) - set(runs.load_networks(folder, wanted))
    if missing:
        raise UserError(
            f"{folder} has no trained {' and no '.join(sorted(missing))} yet; if it is a run, "
            f"finish its training by `python -m crg.train --resume {folder}`."
        )
    for stage, reached in unfinished(folder).items():
        logger.warning(
            "%s is not finished: its %s is at %s; go on with --resume.", folder, stage, reached
        )
    return Trained(folder, config, **wanted)
