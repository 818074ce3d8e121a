"""The mechanics of several players: who moves, when, by how much, and with which noise."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from common.files import ROOT
from common.training.adversarial import AdversarialModel
from tests.common.toys import BATCH, Toy, batches, compiled


def scalar(name: str, value: float) -> keras.Model:
    """A network of one weight: x -> value * x."""
    network = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)], name=name
    )
    network.set_weights([np.array([[value]])])
    return network


class Game(AdversarialModel):
    """Any players; a game of one-weight networks when none are given."""

    loss_names = ("one_loss", "two_loss")
    test_names = ("two_loss", "error")

    def __init__(self, one: float = 2.0, two: float = 3.0):
        super().__init__()
        self.one, self.two = scalar("one", one), scalar("two", two)

    @property
    def players(self):
        return {"one": (self.one,), "two": (self.two,)}

    def weight(self, name: str) -> tf.Tensor:
        return tf.convert_to_tensor(getattr(self, name).trainable_variables[0])[0, 0]

    def values(self) -> tuple[float, float]:
        return float(self.weight("one")), float(self.weight("two"))


class Owning(Game):
    """A game whose players own what they are told to."""

    def __init__(self, **owned: str):
        super().__init__()
        self.owned = owned

    @property
    def players(self):
        return {
            player: tuple(getattr(self, name) for name in names.split())
            for player, names in self.owned.items()
        }


def sgd(rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(rate)


def compiled_game(game: Game, rate: float = 0.1) -> Game:
    """With plain gradient descent for each player."""
    game.compile(**{player: sgd(rate) for player in game.players})
    return game


def values(variables) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in variables]


@pytest.fixture
def policy():
    """Sets the precision for one test."""
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")


# Updates


@pytest.mark.parametrize(("player", "other"), [("critic", "maker"), ("maker", "critic")])
def test_an_update_moves_every_weight_of_its_player_and_nothing_else(player, other):
    toy = Toy()
    toy.compile(critic=sgd(0.1), maker=sgd(0.1))
    mine = toy.networks()[player]
    still = toy.networks()[other].variables + mine.non_trainable_variables
    moving_before, still_before = values(mine.trainable_variables), values(still)
    with tf.GradientTape() as tape:
        made = toy.maker(toy.noise((BATCH, 2), "z"), training=False)
        # Squares of both outputs: every weight of both networks has a gradient.
        loss = tf.reduce_sum(tf.square(made)) + tf.reduce_sum(tf.square(toy.critic(made)))
    toy.update(player, tape, loss)
    for before, after in zip(moving_before, values(mine.trainable_variables), strict=True):
        assert not np.array_equal(before, after)
    for before, after in zip(still_before, values(still), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("replicas", [1, 2])
def test_an_update_goes_down_the_gradient_of_the_mean_over_replicas(monkeypatch, replicas):
    """Optimizers sum over replicas: of two each adds half of its gradient."""

    class Strategy:
        num_replicas_in_sync = replicas

    game = compiled_game(Game(one=2.0))
    with tf.GradientTape() as tape:
        loss = 3.0 * game.weight("one") ** 2
    monkeypatch.setattr(tf.distribute, "get_strategy", Strategy)
    game.update("one", tape, loss)
    step = 0.1 * 6.0 * 2.0 / replicas  # d(3 a^2) = 6 a = 12
    assert game.values() == (pytest.approx(2.0 - step), 3.0)


def together(game: Game):
    """Losses a b and -a b, with gradients that are read from the weights when they are taken.

    Most operations keep what they read in the forward pass, so that the order of gradients and
    steps would not show; recomputed ones, as in `keras.remat`, read the weights again.
    """

    @tf.custom_gradient
    def product(a, b):
        def gradient(upstream):
            return upstream * game.weight("two"), upstream * game.weight("one")

        return a * b, gradient

    with tf.GradientTape(persistent=True) as tape:
        one_loss = product(game.weight("one"), game.weight("two"))
        two_loss = -product(game.weight("one"), game.weight("two"))
    return tape, one_loss, two_loss


def test_simultaneous_updates_take_all_gradients_before_the_first_step():
    game = compiled_game(Game(one=2.0, two=3.0), 0.5)
    tape, one_loss, two_loss = together(game)
    game.update_together(tape, ("one", one_loss), ("two", two_loss))
    # a' = a - 0.5 b = 2 - 1.5; b' = b + 0.5 a = 3 + 1, and not 3 + 0.5 a' = 3.25.
    assert game.values() == (0.5, 4.0)


def test_successive_updates_see_the_steps_before_them():
    game = compiled_game(Game(one=2.0, two=3.0), 0.5)
    tape, one_loss, two_loss = together(game)
    game.update("one", tape, one_loss)
    game.update("two", tape, two_loss)
    assert game.values() == (0.5, 3.25)


# compile


@pytest.mark.parametrize("given", [["one"], ["one", "two", "three"], ["one", "too"], []])
def test_compile_refuses_optimizers_that_are_not_those_of_the_players(given):
    with pytest.raises(ValueError, match=r"one optimizer for each of \['one', 'two'\]"):
        Game().compile(**{name: sgd(0.1) for name in given})


@pytest.mark.parametrize(
    "owned", [{"both": "one two", "part": "one"}, {"part": "two", "both": "one two"}]
)
def test_compile_refuses_players_that_share_some_of_their_networks(owned):
    with pytest.raises(ValueError, match=r"'(both|part)' and '(both|part)' share some networks"):
        Owning(**owned).compile(**{player: sgd(0.1) for player in owned})


@pytest.mark.parametrize(
    ("shared", "moved"),
    # The first velocity is -0.3, then 0.5 * -0.3 - 0.3 = -0.45. Apart, the second objective has
    # none: -0.3 twice. Shared, the two steps of one round are the first two of one optimizer.
    [(False, 2 * (0.3 + 0.3) + 0.15), (True, 0.3 + 0.45)],
)
def test_two_objectives_of_one_network_have_moments_of_their_own_or_share_them(shared, moved):
    game = Owning(first="one", second="one")
    first = keras.optimizers.SGD(0.1, momentum=0.5)
    game.compile(first=first, second=first if shared else sgd(0.1))
    for _ in range(1 if shared else 2):
        for player in ("first", "second"):
            with tf.GradientTape() as tape:
                loss = 3.0 * game.weight("one")
            game.update(player, tape, loss)
    assert game.values()[0] == pytest.approx(2.0 - moved)
    assert int(first.iterations) == 2


def test_optimizers_are_built_by_compile_and_kept_as_attributes():
    toy = compiled(Toy())
    assert list(toy.optimizers()) == ["critic", "maker"]
    assert toy.critic_optimizer is toy.optimizers()["critic"]
    # SGD: iterations, learning rate and a momentum for each of 3 trainable variables.
    assert len(toy.critic_optimizer.variables) == 2 + 3


def test_keras_gets_no_optimizer_of_its_own_and_xla_only_when_asked_for():
    game = compiled_game(Game())
    assert game.optimizer is None
    assert game.jit_compile is False
    game.compile(jit_compile=True, one=sgd(0.1), two=sgd(0.1))
    assert game.jit_compile is True


def test_xla_over_several_devices_is_refused(monkeypatch):
    class Two:
        num_replicas_in_sync = 2

    monkeypatch.setattr(tf.distribute, "get_strategy", Two)
    with pytest.raises(UserError, match="leave out --xla"):
        Game().compile(one=sgd(0.1), two=sgd(0.1), jit_compile=True)


def test_networks_are_found_by_name_whoever_owns_them():
    game = Owning(first="one")
    assert game.networks() == {"one": game.one, "two": game.two}


# Losses


def test_metrics_are_the_reported_names_once_each():
    names = [metric.name for metric in compiled_game(Game()).metrics]
    assert names == ["one_loss", "two_loss", "error"]


def test_logs_hold_exactly_the_losses_and_of_an_evaluation_the_measured_quantities():
    toy = compiled(Toy(), eagerly=True)
    history = toy.fit(batches(), steps_per_epoch=1, verbose=0, shuffle=False).history
    assert list(history) == ["critic_loss", "maker_loss"]
    assert list(toy.evaluate(batches().take(1), return_dict=True, verbose=0)) == ["distance"]


def test_losses_are_averaged_until_a_reset():
    game = Game()
    game.track(one_loss=1.0, two_loss=0.0)
    logs = game.track(one_loss=4.0, two_loss=1.0)
    assert (float(logs["one_loss"]), float(logs["two_loss"])) == (2.5, 0.5)
    game.reset_metrics()
    assert float(game.track(one_loss=4.0, two_loss=1.0)["one_loss"]) == 4.0


def test_tracking_counts_a_step_and_measuring_does_not():
    game = Game()
    game.track(one_loss=1.0, two_loss=1.0)
    assert int(game.step) == 1
    game.measure(1, two_loss=1.0, error=1.0)
    assert int(game.step) == 1


@pytest.mark.parametrize("given", [{"one_loss": 1.0}, {"one_loss": 1.0, "two_loss": 1.0, "x": 1.0}])
def test_a_step_must_report_exactly_its_losses(given):
    with pytest.raises(ValueError, match=r"expected the scalars \['one_loss', 'two_loss'\]"):
        Game().track(**given)


def test_a_short_batch_weighs_as_much_as_its_images_which_are_counted_from_the_start():
    game = Game()
    assert int(game.measured) == 0
    game.measure(3, two_loss=1.0, error=0.0)
    assert int(game.measured) == 3
    logs = game.measure(1, two_loss=5.0, error=4.0)
    assert (float(logs["two_loss"]), float(logs["error"])) == (2.0, 1.0)  # (3 x 1 + 5) / 4, 4 / 4
    assert int(game.measured) == 4
    game.reset_metrics()
    assert int(game.measured) == 0


# Noise


def at_step(step: int, seed: int = 0) -> AdversarialModel:
    model = AdversarialModel(seed=seed)
    model.step.assign(step)
    return model


DRAWS = {  # kind -> a draw of 40 values, no two of which are equal but in one of 10^4 cases
    "normal": lambda model, salt="z", step=None: model.noise((8, 5), salt, step=step),
    "uniform": lambda model, salt="z", step=None: model.noise((8, 5), salt, "uniform", step),
    "integers": lambda model, salt="z", step=None: model.integers((8, 5), 10**9, salt, step),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_draws_are_those_of_seed_step_and_salt_alone(kind):
    draw = DRAWS[kind]
    first = draw(at_step(5))
    np.testing.assert_array_equal(draw(at_step(5)), first)
    np.testing.assert_array_equal(draw(at_step(7), step=5), first)  # a stated step
    others = [draw(at_step(6)), draw(at_step(5), "y"), draw(at_step(5, seed=1))]
    assert len(np.unique(np.concatenate([first, *others]))) == 4 * 40


def test_uniform_noise_fills_the_symmetric_range():
    drawn = np.asarray(at_step(0).noise((1000, 100), "z", "uniform"))
    assert -1.0 <= drawn.min() < -0.999
    assert 0.999 < drawn.max() <= 1.0
    # Mean of 1e5 values of variance 1/3: standard deviation 0.0018; of their squares: 0.00094.
    assert abs(drawn.mean()) < 0.008
    assert abs((drawn**2).mean() - 1 / 3) < 0.004


def test_normal_noise_has_mean_0_and_variance_1():
    drawn = np.asarray(at_step(0).noise((1000, 100), "z"))
    # Standard deviations of both estimates over 1e5 values: 0.0032 and 0.0045.
    assert abs(drawn.mean()) < 0.014
    assert abs(drawn.var() - 1.0) < 0.02


def test_noise_is_pinned():
    """A change here makes every resumed run see other noise than the one it began with."""
    model = at_step(3, seed=42)
    uniform, normal = (model.noise((1, 3), "latent", kind) for kind in ("uniform", "normal"))
    np.testing.assert_allclose(uniform, [[-0.2407477, 0.4403272, -0.7476013]], rtol=1e-6)
    np.testing.assert_allclose(normal, [[-1.367425, -0.2593937, -1.319496]], rtol=1e-5)


def test_integers_run_from_0_to_one_below_the_bound_each_as_often():
    drawn = at_step(0).integers((700, 10), 7, "row")
    assert drawn.dtype == tf.int32
    counts = np.bincount(np.asarray(drawn).ravel())
    assert len(counts) == 7
    # Chi-square of 6 degrees of freedom: above 22.5 in one of 1,000 cases.
    assert (np.square(counts - 1000) / 1000).sum() < 22.5


def test_integers_are_pinned():
    """A change here makes every resumed run see other labels than those it began with."""
    drawn = at_step(3, seed=42).integers((1, 6), 100, "prior")
    np.testing.assert_array_equal(drawn, [[90, 25, 91, 77, 72, 23]])


# Precision


def step_of(game: Game, scale: float = 1.0, rate: float = 0.1) -> tuple[float, float]:
    """How far each weight moves in one SGD step of scale * (two(one(1)) - 1)^2."""
    before = compiled_game(game, rate).values()
    with tf.GradientTape(persistent=True) as tape:
        made = tf.cast(game.two(game.one(tf.ones((1, 1)))), tf.float32)
        loss = scale * tf.reduce_sum(tf.square(made - 1.0))
    game.update_together(tape, ("one", loss), ("two", loss))
    after = game.values()
    return after[0] - before[0], after[1] - before[1]


# d(ab - 1)^2 = 2 (ab - 1) (b, a) = 10 (3, 2) at a = 2, b = 3; a step of SGD at 0.1 is -0.1 of it.
STEP = (-3.0, -2.0)


def test_the_step_in_float32_is_the_one_computed_by_hand():
    assert step_of(Game(2.0, 3.0)) == pytest.approx(STEP, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "scale", "rate", "relative"),
    [
        # The gradients of 0.3 and 0.2, times the first scale of 2^15, stay below 65504, the
        # largest; float16 has 11 bits.
        ("mixed_float16", 0.01, 10.0, 2e-3),
        # Gradients of 3e-8 and 2e-8 underflow (the smallest is 6e-8) unless the loss is scaled.
        ("mixed_float16", 1e-9, 1e8, 2e-3),
        ("mixed_bfloat16", 1.0, 0.1, 2e-2),  # 8 bits, and the range of float32
    ],
)
def test_mixed_precision_takes_the_same_step_and_scales_losses_in_float16_alone(
    policy, name, scale, rate, relative
):
    policy(name)
    game = Game(2.0, 3.0)
    assert step_of(game, scale, rate) == pytest.approx(STEP, rel=relative)
    for optimizer in game.optimizers().values():
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled is (name == "mixed_float16")
    assert {variable.dtype for variable in game.one.variables} == {"float32"}


def test_an_optimizer_that_scales_losses_is_not_wrapped_again(policy):
    policy("mixed_float16")
    mine = keras.optimizers.LossScaleOptimizer(sgd(0.1))
    game = Game()
    game.compile(one=mine, two=sgd(0.1))
    assert game.one_optimizer is mine


# Replicas: TensorFlow divides the CPU before its first operation only, hence another process.


REPLICAS = """
import json
import keras
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from common.training.adversarial import AdversarialModel


