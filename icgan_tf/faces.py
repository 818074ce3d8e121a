"""What an evaluation on faces measures: success of edits, what else they change, attributes read.

As in the IcGAN authors' `evaluateModel`, a network that no GAN was trained with reads the
attributes (`common.metrics.face_classifier`); beyond it, edits are judged, not reconstructions
alone, and F1 and the majority stand beside each accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.metrics.attributes import mean_of, reading_rows
from common.metrics.face_classifier import predict
from common.metrics.intervals import Interval, mean_interval, proportion_interval
from common.tables import Cell, Table
from icgan_tf.edit import decode, with_values

if TYPE_CHECKING:
    import keras

    from icgan_tf.trained import Trained


def edit_table(
    model: Trained, judge: keras.Model, latents: np.ndarray, attributes: np.ndarray
) -> tuple[Table, dict[str, Interval]]:
    """Each attribute set and taken away on all test faces, as the judge reads it.

    Args:
        model: the trained networks.
        judge: reads attributes, trained on real faces.
        latents: E_z of the test faces `[N, Z]`.
        attributes: E_y of them, `[N, A]` of 0 and 1.

    Returns:
        The table, and the mean success, its baseline and the mean preservation by name.
    """
    names = model.attribute_names
    before = predict(judge, decode(model, latents, attributes)) > 0.5  # of the reconstructions
    rows: list[list[Cell]] = []
    for column, name in enumerate(names):
        others = np.arange(len(names)) != column
        hits, kept, unedited = [], [], []
        for value, wanted in ((1.0, True), (-1.0, False)):
            edited = with_values(attributes, names, {name: value}, exclusive=False)
            read = predict(judge, decode(model, latents, edited)) > 0.5
            hits.append(read[:, column] == wanted)
            unedited.append(before[:, column] == wanted)
            same = (read == before)[:, others]  # a model may know one attribute only
            kept.append(same.mean(axis=1) if others.any() else np.ones(len(same)))
        cells: list[Cell] = []
        for hit, start in zip(hits, unedited, strict=True):
            cells += [
                proportion_interval(int(hit.sum()), len(hit)),
                proportion_interval(int(start.sum()), len(start)).mean,
            ]
        rows.append([name, *cells, mean_of(np.concatenate(kept))])
    values = np.array([[_mean(cell) for cell in row[1:]] for row in rows])
    rows.append(["mean", *(float(mean) for mean in values.mean(axis=0))])
    set_, before_set, cleared, before_cleared, kept_mean = (mean_interval(v) for v in values.T)
    return (
        Table(
            "Attributes set and taken away, as a classifier of real faces reads them",
            (
                "attribute",
                "set: there",
                "before",
                "cleared: gone",
                "before",
                "others unchanged",
            ),
            rows,
            'Every test face with the attribute set to 1 and to -1; "before" is how many '
            "reconstructions read so without the edit: what exceeds it is the edit's effect. "
            '"Others unchanged": share of the other attributes that are read as in the '
            "reconstruction. Groups that exclude each other are not cleared here.",
        ),
        {
            "set": set_,
            "before set": before_set,
            "cleared": cleared,
            "before cleared": before_cleared,
            "kept": kept_mean,
        },
    )


def reading_table(
    model: Trained,
    judge: keras.Model,
    test: Records,
    latents: np.ndarray,
    attributes: np.ndarray,
) -> Table:
    """Attributes as E_y and the judge read them in real faces, and the judge in reconstructions."""
    true = test.attributes > 0.5
    real = predict(judge, test.images) > 0.5
    again = predict(judge, decode(model, latents, attributes)) > 0.5
    rows = reading_rows(model.attribute_names, true, [real, attributes > 0.5, again])
    return Table(
        "Attributes read: accuracy and F1",
        (
            "attribute",
            "share",
            "majority",
            "judge, real",
            "F1",
            "E_y, real",
            "F1 ",
            "judge, rec.",
            "F1  ",
        ),
        rows,
        "Majority: the accuracy of one answer for all. F1 is missing where an attribute is neither "
        "there nor read. The last pair is the authors' protocol: encode and decode the test faces, "
        "read the attributes of what comes out.",
    )


def _mean(cell: Cell) -> float:
    return float(cell.mean if isinstance(cell, Interval) else cell)  # pyright: ignore
