"""One step of the progressive GAN, recomputed by hand through linear networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.training.growing import Fade, spectral_layers
from crg.faces import networks
from crg.faces.model import ProgressiveGAN, settle, slope
from tests.runs import same

SIDE = 4
TINY = (4, 4)


def constant_generator(value: float) -> keras.Model:
    """g(z) = value everywhere, whatever z; its weight is that value."""
    z = keras.Input((2,))
    made = keras.layers.Dense(SIDE * SIDE * 3, kernel_initializer="zeros")(z)
    net = keras.Model(z, keras.layers.Reshape((SIDE, SIDE, 3))(made), name="generator")
    net.set_weights([np.zeros((2, 48)), np.full(48, value)])
    return net


def linear_critic(kernel: np.ndarray) -> keras.Model:
    """D(x) = w^T x."""
    x = keras.Input((SIDE, SIDE, 3))
    score = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(x))
    net = keras.Model(x, score, name="critic")
    net.set_weights([kernel.reshape(48, 1)])
    return net


def compiled(model: ProgressiveGAN, rate: float = 0.5) -> ProgressiveGAN:
    model.compile(critic=keras.optimizers.SGD(rate), generator=keras.optimizers.SGD(rate))
    return model


def batch(*values: float, side: int = SIDE) -> tuple[tf.Tensor, tf.Tensor]:
    """Images of one value each."""
    x = np.stack([np.full((side, side, 3), value, np.float32) for value in values])
    return tf.constant(x), tf.zeros((len(values), 0))


def grown(size: int = 8, **options) -> ProgressiveGAN:
    """Tiny networks under spectral normalisation at a level."""
    keras.utils.set_random_seed(0)
    nets = networks.generator(3, TINY, 1, size, size > 4), networks.critic(TINY, size, size > 4)
    return compiled(ProgressiveGAN(*nets, **options), 1e-2)


def floats(logs: dict) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}


# --- Losses ---------------------------------------------------------------------------------------


def test_the_slope_of_a_linear_critic_is_the_length_of_its_weights():
    critic = linear_critic(np.full(48, 0.5))  # sqrt(48 / 4) = 3.4641
    np.testing.assert_allclose(np.asarray(slope(critic, batch(1.0, -2.0)[0])), [3.4641] * 2, 1e-4)


def test_the_critics_loss_is_that_of_wgan_gp_with_drift():
    # One step of D, w = 1/48 everywhere, real images 1 and 3, generated ones 0: scores 1, 3 and 0.
    # ||w|| = 1/sqrt(48) = .144338, penalty (.144338 - 1)^2 = .732158, times 10; drift .001 * 5.
    model = compiled(
        ProgressiveGAN(constant_generator(0.0), linear_critic(np.full(48, 1 / 48)), critic_steps=1),
        rate=0.0,
    )
    logs = floats(model.train_step(batch(1.0, 3.0)))
    assert logs == {
        "critic_loss": pytest.approx(0 - 2 + 7.32158 + 0.005, rel=1e-4),
        "generator_loss": pytest.approx(0.0, abs=1e-6),
        "penalty_loss": pytest.approx(0.732158, rel=1e-4),
        "slope": pytest.approx(0.144338, rel=1e-4),
        "real_score": pytest.approx(2.0, rel=1e-5),
        "fake_score": pytest.approx(0.0, abs=1e-6),
        "alpha": 1.0,
    }


def test_the_critic_scores_real_images_higher_after_its_step_and_generated_ones_lower():
    # Without penalty and drift the gradient of D's loss by w is mean fake - mean real = -2 - 1.
    critic = linear_critic(np.zeros(48))
    model = ProgressiveGAN(
        constant_generator(-2.0), critic, critic_steps=1, penalty_weight=0.0, drift=0.0
    )
    model.compile(critic=keras.optimizers.SGD(0.1), generator=keras.optimizers.SGD(0.0))
    model.train_step(batch(1.0, 1.0))
    np.testing.assert_allclose(critic.get_weights()[0], np.full((48, 1), 0.3), rtol=1e-5)


def test_the_generator_goes_where_the_critic_scores_higher():
    # Its loss is -w^T g; the gradient by each value of the bias is -w = -.25, the step .5 * .25.
    generator = constant_generator(0.0)
    model = ProgressiveGAN(generator, linear_critic(np.full(48, 0.25)), penalty_weight=0.0)
    model.compile(critic=keras.optimizers.SGD(0.0), generator=keras.optimizers.SGD(0.5))
    model.train_step(batch(1.0, 1.0))
    np.testing.assert_allclose(generator.get_weights()[1], np.full(48, 0.125), rtol=1e-5)


def test_a_penalty_at_every_second_step_of_the_critic_is_twice_as_heavy():
    found = []
    for every in (1, 2):
        critic = linear_critic(np.full(48, 1 / 48))
        model = ProgressiveGAN(constant_generator(0.0), critic, penalty_every=every, drift=0.0)
        model.compile(critic=keras.optimizers.SGD(0.0), generator=keras.optimizers.SGD(0.0))
        taken: list[float] = []
        model.update = lambda player, tape, loss, taken=taken: taken.append(float(loss))
        model.train_step(batch(1.0, 1.0))
        found.append(taken[:2])
    assert found[0] == pytest.approx([-1 + 7.32158] * 2, rel=1e-4)
    assert found[1] == pytest.approx([-1 + 2 * 7.32158, -1.0], rel=1e-4)


def test_there_are_two_steps_of_the_critic_for_one_of_the_generator():
    model = grown()
    model.train_step(batch(0.1, 0.2, 0.3, 0.4, side=8))
    assert int(model.critic_optimizer.iterations) == 2
    assert int(model.generator_optimizer.iterations) == 1


# --- Levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "alpha"), [(0, 0.0), (3, 0.3), (10, 1.0), (25, 1.0)])
def test_alpha_grows_with_the_step_and_is_a_variable_of_both_networks(step, alpha):
    model = grown(fade_steps=10)
    model.step.assign(step)
    model.grow()
    for network in (model.generator, model.critic):
        (fade,) = [layer for layer in network.layers if isinstance(layer, Fade)]
        assert float(fade.alpha) == pytest.approx(alpha)
        assert any(variable is fade.alpha for variable in network.variables)


def test_real_images_are_blended_as_the_networks_are():
    # A row of pixels 0, 4 becomes 2, 2 at alpha 0 and 0, 4 at alpha 1.
    x = np.tile(np.array([0.0, 4.0], np.float32).reshape(1, 1, 2, 1), (1, 8, 4, 3))
    model = grown(fade_steps=10)
    for alpha, row in ((0.0, [2, 2]), (0.5, [1, 3]), (1.0, [0, 4])):
        blended = np.asarray(model.at_level(tf.constant(x), tf.constant(alpha)))
        assert blended[0, 0, :2, 0].tolist() == row


def test_real_images_are_halved_to_the_size_of_the_level():
    x = np.zeros((1, 16, 16, 3), np.float32)
    x[0, :4, :4] = 1.0
    shown = np.asarray(grown(size=4).at_level(tf.constant(x), tf.constant(1.0)))
    assert shown.shape == (1, 4, 4, 3)
    assert shown[0, 0, 0, 0] == 1.0
    assert shown.sum() == 3.0


# --- State ----------------------------------------------------------------------------------------


def test_a_step_moves_the_spectral_state_of_both_networks_once_for_each_of_their_steps():
    model = grown(fade_steps=4)
    counts: dict[str, int] = {}
    for network in (model.generator, model.critic):
        for layer in spectral_layers(network):
            layer.power_iteration = lambda name=network.name: counts.update(
                {name: counts.get(name, 0) + 1}
            )
    model.train_step(batch(0.1, 0.2, 0.3, 0.4, side=8))
    layers = {net.name: len(spectral_layers(net)) for net in (model.generator, model.critic)}
    assert counts == {"generator": layers["generator"], "critic": 2 * layers["critic"]}


def test_a_step_of_one_player_leaves_the_weights_of_the_other():
    model = grown()
    before = model.generator.get_weights()
    model.update = lambda player, tape, loss, update=model.update: (
        update(player, tape, loss) if player == "critic" else None
    )
    critic = [v.numpy() for v in model.critic.trainable_variables]
    model.train_step(batch(0.1, 0.2, 0.3, 0.4, side=8))
    moved = [v.numpy() for v in model.generator.trainable_variables]
    kept = [v for v in before if any(np.array_equal(v, other) for other in moved)]
    assert len(kept) >= len(moved)
    assert not same(critic, [v.numpy() for v in model.critic.trainable_variables])


def test_settling_makes_sigma_that_of_weights_which_have_moved_at_once():
    net = networks.generator(3, TINY, 1)
    for layer in spectral_layers(net):
        kernel = np.random.default_rng(0).standard_normal(layer.kernel.shape)
        layer.kernel.assign(kernel.astype(np.float32))
    settle(net, 50)
    for layer in spectral_layers(net):
        exact = np.linalg.svd(np.asarray(layer.matrix))[1][0]
        assert float(layer.sigma) == pytest.approx(exact, rel=1e-3)
