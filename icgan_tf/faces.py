"""What an evaluation on faces measures: success of edits, what else they change, attributes read.

As in the IcGAN authors' `evaluateModel`, a network that no GAN was trained with reads the
attributes (`common.metrics.face_classifier`); beyond it, edits are judged, not reconstructions
alone, and F1 and the majority stand beside each accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.metrics.attributes import reading_rows
from common.metrics.intervals import Interval, mean_interval, proportion_interval
from common.tables import Cell, Table
from icgan_tf.codes import EXCLUSIVE, decode, with_values

if TYPE_CHECKING:
    from common.metrics.face_classifier import Judge
    from icgan_tf.trained import Trained

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
    model: Trained, judge: Judge, latents: np.ndarray, attributes: np.ndarray
) -> tuple[Table, dict[str, float]]:
    """Each attribute set where it is absent and cleared where it is present, as the judge reads it.

    Present and absent are what E_y reads, so that every edit changes y, as `icgan_tf.edit --set`
    changes it: what an attribute excludes is cleared with it, and does not count among the others.

    Args:
        model: the trained networks.
        judge: reads the attributes, trained on real faces.
        latents: E_z of the test faces `[N, Z]`.
        attributes: E_y of them, `[N, A]` of 0 and 1.

    Returns:
        The table, and the means over the attributes by the names of its columns.
    """
    names = model.attribute_names
    before = judge(decode(model, latents, attributes)) > 0.5  # of the reconstructions
    rows: list[list[Cell]] = []
    for column, name in enumerate(names):
        together = {name}.union(*(group for group in EXCLUSIVE if name in group))
        others = np.array([other not in together for other in names])
        wanted = 1.0 - attributes[:, column]
        set_, cleared = (with_values(attributes, names, {name: value}) for value in (1.0, -1.0))
        edited = np.where(wanted[:, None] > 0.5, set_, cleared)
        read = judge(decode(model, latents, edited)) > 0.5
        cells: list[Cell] = [name]
        for value in (1.0, 0.0):  # set where it is absent, cleared where it is present
            mine = wanted == value
            cells += [
                int(mine.sum()),
                _share(read[mine, column] == bool(value)),
                _share(before[mine, column] == bool(value)),
            ]
        same = (read == before)[:, others]
        rows.append([*cells, mean_interval(same.mean(axis=1)) if others.any() else None])
    means = {title: _mean([row[1 + i] for row in rows]) for i, title in enumerate(EDIT_COLUMNS)}
    rows.append(["mean", *(None if title in COUNTS else means[title] for title in EDIT_COLUMNS)])
    return (
        Table(
            "Attributes set and cleared, as a classifier of real faces reads them",
            ("attribute", *EDIT_COLUMNS),
            rows,
            "Set: test faces in which E_y does not read the attribute get it; cleared: those in "
            'which it does lose it. "Before" is how many of their reconstructions read so without '
            "the edit; what exceeds it is the edit's effect. Others kept: share of the other "
            "attributes that are read as in the reconstruction, without those that the attribute "
            "excludes, which are cleared with it.",
        ),
        means,
    )


def reading_table(
    model: Trained,
    judge: Judge,
    test: Records,
    latents: np.ndarray,
    attributes: np.ndarray,
) -> Table:
    """Attributes as E_y and the judge read them in real faces, and the judge in reconstructions."""
    true = test.attributes > 0.5
    real = judge(test.images) > 0.5
    again = judge(decode(model, latents, attributes)) > 0.5
    rows = reading_rows(model.attribute_names, true, [real, attributes > 0.5, again])
    return Table(
        "Attributes read: accuracy and F1",
        (
            "attribute",
            "share",
            "majority",
            "judge",
            "judge F1",
            "E_y",
            "E_y F1",
            "rec.",
            "rec. F1",
        ),
        rows,
        f"Of {len(test):,} test faces. Majority: the accuracy of one answer for all. Judge and E_y "
        "read real faces; rec.: the judge reads their reconstructions (with E_y's attributes made "
        "binary, where the authors' own protocol has them raw). F1 is missing where no face has "
        "the attribute and none is read to have it.",
    )


def _share(right: np.ndarray) -> Cell:
    """Share of True in bool `[N]` with its interval; None for none."""
    return proportion_interval(int(right.sum()), len(right)) if len(right) else None


def _mean(cells: Sequence[Cell]) -> float:
    """Mean of the cells that have a value."""
    values = [cell.mean if isinstance(cell, Interval) else cell for cell in cells]
    known = [float(value) for value in values if isinstance(value, int | float)]
    return float(np.mean(known)) if known else float("nan")
