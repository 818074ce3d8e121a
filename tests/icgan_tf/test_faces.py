"""What an evaluation measures on faces, with editors and readers whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from icgan_tf import faces
from icgan_tf.editor import Codes

NAMES = ("Male", "Smiling", "Bald")
READ = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]], np.float32)  # by E_y


def showing(attributes: np.ndarray) -> np.ndarray:
    """Images `[N, A, 1, 3]` in which each attribute is a row, white where it is there."""
    return np.repeat(np.rint(255 * attributes).astype(np.uint8)[:, :, None, None], 3, axis=3)


class Reader:
    """A classifier that reads what `showing` shows, for those who ask for all attributes."""

    def __init__(self, names: tuple[str, ...]):
        self.names = names

    def read(self, images: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        assert names == self.names
        return images[:, :, 0, 0] > 127


def edits(
    shown: Callable[[np.ndarray], np.ndarray], names=NAMES, read=READ
) -> tuple[dict[str, list], dict[str, float]]:
    """The table of an editor, and its means: wanted attributes `[N, A]` -> those that it shows."""
    model: Any = SimpleNamespace(
        attribute_names=names, decode=lambda codes: showing(shown(codes.attributes))
    )
    classifier: Any = Reader(names)
    table, means = faces.edit_table(model, classifier, Codes(np.zeros((len(read), 2)), read))
    rows = {str(row[0]): [getattr(cell, "mean", cell) for cell in row[1:]] for row in table.rows}
    return rows, means


def test_an_editor_that_does_what_it_is_told_always_succeeds_and_changes_nothing_else():
    rows, _ = edits(lambda wanted: wanted)
    # absent, set, before, present, cleared, before, others: 3 of 4 are Male, 1 smiles, 1 is bald
    assert rows["Male"] == [1, 1.0, 0.0, 3, 1.0, 0.0, 1.0]
    assert rows["Smiling"] == [3, 1.0, 0.0, 1, 1.0, 0.0, 1.0]
    assert rows["Bald"] == [3, 1.0, 0.0, 1, 1.0, 0.0, 1.0]


def test_an_editor_that_does_nothing_never_succeeds():
    rows, means = edits(lambda wanted: READ)
    assert rows["Male"] == [1, 0.0, 0.0, 3, 0.0, 0.0, 1.0]
    assert (means["set: there"], means["cleared: gone"]) == (0.0, 0.0)


def test_what_reads_so_without_the_edit_is_shown_as_before():
    rows, _ = edits(lambda wanted: np.ones_like(wanted))  # all attributes in each image
    assert rows["Male"] == [1, 1.0, 1.0, 3, 0.0, 0.0, 1.0]


def test_what_an_edit_drags_along_is_counted():
    # Whoever is Male smiles: 0, 1 and 3 in the reconstruction. Turned over, face 2 smiles as well,
    # 0 and 3 do no more, and 1 still does: 3 of the 4 x 2 other attributes have changed.
    def editor(wanted):
        return np.stack([wanted[:, 0], np.maximum(wanted[:, 0], wanted[:, 1]), wanted[:, 2]], 1)

    rows, _ = edits(editor)
    assert rows["Male"][6] == pytest.approx(5 / 8)
    assert rows["Bald"][6] == 1.0


def test_the_last_row_and_the_sentences_are_means_over_the_attributes():
    rows, means = edits(lambda wanted: np.stack([wanted[:, 0], *np.zeros((2, 4))], 1))
    assert rows["mean"] == pytest.approx([None, 1 / 3, 0.0, None, 1.0, 2 / 3, 1.0])
    assert means["set: there"] == pytest.approx(1 / 3)
    assert list(means) == list(faces.EDIT_COLUMNS)


def test_an_attribute_that_no_face_has_cannot_be_cleared():
    rows, means = edits(lambda y: y, ("Male", "Smiling"), np.array([[1, 0], [1, 0]], "f"))
    assert rows["Smiling"] == [2, 1.0, 0.0, 0, None, None, 1.0]
    assert means["cleared: gone"] == 1.0  # of Male alone


def test_the_others_are_not_those_of_the_same_exclusive_group():
    read = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    names = ("Black_Hair", "Gray_Hair", "Male")
    rows, _ = edits(lambda y: np.stack([y[:, 0], 1 - y[:, 0], y[:, 2]], 1), names, read)
    assert rows["Black_Hair"][6] == 1.0


def test_a_model_of_a_single_attribute_has_no_others():
    rows, means = edits(lambda wanted: wanted, ("Smiling",), np.array([[1], [0]], np.float32))
    assert rows["Smiling"] == [1, 1.0, 0.0, 1, 1.0, 0.0, None]
    assert math.isnan(means["others kept"])


# --- Attributes read ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reading() -> dict[str, list]:
    """Attribute -> share, majority, then accuracy and F1 of classifier, E_y, reconstructions.

    The classifier reads the reconstructions as E_y reads the faces.
    """
    true = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    real = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 1]], np.float32)
    by_e_y = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]], np.float32)
    model: Any = SimpleNamespace(
        attribute_names=NAMES, decode=lambda codes: showing(codes.attributes)
    )
    classifier: Any = Reader(NAMES)
    test = Records(showing(real), true, NAMES, "drawn", "a test")
    table = faces.reading_table(model, classifier, test, Codes(np.zeros((4, 2)), by_e_y))
    assert len(table.columns) == len(table.rows[0])
    return {str(row[0]): [getattr(cell, "mean", cell) for cell in row[1:]] for row in table.rows}


def test_accuracy_and_f1_are_those_of_the_confusion_matrix(reading):
    # Classifier: 1 hit, 1 false alarm, 1 miss: 2 / 4 and 2 / (2 + 1 + 1).
    # E_y: 2 hits, 1 false alarm: 3 / 4 and 4 / (4 + 1).
    assert reading["Male"] == [0.5, 0.5, 0.5, 0.5, 0.75, 0.8, 0.75, 0.8]


def test_an_attribute_that_no_face_has_has_no_f1(reading):
    share, majority, *cells = reading["Smiling"]
    assert (share, majority) == (0.0, 1.0)
    assert cells[::2] == [1.0, 1.0, 1.0]
    assert all(math.isnan(f1) for f1 in cells[1::2])


def test_the_accuracy_of_always_saying_no_is_shown_beside(reading):
    # One of four is bald. The classifier reads three, the one among them: 2 / 4 and 2 / (2 + 2).
    # E_y reads none: as right as the majority, but F1 is 0.
    assert reading["Bald"] == [0.25, 0.75, 0.5, 0.5, 0.75, 0.0, 0.75, 0.0]


def test_means_are_over_the_attributes_that_have_a_value(reading):
    assert reading["mean"] == pytest.approx(
        [0.75 / 3, 2.25 / 3, 2 / 3, 0.5, 2.5 / 3, 0.4, 2.5 / 3, 0.4]
    )
