"""The two encoders' steps, recomputed in NumPy through tiny linear networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from icgan_tf.conditions import Conditions
from icgan_tf.encoders import ConditionEncoding, LatentEncoding, SharedEncoding, squared_error
from tests.icgan_tf.toys import Witness, draws, floats, state
from tests.runs import same

RATE = 0.5  # of SGD
ATTRIBUTES = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]], np.float32)
IMAGES = np.array([[0.5, -1.0], [1.5, 0.0], [0.0, 2.0], [1.0, 1.0]], np.float32)  # of two pixels
A = np.array([[1.0, 0.5], [-0.5, 1.5], [0.2, 0.1], [-0.3, 0.4], [0.1, -0.6]])  # g = [z, y'] A
B = np.array([[0.4, 0.1], [-0.2, 0.3]])  # e(x) = x B


def generator(kernel: np.ndarray = A) -> keras.Model:
    """[z, y'] -> [z, y'] W after a witness; z is what is left beside three attributes."""
    z, y = keras.Input((len(kernel) - 3,)), keras.Input((3,))
    joined = Witness()(keras.layers.Concatenate()([z, y]))
    dense = keras.layers.Dense(kernel.shape[1], use_bias=False)
    net = keras.Model([z, y], dense(joined), name="generator")
    net.set_weights([kernel])
    return net


def restless_generator() -> keras.Model:
    """A generator with all that could move although frozen: statistics and dropout's counters."""
    z, y = keras.Input((2,)), keras.Input((3,))
    x = keras.layers.Dense(4)(keras.layers.Concatenate()([z, y]))
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model([z, y], keras.layers.Dense(2)(x), name="generator")


def encoder(kernel: np.ndarray = B, name: str = "encoder_z") -> keras.Model:
    x = keras.Input((len(kernel),))
    net = keras.Model(x, keras.layers.Dense(kernel.shape[1], use_bias=False)(x), name=name)
    net.set_weights([kernel])
    return net


def normalising_encoder(outputs: int, name: str) -> keras.Model:
    """Of two pixels, with all that tells training from inference."""
    x = keras.Input((2,))
    h = keras.layers.BatchNormalization(momentum=0.5)(x)
    h = keras.layers.Dropout(0.5)(h)
    return keras.Model(x, keras.layers.Dense(outputs)(h), name=name)


def latent_encoding(
    g: keras.Model, e: keras.Model, prior: str = "empirical", rate: float = RATE, **options
) -> LatentEncoding:
    """A compiled second stage."""
    model = LatentEncoding(g, e, Conditions(ATTRIBUTES, prior=prior), **options)
    model.compile(encoder_z=keras.optimizers.SGD(rate))
    return model


def condition_encoding(e: keras.Model, rate: float = RATE, **options) -> ConditionEncoding:
    """A compiled third stage."""
    model = ConditionEncoding(e, Conditions(ATTRIBUTES), **options)
    model.compile(encoder_y=keras.optimizers.SGD(rate))
    return model


def batch(rows: int = 4) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch as the pipeline gives it."""
    return tf.constant(IMAGES[:rows]), tf.constant(ATTRIBUTES[:rows])


def shown(model: LatentEncoding) -> list[np.ndarray]:
    """What the generator was given in each call so far: z and y' side by side."""
    return [joined for joined, _ in model.generator.layers[-2].seen]


# --- The squared error ----------------------------------------------------------------------------


def test_the_sum_is_over_dimensions_and_the_mean_over_the_batch():
    # Rows 1 + 4 and 0 + 9: (5 + 9) / 2.
    answer = tf.constant([[1.0, -2.0], [0.0, 3.0]])
    assert float(squared_error(tf.zeros((2, 2)), answer, "sum")) == 7.0
    assert float(squared_error(tf.zeros((2, 2)), answer, "mean")) == 3.5


# --- Stage 2: E_z ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("reduction", "terms"), [("mean", 8), ("sum", 4)])
def test_encoder_z_descends_the_squared_error_of_the_latents(reduction, terms):
    net = encoder()
    model = latent_encoding(generator(), net, reduction=reduction)
    z = np.asarray(model.noise((4, 2), "latent"), np.float64)
    x = np.hstack([z, model.conditions.sample(batch()[1], model.integers)]) @ A
    error = z - x @ B  # 4 examples of 2 dimensions
    logs = floats(model.train_step(batch()))
    loss = pytest.approx(np.square(error).sum() / terms, rel=1e-5)
    assert logs == {"encoder_z_loss": loss, "pixel_loss": 0.0}
    gradient = -2 * x.T @ error / terms
    np.testing.assert_allclose(net.get_weights()[0], B - RATE * gradient, rtol=1e-4, atol=1e-6)


