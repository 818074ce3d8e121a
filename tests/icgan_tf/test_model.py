"""The step of the conditional GAN, recomputed in NumPy through tiny linear networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from icgan_tf.conditions import Conditions
from icgan_tf.model import ConditionalGAN
from tests.icgan_tf.toys import Witness, draws, floats

RATE = 0.5  # of every SGD below
SEED = 16  # y, y_wrong and y' differ from each other in both rows of the first step
WRONG, FAKE = 0.7, 0.3  # weights that tell every term apart
REAL = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])  # "images" of three pixels
LABELS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # of three classes


def conditional(first: int, outputs: int, name: str, kernel: np.ndarray) -> keras.Model:
    """(a, y) -> [a, y] W without a bias."""
    a, y = keras.Input((first,)), keras.Input((3,))
    joined = keras.layers.Concatenate()([a, y])
    net = keras.Model([a, y], keras.layers.Dense(outputs, use_bias=False)(joined), name=name)
    net.set_weights([kernel])
    return net


def classes(**options) -> Conditions:
    return Conditions(np.eye(3, dtype=np.float32), one_hot=True, **options)


def linear(seed: int = SEED, **options) -> ConditionalGAN:
    """g(z, y') = [z, y'] G of z in R^2, D(x, y) = [x, y] D, always of the same weights."""
    g = np.random.default_rng(1).normal(size=(5, 3))
    d = np.random.default_rng(2).normal(size=(6, 1))
    generator, discriminator = (
        conditional(2, 3, "generator", g),
        conditional(3, 1, "discriminator", d),
    )
    return ConditionalGAN(generator, discriminator, classes(), seed=seed, **options)


def compiled(model: ConditionalGAN, rate: float = RATE) -> ConditionalGAN:
    model.compile(discriminator=keras.optimizers.SGD(rate), generator=keras.optimizers.SGD(rate))
    return model


def batch(x: np.ndarray = REAL, attributes: np.ndarray = LABELS) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch as the pipeline gives it."""
    return tf.constant(x, tf.float32), tf.constant(attributes, tf.float32)


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


# --- One step by hand -----------------------------------------------------------------------------


class Step:
    """One step on `REAL`, with what it drew."""

    def __init__(self):
        self.model = compiled(linear(wrong_weight=WRONG, fake_weight=FAKE))
        nets = self.model.generator, self.model.discriminator
        (self.g0,), (self.d0,) = (net.get_weights() for net in nets)
        conditions, integers = self.model.conditions, self.model.integers
        y = conditions.encode(batch()[1])
        wrong, drawn = conditions.mismatched(y, integers), conditions.sample(y, integers)
        z = np.asarray(self.model.noise((2, 2), "latent"), np.float64)
        self.input = np.hstack([z, drawn])  # of G
        self.real = np.hstack([REAL, y])  # of D, as the two below
        self.wrong = np.hstack([REAL, wrong])
        self.fake = np.hstack([self.input @ self.g0, drawn])
        self.logs = floats(self.model.train_step(batch()))
        (self.g1,), (self.d1,) = (net.get_weights() for net in nets)


@pytest.fixture(scope="module")
def step() -> Step:
    return Step()


def test_each_term_is_the_cross_entropy_of_the_weights_before_the_step(step):
    # -log D = softplus(-logit) of real pairs, -log(1 - D) = softplus(logit) of the two others.
    assert step.logs["real_loss"] == pytest.approx(softplus(-step.real @ step.d0).mean(), rel=1e-5)
    assert step.logs["wrong_loss"] == pytest.approx(softplus(step.wrong @ step.d0).mean(), rel=1e-5)
    assert step.logs["fake_loss"] == pytest.approx(softplus(step.fake @ step.d0).mean(), rel=1e-5)


def test_discriminator_loss_is_the_weighted_sum_of_its_terms(step):
    logs = step.logs
    expected = logs["real_loss"] + 0.7 * logs["wrong_loss"] + 0.3 * logs["fake_loss"]
    assert logs["discriminator_loss"] == pytest.approx(expected, rel=1e-6)


def test_discriminator_descends_its_loss(step):
    # d softplus(-a)/da = -sigmoid(-a), d softplus(a)/da = sigmoid(a); a = [x, y] D, mean over 2.
    gradient = (
        -step.real.T @ sigmoid(-step.real @ step.d0)
        + WRONG * step.wrong.T @ sigmoid(step.wrong @ step.d0)
        + FAKE * step.fake.T @ sigmoid(step.fake @ step.d0)
    ) / 2
    np.testing.assert_allclose(step.d1, step.d0 - RATE * gradient, rtol=1e-5)


