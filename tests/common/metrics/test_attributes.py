"""Attributes read: values from confusion matrices counted by hand; correlations in groups."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.errors import UserError
from common.metrics.attributes import accuracy, correlation, f1, majority


def flags(digits: str) -> np.ndarray:
    return np.array([digit == "1" for digit in digits])


# Reading


@pytest.mark.parametrize(
    ("read", "true", "expected"),
    [
        ("1101000000", "1110000000", 2 / 3),  # 2 * 2 / (2 * 2 + 1 + 1)
        # TP 1, FP 3, FN 0: precision 1/4, recall 1, harmonic mean 2 / (4 + 1)
        ("11110", "10000", 0.4),
        ("000", "010", 0.0),  # nothing is read of what is there
        ("010", "000", 0.0),  # false alarms where nothing is there
        ("000", "000", math.nan),  # nothing there, nothing read: unknown
    ],
)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(read, true, expected):
    assert f1(flags(read), flags(true)) == pytest.approx(expected, nan_ok=True)


def test_accuracy_is_the_share_of_equal_answers():
    measured = accuracy(flags("1101000000"), flags("1110000000"))
    assert measured.mean == pytest.approx(0.8)  # TP 2 and TN 6 of 10
    assert measured.n == 10
    # Wilson: (0.8 + 1.9207 / 10) / 1.38415 -+ 1.96 / 1.38415 * sqrt(0.016 + 0.0096036)
    assert (measured.low, measured.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )


def test_accuracy_of_no_answers_is_a_user_error():
    with pytest.raises(UserError, match="n >= 1"):
        accuracy(flags(""), flags(""))


@pytest.mark.parametrize(("true", "right"), [("1110000000", 0.7), ("1111111000", 0.7), ("10", 0.5)])
def test_the_majority_is_right_on_the_larger_part(true, right):
    assert majority(flags(true)) == pytest.approx(right)


# Correlation

ONE = np.zeros(28, int)
X = np.tile([0.0, 1.0, 2.0, 3.0], 7)
Y = np.tile([1.0, 0.0, 3.0, 2.0], 7)  # sum of products around the means 3, of squares 5 and 5


def test_correlation_is_pearsons():
    assert correlation(X, Y, ONE).mean == pytest.approx(0.6)
    assert correlation(X, -Y, ONE).mean == pytest.approx(-0.6)
    assert correlation(X, 7.0 - 2.0 * X, ONE).mean == pytest.approx(-1.0)


def test_its_interval_is_fishers():
    # atanh(0.6) = 0.693147; -+ 1.96 / sqrt(28 - 3) = 0.392: tanh(0.301147), tanh(1.085147)
    measured = correlation(X, Y, ONE)
    assert (measured.low, measured.high, measured.n) == (
        pytest.approx(0.292362, abs=1e-5),
        pytest.approx(0.795100, abs=1e-5),
        28,
    )


def test_each_group_has_means_of_its_own():
    # Within either group b falls as a rises; with one mean for both it would seem to rise.
    a, b = np.array([0.0, 1.0, 10.0, 11.0]), np.array([1.0, 0.0, 11.0, 10.0])
    assert correlation(a, b, np.array([3, 3, 5, 5])).mean == pytest.approx(-1.0)
    assert correlation(a, b, np.zeros(4, int)).mean > 0.9


def test_a_group_more_costs_a_degree_of_freedom():
    groups = np.repeat([0, 1], [16, 12])  # whole rounds of X and Y: the same means
    measured = correlation(X, Y, groups)
    assert measured.mean == pytest.approx(0.6)
    # 1.96 / sqrt(28 - 4) = 0.400083: tanh(1.093230)
    assert measured.high == pytest.approx(0.798054, abs=1e-5)


def test_what_does_not_vary_has_no_correlation():
    measured = correlation(X, np.full(28, 5.0), ONE)
    assert all(math.isnan(end) for end in (measured.mean, measured.low, measured.high))


@pytest.mark.parametrize("constant", [0.1, 1 / 3])
def test_rounding_is_not_taken_for_variation(constant):
    slants = 30.0 * np.random.default_rng(0).standard_normal(5_000)
    assert math.isnan(correlation(slants, np.full(5_000, constant), np.zeros(5_000, int)).mean)


def test_correlation_does_not_depend_on_the_unit():
    assert correlation(1e-9 * X, 1e9 * Y, ONE).mean == pytest.approx(0.6)


def test_correlating_leaves_the_values_alone():
    x = X.copy()
    correlation(x, Y, ONE)
    np.testing.assert_array_equal(x, X)


def test_a_perfect_correlation_lies_within_its_interval():
    measured = correlation(X, 2.0 * X, ONE)
    assert measured.low <= measured.mean <= measured.high
