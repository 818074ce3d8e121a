"""Editing under constraints, on blobs whose latents are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from igan.constraints import constraints_of, terms
from igan.manipulation import Descent, Manipulator
from igan.strokes import Stroke, blank, drawn
from igan.weights import Weights

START = np.full(12, -0.3, np.float32)
SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def manipulator(manifold) -> Manipulator:
    return Manipulator(Descent(manifold), 4)


def constraints(manifold, *strokes, start=START, weights=None, sources=()):
    image = None if start is None else np.asarray(manifold.signed(tf.constant(start[None])))[0]
    return constraints_of(
        *(drawn(strokes, 32), sources, SHAPE, start, image, 12, weights or Weights())
    )


def edited(manipulator, wanted, start=START, steps=60) -> np.ndarray:
    """Z of the candidate that starts at z0, after some steps."""
    manipulator.restart(start, 0)
    manipulator.step(wanted, steps)
    return manipulator.latents[0]


def test_a_colour_stroke_halves_its_error_and_makes_the_right_blob_brighter(
    manifold, manipulator, stroke
):
    wanted = constraints(manifold, stroke(colour=(255, 0, 0)))
    manipulator.restart(START, 0)
    before = manipulator.costs(wanted).terms[0, 0]
    found = edited(manipulator, wanted)
    assert manipulator.costs(wanted).terms[0, 0] < 0.5 * before
    assert found[0] > START[0] + 0.3  # red of the upper left
    assert found[1] < START[1]  # its green
    np.testing.assert_allclose(found[3:], START[3:], atol=0.05)


def test_the_colour_term_is_the_mean_square_error_of_the_painted(manifold):
    wanted = constraints(
        manifold, Stroke(kind="colour", points=((0.5, 0.5),), colour=(255, 255, 255), width=4)
    )
    images = tf.zeros((1, *SHAPE))
    found = terms(images, tf.constant(START[None]), wanted.tensors()).numpy()[0]
    painted = wanted.colour_mask.mean()
    assert found[0] == pytest.approx(painted / (painted + 1e-5), rel=1e-5)  # (0 - 1)^2
    assert found[1] == found[2] == found[3] == 0


def test_smoothness_is_five_times_the_mean_square_of_z(manifold):
    wanted = constraints(manifold)
    latents = tf.constant(START[None] + 0.2)
    found = terms(tf.zeros((1, *SHAPE)), latents, wanted.tensors()).numpy()[0]
    assert found[3] == pytest.approx(5 * 0.04, rel=1e-4)


def test_without_a_stroke_z_stays_at_its_start(manifold, manipulator):
    found = edited(manipulator, constraints(manifold))
    np.testing.assert_allclose(found, START, atol=5e-3)  # Adam enlarges rounding errors


def test_stronger_smoothness_goes_less_far(manifold, manipulator, stroke):
    distances = []
    for smoothness in (0.0, 5.0, 100.0):
        wanted = constraints(manifold, stroke(), weights=Weights(smoothness=smoothness))
        distances.append(np.linalg.norm(edited(manipulator, wanted) - START))
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 0.25


def test_from_scratch_nothing_holds_z_back(manifold, stroke):
    wanted = constraints(manifold, stroke(), start=None)
    assert wanted.weights.smoothness == wanted.weights.keep == 0
    assert not wanted.start.any()


def test_what_is_kept_stays_though_a_stroke_asks_for_more(manifold, manipulator, stroke):
    wide = Stroke(kind="keep", points=((0.25, 0.25),), width=12)
    narrow = stroke(points=((0.25, 0.25),), width=2)
    moved = [
        np.linalg.norm(edited(manipulator, constraints(manifold, *strokes)) - START)
        for strokes in ((narrow,), (narrow, wide))
    ]
    assert moved[1] < 0.9 * moved[0]


def test_a_sketch_moves_hog_towards_its_own(manifold, manipulator):
    start = START.copy()
    start[:3] = 0.6  # gradients below 0.08 are in HOG's dead zone
    line = Stroke(kind="sketch", points=((0.1, 0.1), (0.1, 0.4)))
    wanted = constraints(manifold, line, start=start, weights=Weights(smoothness=0.0))
    assert wanted.edge_mask.sum() > 0
    manipulator.restart(start, 0)
    before = manipulator.costs(wanted).terms[0, 1]
    assert edited(manipulator, wanted, start)[:3].min() > 0.7  # brighter: a stronger edge
    assert manipulator.costs(wanted).terms[0, 1] < 0.98 * before


@pytest.mark.parametrize("target", [(0.25, 0.25), (0.0, 0.0), (1.0, 0.6)])
def test_a_warp_to_its_own_place_is_fulfilled_and_one_at_the_border_does_not_fail(manifold, target):
    image = np.asarray(manifold.signed(tf.constant(START[None])))[0]
    warp = Stroke(kind="warp", points=((0.25, 0.25), target), width=16)
    wanted = constraints(manifold, warp, sources=[image])
    found = terms(tf.constant(image[None]), tf.constant(START[None]), wanted.tensors()).numpy()[0]
    if target == (0.25, 0.25):
        np.testing.assert_allclose(found, 0, atol=1e-6)
    else:
        assert np.isfinite(found).all()
        assert found[0] > 1e-4


def test_each_candidate_moves_as_if_alone(manifold, stroke):
    wanted = constraints(manifold, stroke())
    descent = Descent(manifold)
    several, one = Manipulator(descent, 3), Manipulator(descent, 1)
    for each in (several, one):
        each.restart(START, 0)
        each.step(wanted, 10)
    np.testing.assert_allclose(several.latents[0], one.latents[0], atol=1e-5)
    assert np.abs(several.latents[1] - several.latents[0]).max() > 0.05


def test_a_new_start_forgets_the_moments(manifold, manipulator, stroke):
    wanted = constraints(manifold, stroke())
    first = edited(manipulator, wanted, steps=5)
    np.testing.assert_array_equal(edited(manipulator, wanted, steps=5), first)


def test_steps_are_those_of_adam(manifold, manipulator, stroke):
    """Keras' Adam, one step at a time, on the gradient of the summed costs."""
    wanted = constraints(manifold, stroke())
    manipulator.restart(START, 0)
    free = keras.Variable(manipulator.state[0])
    optimizer = keras.optimizers.Adam(0.1, epsilon=1e-8)
    for _ in range(3):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(manipulator.descent.costs(free.value, wanted.tensors()))
        optimizer.apply([tape.gradient(total, free.value)], [free])
    manipulator.step(wanted, 3)
    # But for the first candidate, whose gradient is partly rounding at its start, and Adam's steps
    # do not know how small a gradient is.
    np.testing.assert_allclose(manipulator.state[0][1:], free[1:], atol=1e-4)


def test_realism_pulls_towards_what_the_discriminator_takes_for_real(manifold, model):
    class Bright:
        """Its logit is the mean of the image."""

        def __call__(self, images, training=False):
            return 10.0 * tf.reduce_mean(images, axis=[1, 2, 3])[:, None]

    manipulator = Manipulator(Descent(manifold, Bright()), 1)
    wanted = constraints_of(*(blank(32), (), SHAPE, None, None, 12, Weights(realism=1.0)))
    manipulator.restart(None, 0)
    before = manipulator.latents.mean()
    manipulator.step(wanted, 10)
    costs = manipulator.costs(wanted)
    assert manipulator.latents.mean() > before + 0.1
    assert costs.terms[0, 4] == pytest.approx(costs.total[0])
