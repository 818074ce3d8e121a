"""Requests for edits, what each does to y, and latent arithmetic beside them.

Creswell, Bharath & Sengupta (arXiv 1711.05175 v1), Sec. 3.3. `with_values` is the paper's edit;
`attribute_vector` and `moved` are the latent arithmetic of Larsen et al. (arXiv 1512.09300), which
the paper compares itself with in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True, slots=True)
class Set:
    """Set attributes: name -> value, 0 for absent and 1 for present, others are degrees.

    None is the reconstruction.
    """

    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Set one attribute to 1; the sheet has it from 0 to 1 in so many steps."""

    name: str
    steps: int = 5


Request: TypeAlias = Set | Sweep


def with_values(
    attributes: np.ndarray, names: Sequence[str], values: Mapping[str, float]
) -> np.ndarray:
    """Attributes with some of them set.

    Args:
        attributes: `[N, A]` as E reads them; those that are not set stay as they are.
        names: of the A columns.
        values: attribute -> value, 0 for absent and 1 for present.

    Returns:
        float32 `[N, A]`.
    """
    edited = np.array(attributes, np.float32)
    for name, value in values.items():
        edited[:, names.index(name)] = value
    return edited


def attribute_vector(means: np.ndarray, present: np.ndarray) -> np.ndarray:
    """V = mean z of the images with the attribute minus that of those without (Larsen et al.).

    Args:
        means: E's means of z of training images `[N, Z]`.
        present: bool `[N]`.

    Returns:
        `[Z]`.
    """
    return means[present].mean(axis=0) - means[~present].mean(axis=0)


def moved(latents: np.ndarray, vector: np.ndarray, amount: float) -> np.ndarray:
    """Z + amount * v, `[N, Z]`."""
    return (latents + amount * vector).astype(np.float32)