def test_frozen_generator_keeps_weights_and_state_bit_for_bit():
    model = latent_encoding(restless_generator(), normalising_encoder(2, "encoder_z"))
    before, encoder_before = state(model.generator), state(model.encoder_z)
    for _ in range(2):
        model.train_step(batch())
    model.test_step(batch())
    assert same(before, state(model.generator))
    assert not same(encoder_before, state(model.encoder_z))


def test_generated_images_are_those_of_inference():
    model = latent_encoding(generator(), encoder())
    model.train_step(batch())
    model.test_step(batch())
    assert [training for _, training in model.generator.layers[-2].seen] == [False, False, False]


def test_encoder_z_runs_in_training_mode_once_a_step():
    net = normalising_encoder(2, "encoder_z")
    latent_encoding(generator(), net).train_step(batch())
    assert draws(net) == [1]


def test_real_images_are_not_looked_at():
    losses = []
    for scale in (1.0, 100.0):
        images, attributes = batch()
        model = latent_encoding(generator(), encoder())
        losses.append(floats(model.train_step((scale * images, attributes))))
    assert losses[0] == losses[1]


def test_with_a_weight_of_real_images_their_pixels_are_descended_too():
    """Through the frozen generator, whose first rows see z, and whose last see the images' y."""
    net, weight = encoder(), 0.7
    model = latent_encoding(generator(), net, real_weight=weight)
    images, attributes = (np.asarray(one, np.float64) for one in batch())
    z = np.asarray(model.noise((4, 2), "latent"), np.float64)
    x = np.hstack([z, model.conditions.sample(batch()[1], model.integers)]) @ A
    latent_error = z - x @ B
    pixels = np.hstack([images @ B, 2 * attributes - 1]) @ A - images
    logs = floats(model.train_step(batch()))
    assert logs["encoder_z_loss"] == pytest.approx(np.square(latent_error).mean(), rel=1e-5)
    assert logs["pixel_loss"] == pytest.approx(np.square(pixels).mean(), rel=1e-5)
    gradient = -2 * x.T @ latent_error / latent_error.size
    gradient += weight * 2 * images.T @ pixels @ A[:2].T / pixels.size
    np.testing.assert_allclose(net.get_weights()[0], B - RATE * gradient, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.generator.get_weights()[0], A.astype(np.float32))


def test_generated_and_real_images_are_normalised_as_one_batch():
    net = normalising_encoder(2, "encoder_z")
    latent_encoding(generator(), net, real_weight=1.0).train_step(batch())
    assert draws(net) == [1]


@pytest.mark.parametrize(("prior", "those"), [("batch", True), ("empirical", False)])
def test_labels_of_the_batch_enter_where_the_prior_is_the_batch(prior, those):
    model = latent_encoding(generator(), encoder(), prior)
    model.train_step(batch())
    (joined,) = shown(model)
    assert np.array_equal(joined[:, 2:], 2 * ATTRIBUTES - 1) == those


# --- E_z that is told y (IND-COND) -------------------------------------------------------------


def told_encoder(kernel: np.ndarray) -> keras.Model:
    """[x, y] -> [x, y] W."""
    x, y = keras.Input((2,)), keras.Input((3,))
    dense = keras.layers.Dense(kernel.shape[1], use_bias=False)
    net = keras.Model([x, y], dense(keras.layers.Concatenate()([x, y])), name="encoder_z")
    net.set_weights([kernel])
    return net


T = np.array([[0.4, 0.1], [-0.2, 0.3], [0.3, -0.1], [0.2, 0.5], [-0.4, 0.2]])  # e = [x, y] T


