"""The step of IFcVAEGAN on tiny linear networks: losses, who gets which gradient, simultaneity."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ifcvaegan import networks as real
from ifcvaegan.model import IFcVAEGAN, Weights
from tests.runs import same

RATE = 0.5  # of every SGD below
DISTINCT = {  # weights that tell every term apart
    "reconstruction": 3.0,
    "kl": 0.7,
    "label": 0.4,
    "reconstruction_label": 0.9,
    "auxiliary": 0.6,
    "gan": 0.3,
    "features": 0.8,
}
REAL = np.array([[0.5, 0.1, 0.9], [0.2, 1.0, 0.4]], np.float32)  # "images" of three pixels
LABELS = np.array([[1.0], [0.0]], np.float32)
RATES = np.array([0.5], np.float32)
PLAYERS = ("autoencoder", "auxiliary", "discriminator")


def dense(units: int, seed: int, **options) -> keras.layers.Dense:
    kernel = keras.initializers.RandomNormal(stddev=0.8, seed=seed)
    return keras.layers.Dense(units, kernel_initializer=kernel, **options)


def networks(detached: bool = False) -> dict[str, keras.Model]:
    """E: x -> trunk -> (mu, log sigma^2, y); D: [y, z] -> x; C: x -> 1; A: z -> y. Z = 2."""
    image = keras.Input((3,))
    trunk = dense(4, 1, name="trunk")(image)
    read = keras.ops.stop_gradient(trunk) if detached else trunk
    heads = [dense(2, 2, name="mean")(trunk), dense(2, 3, name="log_variance")(trunk)]
    heads.append(dense(1, 4, name="attributes")(read))
    y, z, latent, x = (keras.Input((size,)) for size in (1, 2, 2, 3))
    joined = keras.layers.Concatenate()([y, z])
    return {
        "encoder": keras.Model(image, heads, name="encoder"),
        "decoder": keras.Model([y, z], dense(3, 5)(joined), name="decoder"),
        "discriminator": keras.Model(x, dense(1, 6)(x), name="discriminator"),
        "auxiliary": keras.Model(latent, dense(1, 7)(latent), name="auxiliary"),
    }


def linear(**options) -> IFcVAEGAN:
    """The model on those networks."""
    weights = Weights(**{**DISTINCT, **options.pop("weights", {})})
    detached = options.get("fidelity") == "release"
    model = IFcVAEGAN(**networks(detached), weights=weights, rates=RATES, **options)
    model.compile(**{player: keras.optimizers.SGD(RATE) for player in model.players})
    return model


def finite_step(model: IFcVAEGAN, x: Any = REAL, y: Any = LABELS) -> dict[str, float]:
    """The losses of a step; they and the weights after it are finite numbers."""
    logs = model.train_step((tf.constant(x), tf.constant(y)))
    losses = {name: float(value) for name, value in logs.items()}
    assert np.isfinite(list(losses.values())).all()
    nets = model.networks().values()
    assert all(np.isfinite(weight).all() for net in nets for weight in net.get_weights())
    return losses


def bce(label, logit: tf.Tensor) -> tf.Tensor:
    """Cross entropy by its definition."""
    p = tf.sigmoid(logit)
    return -tf.reduce_mean(label * tf.math.log(p) + (1.0 - label) * tf.math.log(1.0 - p))


class ByHand:
    """The losses of the first step, written out once more, and their gradients at its weights."""

    def __init__(self, model: IFcVAEGAN, weights: dict[str, float]):
        e, d, c, a = model.encoder, model.decoder, model.discriminator, model.auxiliary
        w, shape = weights, (2, 2)
        noise = {salt: model.noise(shape, salt) for salt in ("prior", "latent", "auxiliary")}
        with tf.GradientTape(persistent=True) as tape:
            mean, log_variance, logits = e(REAL)
            sigma = tf.sqrt(tf.exp(log_variance))
            z, z_again = (mean + sigma * noise[salt] for salt in ("latent", "auxiliary"))
            read = tf.sigmoid(logits)
            x_logits = d([read, z])
            again, drawn = (
                tf.sigmoid(x) for x in (x_logits, d([tf.constant(LABELS), noise["prior"]]))
            )
            target = tf.stop_gradient(read) if model.fidelity == "paper" else LABELS
            self.terms = {
                "reconstruction": bce(REAL, x_logits),
                "kl": 0.5
                * tf.reduce_mean(
                    tf.reduce_sum(mean**2 + sigma**2 - 1.0 - tf.math.log(sigma**2), axis=1)
                ),
                "label": bce(LABELS, logits),
                "reconstruction_label": bce(target, e(again)[2]),
                "auxiliary": bce(LABELS, a(z_again)),
                "gan": 0.5 * (bce(1.0, c(again)) + bce(1.0, c(drawn))),
                "features": tf.reduce_mean((again - REAL) ** 2),  # C decides from the pixels
            }
            auxiliary = self.terms["auxiliary"]
            removal = {
                "max_bce": -auxiliary,
                "capped": -tf.minimum(auxiliary, np.log(2.0)),
                "confuse": bce(0.5, a(z_again)),
            }
            minimised = self.terms | {"auxiliary": removal[model.mode]}
            self.losses = {
                "autoencoder": sum(w[n] * minimised[n] for n in w),
                "auxiliary": self.terms["auxiliary"],
                "discriminator": (bce(1.0, c(REAL)) + bce(0.0, c(again)) + bce(0.0, c(drawn)))
                / 3.0,
            }
        owned = {"autoencoder": (e, d), "auxiliary": (a,), "discriminator": (c,)}
        self.after = {}
        for player, nets in owned.items():
            variables = [v for net in nets for v in net.trainable_variables]
            gradients = tape.gradient(self.losses[player], variables)
            for variable, gradient in zip(variables, gradients, strict=True):
                self.after[variable.path] = variable.numpy() - RATE * (
                    0.0 if gradient is None else gradient.numpy()
                )


def variables(model: IFcVAEGAN) -> list[keras.Variable]:
    return [v for net in model.networks().values() for v in net.trainable_variables]


@pytest.mark.parametrize(
    ("options", "fooled"),
    [
        ({"fidelity": "paper"}, None),  # class terms train the features
        ({"fidelity": "release"}, None),  # and here the y-head alone
        *(({"mode": mode}, fooled) for mode in ("capped", "confuse") for fooled in (True, False)),
        ({"weights": {"auxiliary": 0.0}}, None),
        ({"ramp": 4}, None),  # which begins without the auxiliary term
    ],
)
def test_a_step_follows_all_gradients_at_the_weights_before_it(options, fooled):
    """Each player's own weights alone follow its loss, at once; A that is fooled is above H(y)."""
    model = linear(**options)
    kernel, bias = model.auxiliary.get_weights()
    if fooled is not None:
        model.auxiliary.set_weights([-3.0 * kernel, bias] if fooled else [kernel, bias + 1.5])
    without = "weights" in options or "ramp" in options
    expected = ByHand(model, DISTINCT | ({"auxiliary": 0.0} if without else {}))
    if fooled is not None:
        assert bool(expected.terms["auxiliary"] > np.log(2.0)) == fooled  # at a rate of a half
    names = {"gan": "fooling", "features": "feature"}
    terms = {names.get(name, name): v for name, v in expected.terms.items()}
    wanted = {f"{name}_loss": float(value) for name, value in (terms | expected.losses).items()}
    assert finite_step(model) == pytest.approx(wanted, rel=1e-5)
    for variable in variables(model):
        np.testing.assert_allclose(
            variable.numpy(), expected.after[variable.path], rtol=1e-4, atol=1e-6
        )


