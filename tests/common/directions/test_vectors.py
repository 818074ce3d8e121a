"""Directions of known codes, and steps along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from common.directions.vectors import (
    Direction,
    factorised,
    moved,
    of_labels,
    of_pairs,
    principal,
)
from common.errors import UserError


def test_a_direction_leads_from_the_mean_without_to_the_mean_with():
    without = np.array([[0.0, 0.0], [2.0, 0.0]], np.float32)
    with_ = np.array([[1.0, 2.0], [5.0, 0.0]], np.float32)  # steps (1, 2) and (3, 0)
    found = of_pairs(without, with_)
    assert (found.step.tolist(), found.origin) == ([2.0, 1.0], "2 without, 2 with")


def test_images_of_one_code_have_no_direction():
    with pytest.raises(UserError, match="have the same code"):
        of_pairs(np.ones((1, 3)), np.ones((2, 3)))


def labelled() -> tuple[np.ndarray, np.ndarray]:
    """Codes whose label is the sign of the first coordinate; the second goes with it by chance."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal(4_000)
    second = first + rng.standard_normal(4_000)
    return np.stack([first, second], axis=1).astype(np.float32), first > 0


def test_the_mean_difference_has_what_goes_with_the_attribute_and_the_regression_has_not():
    latents, present = labelled()
    mean, logistic = (of_labels(latents, present, method).step for method in ("mean", "logistic"))
    # E[first | > 0] = sqrt(2 / pi) = .80; both coordinates move by twice that.
    np.testing.assert_allclose(mean, [1.60, 1.60], atol=0.1)
    assert abs(logistic[1]) < 0.1 * logistic[0]
    assert logistic[0] == pytest.approx(1.60, abs=0.1)


@pytest.mark.parametrize("present", [[True, True], [False, False]])
def test_labels_of_one_kind_make_no_direction(present):
    with pytest.raises(UserError, match="needs images with it and without it"):
        of_labels(np.eye(2, dtype=np.float32), np.array(present))


def test_principal_directions_are_a_standard_deviation_long_and_the_largest_comes_first():
    """Along (3, 4) / 5 the codes have a deviation of 5, across it of 1; the mean is no matter."""
    along, across = np.array([0.6, 0.8]), np.array([0.8, -0.6])
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    latents = 7.0 + 5.0 * signs[:, :1] * along + signs[:, 1:] * across
    first, second = principal(latents.astype(np.float32), 2)
    np.testing.assert_allclose(first.step, [3.0, 4.0], rtol=1e-5)
    np.testing.assert_allclose(second.step, [0.8, -0.6], rtol=1e-4)
    assert first.origin == "principal component 1 of 4, 96.2% of the variance"  # 25 / 26


def test_components_of_activations_become_what_they_tell_of_z():
    """The layer sees the second coordinate alone, ten times as large."""
    latents = np.random.default_rng(0).standard_normal((2_000, 2)).astype(np.float32)
    (found,) = principal(latents, 1, 10.0 * latents[:, 1:])
    np.testing.assert_allclose(found.step, [0.0, 1.0], atol=0.07)


@pytest.mark.parametrize(
    ("latents", "said"),
    [(np.eye(3), "need more than 3 images; there are 3"), (np.ones((9, 2)), "nothing varies")],
)
def test_too_few_codes_or_equal_ones_have_no_principal_directions(latents, said):
    with pytest.raises(UserError, match=said):
        principal(latents, 3)


def test_factorised_directions_move_the_layer_most_and_have_the_length():
    """z_1 enters by (0, 1), z_2 by (3, 0) and z_3 not at all."""
    weights = np.array([[0.0, 1.0], [3.0, 0.0], [0.0, 0.0]])
    found = factorised(weights, 2, 0.5)
    np.testing.assert_allclose([one.step for one in found], [[0, 0.5, 0], [0.5, 0, 0]], atol=1e-7)
    assert found[1].origin == "singular vector 2 of the first layer"


@dataclass(frozen=True)
class Codes:
    latent: np.ndarray
    attributes: np.ndarray


CODES = Codes(np.ones((2, 2), np.float32), np.array([[5.0], [6.0]]))
RIGHT, UP = Direction(np.array([1.0, 0.0], "f")), Direction(np.array([0.0, 2.0], "f"))


def test_codes_move_along_each_direction_by_its_strength_and_keep_the_rest():
    found = moved(CODES, [RIGHT, UP], [3.0, -1.0])
    assert found.latent.tolist() == [[4.0, -1.0]] * 2
    assert found.latent.dtype == np.float32
    assert found.attributes is CODES.attributes
    assert moved(CODES, [RIGHT, UP], [3.0, -1.0], 0.5).latent.tolist() == [[2.5, 0.0]] * 2


def test_strengths_that_lead_to_no_number_are_refused():
    with pytest.raises(UserError, match="not finite numbers"):
        moved(CODES, [RIGHT], [1e39])
