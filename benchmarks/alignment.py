"""How exactly faces are aligned: against CelebA's own alignment, and where the weights come from.

    python -m benchmarks.alignment --data-dir CELEBA          # measures on test faces
    python -m benchmarks.alignment --data-dir CELEBA --fit    # fits the weights on training faces

The images of CelebA are aligned already, so the right transform is none at all: how far ours moves
the two eyes of the frame is its error, a share of their distance.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from common import device
from common.datasets.alignment import EYES
from common.datasets.celeba.faces import HEIGHT, WIDTH
from common.datasets.warping import inverted, moved, similarity
from common.errors import UserError, exits_cleanly
from common.reporting.tables import Table, show
from common.runs.log import log_to
from common.settings.paths import PATHS

logger = logging.getLogger(__name__)

FITTED = 4000  # training faces
RIDGE = 1e-3  # of the square of a mark's spread, for marks that move together
ROUNDS = 30  # of reweighting, by which least squares become least absolute errors
SMALLEST = 0.3  # pixels: errors below it weigh alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures the alignment of faces, or fits its weights."""

    data_dir: Path
    """CelebA with `img_align_celeba/` and `list_eval_partition.txt`, of any size."""
    faces: int = 200
    """How many test faces are measured."""
    fit: bool = False
    """Fit `WEIGHTS` of `common/datasets/detection.py` on 4,000 training faces, and show them."""


def measure(command: Command) -> dict[str, float]:
    """Errors over the first so many test faces, as shares of the distance of the eyes.

    Raises:
        UserError: the folder has no such list.
    """
    from common.datasets.detection import eyes_of

    if command.fit:
        weights = fitted(marks_of(command, 0, FITTED))
        for row in weights:
            logger.info(", ".join(f"{one.real:.3f}{one.imag:+.3f}j" for one in row))
    places = marks_of(command, 2, command.faces)
    errors = np.array([error_of(eyes_of(one)) for one in places])
    found = {"faces": len(places), "median": float(np.median(errors))}
    return {**found, **{f"{q:.0%}": float(np.quantile(errors, q)) for q in (0.9, 0.99)}}


def marks_of(command: Command, part: int, count: int) -> np.ndarray:
    """The marks `[N, 11, 2]` of faces of one part: 0 for training, 2 for test."""
    from common.datasets.detection import largest_marks
    from common.datasets.folder import decode

    listed = command.data_dir / "list_eval_partition.txt"
    if not listed.is_file():
        raise UserError(f"There is no {listed}; name CelebA's folder by --data-dir.")
    lines = (line.split() for line in listed.read_text(encoding="utf-8").splitlines())
    names = [line[0] for line in lines if line[1:] == [str(part)]][:count]
    found = []
    for name in names:
        image = decode(command.data_dir / "img_align_celeba" / name).convert("RGB")
        found.append(largest_marks(image.resize((WIDTH, HEIGHT))))
    return np.stack([one for one in found if one is not None])


def error_of(eyes: np.ndarray) -> float:
    """How far the alignment by these eyes `[2, 2]` moves those of the frame, in eye distances."""
    off = moved(EYES, inverted(similarity(EYES, eyes))) - EYES
    return float(np.linalg.norm(off, axis=1).mean() / np.linalg.norm(EYES[1] - EYES[0]))


def fitted(places: np.ndarray) -> np.ndarray:
    """Weights by which marks `[N, 11, 2]` give the eyes of the frame, complex `[11, 2]`.

    Complex numbers turn and scale with the face, so that the weights hold for any.
    """
    z = places[..., 0] + 1j * places[..., 1]
    centre = z.mean(axis=1, keepdims=True)
    marks, targets = z - centre, EYES[:, 0] + 1j * EYES[:, 1] - centre
    counts = np.ones(len(z))
    for _ in range(ROUNDS):
        weighted = (marks * counts[:, None]).conj().T
        ridge = RIDGE * len(z) * np.eye(z.shape[1])
        weights = np.linalg.solve(weighted @ marks + ridge, weighted @ targets)
        off = np.abs(marks @ weights - targets).mean(axis=1)
        counts = 1.0 / np.maximum(off, SMALLEST)
    return weights


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures and shows the figures."""
    command = tyro.cli(
        Command, prog="python -m benchmarks.alignment", args=arguments, registry=PATHS
    )
    log_to(None)
    device.choose()
    rows = [[name, f"{value:.4g}"] for name, value in measure(command).items()]
    show(Table("Alignment of faces, errors in eye distances", ("what", "figure"), rows))


if __name__ == "__main__":
    main()
