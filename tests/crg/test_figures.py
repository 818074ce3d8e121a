"""The evaluation's figures and edits, on made-up images and tiny networks."""

from __future__ import annotations

import numpy as np
import pytest

from common.datasets.records import Records
from crg import figures


def records(labels: list[int]) -> Records:
    """Black images of these digits."""
    images = np.zeros((len(labels), 28, 28, 1), np.uint8)
    names = tuple(map(str, range(10)))
    return Records(images, np.eye(10, dtype=np.float32)[labels], names, "mnist", "a test")


def test_what_cannot_be_drawn_is_left_out(model, digits, tmp_path):
    """A single image, and fewer generated images than a row holds."""
    assert figures.interpolations(model, digits[:1], tmp_path) is None
    assert figures.samples(digits[:9], tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_best_and_the_worst_are_those_by_their_errors(digits, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("crg.figures.grid", lambda rows, *_, **labels: drawn.append((rows, labels)))
    errors = np.array([0.3, 0.1, 0.9, 0.5, 0.7, 0.2, 0.8, 0.4, 0.6, 0.0])
    figures.best_median_worst(digits, 255 - digits, errors, tmp_path)
    ((rows, labels),) = drawn
    # In order 9, 1, 5, 0, 7, 3, 8, 4, 6, 2: the first four, four around the middle, the last four.
    order = [9, 1, 5, 0, 0, 7, 3, 8, 8, 4, 6, 2]
    np.testing.assert_array_equal(rows[0], digits[order])
    np.testing.assert_array_equal(rows[1], 255 - digits[order])
    assert labels["column_labels"][0] == "MSE 0.000"
    assert labels["column_labels"][-1] == "MSE 0.900"


def test_rows_of_an_edit_compare_digits_with_the_reconstruction_and_with_the_wanted_one():
    images = np.zeros((4, 28, 28, 1), np.uint8)
    read = {0.0: np.array([3, 3, 3, 5]), 1.0: np.array([8, 3, 8, 8])}
    kept, changed = figures.edit_rows("three to eight", {0.0: images, 1.0: images + 51}, read, 8)
    assert (kept[0], changed[0]) == ("three to eight, 0 (reconstruction)", "three to eight, +1.00")
    assert (kept[1], changed[1]) == (4, 4)
    assert [row[3].mean for row in (kept, changed)] == pytest.approx([0.0, 0.2])  # 51 / 255
    assert [row[4].mean for row in (kept, changed)] == [1.0, 0.25]
    assert [row[5].mean for row in (kept, changed)] == [0.0, 0.75]


def test_a_direction_without_a_digit_reaches_none():
    images = np.zeros((2, 28, 28, 1), np.uint8)
    (row,) = figures.edit_rows("slant", {0.0: images}, {0.0: np.array([1, 2])}, None)
    assert row[5] is None


def test_one_of_each_digit_is_the_first_of_its_class():
    assert figures.one_of_each_digit(records([4, 1, 4, 9, 1])) == [1, 0, 3]
