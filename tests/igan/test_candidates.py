"""Which candidates are shown, and paths between latents."""

from __future__ import annotations

import numpy as np
import pytest

from igan.candidates import average_weights, best, between


def test_candidates_cost_at_most_twice_the_mean_of_the_better_half():
    """The best two of four are 1 and 2: at most 2 * 1.5 = 3, and four of them."""
    costs = np.array([9.0, 2.0, 3.0, 1.0, 3.1])
    assert best(costs, most=4).tolist() == [3, 1, 2]


def test_no_more_are_shown_than_asked_for():
    assert best(np.array([1.0, 1.3, 1.1, 1.2]), most=2).tolist() == [0, 2]
    assert best(np.array([3.0, 1.0, 2.0]), most=1).tolist() == [1]


def test_weights_of_the_average_fall_by_e_a_standard_deviation():
    weights = average_weights(np.array([1.0, 3.0]))  # mean 2, standard deviation 1
    np.testing.assert_allclose(weights, [0.880797, 0.119203], atol=1e-6)  # e^2 to 1
    np.testing.assert_allclose(average_weights(np.array([2.0, 2.0])), 0.5)


@pytest.mark.parametrize("way", ["linear", "slerp"])
def test_ends_are_exact_and_counted(way):
    start, end = np.float32([0.3, -0.2, 0.9]), np.float32([-0.5, 0.4, 0.1])
    found = between(start, end, 8, way)
    assert found.shape == (8, 3)
    np.testing.assert_array_equal(found[[0, -1]], [start, end])


def test_the_middle_of_a_line_is_the_mean_and_of_an_arc_as_long_as_the_ends():
    start, end = np.float32([1, 0]), np.float32([0, 1])
    np.testing.assert_allclose(between(start, end, 3)[1], [0.5, 0.5])
    np.testing.assert_allclose(between(start, end, 3, "slerp")[1], [0.707107] * 2, atol=1e-6)


def test_parallel_latents_have_no_arc_but_a_line():
    start = np.float32([0.1, 0.2])
    for end in (2 * start, -start, start):
        np.testing.assert_allclose(between(start, end, 3, "slerp"), between(start, end, 3))