def test_an_encoder_is_told_the_y_of_each_generated_and_each_real_image():
    net, weight = told_encoder(T), 0.7
    model = latent_encoding(generator(), net, real_weight=weight)
    images, attributes = (np.asarray(one, np.float64) for one in batch())
    y = 2 * attributes - 1
    z = np.asarray(model.noise((4, 2), "latent"), np.float64)
    y_fake = np.asarray(model.conditions.sample(batch()[1], model.integers))
    shown_, real = np.hstack([np.hstack([z, y_fake]) @ A, y_fake]), np.hstack([images, y])
    latent_error = z - shown_ @ T
    pixels = np.hstack([real @ T, y]) @ A - images
    logs = floats(model.train_step(batch()))
    assert logs["encoder_z_loss"] == pytest.approx(np.square(latent_error).mean(), rel=1e-5)
    assert logs["pixel_loss"] == pytest.approx(np.square(pixels).mean(), rel=1e-5)
    gradient = -2 * shown_.T @ latent_error / latent_error.size
    gradient += weight * 2 * real.T @ pixels @ A[:2].T / pixels.size
    np.testing.assert_allclose(net.get_weights()[0], T - RATE * gradient, rtol=1e-4, atol=1e-5)


def test_without_real_images_an_encoder_is_told_the_y_of_generated_ones():
    model = latent_encoding(generator(), told_encoder(T))
    z = np.asarray(model.noise((4, 2), "latent"), np.float64)
    y = np.asarray(model.conditions.sample(batch()[1], model.integers))
    error = z - np.hstack([np.hstack([z, y]) @ A, y]) @ T
    loss = floats(model.train_step(batch()))["encoder_z_loss"]
    assert loss == pytest.approx(np.square(error).mean(), rel=1e-5)


def test_validation_tells_an_encoder_the_y_of_the_images():
    logs = floats(latent_encoding(generator(), told_encoder(T)).test_step(batch()))
    y = 2 * ATTRIBUTES - 1
    pixels = np.hstack([np.hstack([IMAGES, y]) @ T, y]) @ A - IMAGES
    assert logs["pixel_loss"] == pytest.approx(np.square(pixels).mean(), rel=1e-5)


# --- Shared convolutions (SNG) -----------------------------------------------------------------

TRUNK = np.array([[0.5, -0.2, 0.3], [0.1, 0.4, -0.6]])
Z_HEAD, Y_HEAD = B.repeat(2, axis=0)[:3], np.array([[0.1, 0.2, 0.3], [0.3, -0.1, 0.2], [0, 0.5, 1]])


def shared_encoders() -> tuple[keras.Model, keras.Model]:
    """x -> x TRUNK Z_HEAD and x -> x TRUNK Y_HEAD."""
    x = keras.Input((2,))
    trunk = keras.layers.Dense(3, use_bias=False)(x)
    heads = (
        keras.layers.Dense(2, use_bias=False)(trunk),
        keras.layers.Dense(3, use_bias=False)(trunk),
    )
    z, y = (
        keras.Model(x, one, name=n)
        for one, n in zip(heads, ("encoder_z", "encoder_y"), strict=True)
    )
    z.set_weights([TRUNK, Z_HEAD])
    y.set_weights([TRUNK, Y_HEAD])
    return z, y


def shared_encoding(**options) -> SharedEncoding:
    model = SharedEncoding(generator(), *shared_encoders(), Conditions(ATTRIBUTES), **options)
    model.compile(encoder_z=keras.optimizers.SGD(RATE))
    return model


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_shared_encoders_learn_z_of_generated_and_y_of_real_images(reduction):
    model = shared_encoding(reduction=reduction)
    z = np.asarray(model.noise((4, 2), "latent"), np.float64)
    x = np.hstack([z, model.conditions.sample(batch()[1], model.integers)]) @ A
    z_error, y_error = z - x @ TRUNK @ Z_HEAD, 2 * ATTRIBUTES - 1 - IMAGES @ TRUNK @ Y_HEAD
    terms = (z_error.size, y_error.size) if reduction == "mean" else (4, 4)
    logs = floats(model.train_step(batch()))
    assert logs == {
        "encoder_z_loss": pytest.approx(np.square(z_error).sum() / terms[0], rel=1e-5),
        "encoder_y_loss": pytest.approx(np.square(y_error).sum() / terms[1], rel=1e-5),
    }
    gradient = -2 * x.T @ z_error @ Z_HEAD.T / terms[0]
    gradient += -2 * IMAGES.T @ y_error @ Y_HEAD.T / terms[1]
    for net in (model.encoder_z, *model.players["encoder_z"]):
        np.testing.assert_allclose(net.weights[0].numpy(), TRUNK - RATE * gradient, rtol=1e-4)
    np.testing.assert_array_equal(model.generator.get_weights()[0], A.astype(np.float32))


