"""Trained networks, from a run or from `weights/`, as the commands of every package load them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from common.errors import UserError
from common.runs.weights import default_weights, load_networks
from common.settings.config import read_config

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

C = TypeVar("C")


def load(
    folder: Path | None,
    shipped: str,
    package: str,
    kind: type[C],
    build: Callable[[C], dict[str, keras.Model]],
    needed: Sequence[str],
) -> tuple[Path, C, dict[str, keras.Model]]:
    """Loads some networks of a run, or of the shipped model where none is named.

    Args:
        folder: the run or folder of weights.
        shipped: the model's name below `weights/`.
        package: whose train command makes such runs.
        kind: the package's `Config`.
        build: from settings to all fresh networks by name.
        needed: names of the networks to load.

    Returns:
        The folder, its settings, and the networks by name.

    Raises:
        UserError: the folder is no run, or not all of these networks are trained yet.
    """
    if folder is None:
        folder = default_weights(shipped)
        if not folder.is_dir():
            raise UserError(
                f"There is no trained model in {folder}; name a run of your own, which "
                f"`python -m {package}.train` makes."
            )
        logger.info("model: the one that comes with the project, %s", folder.name)
    config = read_config(kind, folder)
    nets = build(config)
    wanted = {name: nets[name] for name in needed}
    missing = set(wanted) - set(load_networks(folder, wanted))
    if missing:
        raise UserError(
            f"{folder} has no trained {' and no '.join(sorted(missing))} yet; if it is a run, "
            f"finish its training by `python -m {package}.train --resume {folder}`."
        )
    return folder, config, wanted