def test_generator_loss_is_that_of_the_discriminator_after_its_update(step):
    expected = softplus(-step.fake @ step.d1).mean()
    assert step.logs["generator_loss"] == pytest.approx(expected, rel=1e-5)
    before = softplus(-step.fake @ step.d0).mean()
    assert abs(before - expected) > 1e-2  # so the two can be told apart


def test_generator_descends_minus_log_d_of_the_updated_discriminator(step):
    def stepped(d: np.ndarray) -> np.ndarray:
        upstream = -sigmoid(-step.fake @ d) / 2 @ d[:3].T  # through the pixels alone, [2, 3]
        return step.g0 - RATE * step.input.T @ upstream

    np.testing.assert_allclose(step.g1, stepped(step.d1), rtol=1e-5)
    assert np.abs(stepped(step.d0) - stepped(step.d1)).max() > 1e-2


# --- Losses by hand -------------------------------------------------------------------------------


def losses_of(real: float, wrong: float, fake: float, **options) -> dict[str, float]:
    """Losses where D gives these probabilities to real, mismatched and generated pairs.

    The image is 1 or, generated, c; of two classes all are the first, whose y is +1, wrongly -1.
    logit = a x + b y: a + b of real, a - b of wrong, a c + b of fake pairs.
    """
    real, wrong, fake = (np.log(p / (1 - p)) for p in (real, wrong, fake))
    a, b = (real + wrong) / 2, (real - wrong) / 2
    image, z = keras.Input((1,)), keras.Input((1,))
    y = keras.Input((2,))
    constant = keras.layers.Dense(1, kernel_initializer="zeros")
    generator = keras.Model([z, y], constant(z), name="generator")
    critic = keras.layers.Dense(1, use_bias=False)
    joined = keras.layers.Concatenate()([image, y])
    discriminator = keras.Model([image, y], critic(joined), name="discriminator")
    constant.bias.assign([(fake - b) / a if a else 0.0])
    critic.kernel.assign([[a], [b], [0.0]])
    two = Conditions(np.eye(2, dtype=np.float32), one_hot=True, prior="batch")
    model = compiled(ConditionalGAN(generator, discriminator, two, **options), rate=0.0)
    return floats(model.train_step(batch(np.ones((4, 1)), np.tile([1.0, 0.0], (4, 1)))))


def test_losses_of_the_original_are_those_computed_by_hand():
    # -log .8 = .223144, -log .7 = .356675, -log .6 = .510826; .223144 + .178337 + .255413;
    # G: -log .4 = .916291, where the saturating form would be log .6 = -.510826.
    assert losses_of(0.8, 0.3, 0.4) == {
        "discriminator_loss": pytest.approx(0.656894, abs=2e-6),
        "generator_loss": pytest.approx(0.916291, abs=2e-6),
        "real_loss": pytest.approx(0.223144, abs=2e-6),
        "wrong_loss": pytest.approx(0.356675, abs=2e-6),
        "fake_loss": pytest.approx(0.510826, abs=2e-6),
    }


def test_losses_of_the_report_have_no_wrong_labels_and_whole_fakes():
    logs = losses_of(0.8, 0.3, 0.4, wrong_weight=0.0, fake_weight=1.0)
    assert logs["discriminator_loss"] == pytest.approx(0.733969, abs=2e-6)  # .223144 + .510826
    assert logs["generator_loss"] == pytest.approx(0.916291, abs=2e-6)
    assert logs["wrong_loss"] == 0.0


# --- What D and G are shown -----------------------------------------------------------------------


def witnessed(**options) -> tuple[Step, list, list]:
    """One step, and what entered G and D in each pass, images or latents joined with y."""
    seen = []
    model = linear(**options)
    for net in (model.generator, model.discriminator):
        first, y = net.inputs
        witness = Witness()
        joined = witness(keras.layers.Concatenate()([first, y]))
        watched = keras.Model([first, y], net.layers[-1](joined), name=net.name)
        setattr(model, net.name, watched)
        seen.append(witness.seen)
    compiled(model)
    expected = Step()
    model.train_step(batch())
    return expected, *seen


def test_discriminator_sees_real_wrong_and_fake_pairs_apart_and_then_the_same_fakes():
    expected, _, seen = witnessed()
    passes = [expected.real, expected.fake, expected.wrong, expected.fake]
    assert len(seen) == 4
    for (shown, _), wanted in zip(seen, passes, strict=True):
        np.testing.assert_allclose(shown, wanted, rtol=1e-5)


