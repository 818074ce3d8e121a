"""Learning rates that fall, and trainings that end, as functions of the history."""

from __future__ import annotations

import pytest

from common.training.plateau import Plateau


@pytest.mark.parametrize(
    ("flat", "scale"), [(0, 1.0), (9, 1.0), (10, 0.5), (19, 0.5), (20, 0.25), (30, 0.125)]
)
def test_the_rate_is_halved_after_every_ten_periods_that_are_no_better(flat, scale):
    assert Plateau().scale([2.0, 1.0, *[1.0] * flat]) == scale


def test_a_better_period_starts_the_count_anew_and_gives_no_rate_back():
    values = [1.0, *[1.0] * 10, 0.9, *[0.9] * 9]
    assert Plateau().scale(values) == 0.5
    assert Plateau().scale([*values, 0.9]) == 0.25


@pytest.mark.parametrize(("flat", "ended"), [(0, False), (19, False), (20, True)])
def test_the_training_ends_after_twenty_periods_that_are_no_better(flat, ended):
    assert Plateau().ended([3.0, 1.0, *[1.0] * flat]) is ended


def test_a_training_that_gets_better_never_ends():
    assert not Plateau(stop=2).ended([5.0, 4.0, 3.0, 2.0, 1.0])
    assert not Plateau(stop=2).ended([])
