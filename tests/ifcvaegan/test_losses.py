"""The loss terms against values worked out by hand (spec 8, tests 4 to 9)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from ifcvaegan.losses import attribute_removal_loss as removal
from ifcvaegan.losses import cross_entropy, entropy, kl_divergence

RATES = tf.constant([0.5])


def logit(p: float) -> tf.Tensor:
    return tf.constant([[math.log(p / (1.0 - p))]])


@pytest.mark.parametrize(
    ("p", "label", "expected"), [(0.8, 1.0, 0.223144), (0.3, 0.0, 0.356675), (0.3, 1.0, 1.203973)]
)
def test_cross_entropy_is_minus_the_log_of_what_the_label_was_given(p, label, expected):
    assert float(cross_entropy([[label]], logit(p))) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("value", [-50.0, 50.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_cross_entropy_of_hard_labels_and_far_logits_is_finite(value, label):
    found = float(cross_entropy([[label]], tf.constant([[value]])))
    assert found == pytest.approx(50.0 * float((value > 0) != (label > 0.5)), abs=1e-6)


def test_cross_entropy_is_a_mean_over_everything():
    # ln 2 for each of 2 x 3 undecided pixels
    assert float(cross_entropy(np.ones((2, 3), "f"), tf.zeros((2, 3)))) == pytest.approx(
        math.log(2)
    )


@pytest.mark.parametrize(
    ("mean", "log_variance", "expected"),
    [(0.5, 0.4, 0.170912), (1.0, -1.0, 0.683940), (0.0, 0.0, 0.0)],
)
def test_kl_divergence_has_its_closed_form(mean, log_variance, expected):
    found = kl_divergence(tf.constant([[mean]]), tf.constant([[log_variance]]))
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_kl_divergence_is_summed_over_dimensions_and_averaged_over_images():
    mean = tf.constant([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert float(kl_divergence(mean, tf.zeros((2, 3)))) == pytest.approx((0.5 + 0.5) / 2)


def test_entropy_is_that_of_the_rates():
    # -(0.065 ln 0.065 + 0.935 ln 0.935) = 0.2405, as of Eyeglasses
    assert np.asarray(entropy([0.5, 0.065])) == pytest.approx([0.693147, 0.24052], abs=1e-4)


def test_the_auxiliary_term_is_the_negative_of_as_loss():
    assert float(removal([[1.0]], logit(0.8), RATES)) == pytest.approx(-0.223144, abs=1e-6)


def gradient(mode: str, y: float, p: float, rate: float = 0.5) -> float:
    """Of the term with respect to A's logit."""
    logits = logit(p)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        term = removal(tf.constant([[y]]), logits, tf.constant([rate]), mode)
    return float(tape.gradient(term, logits)[0, 0])


def test_descending_it_takes_a_away_from_the_label():
    assert gradient("max_bce", 1.0, 0.8) == pytest.approx(1.0 - 0.8)  # down the slope: less of 1
    assert gradient("max_bce", 0.0, 0.8) == pytest.approx(-0.8)


def test_capped_is_the_same_until_a_is_no_better_than_the_base_rate():
    assert gradient("capped", 1.0, 0.8) == gradient("max_bce", 1.0, 0.8)
    assert gradient("capped", 1.0, 0.4) == 0.0  # its loss of 0.92 exceeds H(y) = 0.69
    assert float(removal([[1.0]], logit(0.4), RATES, "capped")) == pytest.approx(-math.log(2))


def test_the_cap_of_one_attribute_leaves_the_other_alone():
    logits = tf.constant([[-3.0, 1.0]])  # the first anti-predicted, the second readable
    with tf.GradientTape() as tape:
        tape.watch(logits)
        term = removal(tf.ones((1, 2)), logits, tf.constant([0.5, 0.5]), "capped")
    first, second = np.asarray(tape.gradient(term, logits))[0]
    assert first == 0.0
    assert second == pytest.approx((1.0 - 0.731059) / 2, abs=1e-5)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_confuse_draws_a_to_the_base_rate_whatever_the_label(y):
    assert gradient("confuse", y, 0.8, rate=0.3) == pytest.approx(0.5)
    assert gradient("confuse", y, 0.1, rate=0.3) == pytest.approx(-0.2)
    assert gradient("confuse", y, 0.3, rate=0.3) == pytest.approx(0.0, abs=1e-6)
