"""Descents through tiny generators whose gradients are known."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from crg.inversion import LOSSES, Descent, Inversion, _optimizer, invert, random_starts
from tests.runs import same


def linear(kernel: np.ndarray) -> keras.Model:
    """g(z) = z A, as an image of one row."""
    z = keras.Input((len(kernel),))
    dense = keras.layers.Dense(kernel.shape[1], use_bias=False)
    net = keras.Model(z, keras.layers.Reshape((1, kernel.shape[1], 1))(dense(z)))
    dense.set_weights([kernel])
    return net


def image(*pixels: float) -> np.ndarray:
    return np.array(pixels, np.float32).reshape(1, 1, -1, 1)


def plain(**changes: Any) -> Descent:
    """One step of gradient descent at a constant rate."""
    given = {"steps": 1, "optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant"}
    return Descent(**{**given, **changes})


def start(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, 1, -1)


STRETCH = linear(np.diag([1.0, 2.0]))
SAME = linear(np.eye(2))


# --- One step -------------------------------------------------------------------------------------


def test_a_step_goes_down_the_gradient_of_the_summed_squared_error():
    found = invert(STRETCH, image(1, 1), start(0, 0), plain(), at=(0,))
    # g(z) - x = (-1, -1), of which the gradient is 2 (-1) (1, 2); a tenth of it is taken off.
    np.testing.assert_allclose(found.latents[:, 0, 0], [[0, 0], [0.2, 0.4]], atol=1e-6)
    # On [0, 1] squared errors are a quarter: of (1, 1), then of 1 - .2 and 1 - .8.
    np.testing.assert_allclose(found.errors[:, 0, 0], [0.25, (0.64 + 0.04) / 8], rtol=1e-5)
    assert found.steps == (0, 1)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        ("squared", 0.25 + 1.0),  # of errors .5 and -1
        ("absolute", 0.5 + 1.0),
        # On [0, 1] x = (.75, 1) and g = (1/2, 1/2): each pixel has log 2.
        ("cross_entropy", 2 * np.log(2.0)),
    ],
)
def test_losses_are_sums_over_pixels(loss, value):
    images, made = tf.constant(image(0.5, 1.0)), tf.zeros((1, 1, 2, 1))
    two = [tf.concat([one, 0.0 * one], axis=0) for one in (images, made)]
    assert LOSSES[loss](images, made).shape == (1,)
    assert float(LOSSES[loss](*two)[0]) == pytest.approx(value, rel=1e-5)


def test_a_cross_entropy_of_pixels_that_are_black_is_finite():
    loss = LOSSES["cross_entropy"]
    assert 0 <= float(loss(tf.constant(image(-1, 1)), tf.constant(image(-1, 1)))[0]) < 1e-4
    assert 10 < float(loss(tf.constant(image(1)), tf.constant(image(-1)))[0]) < 20


@pytest.mark.parametrize(("clip", "expected"), [("none", [3, 3]), ("hard", [1, 1])])
def test_components_that_leave_the_cube_stay_there_or_are_put_at_its_edge(clip, expected):
    # From -1 towards 3: the gradient is 2 (-4), and half of it leads to 3.
    found = invert(SAME, image(3, 3), start(-1, -1), plain(learning_rate=0.5, clip=clip))
    np.testing.assert_allclose(found.best()[0], expected, atol=1e-5)


def test_stochastic_clipping_draws_such_components_anew_and_leaves_the_others():
    descent = plain(learning_rate=0.5, clip="stochastic")
    points = np.repeat(start(-1, 0.5), 50, axis=0)
    found = invert(SAME, np.repeat(image(3, 0.25), 50, axis=0), points, descent).best()
    np.testing.assert_allclose(found[:, 1], 0.25, atol=1e-6)
    assert np.abs(found[:, 0]).max() < 1
    assert 0.4 < found[:, 0].std() < 0.75  # U[-1, 1] has 0.577
    again = invert(SAME, np.repeat(image(3, 0.25), 50, axis=0), points, descent).best()
    np.testing.assert_array_equal(found, again)


# --- Many steps -----------------------------------------------------------------------------------


def test_the_z_of_a_generated_image_is_found_again():
    kernel = np.random.default_rng(0).normal(size=(3, 6))
    generator = linear(kernel)
    true = random_starts(4, 1, 3, "uniform", 1)[:, 0]
    images = np.asarray(generator(true))
    points = random_starts(4, 2, 3, "uniform", 2)
    for clip in ("none", "stochastic"):
        found = invert(generator, images, points, Descent(steps=300, clip=clip))
        np.testing.assert_allclose(found.best(), true, atol=0.02)
        assert found.errors.max() < 1e-4


def test_the_best_latents_on_the_way_are_kept():
    # A rate of 2 leads from 0 to 4 (1, 2), far beyond the target.
    found = invert(STRETCH, image(1, 1), start(0, 0), plain(steps=5, learning_rate=2.0))
    np.testing.assert_array_equal(found.best(), [[0, 0]])
    assert found.errors[0, 0, 0] == pytest.approx(0.25)


def test_an_image_does_not_depend_on_those_beside_it():
    images = np.concatenate([image(1, 1), image(-9, 4)])
    points = random_starts(2, 3, 2, "uniform", 0)
    together = invert(STRETCH, images, points, Descent(steps=20)).best()
    alone = [invert(STRETCH, images[[i]], points[[i]], Descent(steps=20)).best()[0] for i in (0, 1)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_more_latents_than_a_block_holds_descend_as_in_one(monkeypatch):
    images = np.random.default_rng(0).uniform(-1, 1, (5, 1, 2, 1)).astype(np.float32)
    points = random_starts(5, 1, 2, "uniform", 0)
    whole = invert(STRETCH, images, points, Descent(steps=5))
    monkeypatch.setattr("crg.inversion.ROWS", 2)
    parts = invert(STRETCH, images, points, Descent(steps=5))
    np.testing.assert_allclose(parts.latents, whole.latents, atol=1e-6)


def test_minus_log_p_of_a_normal_prior_holds_z_back():
    # (z - 2)^2 + 2 z^2 / 2 is smallest at z = 1.
    descent = Descent(steps=300, prior="normal", prior_weight=2.0)
    found = invert(SAME, image(2, 2), start(0, 0), descent).best()
    np.testing.assert_allclose(found, [[1, 1]], atol=0.05)


def test_the_best_start_is_that_of_the_smallest_error():
    latents = np.arange(2 * 1 * 3 * 1, dtype=np.float32).reshape(2, 1, 3, 1)
    errors = np.array([[[0.3, 0.2, 0.1]], [[0.1, 0.05, 0.2]]], np.float32)
    found = Inversion((1, 2), latents, errors, np.zeros(2))
    assert found.best().tolist() == [[4]]
    assert found.best(0).tolist() == [[2]]
    assert found.best(0, restarts=2).tolist() == [[1]]


def test_the_cosine_schedule_ends_at_zero_with_the_last_step():
    rate = _optimizer(Descent(steps=80, learning_rate=0.2))._learning_rate
    assert [float(rate(step)) for step in (0, 40, 80)] == pytest.approx([0.2, 0.1, 0.0], abs=1e-7)


def test_the_generator_stays_as_it_is_and_shows_no_dropout():
    z = keras.Input((2,))
    x = keras.layers.BatchNormalization()(keras.layers.Dropout(0.5)(z))
    generator = keras.Model(z, keras.layers.Reshape((1, 2, 1))(x))
    before = [variable.numpy().copy() for variable in generator.variables]
    found = invert(generator, image(0.5, 0.5), start(0, 0), Descent(steps=200))
    assert same(before, [variable.numpy() for variable in generator.variables])
    assert found.errors[-1, 0, 0] < 1e-4


# --- Starts and settings --------------------------------------------------------------------------


def test_random_starts_are_draws_of_the_prior_and_repeat_with_the_seed():
    uniform, normal = (random_starts(50, 2, 40, prior, 3) for prior in ("uniform", "normal"))
    assert (uniform.shape, uniform.dtype) == ((50, 2, 40), np.float32)
    assert np.abs(uniform).max() <= 1
    assert uniform.std() == pytest.approx(3**-0.5, abs=0.02)
    assert normal.std() == pytest.approx(1.0, abs=0.04)
    np.testing.assert_array_equal(uniform, random_starts(50, 2, 40, "uniform", 3))
    assert not np.array_equal(uniform, random_starts(50, 2, 40, "uniform", 4))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "setting steps is 0; it must be at least 1"),
        ({"learning_rate": float("inf")}, "learning_rate is inf"),
        ({"prior_weight": 0.1}, "prior_weight is 0.1; it must be at least 0, and 0 for the unif"),
        ({"prior": "normal", "clip": "hard"}, "clip is 'hard'; it must be none for the normal"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_settings_with_which_nothing_can_descend_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        Descent(**changes)
