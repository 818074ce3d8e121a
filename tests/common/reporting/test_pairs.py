"""The report on pairs of images: its numbers, what it says of them, its sheet and its lines."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.reporting import pairs
from common.reporting.document import Report
from common.reporting.pairs import report, shortened
from tests.common.toys import blocks
from tests.runs import METRICS


def plain(*levels: int) -> np.ndarray:
    """Images of one gray level each, uint8 `[N, 16, 16, 1]`."""
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((16, 16, 1), np.uint8)


def made(originals: np.ndarray, reconstructions: np.ndarray, out: Path, seed: int = 0) -> Report:
    stems = [f"{number:02d}" for number in range(len(originals))]
    return report(stems, originals, reconstructions, out, "T", [("seed", str(seed))], seed)


@pytest.fixture
def twice(tmp_path) -> Report:
    """Black twice, against 51 / 255 = 0.2 and 102 / 255 = 0.4; see `metrics/test_pairs.py`."""
    return made(plain(0, 0), plain(51, 102), tmp_path)


def means(cells) -> list:
    return [getattr(cell, "mean", cell) for cell in cells]


def test_the_metrics_are_those_of_the_pairs(twice):
    assert list(twice.metrics) == METRICS
    assert means(twice.metrics.values()) == pytest.approx(
        [0.3, 0.1, 0.3, 10.9691, 0.00155919, 1.0, 63 / 64, 1.0], rel=1e-4
    )
    assert (twice.title, twice.n, twice.facts) == ("T", 2, [("seed", "0")])
    assert twice.summary == "2 pairs of gray images, 16x16"


def test_on_the_symmetric_range_errors_are_twice_and_squares_four_times_as_large(twice):
    table = twice.tables[0]
    assert table.columns == ("metric", "images on [0, 1]", "images on [-1, 1]")
    assert [means(row) for row in table.rows] == [
        ["MAE", pytest.approx(0.3), pytest.approx(0.6)],
        ["MSE", pytest.approx(0.1), pytest.approx(0.4)],
        ["RMSE", pytest.approx(0.3), pytest.approx(0.6)],
    ]
    for _, unit, signed in table.rows:
        assert signed == unit.times(signed.mean / unit.mean)


def test_baselines_take_the_place_of_the_reconstructions(tmp_path):
    """Originals 0 and 102: black is 0 and 0.4 away, their mean 51 0.2, the other one 0.4."""
    found = made(plain(0, 102), plain(51, 102), tmp_path)
    table = found.tables[1]
    assert table.columns[1:] == (
        *("reconstructions", "a black image", "the mean original", "a random other original"),
    )
    assert [row[0] for row in table.rows] == [
        *("MAE", "MSE", "RMSE", "PSNR", "SSIM", "dhash", "phash", "whash"),
    ]
    assert table.rows[0][1:] == pytest.approx([0.1, 0.2, 0.2, 0.4])
    assert table.rows[1][1:] == pytest.approx([0.02, 0.08, 0.04, 0.16])
    assert table.rows[6][1:] == pytest.approx([127 / 128, 127 / 128, 127 / 128, 63 / 64])


def test_what_needs_no_model_and_is_no_worse_is_told(twice):
    assert twice.findings == [
        "No better than a black image in MAE, MSE, RMSE, PSNR, SSIM, dhash, phash, whash.",
        "No better than the mean original in MAE, MSE, RMSE, PSNR, SSIM, dhash, phash, whash.",
        "No better than a random other original in MAE, MSE, RMSE, PSNR, SSIM, dhash, phash, "
        "whash.",
    ]


def test_images_that_became_alike_are_told(tmp_path):
    found = made(blocks(8), blocks(8)[:1].repeat(8, axis=0), tmp_path)
    assert found.findings[0] == "Identical in every pixel: 1 of 8 pairs."
    assert found.findings[-1] == (
        "Different images became alike: 12% of the reconstructions' dhash values are different, "
        "against 100% of the originals'."
    )
    assert [row[3:] for row in found.tables[2].rows] == [[1.0, 1 / 8]] * 3


def test_of_good_reconstructions_nothing_is_told_though_some_became_alike(tmp_path):
    noisy = np.where(blocks(8) > 127, blocks(8) - 9, blocks(8) + 9).astype(np.uint8)
    assert made(blocks(8), noisy, tmp_path).findings == []
    some = made(blocks(8), noisy[[0, 1, 2, 3, 4, 0, 1, 2]], tmp_path)  # five of eight
    assert not any("became alike" in finding for finding in some.findings)


def test_each_pair_has_its_line(twice, tmp_path):
    with (tmp_path / "pairs.csv").open() as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["stem", *METRICS]
    assert [line[:4] for line in lines[1:]] == [
        ["00", "0.2", "0.04", "0.2"],
        ["01", "0.4", "0.16", "0.4"],
    ]
    assert [float(line[7]) for line in lines[1:]] == [63 / 64] * 2
    assert twice.details["pairs"] == "pairs.csv"


def test_one_pair_of_colour_images_is_enough(tmp_path):
    one = np.repeat(blocks(1), 3, axis=3)
    found = made(one, one, tmp_path)
    assert found.summary == "1 pair of RGB images, 16x16"
    assert "a random other original" not in found.tables[1].columns
    assert found.tables[2].rows[0][2] is None
    with Image.open(tmp_path / "pairs.png") as sheet:
        assert sheet.height > 3 * 96


# The sheet


@pytest.fixture
def drawn(monkeypatch) -> dict:
    """What is drawn, in place of the picture."""
    found: dict = {}

    def grid(images, path, *, row_labels, column_labels) -> None:
        found.update(images=images, rows=row_labels, columns=column_labels)

    monkeypatch.setattr(pairs, "grid", grid)
    return found


def sheet_of(errors: list[int], drawn: dict, out: Path) -> list[str]:
    """The column labels of pairs with these errors in gray levels."""
    made(plain(*[0] * len(errors)), plain(*errors), out)
    return drawn["columns"]


def test_few_pairs_stand_in_the_order_of_their_errors_with_their_difference(drawn, tmp_path):
    # (51 / 255)^2 = 0.04, (102 / 255)^2 = 0.16
    assert sheet_of([102, 0, 51], drawn, tmp_path) == ["01\n0", "02\n0.0400", "00\n0.1600"]
    assert drawn["rows"] == ["original", "reconstruction", "absolute difference"]
    assert drawn["images"][:, :, 0, 0, 0].tolist() == [[0, 0, 0], [0, 51, 102], [0, 51, 102]]


def test_of_many_pairs_the_best_the_median_and_the_worst_four_are_shown(drawn, tmp_path):
    labels = sheet_of(list(range(13))[::-1], drawn, tmp_path)
    assert [label.split("\n")[:2] for label in labels] == [
        *(["best", "12"], ["best", "11"], ["best", "10"], ["best", "09"]),
        *(["median", "08"], ["median", "07"], ["median", "06"], ["median", "05"]),
        *(["worst", "03"], ["worst", "02"], ["worst", "01"], ["worst", "00"]),
    ]
    assert len(sheet_of(list(range(12)), drawn, tmp_path)) == 12  # all of them


@pytest.mark.parametrize(
    ("text", "short"),
    [("a-short-name12", "a-short-name12"), ("a-long-name-123", "a-long…me-123")],
)
def test_long_names_are_shortened_in_the_middle(text, short):
    assert shortened(text) == short