def test_generator_makes_its_fakes_once_for_both_players():
    expected, seen, _ = witnessed()
    assert len(seen) == 1
    np.testing.assert_allclose(seen[0][0], expected.input, rtol=1e-5)


def test_every_pass_is_one_of_training():
    _, generator, discriminator = witnessed()
    assert [training for _, training in generator + discriminator] == [True] * 5


def test_a_weight_of_0_costs_no_pass_with_wrong_labels():
    expected, _, seen = witnessed(wrong_weight=0.0)
    assert len(seen) == 3
    for (shown, _), wanted in zip(seen, [expected.real, expected.fake, expected.fake], strict=True):
        np.testing.assert_allclose(shown, wanted, rtol=1e-5)


def test_latents_are_normal_and_labels_of_each_kind_have_a_draw_of_their_own(monkeypatch):
    model = compiled(linear())
    noise, integers, drawn = model.noise, model.integers, []
    monkeypatch.setattr(model, "noise", lambda *call: drawn.append((*call[1:],)) or noise(*call))
    monkeypatch.setattr(
        model, "integers", lambda *call: drawn.append((*call[1:],)) or integers(*call)
    )
    model.train_step(batch())
    # Normal is the default; one of the two other classes, and one of the three training rows.
    assert sorted(drawn, key=str) == [("latent",), (2, "wrong"), (3, "prior")]


def test_the_prior_of_the_conditions_gives_the_labels_of_the_fakes():
    model = linear()
    model.conditions = classes(prior="batch")
    compiled(model)
    y = model.conditions.encode(batch()[1])
    z = np.asarray(model.noise((2, 2), "latent"), np.float64)
    (g,), (d,) = model.generator.get_weights(), model.discriminator.get_weights()
    fake = np.hstack([np.hstack([z, y]) @ g, y])
    logs = floats(model.train_step(batch()))
    assert logs["fake_loss"] == pytest.approx(softplus(fake @ d).mean(), rel=1e-5)


# --- What is in training mode ---------------------------------------------------------------------


def test_dropout_draws_in_one_pass_of_g_and_in_four_of_d():
    def dropped(name: str, first: int, outputs: int) -> keras.Model:
        a, y = keras.Input((first,)), keras.Input((3,))
        x = keras.layers.Dropout(0.5)(keras.layers.Concatenate()([a, y]))
        return keras.Model([a, y], keras.layers.Dense(outputs)(x), name=name)

    generator, critic = dropped("generator", 2, 3), dropped("discriminator", 3, 1)
    compiled(ConditionalGAN(generator, critic, classes())).train_step(batch())
    assert draws(generator, critic) == [1, 4]


def test_batch_normalisation_sees_one_kind_of_images_at_a_time():
    a, y = keras.Input((3,)), keras.Input((3,))
    norm = keras.layers.BatchNormalization(momentum=0.5, center=False, scale=False)
    flat = keras.layers.Concatenate()([norm(a), y])
    critic = keras.Model([a, y], keras.layers.Dense(1)(flat), name="discriminator")
    model = linear()
    model.discriminator = critic
    compiled(model)
    expected = Step()
    model.train_step(batch())
    # The moving mean halves towards the mean of each pass in turn: real, fake, wrong, fake.
    real, fake = REAL.mean(axis=0), expected.fake[:, :3].mean(axis=0)
    halved = real / 16 + fake / 8 + real / 4 + fake / 2
    np.testing.assert_allclose(norm.moving_mean.numpy(), halved, rtol=1e-5)


def test_d_sees_all_kinds_of_images_changed_and_in_its_update_and_gs_the_same_fakes(monkeypatch):
    spans = []

    def changed(model: ConditionalGAN, image: tf.Tensor, span: float) -> tf.Tensor:
        spans.append(span)
        return image + 10.0

    monkeypatch.setattr("icgan_tf.model.diffaugmented", changed)
    model = linear(augmented_span=2.0)
    x, y = keras.Input((3,)), keras.Input((3,))
    witness = Witness()
    joined = witness(keras.layers.Concatenate()([x, y]))
    model.discriminator = keras.Model([x, y], keras.layers.Dense(1)(joined), name="discriminator")
    compiled(model)
    z = model.noise((2, 2), "latent")
    drawn = model.conditions.sample(model.conditions.encode(batch()[1]), model.integers)
    fake = np.asarray(model.generator([z, drawn]))
    model.train_step(batch())
    shown = [seen[:, :3] for seen, _ in witness.seen]
    for seen, image in zip(shown, (REAL, fake, REAL, fake), strict=True):
        np.testing.assert_allclose(seen, image + 10.0, rtol=1e-5)
    assert set(spans) == {2.0}