def test_shared_encoders_normalise_both_kinds_of_images_as_one_batch():
    x = keras.Input((2,))
    norm = keras.layers.BatchNormalization(momentum=0.5)
    trunk = norm(x)
    z = keras.Model(x, keras.layers.Dense(2)(trunk), name="encoder_z")
    y = keras.Model(x, keras.layers.Dense(3)(trunk), name="encoder_y")
    model = SharedEncoding(generator(), z, y, Conditions(ATTRIBUTES))
    model.compile(encoder_z=keras.optimizers.SGD(RATE))
    drawn = np.asarray(model.noise((4, 2), "latent"))
    y_fake = model.conditions.sample(2 * batch()[1] - 1, model.integers)
    both = np.concatenate([np.hstack([drawn, y_fake]) @ A, IMAGES])
    model.train_step(batch())
    np.testing.assert_allclose(norm.moving_mean.numpy(), both.mean(axis=0) / 2, rtol=1e-4)


def test_validation_of_shared_encoders_measures_both():
    model = shared_encoding()
    logs = floats(model.test_step(batch()))
    y = 2 * ATTRIBUTES - 1
    z = np.asarray(model.generator.layers[-2].seen[0][0])[:, :2]
    latent = np.hstack([z, y]) @ A @ TRUNK @ Z_HEAD
    pixels = np.hstack([IMAGES @ TRUNK @ Z_HEAD, y]) @ A - IMAGES
    answer = IMAGES @ TRUNK @ Y_HEAD
    assert logs == {
        "encoder_z_loss": pytest.approx(np.square(z - latent).mean(), rel=1e-5),
        "pixel_loss": pytest.approx(np.square(pixels).mean(), rel=1e-5),
        "encoder_y_loss": pytest.approx(np.square(y - answer).mean(), rel=1e-5),
        "accuracy": pytest.approx(((answer > 0) == (y > 0)).mean()),
    }


# --- Fixed and fresh pairs ------------------------------------------------------------------------


def pairs(model: LatentEncoding) -> set[tuple[float, ...]]:
    both = np.hstack([np.asarray(model.latent_set), np.asarray(model.condition_set)])
    return {tuple(row) for row in both.tolist()}


def test_fixed_pairs_are_all_that_the_generator_is_ever_shown():
    model = latent_encoding(generator(), encoder(), fixed=6)
    for _ in range(12):
        model.train_step(batch())
    seen = {tuple(row) for joined in shown(model) for row in joined.tolist()}
    # 48 draws miss one of 6 pairs in one of 1,000 cases.
    assert seen == pairs(model)
    assert len(seen) == 6


def test_fixed_pairs_are_normal_latents_with_the_labels_of_training_images():
    model = latent_encoding(generator(), encoder(), fixed=40_000)
    z, y = np.asarray(model.latent_set), np.asarray(model.condition_set)
    # 8e4 values: standard deviations of mean and variance 0.0035 and 0.005.
    assert abs(z.mean()) < 0.015
    assert abs(z.var() - 1.0) < 0.02
    rows, counts = np.unique(y, axis=0, return_counts=True)
    assert rows.tolist() == [[-1, -1, 1], [-1, 1, -1], [1, 1, -1]]
    # 1, 2 and 1 of the 4 training images; standard deviations 87 and 100.
    np.testing.assert_allclose(counts, [10_000, 20_000, 10_000], atol=450)


def test_fixed_pairs_are_those_of_the_seed():
    one, again, other = (
        latent_encoding(generator(), encoder(), fixed=5, seed=seed) for seed in (1, 1, 2)
    )
    assert pairs(one) == pairs(again)
    assert not pairs(one) & pairs(other)


def test_without_fixed_pairs_each_step_draws_new_ones():
    model = latent_encoding(generator(), encoder())
    for _ in range(3):
        model.train_step(batch())
    latents = np.concatenate(shown(model))[:, :2]
    assert len(np.unique(latents)) == 3 * 4 * 2


# --- Validation of E_z ----------------------------------------------------------------------------


