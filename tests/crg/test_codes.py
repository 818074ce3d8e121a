"""Eqs. 3 and 4 in numbers, and what a request asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from crg.codes import Along, Direction, direction, moved, step, steps

# The pair of all examples below: z_1 - z_2 = (3, -4), of length 5 and squared length 25.
WITHOUT, WITH = np.array([3.0, 0.0]), np.array([0.0, 4.0])


# --- Eq. 3 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("norm", "toward", "vector", "own_step"),
    [
        ("squared", "without", [3 / 25, -4 / 25], -25.0),
        ("squared", "with", [-3 / 25, 4 / 25], 25.0),
        ("unit", "without", [3 / 5, -4 / 5], -5.0),
        ("unit", "with", [-3 / 5, 4 / 5], 5.0),
        ("none", "without", [3.0, -4.0], -1.0),
        ("none", "with", [-3.0, 4.0], 1.0),
    ],
)
def test_direction_divides_and_points_as_asked_and_the_pairs_distance_is_told_in_its_units(
    norm, toward, vector, own_step
):
    np.testing.assert_allclose(direction(WITHOUT, WITH, norm, toward), vector, rtol=1e-12)
    assert steps(WITHOUT, WITH, norm, toward) == pytest.approx(own_step)
    if toward == "without":
        found = Direction(WITHOUT, WITH, norm)
        np.testing.assert_allclose(found.vector, vector, rtol=1e-12)
        assert (found.norm, found.own_step) == (norm, pytest.approx(own_step))


def test_direction_is_by_default_that_of_the_formula():
    np.testing.assert_allclose(direction(WITHOUT, WITH), [0.12, -0.16], rtol=1e-12)
    np.testing.assert_allclose(Direction(WITHOUT, WITH).vector, [0.12, -0.16], rtol=1e-12)


@pytest.mark.parametrize("difference", [0.0, 1e-7])
def test_equal_codes_and_those_that_differ_by_rounding_only_have_no_direction(difference):
    with pytest.raises(UserError, match=r"same code.*choose two different images"):
        direction(WITHOUT, WITHOUT + difference)


# --- Eq. 4 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "k", "end"), [(WITHOUT, -25.0, WITH), (WITH, 25.0, WITHOUT)])
def test_negative_k_adds_the_attribute_and_positive_k_takes_it_away(start, k, end):
    np.testing.assert_allclose(step(start[None], [direction(WITHOUT, WITH)], [k]), [end], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=6),
    st.sampled_from(["squared", "unit", "none"]),
    st.sampled_from(["without", "with"]),
)
def test_the_pairs_own_step_lands_on_the_second_image_for_every_norm_and_side(values, norm, toward):
    z_1, z_2 = np.array(values, np.float32).reshape(2, 3)
    assume(np.linalg.norm(z_1 - z_2) > 1e-3)
    k = steps(z_1, z_2, norm, toward)
    edited = step(z_1[None], [direction(z_1, z_2, norm, toward)], [k])
    np.testing.assert_allclose(edited[0], z_2, atol=1e-5)


def test_several_attributes_add_up():
    z = np.array([[1.0, 2.0], [-1.0, 0.0]])
    edited = step(z, [np.array([1.0, 0.0]), np.array([0.5, -1.0])], [2.0, -4.0])
    # 2 (1, 0) - 4 (0.5, -1) = (0, 4) is added to each code.
    np.testing.assert_allclose(edited, [[1.0, 6.0], [-1.0, 4.0]])


def test_amount_0_leaves_the_codes_bit_for_bit():
    z = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    edited = step(z, [np.ones(4, np.float32)], [0.0])
    np.testing.assert_array_equal(edited, z)
    assert edited.dtype == np.float32


def test_a_step_does_not_write_into_its_codes():
    z = np.zeros((1, 2))
    step(z, [np.ones(2)], [5.0])
    np.testing.assert_array_equal(z, [[0.0, 0.0]])


def test_every_direction_needs_its_amount():
    with pytest.raises(ValueError, match="argument 2 is longer"):
        step(np.zeros((1, 2)), [np.ones(2), np.ones(2)], [1.0])


# --- Requests -------------------------------------------------------------------------------------

SQUARED, UNIT = Direction(WITHOUT, WITH), Direction(WITHOUT, WITH, "unit")


@pytest.mark.parametrize(
    ("request_", "half", "label"),
    [  # half of the amounts as ks of Eq. 4, and what a column of a sheet says of it
        (Along(directions=[SQUARED], amounts=[0.5]), [-6.25], "strength 0.25"),  # .5 * .5 * -25
        (Along(directions=[UNIT], amounts=[-1.0]), [2.5], "strength -0.5"),  # .5 * -1 * -5
        (Along(directions=[SQUARED], amounts=[-12.0], unit="k"), [-6.0], "k -6"),
        (Along(directions=[SQUARED, UNIT], amounts=[1.0, 2.0]), [-12.5, -5.0], "50% of each"),
        (Along(), [], "0 (rec.)"),
    ],
)
def test_amounts_are_shares_of_the_pairs_own_steps_or_ks(request_, half, label):
    assert request_.ks(0.5) == pytest.approx(half)
    assert request_.ks() == pytest.approx([2 * k for k in half])
    assert (request_.label(0.5), request_.label(0.0)) == (label, "0 (rec.)")


@pytest.mark.parametrize(("clip", "expected"), [(False, [[1.5, -1.5]]), (True, [[1.0, -1.0]])])
def test_codes_move_by_the_share_and_are_clipped_to_the_cube_where_asked(clip, expected):
    # Half of -1 times the way from (3, 0) to (0, 4): (1.5, -2), from (0, 0.5).
    wanted = Along(directions=[SQUARED], amounts=[-1.0], clip=clip)
    np.testing.assert_allclose(moved(np.array([[0.0, 0.5]]), wanted, 0.5), expected, rtol=1e-6)
