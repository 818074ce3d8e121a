"""Pivotal tuning, with a decoder of four pixels whose answers are easy to follow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.editor import Network
from common.tuning import Fitting, Tuning, around, settled, tuned

TARGET = np.array([[[250], [10]], [[10], [250]]], np.uint8)
SOON = Tuning(seconds=None, steps=150, learning_rate=0.02, distance=1.0)


@dataclass(frozen=True)
class Codes:
    latent: np.ndarray


@dataclass(frozen=True)
class Toy:
    """Every image has the code (1, 0, 0); the decoder has batch normalisation."""

    decoder: keras.Model
    decoding: str = "decoder"

    def encode(self, images: np.ndarray) -> Codes:
        return Codes(np.repeat([[1.0, 0.0, 0.0]], len(images), axis=0).astype(np.float32))

    def drawn(self, codes: Codes) -> tf.Tensor:
        return self.decoder(codes.latent, training=False)

    def random(self, count: int, seed: int) -> Codes:
        return Codes(np.random.default_rng(seed).standard_normal((count, 3), np.float32))

    def with_decoder(self, network: keras.Model) -> Toy:
        return replace(self, decoder=network)

    def networks(self) -> dict[str, Network]:
        return {"decoder": Network(self.decoder, {"latent": "z"}, {"image": "x"})}


@pytest.fixture(scope="module")
def toy() -> Toy:
    keras.utils.set_random_seed(1)
    latent = keras.Input((3,), name="latent")
    x = keras.layers.Dense(16)(latent)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dense(4, activation="sigmoid")(x)
    return Toy(keras.Model(latent, keras.layers.Reshape((2, 2, 1))(x)))


@pytest.fixture(scope="module")
def done(toy):
    """The toy before and after a tuning: weights of the original first."""
    before = [np.array(one) for one in toy.decoder.get_weights()]
    return before, tuned(toy, TARGET, SOON)


def test_the_tuned_copy_shows_the_image_and_the_original_stays_as_it_is(toy, done):
    before, found = done
    for old, new in zip(before, toy.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert found.after < found.before / 10
    shown = np.asarray(found.editor.drawn(toy.encode(TARGET[None])))[0]
    assert found.after == pytest.approx(float(np.mean((shown - TARGET / 255) ** 2)), rel=1e-4)


def test_the_statistics_of_batch_normalisation_stay(toy, done):
    before, found = done
    names = [one.path for one in toy.decoder.weights]
    after = found.editor.decoder.get_weights()
    changed = [n for n, old, new in zip(names, before, after, strict=True) if (old != new).any()]
    assert len(changed) == 6  # two kernels, two biases, scale and offset
    assert not any("moving" in name for name in changed)


def test_images_near_the_code_change_less_with_locality_than_without(toy, done):
    near = around(toy.encode(TARGET[None]), toy.random(50, 9), 1.0)
    plain = tuned(toy, TARGET, replace(SOON, locality=0.0)).editor
    changes = [
        float(np.mean((np.asarray(one.drawn(near)) - np.asarray(toy.drawn(near))) ** 2))
        for one in (done[1].editor, plain)
    ]
    assert changes[0] < changes[1] / 2


def test_as_many_steps_lead_to_the_same_network(toy, done):
    again = tuned(toy, TARGET, SOON)
    assert again.steps == done[1].steps == 150
    for one, other in zip(
        again.editor.decoder.get_weights(), done[1].editor.decoder.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_fitting_with_pauses_leads_where_one_without_does(toy):
    few = replace(SOON, steps=7)
    fitting = Fitting(toy, TARGET, few)
    while not fitting.ended:
        fitting.step()
        toy.drawn(toy.random(3, fitting.steps))  # somebody else's turn
    at_once = tuned(toy, TARGET, few)
    assert (fitting.steps, fitting.result().after) == (7, at_once.after)
    assert fitting.left == math.inf


def test_it_ends_when_its_seconds_are_over(toy):
    seen = []
    found = tuned(
        toy,
        TARGET,
        replace(SOON, seconds=0.5, steps=10**9, learning_rate=1e-9),
        lambda *told: seen.append(told),
    )
    assert (seen[0][0], seen[-1][0]) == (1, found.steps)
    assert all(0 < left <= 0.5 for _, _, left in seen)


def test_who_watches_may_end_it_and_hears_of_no_limit_where_there_is_none(toy):
    seen = []

    def watch(step: int, loss: float, left: float) -> None:
        seen.append((step, left))
        if step == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        tuned(toy, TARGET, SOON, watch)
    assert seen == [(1, math.inf), (2, math.inf)]


def test_codes_near_the_pivot_lie_in_the_direction_of_the_random_ones_at_one_distance():
    drawn = Codes(np.array([[1.0, 4.0, 2.0, 2.0], [1.0, 2.0, 2.0, 0.0]], np.float32))
    pivot = Codes(np.array([[1.0, 2.0, 2.0, 2.0]], np.float32))
    # Half of sqrt(4) is 1: up along the second, down along the last.
    expected = [[1.0, 3.0, 2.0, 2.0], [1.0, 2.0, 2.0, 1.0]]
    np.testing.assert_allclose(around(pivot, drawn, 0.5).latent, expected)


@pytest.mark.parametrize(
    ("losses", "ended"),
    [
        ([1.0] * 48 + [0.99] * 48, True),  # by 1 %, less than 2
        ([1.0] * 48 + [0.97] * 48, False),
        ([1.0] * 48 + [1.5] * 48, True),
        ([1.0] * 48, False),
        ([1.0] * 95, False),
    ],
)
def test_a_loss_that_falls_no_more_ends_it(losses, ended):
    assert settled(losses) is ended
