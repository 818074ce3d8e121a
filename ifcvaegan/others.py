"""Other systems beside the rows of an ablation, by what every editor can do (`common.editor`).

A run of any package will do whose editor has the attribute as a control: of those that the paper
speaks of, CVAE-GAN (its Fig. 1, without figures), `comparators.cvaegan`. All runs, ours too, are
measured by the same lines here, on the same faces, with the codes that the editors themselves use;
of IFcVAEGAN these are the means of z, where the paper's Table 1 has samples.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from common.cli.evaluation import Split, split_images
from common.editor import Editor, Tunable, editor_of
from common.errors import UserError
from common.files import called_apart
from common.kinds import Faces
from common.metrics.baselines import other_rows
from common.metrics.intervals import Interval, mean_interval
from common.metrics.reconstruction import mae, mse
from common.reporting.tables import Cell, Table
from common.runs.history import minutes
from ifcvaegan.config import CROPS, Config

if TYPE_CHECKING:
    from common.classifiers.faces import FaceClassifier
    from common.datasets.records import Records

logger = logging.getLogger(__name__)

READERS, CHOOSERS = (
    20_000,
    2_000,
)  # codes that a reader of z learns from, and is stopped by, at most
Values: TypeAlias = dict[str, Cell]  # title of a column -> value


class Compared(Editor[Any], Protocol):
    """A system of the comparison."""

    @property
    def title(self) -> str:
        """What the table calls it."""
        ...


def check(runs: Sequence[Path], config: Config, attribute: str) -> None:
    """Refuses, without TensorFlow, runs that cannot be measured beside these.

    Args:
        runs: of other systems.
        config: of the rows.
        attribute: that the table is about.

    Raises:
        UserError: a run that is not trained yet, of other images, or without the attribute.
    """
    kind = Faces(config.data.image_size, CROPS[config.data.crop])
    for run in runs:
        model = editor_of(run).outline(run)
        if model.kind != kind:
            raise UserError(
                f"{run} is a model of {model.kind.text}; these rows are of {kind.text}."
            )
        names = [control.name for control in getattr(model, "controls", ())]
        if attribute not in names:
            raise UserError(
                f"{run} has no control {attribute!r}; it has {', '.join(names) or 'none'}."
            )


def labelled(runs: Sequence[Path]) -> dict[str, Path]:
    """What the table calls each run, and the run."""
    outlines: list[Compared] = [editor_of(run).outline(run) for run in runs]
    names = called_apart([one.folder for one in outlines])
    return {f"{one.title}: {name}": one.folder for one, name in zip(outlines, names, strict=True)}


def table(
    runs: Mapping[str, Path],
    leaks: Mapping[str, Interval],
    config: Config,
    attribute: str,
    split: Split,
    seed: int = 0,
) -> Table:
    """One row a run: how well it rebuilds and edits faces, and what its edits leave as it was.

    Args:
        runs: name -> run, of IFcVAEGAN and of others.
        leaks: name -> what a network reads of y in the means of z, where that is known.
        config: names the data.
        attribute: that is edited.
        split: of the faces that are measured.
        seed: of readers and of other faces.
    """
    import keras

    from common.classifiers.faces import load_classifier
    from ifcvaegan import data

    keras.config.set_dtype_policy("float32")  # after a bfloat16 training too
    classifier = load_classifier(config.dataset, config.source)
    faces = split_images(data.load, config, split).spaced(config.report_images)
    train, dev = (data.load(config, one) for one in ("train", "dev"))
    rows: dict[str, Values] = {}
    for name, run in runs.items():
        logger.info("measuring %s on %d faces", name, len(faces))
        model = editor_of(run).load(run)
        found = values(model, faces, attribute, classifier, seed)
        if name in leaks or isinstance(model, Tunable):
            found["z tells y"] = leaks.get(name) or leak(model, train, dev, faces, attribute, seed)
        rows[name] = found | {"minutes of training": minutes(run)}
    columns = dict.fromkeys(title for found in rows.values() for title in found)
    return Table(
        "Beside other systems: all by their editors",
        ("model", "n", *columns),
        [[name, len(faces), *(found.get(one) for one in columns)] for name, found in rows.items()],
        f"All faces, {attribute} set to 0 and to 1 by each editor, with the means of z. Class k: "
        "share read as k; a sum of 1: the edit has no effect. The other columns as above; z tells "
        "y: a network reads y in the means of z. Minutes: as each run counted them. ±: 95 % "
        "interval over the faces, for one training each.",
    )


def values(
    model: Editor[Any], faces: Records, attribute: str, classifier: FaceClassifier, seed: int
) -> Values:
    """What a model makes of faces.

    Args:
        model: has the attribute as a control.
        faces: N of its kind.
        attribute: that is edited.
        classifier: reads it, among others.
        seed: of the other face.
    """
    from ifcvaegan.tables import HAIR, share

    images, column = faces.images, classifier.names.index(attribute)
    another = images[other_rows(len(images), seed)]
    rebuilt = model.reconstruct(images)
    edits = [model.edit(images, model.request({attribute: one})).images for one in (0.0, 1.0)]
    read, *read_edits = (classifier.read(some) for some in (rebuilt, *edits))
    right = [share(one[:, column] == bool(value)) for value, one in enumerate(read_edits)]
    present = faces.attributes[:, list(faces.attribute_names).index(attribute)] > 0.5
    found: Values = {
        "MSE": mean_interval(mse(images, rebuilt)),
        "Class0": right[0],
        "Class1": right[1],
        "sum": right[0].mean + right[1].mean,
        "edit effect": mean_interval(mae(*edits)),
        "classifier, rebuilt": share(read[:, column] == present),
    }
    others = [name for name in ("Male",) if name in classifier.names and name != attribute]
    hair = [name for name in HAIR if name in classifier.names and name != attribute]
    kept = {"Male kept": others, "hair kept": hair}
    for value, (edit, answers) in enumerate(zip(edits, read_edits, strict=True)):
        found[f"nearer, y = {value}"] = share(mse(edit, images) < mse(edit, another))
        for title, names in kept.items():
            columns = [classifier.names.index(name) for name in names]
            if columns:
                same = (answers[:, columns] == read[:, columns]).all(axis=1)
                found[f"{title}, y = {value}"] = share(same)
    return found


def leak(
    model: Editor[Any], train: Records, dev: Records, faces: Records, attribute: str, seed: int
) -> Interval:
    """The share of faces whose attribute a fresh network reads in the means of z.

    As in a run's own report, `ifcvaegan.probes`.
    """
    from ifcvaegan import probes
    from ifcvaegan.editor import Codes
    from ifcvaegan.tables import share

    def known(records: Records) -> tuple[Codes, np.ndarray]:
        present = records.attributes[:, list(records.attribute_names).index(attribute)] > 0.5
        return Codes(model.encode(records.images).latent, records.attributes), present

    (codes, present), learnt = known(faces), known(train.spaced(READERS))
    choosers = known(dev.spaced(CHOOSERS))
    logits = probes.read(learnt, choosers, codes, "network", sampled=False, seed=seed)
    return share((logits[0] > 0.0) == present)