class Toy(AdversarialModel):
    loss_names = ("critic_loss", "maker_loss")

    def __init__(self):
        super().__init__(seed=3)
        keras.utils.set_random_seed(1)
        dense = keras.layers.Dense
        self.critic = keras.Sequential(
            [keras.Input((3,)), dense(4, "tanh"), dense(1)], name="critic"
        )
        self.maker = keras.Sequential([keras.Input((2,)), dense(3)], name="maker")

    @property
    def players(self):
        return {"critic": (self.critic,), "maker": (self.maker,)}

    def train_step(self, x):
        z = self.noise((tf.shape(x)[0], 2), "z")
        with tf.GradientTape(persistent=True) as tape:
            fake = self.critic(self.maker(z))
            critic_loss = tf.reduce_mean(tf.square(1.0 + fake - self.critic(x)))
            maker_loss = tf.reduce_mean(tf.square(1.0 - fake))
        self.update_together(tape, ("critic", critic_loss), ("maker", maker_loss))
        return self.track(critic_loss=critic_loss, maker_loss=maker_loss)


def measured(strategy):
    with strategy.scope():
        toy = Toy()
        toy.compile(critic=keras.optimizers.SGD(0.1), maker=keras.optimizers.SGD(0.2))
    rows = 4 // strategy.num_replicas_in_sync
    draws = {"noise": lambda: toy.noise((rows, 2), "z")}
    draws["integers"] = lambda: toy.integers((rows, 2), 1000, "z")
    drawn = {k: strategy.experimental_local_results(strategy.run(f)) for k, f in draws.items()}
    x = tf.random.stateless_normal((24, 3), (1, 2))
    data = tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True).repeat()
    losses = toy.fit(data, steps_per_epoch=3, verbose=0, shuffle=False).history
    return {
        **{kind: tf.concat(parts, axis=0).numpy().tolist() for kind, parts in drawn.items()},
        "step": int(toy.step.numpy()),
        "weights": [w.tolist() for net in (toy.critic, toy.maker) for w in net.get_weights()],
        "losses": {name: float(values[-1]) for name, values in losses.items()},
    }


mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert mirrored.num_replicas_in_sync == 2
print(json.dumps([measured(strategy) for strategy in (tf.distribute.get_strategy(), mirrored)]))
"""


@pytest.mark.slow
def test_two_replicas_with_half_a_batch_draw_train_and_report_what_one_does():
    """Three steps of one game on one device and on two."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    one, two = json.loads(done.stdout)
    assert (two["noise"], two["integers"]) == (one["noise"], one["integers"])
    assert one["step"] == two["step"] == 3
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    for a, b in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
