"""One step of CVAE-GAN, recomputed in NumPy through linear networks, and its parts by hand."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from comparators.cvaegan.model import (
    CVAEGAN,
    Centres,
    Weights,
    cross_entropy,
    half_square,
    kl_divergence,
)

RATE = 0.01
WEIGHTS = Weights(kl=3.0, reconstruction=0.5, mean=0.7, classes=0.9)  # all different
X = np.array([[0.5, -0.3, 0.9], [-0.2, 0.8, 0.1], [0.6, 0.4, -0.7]])
Y = np.array([[1.0], [0.0], [1.0]])
rng = np.random.default_rng(0)
FIRST = {
    "encoder": [0.5 * rng.normal(size=(4, 2)), 0.5 * rng.normal(size=(4, 2))],  # mu, log sigma^2
    "generator": [0.5 * rng.normal(size=(3, 3))],
    "discriminator": [0.5 * rng.normal(size=(3, 2)), 0.5 * rng.normal(size=(2, 1))],
    "classifier": [0.5 * rng.normal(size=(3, 2)), 0.5 * rng.normal(size=(2, 1))],
}


# --- Parts ----------------------------------------------------------------------------------------


def test_the_kl_divergence_is_a_sum_over_z():
    # Half of mu^2 + sigma^2 - 1 - log sigma^2: (1 + 1/e - 1 + 1) / 2 = .683940 and 0.
    mean, log_variance = tf.constant([[1.0, 0.0]]), tf.constant([[-1.0, 0.0]])
    assert float(kl_divergence(mean, log_variance)) == pytest.approx(0.683940, rel=1e-5)


def test_half_of_the_square_is_a_sum_over_an_image_and_a_mean_over_the_batch():
    difference = tf.reshape(tf.constant([1.0, 2.0, 3.0, 0.0]), (2, 1, 2, 1))
    assert float(half_square(difference)) == pytest.approx((0.5 * 5.0 + 0.5 * 9.0) / 2)


def test_the_cross_entropy_is_a_sum_over_the_attributes():
    # -log .8 = .223144 where it is there, -log .7 = .356675 where it is not.
    logits = tf.constant([[np.log(0.8 / 0.2), np.log(0.3 / 0.7)]], tf.float32)
    found = cross_entropy(tf.constant([[1.0, 0.0]]), logits)
    assert float(found) == pytest.approx(0.223144 + 0.356675, rel=1e-5)


def test_centres_move_to_the_mean_of_each_class_and_stay_where_a_batch_has_none():
    centres = Centres(classes=4, features=1, decay=0.75)
    centres.real.assign([[8.0], [8.0], [8.0], [8.0]])
    attributes = tf.constant([[0.0, 1.0], [0.0, 1.0]])  # classes: without 0, with 0, without 1, ...
    real, drawn = centres.moved(
        tf.constant([[1.0], [3.0]]), tf.constant([[4.0], [8.0]]), attributes
    )
    np.testing.assert_allclose(real[:, 0], [0.75 * 8 + 0.25 * 2, 8.0, 8.0, 0.75 * 8 + 0.25 * 2])
    np.testing.assert_allclose(drawn[:, 0], [0.25 * 6, 0.0, 0.0, 0.25 * 6])


# --- A step ---------------------------------------------------------------------------------------


def toys() -> dict[str, keras.Model]:
    def dense(units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(units, use_bias=False, name=name)

    x, c, z = (keras.Input((size,)) for size in (3, 1, 2))
    seen = keras.layers.Concatenate()([x, c])
    nets = {
        "encoder": keras.Model([x, c], [dense(2, "mean")(seen), dense(2, "log_variance")(seen)]),
        "generator": keras.Model([c, z], dense(3, "image")(keras.layers.Concatenate()([c, z]))),
    }
    for name in ("discriminator", "classifier"):
        features = dense(2, "features")(x)
        nets[name] = keras.Model(x, [dense(1, "logits")(features), features])
    for name, net in nets.items():
        net.name = name
        net.set_weights(FIRST[name])
    return nets


def game(**rates: float) -> CVAEGAN:
    model = CVAEGAN(**toys(), weights=WEIGHTS, centre_decay=0.6, seed=2)
    model.centres.real.assign([[0.3, -0.2], [0.1, 0.4]])
    model.compile(**{one: keras.optimizers.SGD(rates.get(one, RATE)) for one in model.players})
    return model


@functools.cache
def draws() -> tuple[np.ndarray, ...]:
    """The noise of the first step."""
    model = CVAEGAN(**toys(), weights=WEIGHTS, seed=2)
    return tuple(np.asarray(model.noise((3, 2), one), float) for one in ("latent", "prior"))


def losses(w: dict[str, list[np.ndarray]]) -> dict[str, float]:
    """Every loss of the first step with these weights."""
    noise, prior = draws()
    seen = np.concatenate([X, Y], axis=1)
    mean, log_variance = (seen @ kernel for kernel in w["encoder"])
    z = mean + np.exp(0.5 * log_variance) * noise
    rebuilt, drawn = (np.concatenate([Y, one], axis=1) @ w["generator"][0] for one in (z, prior))

    def read(name: str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        features = images @ w[name][0]
        return features @ w[name][1], features

    (real_d, fd), (rebuilt_d, fd_rebuilt), (drawn_d, fd_drawn) = (
        read("discriminator", images) for images in (X, rebuilt, drawn)
    )
    (real_c, fc), (_, fc_rebuilt), (_, fc_drawn) = (
        read("classifier", images) for images in (X, rebuilt, drawn)
    )

    def soft(values: np.ndarray) -> float:
        return float(np.log1p(np.exp(values)).mean())

    def half(values: np.ndarray) -> float:
        return float(0.5 * np.square(values).sum(axis=-1).mean())

    without, with_ = [1], [0, 2]  # rows of the two classes
    centres = [
        0.6 * np.array(old) + 0.4 * (fc[rows] - fc_drawn[rows]).mean(axis=0)
        for old, rows in (([0.3, -0.2], without), ([0.1, 0.4], with_))
    ]
    found = {
        "discriminator_loss": soft(-real_d) + soft(rebuilt_d) + soft(drawn_d),
        "classifier_loss": float((np.log1p(np.exp(real_c)) - Y * real_c).mean()),
        "kl_loss": float(
            0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
        ),
        "pixel_loss": half(X - rebuilt),
        "discriminator_feature_loss": half(fd - fd_rebuilt),
        "classifier_feature_loss": half(fc - fc_rebuilt),
        "mean_loss": half(fd.mean(axis=0) - fd_drawn.mean(axis=0)),
        "class_loss": 0.5 * float(np.square(centres).sum()),
    }
    features = found["discriminator_feature_loss"] + found["classifier_feature_loss"]
    found["autoencoder_loss"] = (
        3.0 * found["kl_loss"]
        + 0.5 * (found["pixel_loss"] + features)
        + 0.7 * found["mean_loss"]
        + 0.9 * found["class_loss"]
    )
    return found


@pytest.fixture(scope="module")
def step() -> tuple[CVAEGAN, dict[str, float]]:
    model = game()
    logs = model.train_step((tf.constant(X, tf.float32), tf.constant(Y, tf.float32)))
    return model, {name: float(value) for name, value in logs.items()}


def test_each_loss_is_that_of_the_algorithm(step):
    assert step[1] == pytest.approx(losses(FIRST), rel=1e-4)


@pytest.mark.parametrize(
    ("network", "loss"),
    [
        ("encoder", "autoencoder_loss"),
        ("generator", "autoencoder_loss"),
        ("discriminator", "discriminator_loss"),
        ("classifier", "classifier_loss"),
    ],
)
def test_each_network_descends_its_own_loss_and_no_other(step, network, loss):
    """By central differences, from the weights that all networks had before the step."""
    found = step[0].networks()[network].get_weights()
    for index, first in enumerate(FIRST[network]):
        gradient = np.zeros_like(first)
        for place in np.ndindex(*first.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = {name: [w.copy() for w in all_] for name, all_ in FIRST.items()}
                moved[network][index][place] += sign * 1e-5
                ends.append(losses(moved)[loss])
            gradient[place] = (ends[0] - ends[1]) / 2e-5
        assert np.abs(gradient).max() > 1e-3
        np.testing.assert_allclose(found[index], first - RATE * gradient, atol=2e-6)


def test_the_centres_keep_what_they_have_seen(step):
    centres = step[0].centres
    features = X @ FIRST["classifier"][0]
    expected = [0.6 * np.array([0.3, -0.2]) + 0.4 * features[1]]
    expected.append(0.6 * np.array([0.1, 0.4]) + 0.4 * features[[0, 2]].mean(axis=0))
    np.testing.assert_allclose(np.asarray(centres.real), expected, rtol=1e-4)
    assert np.abs(np.asarray(centres.drawn)).min() > 0