def seen(step: int) -> tuple[np.ndarray, np.ndarray]:
    """Four images, black but for one gray pixel, before and after DiffAugment."""
    image = np.zeros((4, 32, 32, 3), np.float32)
    image[:, 16, 16] = 0.5
    model = linear(augmented=True)
    model.step.assign(step)
    return image, np.asarray(model.seen(tf.constant(image)))


def test_diffaugment_moves_and_recolours_alike_what_c_sees_in_one_step():
    image, first = seen(3)
    np.testing.assert_array_equal(first, seen(3)[1])
    assert np.abs(first - seen(4)[1]).max() > 0.01
    pixels = [np.unravel_index(np.argmax(one.sum(-1)), (32, 32)) for one in first]
    assert len(set(pixels)) > 1  # each image its own way
    assert all(abs(place - 16) <= 4 for pixel in pixels for place in pixel)  # an eighth of 32
    untouched = linear().seen(tf.constant(image))
    np.testing.assert_array_equal(untouched, image)


def test_without_its_terms_c_does_not_play():
    model = linear(weights={"gan": 0.0, "features": 0.0})
    assert tuple(model.players) == PLAYERS[:2]
    before = [v.numpy() for v in model.discriminator.variables]
    found = model.train_step((tf.constant(REAL), tf.constant(LABELS)))
    for name in ("discriminator_loss", "fooling_loss", "feature_loss"):
        assert float(found[name]) == 0.0
    assert float(found["reconstruction_loss"]) > 0.0
    assert same(before, [v.numpy() for v in model.discriminator.variables])


def test_the_auxiliary_weight_grows_over_the_ramp():
    model = linear(ramp=4)
    shares = []
    for step in (0, 1, 2, 4, 100):
        model.step.assign(step)
        shares.append(float(model.ramped()))
    assert shares == [0.0, 0.25, 0.5, 1.0, 1.0]
    assert float(linear().ramped()) == 1.0


