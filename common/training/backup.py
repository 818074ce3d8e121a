"""The state of a training stage in one file: everything that a resume needs, bit for bit.

One `.npz` holds the step, every variable of the networks (dropout's counters included, which
Keras' own formats leave out), of the optimizers and of the loss trackers, and as JSON the history
and whatever else the caller keeps. It is replaced atomically, so a kill leaves the old state or
the new one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import UserError
from common.files import DAMAGED, atomic_path
from common.training.adversarial import AdversarialModel
from common.training.callbacks import NonFiniteError

STATE = ("counter", "network", "optimizer", "tracker")  # all that a resume needs
NETWORKS = ("network",)


def save(
    path: Path, model: AdversarialModel, notes: dict[str, Any], kinds: Sequence[str] = STATE
) -> None:
    """Writes the state of a compiled `model` and JSON-able `notes` to `path`.

    Args:
        path: the file, ending in `.npz`.
        model: compiled.
        notes: come back from `restore`.
        kinds: which variables: `STATE` or `NETWORKS`.

    Raises:
        NonFiniteError: as `check_finite`; the file stays as it was.
    """
    check_finite(model)
    arrays = {key: variable.numpy() for key, variable in _variables(model, kinds)}
    with atomic_path(path) as temporary:
        np.savez(temporary, notes=np.array(json.dumps(notes)), **arrays)


def check_finite(model: AdversarialModel) -> None:
    """Refuses weights that are of no use.

    Raises:
        NonFiniteError: a network has weights that are NaN or infinite.
    """
    for key, variable in _variables(model, NETWORKS):
        if not np.isfinite(variable.numpy()).all():
            name = f"a weight of the {key.split('/')[1]}"
            raise NonFiniteError(name, math.nan, int(model.step.numpy()))


def restore(path: Path, model: AdversarialModel, kinds: Sequence[str] = STATE) -> dict[str, Any]:
    """Sets a compiled `model` to the state in `path`, saved with the same `kinds`.

    Returns:
        The notes.

    Raises:
        UserError: the file is broken, or belongs to other networks or optimizers.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as state:
            notes = json.loads(str(state["notes"]))
            saved = {key: state[key] for key in state.files if key != "notes"}
    except (KeyError, *DAMAGED) as error:
        raise UserError(
            f"{path} cannot be read ({error}); restore it from a copy, or start a new run."
        ) from error
    variables = dict(_variables(model, kinds))
    shapes = {key: tuple(variable.shape) for key, variable in variables.items()}
    if shapes != {key: array.shape for key, array in saved.items()}:
        raise UserError(
            f"{path} was saved from other networks or optimizers than this run's config.json "
            "describes; start a new run with --init to reuse the networks."
        )
    for key, variable in variables.items():
        variable.assign(saved[key])
    return notes


def read_notes(path: Path) -> dict[str, Any]:
    """The notes alone, or an empty dict where nothing has been saved yet."""
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as state:
        return json.loads(str(state["notes"]))


def _variables(model: AdversarialModel, kinds: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Every variable of these kinds under a key that does not depend on layer names."""
    if "counter" in kinds:
        yield "step", model.step
    owners = {
        "network": model.networks(),
        "optimizer": model.optimizers(),
        "tracker": {metric.name: metric for metric in model.metrics},
    }
    for kind in owners:
        for name, owner in owners[kind].items() if kind in kinds else ():
            for index, variable in enumerate(owner.variables):
                yield f"{kind}/{name}/{index}", variable
