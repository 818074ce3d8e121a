"""Weights of networks: read from a run or from `weights/`, and written in half precision."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import UserError
from common.files import ROOT, atomic_path
from common.runs.directory import Run

if TYPE_CHECKING:
    import h5py
    import keras

STORED = "model.weights.h5"  # the weights within a file `.keras`
SMALL = 16_000  # values; with fewer, the index of a compressed array takes more than is won


def load_networks(folder: Path, networks: Mapping[str, keras.Model]) -> list[str]:
    """Loads the trained weights of a run or of a folder below `weights/` into `networks`.

    Args:
        folder: holds `networks/<name>.keras` or `<name>.weights.h5` (float16 is widened).
        networks: name -> network of the same architecture.

    Returns:
        The names that were found.

    Raises:
        UserError: a file does not fit its network.
    """
    found = []
    for name, network in networks.items():
        file = network_file(folder, name)
        if file is None:
            continue
        try:
            with warnings.catch_warnings():  # Keras warns part by part before it raises
                warnings.filterwarnings("ignore", message="Skipping nested container")
                network.load_weights(file)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{file} cannot be read; it is incomplete, or holds no weights: {error}"
            ) from error
        except (ValueError, KeyError) as error:
            raise UserError(
                f"{file} does not fit the {name} that the settings describe; use its own "
                f"settings, in {folder / 'config.json'} (most easily the same --preset)."
            ) from error
        found.append(name)
    return found


def network_file(folder: Path, name: str) -> Path | None:
    """The trained network of that name, of a run or below `weights/`, where there is one."""
    files = (Run(folder).network_file(name), folder / f"{name}.weights.h5")
    return next((file for file in files if file.is_file()), None)


def default_weights(name: str) -> Path:
    """The trained model of that name that comes with the project, `weights/<name>/`."""
    return ROOT / "weights" / name


def save_half(network: keras.Model | Path, path: Path) -> None:
    """Writes the weights of `network` as float16; Keras' `load_weights` widens them again.

    Arrays are compressed without loss, by HDF5's own filters.

    Args:
        network: built, or a file `.keras`, of which no layer is built here. Its float32 values are
            rounded to float16 in the file only. An array whose largest value is beyond float16's
            normal range stays float32, whole.
        path: ends in `.weights.h5`.

    Raises:
        UserError: a weight is not a finite number, or the file is damaged.
    """
    import h5py

    with atomic_path(path) as temporary, tempfile.TemporaryDirectory() as folder:
        single = Path(folder) / STORED
        if isinstance(network, Path):
            try:
                with zipfile.ZipFile(network) as file:
                    file.extract(STORED, folder)
            except (zipfile.BadZipFile, KeyError) as error:
                raise UserError(f"{network} is no file of Keras' format: {error}.") from error
        else:
            network.save_weights(single)
        with h5py.File(single, "r") as source, h5py.File(temporary, "w") as target:
            _copy_in_half(source, target, path)


def _copy_in_half(source: h5py.Group, target: h5py.Group, path: Path) -> None:
    """Copies groups, attributes and data sets; float32 data become float16 where that holds them.

    `path` is what to call the file.
    """
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if hasattr(item, "items"):
            _copy_in_half(item, target.create_group(name), path)
            continue
        values = item[()]
        if values.dtype == np.float32:
            if not np.isfinite(values).all():
                raise UserError(
                    f"{path.name} is not written: of its weights {item.name}, "
                    f"{np.count_nonzero(~np.isfinite(values))} of {values.size} are not finite "
                    "numbers. The training has diverged; take a run that has not."
                )
            if _half_holds(np.abs(values).max(initial=0.0)):
                values = values.astype(np.float16)
        compact: dict[str, Any] = {}
        if values.size > SMALL:  # in one piece: in HDF5's own pieces half as much is won
            compact = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
            compact["chunks"] = values.shape
        target.create_dataset(name, data=values, **compact)


def _half_holds(largest: float) -> bool:
    """Whether float16 rounds an array of this largest magnitude by its 11 bits, no worse."""
    normal = np.finfo(np.float16)
    return largest == 0.0 or float(normal.tiny) <= largest <= float(normal.max)
