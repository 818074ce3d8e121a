"""What pivotal tuning gives and takes: the error, the person, and whether edits still work.

    python -m benchmarks.tuning --data-dir CELEBA --faces 40

On faces of dev, with a trained IFcVAEGAN and the project's classifier of faces, which is trained
where the cache has none. Each attribute is set to the opposite of its label.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from common import device
from common.errors import exits_cleanly
from common.images import to_unit
from common.metrics.identity import identity
from common.reporting.sheets import grid
from common.reporting.tables import Table, show
from common.runs.log import log_to
from common.runs.weights import default_weights
from common.settings.paths import PATHS

if TYPE_CHECKING:
    from common.classifiers.faces import FaceClassifier
    from common.datasets.celeba.faces import Crop
    from common.datasets.records import Records
    from ifcvaegan.editor import IFcVAEGANEditor

logger = logging.getLogger(__name__)

EDITED = ("Smiling", "Eyeglasses")
SHOWN = 8  # faces on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures reconstructions and edits with and without tuning."""

    data_dir: Path
    """CelebA."""
    faces: int = 40
    """How many dev faces, evenly spaced."""
    steps: int = 200
    """Of a tuning, at most."""
    learning_rate: float | None = None
    """Of Adam; by default that of `--tune`."""
    locality: float | None = None
    """Weight of the images near the pivot; by default that of `--tune`."""
    classifier: bool = True
    """Read the edits by the classifier of faces, which is trained the first time."""
    out: Path = Path("out/tuning.png")
    """The sheet: face, reconstruction and edits without and with tuning."""


def measure(command: Command) -> Table:
    """The table, and the sheet."""
    import ifcvaegan
    from common.classifiers import identity as persons
    from common.classifiers.faces import load_classifier
    from common.tuning import Tuning
    from ifcvaegan import data

    model = ifcvaegan.load(default_weights("ifcvaegan-celeba"))
    source = dataclasses.replace(model.config.source, data_dir=command.data_dir, limit=None)
    config = dataclasses.replace(model.config, source=source)
    faces = data.load(config, "dev").spaced(command.faces)
    classifier = load_classifier("celeba", source) if command.classifier else None
    plain = Tuning(seconds=None, steps=command.steps)
    tuning = dataclasses.replace(
        plain,
        learning_rate=command.learning_rate or plain.learning_rate,
        locality=plain.locality if command.locality is None else command.locality,
    )
    made = {"without": shown(model, faces), "with": tuned_images(model, faces, tuning)}
    draw(command.out, faces, made)
    crop = model.kind.crop
    photographs = persons.embeddings(faces.images, crop) if persons.available() else None
    rows = [
        [what, tuned, *figures(what, images[what], faces, photographs, crop, classifier)]
        for what in ("reconstruction", *EDITED)
        for tuned, images in made.items()
    ]
    header = ("image", "tuning", "MSE", "distance to its own", "own in nearest 5 %", "read as set")
    return Table(
        f"Pivotal tuning on {len(faces)} dev faces, at most {command.steps} steps", header, rows
    )


def figures(
    what: str,
    images: np.ndarray,
    faces: Records,
    photographs: np.ndarray | None,
    crop: Crop,
    classifier: FaceClassifier | None,
) -> list[Any]:
    """A row of the table: the error of reconstructions, the person, and whether an edit is read.

    Args:
        what: "reconstruction", or the attribute that was edited.
        images: uint8 `[N, S, S, 3]`, of the faces.
        faces: N photographs.
        photographs: their embeddings; None where nothing makes them.
        crop: of all of them.
        classifier: reads the edits; None for none.

    Returns:
        MSE on [0, 1], distance to one's own photograph, share of one's own among the nearest 5 %,
        share read as set; an empty text for what was not measured.
    """
    from common.classifiers import identity as persons

    error, person, read = "", ("", ""), ""
    if what not in EDITED:
        error = f"{float(np.mean((to_unit(images) - to_unit(faces.images)) ** 2)):.5f}"
    elif classifier is not None:
        wanted = faces.attributes[:, faces.attribute_names.index(what)] < 0.5
        read = f"{np.mean(classifier.read(images, (what,))[:, 0] == wanted):.0%}"
    if photographs is not None:
        found = identity(photographs, persons.embeddings(images, crop))
        person = found.own, found.nearest_5
    return [error, *person, read]


def shown(model: IFcVAEGANEditor, faces: Records) -> dict[str, np.ndarray]:
    """The reconstructions, and the edits to the opposite of each label."""
    codes = model.encode(faces.images)
    found = {"reconstruction": model.decode(codes)}
    for attribute in EDITED:
        labels = faces.attributes[:, faces.attribute_names.index(attribute)]
        y = codes.attributes.copy()
        y[:, model.attribute_names.index(attribute)] = 1.0 - labels
        found[attribute] = model.decode(codes.with_attributes(y))
    return found


def tuned_images(model: IFcVAEGANEditor, faces: Records, tuning: Any) -> dict[str, np.ndarray]:
    """The same, with a decoder that is tuned to each face."""
    from common.tuning import tuned

    each, steps, begun = [], 0, time.monotonic()
    for number, image in enumerate(faces.images):
        done = tuned(model, image, tuning)
        each.append(shown(done.editor, faces.take(slice(number, number + 1))))
        steps += done.steps
        logger.info("face %d: %d steps, MSE %.5f", number + 1, done.steps, done.after)
    seconds = (time.monotonic() - begun) / len(each)
    logger.info("%.1f s and %.0f steps a face", seconds, steps / len(each))
    return {name: np.concatenate([one[name] for one in each]) for name in each[0]}


def draw(path: Path, faces: Records, made: dict[str, dict[str, np.ndarray]]) -> None:
    """A row a face: it, then without and with tuning its reconstruction and edits."""
    columns = {"face": faces.images}
    for what in ("reconstruction", *EDITED):
        columns |= {f"{what} {name} tuning": images[what] for name, images in made.items()}
    rows = [[images[row] for images in columns.values()] for row in range(min(SHOWN, len(faces)))]
    grid(rows, path, column_labels=list(columns))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures and shows the table."""
    command = tyro.cli(Command, prog="python -m benchmarks.tuning", args=arguments, registry=PATHS)
    log_to(None)
    device.choose()
    show(measure(command))


if __name__ == "__main__":
    main()
