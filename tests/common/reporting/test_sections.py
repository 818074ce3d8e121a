"""Tables that all reports have: baselines beside the model, hashes beside chance, readings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.metrics.intervals import Interval, mean_interval
from common.metrics.pairs import intervals, metrics_of, pair_metrics
from common.reporting import sections
from common.reporting.sections import (
    baseline_table,
    baseline_warning,
    grid_table,
    hash_table,
    reading_rows,
    reconstruction_section,
)
from common.reporting.tables import Table
from tests.common.toys import blocks
from tests.runs import METRICS

# Baselines


def table_of(train: np.ndarray, test: np.ndarray, what: str = "digit") -> Table:
    """The table of a perfect model."""
    bits, values = metrics_of(test, test)
    return baseline_table(intervals(values), train, test, bits[0], seed=0, what=what)


@pytest.mark.parametrize(
    ("training_images", "what", "names"),
    [
        (60, "digit", ["black", "mean image", "random other digit", "PCA-50"]),  # 59 components
        (8, "face", ["black", "mean image", "random other face"]),
    ],
)
def test_baselines_stand_below_the_model_in_all_metrics(training_images, what, names):
    table = table_of(blocks(training_images, seed=1), blocks(8), what)
    assert list(table.columns) == ["reconstruction", *METRICS]
    assert [row[0] for row in table.rows] == ["this model", *names]
    ours = table.rows[0][1:]
    assert all(isinstance(cell, Interval) for cell in ours)
    assert [cell.mean for cell in ours] == pytest.approx([0, 0, 0, 100, 1, 1, 1, 1])
    assert table.note.endswith("that a generator can make.")


def test_baselines_are_measured_against_the_test_images():
    gray = np.full((2, 16, 16, 1), 51, np.uint8)
    rows = {row[0]: dict(zip(METRICS, row[1:], strict=True)) for row in table_of(gray, gray).rows}
    assert rows["black"]["mae"] == pytest.approx(0.2)  # 51 / 255
    assert rows["black"]["mse"] == pytest.approx(0.04)
    assert rows["black"]["phash"] == 63 / 64  # the DC bit
    assert rows["mean image"]["mae"] == 0.0


def test_of_many_large_images_some_are_taken_evenly_spaced(monkeypatch):
    monkeypatch.setattr(sections, "MAX_COVARIANCE", 10)  # an image has 256 values
    monkeypatch.setattr(sections, "SOME", 5)
    train, test = blocks(12, seed=1), blocks(8)
    table = table_of(train, test)
    # 0, 2.75, 5.5, 8.25, 11
    mean = np.rint(train[[0, 2, 5, 8, 11]].mean(axis=0)).astype(np.uint8)
    expected = pair_metrics(test, np.broadcast_to(mean, test.shape))
    measured = {row[0]: row[1:] for row in table.rows}["mean image"]
    assert measured == pytest.approx([expected[name].mean for name in METRICS])
    assert table.note.endswith("The mean and the components are those of 5 training images.")


@pytest.mark.parametrize("limit", [12, 256])
def test_few_images_or_small_ones_are_all_taken(monkeypatch, limit):
    monkeypatch.setattr(sections, "MAX_COVARIANCE", limit)
    monkeypatch.setattr(sections, "SOME", 5)
    assert table_of(blocks(12, seed=1), blocks(8)).note.endswith("that a generator can make.")


@pytest.mark.parametrize(("mse", "told"), [(0.05, 0), (0.06, 1), (0.07, 1)])
def test_a_model_that_is_no_better_than_one_mean_image_is_told(mse, told):
    rows = [["this model", Interval(mse, mse, mse, 9)], ["black", 0.1], ["mean image", 0.06]]
    found = baseline_warning(Table("baselines", ("reconstruction", "mse"), rows))
    assert len(found) == told
    assert all(f"({mse:.4f} and 0.0600)" in line for line in found)


# Hashes


def test_hashes_stand_beside_those_of_random_pairs_and_the_shares_of_different_ones():
    first = np.zeros((2, 64), bool)
    first[0, :16] = True  # the two originals agree in 48 of 64 bits
    same = np.ones((2, 64), bool)  # of the reconstructions: one hash for two images
    value = mean_interval([0.5])
    table = hash_table({"dhash": first}, {"dhash": same}, {"dhash": value, "mse": value}, seed=0)
    assert table.rows == [["dhash", value, Interval(0.75, 0.75, 0.75, 2), 1.0, 0.5]]
    assert table.columns[2:] == (
        "of random originals",
        "unique originals",
        "unique reconstructions",
    )


def test_of_one_image_there_is_no_random_pair():
    bits = {"dhash": np.zeros((1, 64), bool)}
    assert hash_table(bits, bits, {"dhash": mean_interval([1.0])}, seed=0).rows[0][2] is None


# All of a section


def test_a_section_holds_the_metrics_of_the_pairs_beside_baselines_and_chance():
    originals, train = blocks(8), blocks(20, seed=1)
    noisy = np.where(originals > 127, originals - 51, originals + 51).astype(np.uint8)
    section = reconstruction_section(originals, noisy, train, seed=3, noun="face")
    assert section.metrics == pair_metrics(originals, noisy)
    assert section.metrics["mae"].mean == pytest.approx(0.2)  # 51 / 255
    assert section.values["mae"].tolist() == pytest.approx([0.2] * 8)
    bits = metrics_of(originals, noisy)[0]
    assert section.baselines == baseline_table(
        section.metrics, train, originals, bits[0], seed=3, what="face"
    )
    assert section.hashes == hash_table(*bits, section.metrics, seed=3)
    for mine, expected in zip(section.bits, bits, strict=True):
        np.testing.assert_equal(mine, expected)
    assert section.warnings == []


def test_a_section_warns_of_a_model_that_is_worse_than_the_mean_image():
    originals = blocks(8)
    section = reconstruction_section(originals, 255 - originals, originals, seed=0)
    (warning,) = section.warnings
    assert "no better than one mean image for all" in warning


# Readings

TRUE = np.array([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [1] * 9 + [0]], bool).T
READ = np.array([[1, 1, 0, 1, 0, 0, 0, 0, 0, 0], [0] * 10], bool).T  # of Bald 2 TP, 1 FP, 1 FN


def means(rows: list[list]) -> list[list]:
    return [[getattr(cell, "mean", cell) for cell in row] for row in rows]


def test_rows_hold_share_majority_and_each_readers_accuracy_and_f1():
    rows = reading_rows(["Bald", "Young"], TRUE, [TRUE, READ])
    assert isinstance(rows[0][5], Interval)
    assert means(rows) == [
        ["Bald", *map(pytest.approx, (0.3, 0.7, 1.0, 1.0, 0.8, 2 / 3))],
        ["Young", *map(pytest.approx, (0.9, 0.9, 1.0, 1.0, 0.1, 0.0))],
        ["mean", *map(pytest.approx, (0.6, 0.8, 1.0, 1.0, 0.45, 1 / 3))],
    ]


def test_the_mean_is_that_of_the_known_values():
    true, read = (np.stack([one[:, 0], np.zeros(10, bool)], axis=1) for one in (TRUE, READ))
    rows = means(reading_rows(["Bald", "Young"], true, [read]))
    assert math.isnan(rows[1][4])
    assert rows[2][3:] == pytest.approx([0.9, 2 / 3])  # of 0.8 and 1.0; and not half of 2/3


def test_the_mean_of_unknown_values_alone_is_unknown():
    nothing = np.zeros((3, 1), bool)
    assert math.isnan(means(reading_rows(["Bald"], nothing, [nothing]))[-1][-1])


# A grid


def test_a_grid_stands_out_beside_real_images():
    real = np.random.default_rng(0).integers(60, 190, (20, 64, 64, 3))
    every_second = 20 * np.array([1, -1] * 32)[:, None]
    table = grid_table(
        {"real": real.astype(np.uint8), "ours": (real + every_second).astype(np.uint8)}
    )
    assert list(table.columns) == ["images", *(f"every {p} pixels" for p in (2, 4, 8))]
    (_, *plain), (_, *ours) = table.rows
    assert ours[0] > 3 * plain[0]  # pyright: ignore[reportOperatorIssue]
    assert ours[1:] == pytest.approx(plain[1:], rel=0.2)
