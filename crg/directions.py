"""Directions of CRG from many images instead of one pair, with the norm of its Eq. 3.

    python -m crg.directions --without CALM --with SMILING --out smile.json
    python -m crg.directions --attribute Smiling --method logistic --out smile.json
    python -m crg.edit IMAGES --direction smile.json --strength 1 --out DIR

One pair is the paper's Sec. 3.3; a mean over many leaves out what single pairs differ in besides.
How directions are found is in `common.directions`; here they become those of Eqs. 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.cli import directions as shared
from common.cli.commands import carry_out
from common.directions import files, vectors
from common.errors import exits_cleanly
from common.runs.weights import default_weights
from crg.codes import Direction, Norm
from crg.shipped import DIGITS


def of_means(without: np.ndarray, with_: np.ndarray) -> Direction:
    """From the mean of some codes to the mean of others; of pairs, the mean of their steps."""
    return along(vectors.of_pairs(without, with_))


def of_labels(
    latents: np.ndarray, present: np.ndarray, method: vectors.Method = "mean"
) -> Direction:
    """A direction from labelled codes, see `common.directions.vectors.of_labels`."""
    return along(vectors.of_labels(latents, present, method))


def read(path: Path, size: int) -> Direction:
    """A direction from its file, see `common.directions.files.read`."""
    return along(files.read(path, size))


def along(found: vectors.Direction) -> Direction:
    """That step as a pair whose z_1 is 0."""
    return Direction(np.zeros_like(found.step), found.step, found.norm)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionsCommand(shared.DirectionsCommand):
    """Finds directions from images, from labels, or from a model alone."""

    run: Path = field(default_factory=lambda: default_weights(DIGITS))
    """A run or a folder of weights; by default the model that comes with the project."""
    norm: Norm = "squared"
    """How Eq. 3 divides z_1 - z_2: by its squared norm as written, by its norm, or not."""


def find(command: DirectionsCommand) -> list[Path]:
    """Carries the command out; see `common.cli.directions.find`."""
    from crg import editor

    return shared.find(command, editor.load(command.run), command.norm)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and finds the direction."""
    carry_out(DirectionsCommand, "python -m crg.directions", find, arguments, shared.check)


if __name__ == "__main__":
    main()
