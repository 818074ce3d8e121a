"""Trained networks, from a run or from `weights/`, as the commands of every package load them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from common.errors import UserError
from common.runs.weights import default_weights, load_networks, network_file
from common.settings.config import read_config

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

C = TypeVar("C")


def find(
    folder: Path | None, shipped: str, package: str, kind: type[C], needed: Sequence[str]
) -> tuple[Path, C]:
    """Finds a trained model and reads its settings, without TensorFlow.

    Args:
        folder: the run or folder of weights; the shipped model where none is named.
        shipped: the model's name below `weights/`.
        package: whose train command makes such runs.
        kind: the package's `Config`.
        needed: names of the networks that must be there.

    Returns:
        The folder and its settings.

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
    config = read_config(kind, folder)
    missing = [name for name in needed if network_file(folder, name) is None]
    if missing:
        raise UserError(
            f"{folder} has no trained {' and no '.join(sorted(missing))} yet; if it is a run, "
            f"finish its training by `python -m {package}.train --resume {folder}`."
        )
    return folder, config


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
        folder: as for `find`.
        shipped: as for `find`.
        package: as for `find`.
        kind: as for `find`.
        build: from settings to all fresh networks by name.
        needed: names of the networks to load.

    Returns:
        The folder, its settings, and the networks by name.

    Raises:
        UserError: as `find`, or a file does not fit its network.
    """
    if folder is None:
        logger.info("model: the one that comes with the project, %s", shipped)
    folder, config = find(folder, shipped, package, kind, needed)
    nets = build(config)
    wanted = {name: nets[name] for name in needed}
    load_networks(folder, wanted)
    return folder, config, wanted
