"""Directions in files: JSON with the step, the norm of CRG's Eq. 3, the model and the origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np

from common.directions.vectors import Direction, Norm
from common.errors import UserError
from common.files import called, write_json


def write(path: Path, direction: Direction, model: Path) -> None:
    """Writes a direction of the model in that folder."""
    write_json(path, {**values_of(direction), "model": called(model), "from": direction.origin})


def values_of(direction: Direction) -> dict[str, Any]:
    """What JSON tells of a direction, but for whence it is."""
    return {"step": direction.step.tolist(), "norm": direction.norm}


def read(path: Path, size: int | None = None) -> Direction:
    """Reads what `write` wrote.

    Args:
        path: the file.
        size: Z of the model; None where that is not known yet.

    Raises:
        UserError: it is missing, no such file, or of a model with other codes.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _none(str(path), error) from error
    return parsed(text, str(path), size)


def parsed(text: str | bytes, name: str, size: int | None = None) -> Direction:
    """The direction in the text of a file.

    Args:
        text: JSON.
        name: what to call it in messages.
        size: as of `read`.

    Raises:
        UserError: it is none, or of a model with other codes.
    """
    try:
        values = json.loads(text)
        step, norm = np.array(values["step"], np.float32), values["norm"]
        if step.ndim != 1 or not np.isfinite(step).all() or norm not in get_args(Norm):
            raise ValueError("it has no step and norm that can be followed")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _none(name, error) from error
    if size is not None and step.shape != (size,):
        raise UserError(
            f"The direction in {name} has the shape {list(step.shape)}, the model's codes "
            f"[{size}]; it belongs to {values.get('model', 'another model')}."
        )
    return Direction(step, str(values.get("from", "")), norm)


def _none(name: str, error: Exception) -> UserError:
    return UserError(
        f"{name} is no file of a direction ({error}); python -m common.directions writes them."
    )
