"""The table of a report on what a model generates: beside other real images, each with its n."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from common.classifiers.features import Space
from common.datasets.folder import write_images
from common.metrics.frechet import distances
from common.metrics.intervals import Interval
from common.reporting import unpaired
from common.reporting.unpaired import generated_table


def mean_and_spread(images: np.ndarray) -> np.ndarray:
    return np.stack([images.mean(axis=(1, 2, 3)), images.std(axis=(1, 2, 3))], axis=1)


SPACE = Space("FD-two", "KD-two", "two values", mean_and_spread)


def images(n: int, seed: int, highest: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, highest, (n, 6, 6, 1)).astype(np.uint8)


def test_generated_images_stand_beside_real_ones_each_against_the_test_images():
    real, generated, others = images(20, 0), images(20, 1, highest=128), images(20, 2)
    (table,) = generated_table(SPACE, real, generated, others, seed=5)
    assert table.columns == (
        *("distance", "generated images", "as many training images", "images"),
    )
    assert [row[0] for row in table.rows] == [
        *("FD-two", "FD-two, extrapolated to infinitely many", "KD-two"),
    ]
    for column, fake in ((1, generated), (2, others)):
        found = distances(mean_and_spread(real), mean_and_spread(fake), seed=5)
        expected = [found.frechet, found.extrapolated, found.kernel]
        assert [row[column] for row in table.rows] == expected
    assert all(row[3] == "20 and 20" for row in table.rows)
    assert isinstance(table.rows[2][1], Interval)
    assert table.rows[0][1] > 10 * table.rows[0][2]
    assert "two values" in table.note
    assert "There are no more" not in table.note


def test_no_more_images_than_features_are_told():
    wide = Space("FD", "KD", "pixels", lambda some: some.reshape(len(some), -1).astype(float))
    (table,) = generated_table(wide, images(30, 0), images(30, 1), images(30, 2), seed=0)
    assert table.note.endswith(
        "There are no more images (30) than features (36): FD says little; read KD."
    )


def test_all_sets_are_cut_to_the_smallest_evenly_spaced():
    real, generated, others = images(30, 0), images(21, 1), images(11, 2)
    (table,) = generated_table(SPACE, real, generated, others, seed=5)
    assert {row[3] for row in table.rows} == {"11 and 11"}
    some = generated[::2], others
    for column, fake in enumerate(some, start=1):
        found = distances(
            *(mean_and_spread(x) for x in (real[np.linspace(0, 29, 11).astype(int)], fake)), seed=5
        )
        assert table.rows[0][column] == found.frechet


def test_few_images_for_the_extrapolation_are_told():
    wide = Space("FD", "KD", "pixels", lambda some: some.reshape(len(some), -1).astype(float))
    for n, told in ((72, True), (73, False)):
        (table,) = generated_table(wide, images(n, 0), images(n, 1), images(n, 2), seed=0)
        assert ("few images (72) for 36 features" in table.note) == told


@pytest.mark.parametrize("few", [0, 1, 2])
def test_too_few_images_have_no_distance(few):
    sets = [images(8, seed) for seed in range(3)]
    assert len(generated_table(SPACE, *sets, seed=0)) == 1
    sets[few] = sets[few][:7]
    assert generated_table(SPACE, *sets, seed=0) == []


# Images that are in both sets


def written(folder: Path, some: np.ndarray, names: list[str] | None = None) -> Path:
    write_images(folder, names or [f"{row:02d}" for row in range(len(some))], some)
    return folder


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """The report on two sets of images, in the space of two values."""
    monkeypatch.setattr(unpaired, "space_of", lambda *_: SPACE)

    def measure(real: np.ndarray, fake: np.ndarray, names: list[str] | None = None):
        folders = written(tmp_path / "real", real), written(tmp_path / "fake", fake, names)
        return unpaired.report(*folders, tmp_path / "report", [])

    return measure


@pytest.mark.parametrize("n", [8, 21])
@pytest.mark.parametrize(
    ("order", "told"),
    [
        (slice(None), "(00.png, 01.png, 02.png, 03.png, 04.png and"),
        (slice(None, None, -1), "(00.png as {last}.png, 01.png as "),
        ([1, 0, *range(2, 8)], "(00.png as 01.png, 01.png as 00.png, 02.png,"),
    ],
)
def test_a_set_is_at_no_distance_from_itself_in_whatever_order(measured, n, order, told):
    real = images(n, 0)[: 8 if isinstance(order, list) else n]
    found = measured(real, real[order])
    assert [row[1] for row in found.tables[0].rows] == [
        *(0.0, Interval(0.0, 0.0, 0.0, len(real)), Interval(0.0, 0.0, 0.0, len(real))),
    ]
    (finding,) = found.findings
    assert finding.startswith(f"Both sets hold the same {len(real)} images")
    assert told.format(last=f"{len(real) - 1:02d}") in finding


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([*range(11), 11], "12 of the 12 generated images are also among the real ones"),
        ([0, 0, 0, 5, 5, 5, 7, 8], "and 4 of the 20 real ones among"),
        ([19, *range(30, 40)], "1 of the 11 generated images .*00.png as 19.png.*and 1 of the 20"),
    ],
)
def test_the_images_that_are_in_both_sets_are_counted_and_named(measured, rows, told):
    every = images(40, 0)
    found = measured(every[:20], every[rows])
    assert re.search(told, found.findings[0])
    expected = distances(mean_and_spread(every[:20]), mean_and_spread(every[rows]))
    assert found.tables[0].rows[0][1] == expected.frechet


def test_sets_that_share_nothing_are_told_nothing(measured):
    assert list(measured(images(9, 0), images(9, 1)).findings) == []
