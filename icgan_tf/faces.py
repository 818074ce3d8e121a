"""What an evaluation on faces measures: success of edits, what else they change, attributes read.

As in the IcGAN authors' `evaluateModel`, a network that no GAN was trained with reads the
attributes (`common.classifiers.faces`); beyond it, edits are read, not reconstructions
alone, and F1 and the majority stand beside each accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.metrics.intervals import Interval, proportion_interval, share_interval
from common.reporting.sections import reading_rows
from common.reporting.tables import Cell, Table
from icgan_tf.codes import EXCLUSIVE, with_values

if TYPE_CHECKING:
    from common.classifiers.faces import FaceClassifier
    from icgan_tf.editor import Codes, IcGANEditor

COUNTS = ("absent", "present")
EDIT_COLUMNS = (
    "absent",
    "set: there",
    "before set",
    "present",
    "cleared: gone",
    "before cleared",
    "others kept",
)


def edit_table(
    model: IcGANEditor, classifier: FaceClassifier, codes: Codes
) -> tuple[Table, dict[str, float]]:
    """Each attribute set where it is absent and cleared where it is present, as it is then read.

    Present and absent are what E_y reads, so that every edit changes y, as `icgan_tf.edit --set`
    changes it: what an attribute excludes is cleared with it, and does not count among the others.

    Args:
        model: the trained networks.
        classifier: of real faces.
        codes: of the faces.

    Returns:
        The table, and the means over the attributes by the names of its columns.
    """
    names, attributes = model.attribute_names, codes.attributes
    before = classifier.read(model.decode(codes), names)  # of the reconstructions
    rows: list[list[Cell]] = []
    for column, name in enumerate(names):
        together = {name}.union(*(group for group in EXCLUSIVE if name in group))
        others = np.array([other not in together for other in names])
        wanted = 1.0 - attributes[:, column]
        set_, cleared = (with_values(attributes, names, {name: value}) for value in (1.0, -1.0))
        edited = np.where(wanted[:, None] > 0.5, set_, cleared)
        read = classifier.read(model.decode(codes.with_attributes(edited)), names)
        cells: list[Cell] = [name]
        for value in (1.0, 0.0):  # set where it is absent, cleared where it is present
            mine = wanted == value
            cells += [
                int(mine.sum()),
                _share(read[mine, column] == bool(value)),
                _share(before[mine, column] == bool(value)),
            ]
        same = (read == before)[:, others]
        rows.append([*cells, share_interval(same.mean(axis=1)) if others.any() else None])
    means = {title: _mean([row[1 + i] for row in rows]) for i, title in enumerate(EDIT_COLUMNS)}
    rows.append(["mean", *(None if title in COUNTS else means[title] for title in EDIT_COLUMNS)])
    return (
        Table(
            "Attributes set and cleared, as a classifier of real faces reads them",
            ("attribute", *EDIT_COLUMNS),
            rows,
            "Set: faces in which E_y does not read the attribute get it; cleared: those in "
            'which it does lose it. "Before" is how many of their reconstructions read so without '
            "the edit; what exceeds it is the edit's effect. Others kept: share of the other "
            "attributes that are read as in the reconstruction, without those that the attribute "
            "excludes, which are cleared with it.",
        ),
        means,
    )


def reading_table(
    model: IcGANEditor,
    classifier: FaceClassifier,
    real: Records,
    codes: Codes,
) -> Table:
    """Attributes as E_y and a classifier read them in real faces, it also in reconstructions."""
    names, true = model.attribute_names, real.attributes > 0.5
    seen = classifier.read(real.images, names)
    again = classifier.read(model.decode(codes), names)
    rows = reading_rows(names, true, [seen, codes.attributes > 0.5, again])
    return Table(
        "Attributes read: accuracy and F1",
        (
            "attribute",
            "share",
            "majority",
            "classifier",
            "classifier F1",
            "E_y",
            "E_y F1",
            "rec.",
            "rec. F1",
        ),
        rows,
        f"Of {len(real):,} faces. Majority: the accuracy of one answer for all. The "
        "classifier and E_y read real faces; rec.: the classifier reads their reconstructions "
        "(with E_y's attributes made binary, where the authors' own protocol has them raw). F1 is "
        "missing where no face has the attribute and none is read to have it.",
    )


def _share(right: np.ndarray) -> Cell:
    """Share of True in bool `[N]` with its interval; None for none."""
    return proportion_interval(int(right.sum()), len(right)) if len(right) else None


def _mean(cells: Sequence[Cell]) -> float:
    """Mean of the cells that have a value."""
    values = [cell.mean if isinstance(cell, Interval) else cell for cell in cells]
    known = [float(value) for value in values if isinstance(value, int | float)]
    return float(np.mean(known)) if known else float("nan")
