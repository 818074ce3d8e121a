"""The table of a report on what a model generates: beside other real images, each with its n."""

from __future__ import annotations

import numpy as np
import pytest

from common.classifiers.features import Space
from common.metrics.frechet import distances
from common.metrics.intervals import Interval
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
