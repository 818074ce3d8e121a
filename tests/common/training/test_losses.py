"""Loss terms against values computed by hand."""

from __future__ import annotations

import pytest
import tensorflow as tf

from common.training.losses import cross_entropy_fake, cross_entropy_real


def test_real_is_the_mean_of_minus_log_d():
    # -log sigmoid(l) = log(1 + e^-l): log(1 + e^-1) = 0.3132617, log(1 + e^-3) = 0.0485874
    logits = tf.constant([[1.0], [3.0]])
    assert float(cross_entropy_real(logits)) == pytest.approx((0.3132617 + 0.0485874) / 2, rel=1e-6)


def test_fake_is_the_mean_of_minus_log_one_minus_d():
    # -log(1 - sigmoid(l)) = log(1 + e^l): log(1 + e) = 1.3132617, log(1 + e^3) = 3.0485874
    logits = tf.constant([[1.0], [3.0]])
    assert float(cross_entropy_fake(logits)) == pytest.approx((1.3132617 + 3.0485874) / 2, rel=1e-6)


@pytest.mark.parametrize("loss", [cross_entropy_real, cross_entropy_fake])
def test_an_undecided_discriminator_costs_log_2(loss):
    assert float(loss(tf.zeros((4, 1)))) == pytest.approx(0.6931472, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "logit", "expected"),
    [
        (cross_entropy_real, 200.0, 0.0),
        (cross_entropy_real, -200.0, 200.0),
        (cross_entropy_fake, 200.0, 200.0),
        (cross_entropy_fake, -200.0, 0.0),
    ],
)
def test_large_logits_neither_overflow_nor_saturate(loss, logit, expected):
    """sigmoid(200) is 1 in float32, whose logarithm of 1 - 1 would be infinite."""
    assert float(loss(tf.constant([[logit]]))) == expected


@pytest.mark.parametrize(
    ("loss", "logit", "slope"),
    [
        (cross_entropy_real, -200.0, -1.0),  # the generator learns most where D is sure of "fake"
        (cross_entropy_fake, 200.0, 1.0),
        (cross_entropy_real, 0.0, -0.5),  # -(1 - D)
        (cross_entropy_fake, 0.0, 0.5),  # D
    ],
)
def test_gradients_are_those_of_the_cross_entropy(loss, logit, slope):
    logits = tf.constant([[logit]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(logits)
    assert float(tape.gradient(value, logits)[0, 0]) == slope