def test_the_measurement_is_of_sampled_z_repeats_itself_and_changes_nothing():
    model = linear()
    before = [v.numpy().copy() for v in variables(model)]
    noise = model.noise((2, 2), "validation", step=model.measured)
    mean, log_variance, logits = model.encoder(REAL)
    z = mean + tf.sqrt(tf.exp(log_variance)) * noise
    x_logits = model.decoder([tf.sigmoid(logits), z])
    spread = mean**2 + tf.exp(log_variance) - 1.0 - log_variance
    expected = {
        "reconstruction_loss": bce(REAL, x_logits),
        "kl_loss": 0.5 * tf.reduce_mean(tf.reduce_sum(spread, axis=1)),
        "label_loss": bce(LABELS, logits),
        "auxiliary_loss": bce(LABELS, model.auxiliary(z)),
        "mse": tf.reduce_mean((tf.sigmoid(x_logits) - REAL) ** 2),
    }
    for _ in range(2):
        for tracker in model.metrics:
            tracker.reset_state()
        logs = model.test_step((tf.constant(REAL), tf.constant(LABELS)))
        found = {name: float(value) for name, value in logs.items()}
        wanted = {name: float(value) for name, value in expected.items()}
        assert found == pytest.approx(wanted, rel=1e-5)
    assert same(before, [v.numpy() for v in variables(model)])


def faces_model(attributes: int, filters: int = 4, size: int = 16, latent: int = 8) -> IFcVAEGAN:
    """The real networks, compiled."""
    from ifcvaegan import networks as real

    model = IFcVAEGAN(
        real.encoder(latent, attributes, size, filters),
        real.decoder(latent, attributes, size, filters),
        real.discriminator(size, filters),
        real.auxiliary(latent, attributes, 16 if filters < 64 else 1000),
        weights=Weights(**DISTINCT),
        rates=np.full(attributes, 0.5, np.float32),
    )
    model.compile(**{player: keras.optimizers.RMSprop(1e-3) for player in PLAYERS})
    return model


def face_batch(count: int, attributes: int, size: int = 16) -> tuple[tf.Tensor, tf.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.random((count, size, size, 3), np.float32)
    return tf.constant(x), tf.constant(rng.integers(0, 2, (count, attributes)).astype(np.float32))


def test_several_attributes_are_a_mean_over_them_and_the_decoders_batch_statistics_move():
    model = faces_model(3)
    before = [value.numpy() for value in model.decoder.non_trainable_variables]
    x, y = face_batch(4, 3)
    logits = model.encoder(x)[2]
    apart = [bce(y[:, k], logits[:, k]) for k in range(3)]
    logs = finite_step(model, x, y)
    assert logs["label_loss"] == pytest.approx(float(np.mean(apart)), rel=1e-5)
    after = [value.numpy() for value in model.decoder.non_trainable_variables]
    assert before
    assert not any(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("mode", ["max_bce", "capped", "confuse"])
def test_far_answers_leave_finite_weights(mode):
    model = linear(mode=mode)
    for network in (model.auxiliary, model.discriminator):
        network.set_weights([50.0 * weight for weight in network.get_weights()])
    head = model.encoder.get_layer("log_variance")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias - 30.0])
    finite_step(model, REAL, LABELS)


@pytest.mark.parametrize("labels", [0.0, 1.0])
@pytest.mark.parametrize("size", [1, 3])
def test_batches_of_one_class_and_of_any_size_give_finite_steps(labels, size):
    finite_step(linear(), np.resize(REAL, (size, 3)), np.full((size, 1), labels, np.float32))


@pytest.mark.slow
def test_the_models_of_the_paper_take_a_step():
    """7,591,953 + 3,206,147 + 4,314,753 + 1,203,001 = 16,315,854 weights; all networks move."""
    model = faces_model(1, filters=64, size=64, latent=200)
    assert sum(v.numpy().size for v in variables(model)) == 16_315_854
    before = {name: net.get_weights() for name, net in model.networks().items()}
    finite_step(model, *face_batch(2, 1, 64))
    for name, network in model.networks().items():
        assert not same(before[name], network.get_weights()), name


def test_a_step_in_bfloat16_has_every_term():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = IFcVAEGAN(
            encoder=real.encoder(4, 1, 16, 2),
            decoder=real.decoder(4, 1, 16, 2),
            discriminator=real.discriminator(16, 2),
            auxiliary=real.auxiliary(4, 1, 4),
            weights=Weights(**DISTINCT),
            rates=RATES,
            augmented=True,
        )
        model.compile(**{player: keras.optimizers.SGD(RATE) for player in PLAYERS})
    finally:
        keras.mixed_precision.set_global_policy("float32")
    faces = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    assert all(finite_step(model, faces).values())
