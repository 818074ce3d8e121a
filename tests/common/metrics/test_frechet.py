"""Distances of sets against SciPy, closed forms and their own claims: no bias, and an interval."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from common.errors import UserError
from common.metrics.frechet import (
    distances,
    extrapolated,
    frechet_distance,
    kernel_distance,
)


def gaussian(n: int, seed: int, d: int = 6, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("n", "m"), [(40, 40), (400, 90), (9, 12)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_frechet_distance_is_that_of_scipys_square_root(n, m, seed):
    rng = np.random.default_rng(seed)
    real, fake = (rng.standard_normal((k, 8)) @ rng.standard_normal((8, 8)) for k in (n, m))
    s, t = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(s @ t)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    expected = gap @ gap + np.trace(s + t - 2.0 * np.real(root))
    assert frechet_distance(real, fake) == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize(("n", "m", "d"), [(10, 12, 50), (8, 200, 30), (60, 20, 40), (9, 9, 300)])
def test_with_fewer_images_than_features_it_is_that_of_the_features_that_vary(n, m, d):
    """Without the directions in which nothing varies no covariance is singular."""
    wide = np.linalg.qr(gaussian(d, 5, d=d))[0][:6]  # 6 directions of d
    real, fake = 1e3 * gaussian(n, 0), 1e3 * gaussian(m, 1, shift=0.5)
    expected = frechet_distance(real, fake)
    assert frechet_distance(real @ wide, fake @ wide) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("n", "d"), [(10, 50), (8, 2_000), (30, 31), (30, 30), (70, 12)])
def test_equal_sets_are_never_less_than_nothing_apart(n, d):
    for scale in (1e-3, 1.0, 1e4):
        real = gaussian(n, 0, d=d, shift=3.0, scale=scale)
        for fake in (real, real[::-1]):
            assert 0.0 <= frechet_distance(real, fake) <= 1e-10 * scale**2 * d


def test_a_shift_counts_by_its_square_and_a_scale_by_the_square_of_its_change():
    real = gaussian(50_000, 0)
    assert frechet_distance(real, real + 0.5) == pytest.approx(6 * 0.25)
    assert frechet_distance(real, 3.0 * real) == pytest.approx(6 * (3 - 1) ** 2, rel=0.03)


def test_it_is_symmetric_and_zero_for_equal_sets():
    real, fake = gaussian(100, 0), gaussian(80, 1, scale=2.0)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(fake, real))


def test_the_distance_of_few_images_is_too_large_and_the_extrapolation_is_not():
    """Between equal distributions, where 0 is right; means over 20 draws."""
    draws = [(gaussian(200, 2 * i, d=16), gaussian(200, 2 * i + 1, d=16)) for i in range(20)]
    plain = np.mean([frechet_distance(*pair) for pair in draws])
    better = np.mean([extrapolated(*pair, seed=0).mean for pair in draws])
    assert plain > 0.5
    assert abs(better) < 0.2 * plain


def test_the_interval_of_the_extrapolation_holds_the_truth_about_as_often_as_it_says():
    truth = 6 * 0.3**2  # of normal distributions of one spread
    found = [extrapolated(gaussian(200, i), gaussian(200, 99 + i, shift=0.3), i) for i in range(60)]
    assert 52 <= sum(one.low <= truth <= one.high for one in found) <= 60
    widths = [one.high - one.low for one in found]
    assert 0.5 < np.mean(widths) / (2 * 1.96 * np.std([one.mean for one in found])) < 2.0


def by_definition(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased estimate, pair by pair."""

    def k(x, y):
        return (x @ y / len(x) + 1.0) ** 3

    n, m = len(real), len(fake)
    within = sum(k(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    other = sum(k(fake[i], fake[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(k(x, y) for x in real for y in fake) / (n * m)
    return float(within + other - 2.0 * across)


def test_the_kernel_distance_is_that_of_its_definition(monkeypatch):
    monkeypatch.setattr("common.metrics.frechet.BLOCK", 4)  # several blocks, the last not full
    real, fake = gaussian(11, 0, d=3), gaussian(9, 1, d=3, shift=0.4)
    assert kernel_distance(real, fake).mean == pytest.approx(by_definition(real, fake))


def test_the_kernel_distance_has_no_bias():
    """Of equal distributions its mean over draws is 0."""
    found = [kernel_distance(gaussian(30, 2 * i), gaussian(30, 2 * i + 1)).mean for i in range(300)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3.0 * error


def test_its_interval_holds_the_truth_about_as_often_as_it_says():
    truth = np.mean(
        [kernel_distance(gaussian(2000, i), gaussian(2000, 50 + i, shift=0.3)).mean for i in (1, 2)]
    )
    held = 0
    for i in range(100):
        found = kernel_distance(gaussian(100, 100 + i), gaussian(100, 300 + i, shift=0.3))
        held += found.low <= truth <= found.high
    assert 88 <= held <= 100


def test_all_distances_name_their_n():
    found = distances(gaussian(60, 0), gaussian(40, 1, shift=1.0))
    assert found.n == (60, 40)
    assert found.features == 6
    assert found.kernel.low < found.kernel.mean < found.kernel.high
    assert found.extrapolated.mean < found.frechet


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (np.zeros((7, 3)), np.zeros((9, 3))),
        (np.zeros((9, 3)), np.zeros((9, 4))),
        (np.zeros((9, 3, 1)), np.zeros((9, 3, 1))),
        (np.zeros((9, 3)), np.full((9, 3), np.nan)),
    ],
)
def test_other_arrays_are_refused(real, fake):
    with pytest.raises(UserError):
        distances(real, fake)
