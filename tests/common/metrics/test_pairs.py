"""The metrics of pairs of images, all at once."""

from __future__ import annotations

import numpy as np
import pytest

from common.metrics import pairs
from common.metrics.intervals import Interval
from common.metrics.pairs import (
    baseline_table,
    intervals,
    metrics_of,
    pair_metrics,
    without_a_model,
)
from common.reporting.tables import Table

METRICS = ["mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash"]


def images(n: int = 8, seed: int = 0) -> np.ndarray:
    """Different images with something at every scale, uint8 `[n, 16, 16, 1]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def test_identical_images_have_no_error_and_equal_hashes():
    metrics = pair_metrics(images(), images())
    assert list(metrics) == METRICS
    assert [metrics[name].mean for name in ("mae", "mse", "rmse")] == [0, 0, 0]
    assert [metrics[name].mean for name in METRICS[4:]] == pytest.approx([1, 1, 1, 1])
    assert {value.n for value in metrics.values()} == {8}


def test_errors_are_on_the_unit_range():
    black, gray = np.zeros((2, 16, 16, 1), np.uint8), np.full((2, 16, 16, 1), 51, np.uint8)
    metrics = pair_metrics(black, gray)  # 51 / 255 = 0.2
    assert metrics["mae"].mean == pytest.approx(0.2)
    assert metrics["mse"].mean == pytest.approx(0.04)


def test_hashes_that_are_known_are_not_computed_again():
    bits, values = metrics_of(images(), images(seed=1))
    known = {kind: ~bits[1][kind] for kind in bits[1]}
    changed = metrics_of(images(), images(seed=1), bits[0], known)[1]
    for kind in known:  # a hash and its complement share with another hash 64 bits together
        np.testing.assert_allclose(values[kind] + changed[kind], 1.0)


# Baselines


def table_of(train: np.ndarray, test: np.ndarray, what: str = "digit") -> Table:
    bits, values = metrics_of(test, test)
    return baseline_table(intervals(values), train, test, bits[0], seed=0, what=what)


def test_baselines_stand_below_the_model_in_all_metrics():
    table = table_of(images(60, seed=1), images())
    assert list(table.columns) == ["reconstruction", *METRICS]
    assert [row[0] for row in table.rows] == [
        "this model",
        "black",
        "mean image",
        "random other digit",
        "PCA-50",
    ]
    assert all(isinstance(cell, Interval) for cell in table.rows[0][1:])
    assert table.rows[0][1].mean == 0.0  # here the model is perfect, and the others are not
    assert min(row[1] for row in table.rows[1:]) > 0.001
    assert table.note.endswith("that a generator can make.")


def test_baselines_are_measured_against_the_test_images():
    gray = np.full((2, 16, 16, 1), 51, np.uint8)
    rows = {row[0]: dict(zip(METRICS, row[1:], strict=True)) for row in table_of(gray, gray).rows}
    assert rows["black"]["mae"] == pytest.approx(0.2)  # 51 / 255
    assert rows["black"]["mse"] == pytest.approx(0.04)
    assert rows["mean image"]["mae"] == 0.0


def test_the_other_image_is_called_what_it_is():
    names = [row[0] for row in table_of(images(), images(), what="face").rows]
    assert names == ["this model", "black", "mean image", "random other face"]


def test_of_many_large_images_some_are_taken_evenly_spaced(monkeypatch):
    monkeypatch.setattr(pairs, "MAX_COVARIANCE", 10)  # an image has 256 values
    monkeypatch.setattr(pairs, "SOME", 5)
    train, test = images(12, seed=1), images()
    table = table_of(train, test)
    # 0, 2.75, 5.5, 8.25, 11
    mean = np.rint(train[[0, 2, 5, 8, 11]].mean(axis=0)).astype(np.uint8)
    expected = pair_metrics(test, np.broadcast_to(mean, test.shape))
    measured = {row[0]: row[1:] for row in table.rows}["mean image"]
    assert measured == pytest.approx([expected[name].mean for name in METRICS])
    assert table.note.endswith("The mean and the components are those of 5 training images.")


@pytest.mark.parametrize("limit", [12, 256])
def test_few_images_or_small_ones_are_all_taken(monkeypatch, limit):
    monkeypatch.setattr(pairs, "MAX_COVARIANCE", limit)
    monkeypatch.setattr(pairs, "SOME", 5)
    assert table_of(images(12, seed=1), images()).note.endswith("that a generator can make.")


@pytest.mark.parametrize(("mse", "told"), [(0.05, 0), (0.07, 1)])
def test_a_model_that_is_no_better_than_one_mean_image_is_told(mse, told):
    rows = [["this model", Interval(mse, mse, mse, 9)], ["black", 0.1], ["mean image", 0.06]]
    found = without_a_model(Table("baselines", ("reconstruction", "mse"), rows))
    assert len(found) == told
    assert all("0.0700 and 0.0600" in line for line in found)