def test_validation_of_encoder_z_uses_new_latents_with_the_labels_of_its_images():
    model = latent_encoding(generator(), encoder(), fixed=2)
    loss = floats(model.test_step(batch()))["encoder_z_loss"]
    joined, real = shown(model)
    np.testing.assert_array_equal(joined[:, 2:], 2 * ATTRIBUTES - 1)
    np.testing.assert_allclose(real, np.hstack([IMAGES[:4] @ B, 2 * ATTRIBUTES - 1]), rtol=1e-5)
    assert not set(joined[:, 0]) & set(np.asarray(model.latent_set)[:, 0])
    error = joined[:, :2] - joined @ A @ B
    assert loss == pytest.approx(np.square(error).mean(), rel=1e-5)


def test_validation_draws_other_latents_for_each_batch_and_the_same_each_time():
    model = latent_encoding(generator(), encoder())
    for step in (0, 7):
        model.step.assign(step)
        model.reset_metrics()
        model.test_step(batch())
        model.test_step(batch())
    one, two, one_again, two_again = (joined[:, :2] for joined in shown(model)[::2])
    assert not np.any(one == two)
    np.testing.assert_array_equal(one, one_again)
    np.testing.assert_array_equal(two, two_again)


def test_validation_changes_no_variable_of_either_encoder():
    z = latent_encoding(restless_generator(), normalising_encoder(2, "encoder_z"))
    y = condition_encoding(normalising_encoder(3, "encoder_y"))
    nets = z.encoder_z, y.encoder_y
    before = [state(net) for net in nets]
    z.test_step(batch())
    y.test_step(batch())
    assert all(same(old, state(net)) for old, net in zip(before, nets, strict=True))


# --- Stage 3: E_y ---------------------------------------------------------------------------------

C = np.array([[0.4, 0.1, -0.3], [-0.2, 0.3, 0.2]])  # e(x) = x C


@pytest.mark.parametrize(("reduction", "terms"), [("mean", 12), ("sum", 4)])
def test_encoder_y_descends_the_squared_error_of_the_encoded_labels(reduction, terms):
    net = encoder(C, "encoder_y")
    logs = floats(condition_encoding(net, reduction=reduction).train_step(batch()))
    error = (2 * ATTRIBUTES - 1) - IMAGES @ C  # 4 examples of 3 attributes
    assert logs == {"encoder_y_loss": pytest.approx(np.square(error).sum() / terms, rel=1e-5)}
    gradient = -2 * IMAGES.T @ error / terms
    np.testing.assert_allclose(net.get_weights()[0], C - RATE * gradient, rtol=1e-4, atol=1e-6)


def test_encoder_y_knows_no_other_network():
    model = condition_encoding(encoder(C, "encoder_y"))
    assert model.networks() == {"encoder_y": model.encoder_y}
    assert model.players == {"encoder_y": (model.encoder_y,)}


def test_encoder_y_runs_in_training_mode_once_a_step():
    net = normalising_encoder(3, "encoder_y")
    condition_encoding(net).train_step(batch())
    assert draws(net) == [1]
    norm = net.layers[1]  # 0.5 * 0 + 0.5 * the mean of this batch
    np.testing.assert_allclose(norm.moving_mean.numpy(), IMAGES.mean(axis=0) / 2, rtol=1e-6)


def test_validation_of_encoder_y_measures_its_loss_and_its_share_of_right_attributes():
    answer = IMAGES @ C
    y = 2 * ATTRIBUTES - 1
    logs = floats(condition_encoding(encoder(C, "encoder_y")).test_step(batch()))
    # x C = .4 -.25 -.35 / .6 .15 -.45 / -.4 .6 .4 / .2 .4 -.1 against the signs - + - / + + - /
    # - - + / - + -: 1 + 3 + 2 + 2 of 12 are right.
    assert logs == {
        "encoder_y_loss": pytest.approx(np.square(y - answer).mean(), rel=1e-5),
        "accuracy": pytest.approx(8 / 12),
    }


def test_validation_of_encoder_y_uses_it_as_it_answers_after_training():
    net = normalising_encoder(3, "encoder_y")
    expected = np.square((2 * ATTRIBUTES - 1) - np.asarray(net(IMAGES, training=False))).mean()
    logs = floats(condition_encoding(net).test_step(batch()))
    assert logs["encoder_y_loss"] == pytest.approx(expected, rel=1e-5)
