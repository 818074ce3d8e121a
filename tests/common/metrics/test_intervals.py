"""Intervals against values worked out by hand."""

import json
import math

import numpy as np
import pytest

from common.errors import UserError
from common.metrics.intervals import Interval, mean_interval, proportion_interval, share_interval


def test_mean_interval_is_students_t():
    # s = sqrt(5/3) = 1.290994, s/sqrt(4) = 0.645497, t(0.975, 3) = 3.182446: half = 2.054260
    interval = mean_interval([1, 2, 3, 4])
    assert interval.mean == 2.5
    assert (interval.low, interval.high) == pytest.approx((0.445740, 4.554260), abs=1e-6)
    assert interval.n == 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.25], Interval(0.25, 0.25, 0.25, 1)), ([2.0] * 3, Interval(2.0, 2.0, 2.0, 3))],
)
def test_one_value_or_equal_ones_have_no_width(values, expected):
    assert mean_interval(values) == expected


def test_proportion_interval_is_wilsons():
    # z^2 = 3.841459: centre (0.8 + 0.192073)/1.384146 = 0.716741,
    # half 1.959964/1.384146 * sqrt(0.016 + 0.009604) = 0.226577
    interval = proportion_interval(8, 10)
    assert interval.mean == 0.8
    assert (interval.low, interval.high) == pytest.approx((0.490164, 0.943318), abs=2e-6)


def test_proportion_interval_keeps_a_width_when_all_or_none_succeed():
    # low = 1 / (1 + z^2/n) = 1/1.3841459
    every, none = proportion_interval(10, 10), proportion_interval(0, 10)
    assert (every.low, every.high) == (pytest.approx(0.722467, abs=1e-6), 1.0)
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.722467, abs=1e-6))


@pytest.mark.parametrize("n", [1, 37, 360, 5000])
def test_proportion_interval_never_leaves_zero_to_one(n):
    none, all_ = proportion_interval(0, n), proportion_interval(n, n)
    assert (none.low, all_.high) == (0.0, 1.0)
    assert math.copysign(1, none.low) == 1  # not "-0.0000" in a table


def test_intervals_of_numpy_values_are_plain_json():
    text = json.dumps(mean_interval(np.ones(2, np.float32)).as_dict())
    assert text == '{"mean": 1.0, "low": 1.0, "high": 1.0, "n": 2}'
    text = json.dumps(proportion_interval(*np.array([4, 4])).as_dict())
    assert text.startswith('{"mean": 1.0, "low": 0.51')  # 1 / (1 + 3.8414588 / 4)
    assert text.endswith('"high": 1.0, "n": 4}')


@pytest.mark.parametrize(
    ("values", "said"),
    [([], "at least one value"), ([1.0, np.inf], "1 of 2 values are not finite")],
)
def test_no_values_or_infinite_ones_have_no_mean(values, said):
    with pytest.raises(UserError, match=said):
        mean_interval(values)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(UserError, match=f"received {successes} of {n}"):
        proportion_interval(successes, n)


def test_an_interval_in_another_unit_is_scaled_as_a_whole():
    assert Interval(2.0, 1.0, 4.0, 9).times(4.0) == Interval(8.0, 4.0, 16.0, 9)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1.0, 1.0, 1.0, 0.5], None, 1.0),  # Student's t ends at 1.27
        ([0.0, 0.0, 0.5], 0.0, None),  # and at -0.55
        ([0.4, 0.5, 0.6], 0.252, 0.748),  # 0.5 -+ 4.303 x 0.1 / sqrt(3)
    ],
)
def test_the_interval_of_shares_is_that_of_a_mean_within_0_and_1(values, low, high):
    plain, found = mean_interval(values), share_interval(values)
    assert (found.mean, found.n) == (plain.mean, plain.n)
    assert found.low == pytest.approx(plain.low if low is None else low, abs=1e-3)
    assert found.high == pytest.approx(plain.high if high is None else high, abs=1e-3)
