"""Trainings that are stopped in every way and end as if they had not been."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.datasets.records import Records
from common.errors import UserError
from common.runs.directory import Run
from common.training import backup, callbacks
from common.training import fit as training
from tests import runs
from tests.common.toys import BATCH, Toy, compiled

STEPS, PERIOD = 6, 3  # of the toy trainings: two periods of three steps


def pixels(batches: int, seed: int) -> Records:
    """Images of one pixel in colour."""
    images = np.random.default_rng(seed).integers(0, 256, (batches * BATCH, 1, 1, 3), np.uint8)
    return Records(images, np.zeros((len(images), 0), np.float32), (), "toy", "memory")


TRAIN, HELD_OUT = pixels(3, seed=0), pixels(2, seed=1)


@dataclass(frozen=True)
class Settings:
    epochs: float
    period: float
    batch_size: int = BATCH


class Watched(Toy):
    """A toy whose distance from held-out images is smallest after three steps."""

    def test_step(self, data):
        away = tf.abs(tf.cast(tf.convert_to_tensor(self.step), tf.float32) - 3.0)
        distance = away + tf.reduce_mean(tf.square(data[0]))
        return self.measure(tf.shape(data[0])[0], distance=distance)


BEST = {"period_steps": 1, "validation": HELD_OUT, "keep_best": ("val_distance",)}


def variables(toy: Toy) -> list[keras.Variable]:
    """Everything that moves: networks (dropout's counters too), optimizers, step and averages."""
    owners = [*toy.networks().values(), *toy.optimizers().values(), *toy.metrics]
    return [toy.step, *(variable for owner in owners for variable in owner.variables)]


def state(toy: Toy) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in variables(toy)]


def weights(toy: Toy) -> list[np.ndarray]:
    return [np.array(v.numpy()) for net in toy.networks().values() for v in net.variables]


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def fresh() -> list[np.ndarray]:
    """The state of every new toy."""
    return state(compiled(Watched()))


@pytest.fixture(scope="module")
def shared() -> Toy:
    """One toy for many trainings: a new one would build its graph anew each time."""
    return compiled(Watched())


@pytest.fixture
def train(shared, fresh):
    """Trains as a new process would, from the state in the folder where there is one.

    With such a state the toy holds nonsense before, so that nothing can survive but what was saved.
    """

    def train(folder: Path, steps: int = STEPS, **options) -> list[np.ndarray]:
        nonsense = np.random.default_rng(0)
        resumed = (folder / "backup" / "gan.npz").is_file()
        for variable, value in zip(variables(shared), fresh, strict=True):
            junk = nonsense.uniform(5, 9, value.shape).astype(value.dtype)
            variable.assign(junk if resumed else value)
        fit(shared, folder, steps, **options)
        return state(shared)

    return train


def fit(
    toy: Toy, folder: Path, steps: int = STEPS, *, period_steps: int = PERIOD, **options
) -> None:
    """Trains so many steps, three of which are an epoch."""
    settings = Settings(epochs=steps / 3, period=period_steps / 3)
    training.fit(toy, Run(folder), "gan", TRAIN, settings, **options)


def history(folder: Path) -> list[dict[str, str]]:
    """The rows of the history without the seconds, which no run repeats."""
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in runs.history(folder, "gan")
    ]


def saved(folder: Path) -> Path:
    return folder / "backup" / "gan.npz"


def saved_step(folder: Path) -> int:
    return backup.read_notes(saved(folder))["step"]


def after_step(monkeypatch, action: Callable[[int], object]) -> None:
    """Does something after each step, when every other callback has seen it."""

    def on_train_batch_end(self, batch, logs=None):
        action(int(self.model.step.numpy()))

    monkeypatch.setattr(callbacks.ProgressBar, "on_train_batch_end", on_train_batch_end)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> tuple[list[np.ndarray], Path]:
    """The end of a training at a stretch, and its folder."""
    folder = tmp_path_factory.mktemp("straight")
    toy = compiled(Watched())
    fit(toy, folder)
    return state(toy), folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """What a kill leaves behind at any moment of a training that saves after every step.

    Files are replaced as a whole, so it is a copy of the run at that moment: after step 1 in `1`,
    ..., and between the end of the first period and its samples in `gan-0000003`.
    """
    folder = tmp_path_factory.mktemp("killed")

    def copy(moment) -> None:
        shutil.copytree(folder / "run", folder / str(moment))

    with pytest.MonkeyPatch.context() as monkeypatch:
        after_step(monkeypatch, copy)
        fit(compiled(Watched()), folder / "run", backup_seconds=0.0, period_end=copy)
    return folder


# Stopped and resumed


def test_a_training_changes_all_that_the_tests_below_compare(straight, fresh):
    """Or they would hold for a training that does nothing."""
    names = [variable.path for variable in variables(compiled(Watched()))]
    ends = zip(names, fresh, straight[0], strict=True)
    changed = [name for name, first, last in ends if not np.array_equal(first, last)]
    for kind in ("kernel", "moving_mean", "seed_generator", "velocity", "momentum", "average"):
        assert any(kind in name for name in changed), kind


def test_two_periods_and_one_more_in_a_new_model_equal_three(train, tmp_path):
    whole = train(tmp_path / "straight", 9)
    fit(compiled(Watched()), tmp_path / "parts", 6)
    resumed = compiled(Watched(weights_seed=2))
    fit(resumed, tmp_path / "parts", 9)
    assert_same(state(resumed), whole)
    assert history(tmp_path / "parts") == history(tmp_path / "straight")


def test_a_finished_training_that_is_resumed_stays_as_it_is(train, straight):
    before = saved(straight[1]).read_bytes()
    assert_same(train(straight[1]), straight[0])
    assert saved(straight[1]).read_bytes() == before


@pytest.mark.parametrize("moment", ["1", "2", "3", "gan-0000003", "4", "6", "gan-0000006"])
def test_a_kill_at_any_moment_leaves_no_trace(train, straight, killed, tmp_path, moment):
    shutil.copytree(killed / moment, tmp_path / "run")
    assert_same(train(tmp_path / "run"), straight[0])
    assert history(tmp_path / "run") == history(straight[1])


def test_every_step_but_the_last_of_a_period_is_saved(killed):
    """Its row of the history is still to come; both are saved together, after the samples."""
    assert [saved_step(killed / str(step)) for step in range(1, 7)] == [1, 2, 2, 4, 5, 5]
    assert saved_step(killed / "run") == 6


def test_a_kill_between_saves_repeats_the_steps_since_the_last(
    train, straight, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    after_step(monkeypatch, lambda step: step == 5 and shutil.copytree(run, tmp_path / "killed"))
    train(run)  # saves at the end of each period
    monkeypatch.undo()
    assert saved_step(tmp_path / "killed") == 3
    assert_same(train(tmp_path / "killed"), straight[0])
    assert history(tmp_path / "killed") == history(straight[1])


@pytest.mark.parametrize(("pressed", "stopped"), [(1, 2), (2, 3), (6, 6)])
def test_ctrl_c_saves_and_says_how_to_go_on(
    train, straight, tmp_path, monkeypatch, pressed, stopped
):
    """Within a period, in its last step, and when all is done."""
    after_step(monkeypatch, lambda step: step == pressed and press_ctrl_c())
    message = rf"stopped at step {stopped} of gan; go on with --resume {tmp_path}"
    with pytest.raises(KeyboardInterrupt, match=message):
        train(tmp_path)
    monkeypatch.undo()
    assert saved_step(tmp_path) == stopped
    assert_same(train(tmp_path), straight[0])
    assert history(tmp_path) == history(straight[1])


def test_ctrl_c_while_samples_are_drawn_ends_the_period_first(train, straight, tmp_path):
    with pytest.raises(KeyboardInterrupt, match="stopped at step 6"):
        train(tmp_path, period_end=lambda name: name == "gan-0000006" and press_ctrl_c())
    assert_same(train(tmp_path), straight[0])
    assert history(tmp_path) == history(straight[1])


# The best networks


@pytest.fixture
def third(train, shared, tmp_path) -> list[np.ndarray]:
    """The networks after three steps, the best of four."""
    train(tmp_path / "third", 3, period_steps=1)
    return weights(shared)


def test_the_networks_of_the_best_period_are_kept(train, shared, third, tmp_path):
    train(tmp_path, 4, **BEST)
    assert_same(weights(shared), third)
    distances = [float(row["val_distance"]) for row in history(tmp_path)]
    assert [value - distances[2] for value in distances] == pytest.approx([2, 1, 0, 1])


@pytest.mark.parametrize("name", ["gan-0000003", "gan-0000004"])
def test_the_best_networks_outlive_a_kill(train, shared, third, tmp_path, name):
    """While the best period ends, and after it."""

    def period_end(drawn: str) -> None:
        if drawn == name:
            shutil.copytree(tmp_path / "run", tmp_path / "killed")

    train(tmp_path / "run", 4, period_end=period_end, **BEST)
    train(tmp_path / "killed", 4, **BEST)
    assert_same(weights(shared), third)
    assert history(tmp_path / "killed") == history(tmp_path / "run")


def test_a_kill_before_the_state_is_saved_leaves_the_best_networks_that_the_state_knows(
    train, tmp_path
):
    """The best of step 3 are written before the state: an older state still has those of step 2."""
    best: list[list[str]] = []

    def period_end(drawn: str) -> None:
        files = sorted(path.name for path in (tmp_path / "backup").iterdir())
        best.append([name for name in files if "best" in name])

    train(tmp_path, 4, period_end=period_end, **BEST)
    assert best[2] == ["gan-best-0000002.npz", "gan-best-0000003.npz"]
    assert best[3] == ["gan-best-0000003.npz"]


@pytest.mark.slow
def test_a_longer_training_goes_on_from_the_last_networks_and_not_from_the_best(
    train, shared, third, tmp_path
):
    train(tmp_path / "straight", 5, **BEST)
    train(tmp_path / "parts", 4, **BEST)
    train(tmp_path / "parts", 5, **BEST)
    with np.load(saved(tmp_path / "straight")) as one, np.load(saved(tmp_path / "parts")) as other:
        for name in set(one.files) - {"notes"}:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert_same(weights(shared), third)


# The history


def test_the_history_has_a_row_a_period_and_a_column_a_quantity(train, shared, tmp_path):
    drawn = []
    train(tmp_path, 4, period_steps=2, validation=HELD_OUT, period_end=drawn.append)
    rows = runs.history(tmp_path, "gan")
    counters = ["period", "step", "images", "seconds"]
    assert list(rows[0]) == [*counters, "critic_loss", "maker_loss", "val_distance"]
    # Periods of two steps of eight images.
    assert [[row[name] for name in counters[:3]] for row in rows] == [
        *(["1", "2", "16"], ["2", "4", "32"]),
    ]
    assert drawn == ["gan-0000002", "gan-0000004"]
    held_out = HELD_OUT.images.astype(np.float64) / 127.5 - 1.0
    expected = [abs(step - 3) + np.square(held_out).mean() for step in (2, 4)]
    assert [float(row["val_distance"]) for row in rows] == pytest.approx(expected, rel=1e-6)


def test_a_validation_changes_nothing_but_the_history(train, straight, tmp_path):
    end = train(tmp_path, validation=HELD_OUT)
    averages = 2 * len(Toy().metrics)  # a sum and a count each; the validation's own come last
    assert_same(end[:-averages], straight[0][:-averages])


def test_the_history_holds_the_mean_over_the_period(train, straight, tmp_path):
    """Three periods of one step each, and the same three steps as one period."""
    train(tmp_path, 3, period_steps=1)
    for name in ("critic_loss", "maker_loss"):
        losses = [float(row[name]) for row in history(tmp_path)]
        assert losses[0] != losses[1] != losses[2]
        mean = float(history(straight[1])[0][name])
        assert mean == pytest.approx(sum(losses) / 3, rel=1e-6)


def test_the_time_of_a_resumed_training_goes_on(train, killed, tmp_path):
    shutil.copytree(killed / "4", tmp_path / "run")
    with np.load(saved(tmp_path / "run")) as file:
        arrays = dict(file)
    notes = json.loads(str(arrays["notes"])) | {"seconds": 1000.0}
    np.savez(saved(tmp_path / "run"), **arrays | {"notes": np.array(json.dumps(notes))})
    train(tmp_path / "run")
    first, second = (float(row["seconds"]) for row in runs.history(tmp_path / "run", "gan"))
    assert first < 1000.0 <= second < 1100.0


# Failures


@pytest.fixture
def broken_at(monkeypatch) -> Callable[[int], None]:
    """Makes the data infinite at one step (counted from 0)."""
    real = training.endless_batches

    def break_at(bad: int) -> None:
        def batches(records, batch_size, seed, start, **options):
            sound = real(records, batch_size, seed, start, **options)
            numbered = tf.data.Dataset.zip(tf.data.Dataset.counter(start=start), sound)
            return numbered.map(
                lambda step, pair: (tf.where(step == bad, float("inf"), pair[0]), pair[1])
            )

        monkeypatch.setattr(training, "endless_batches", batches)

    return break_at


def test_a_loss_that_is_not_finite_is_a_user_error_that_names_it_and_leaves_the_last_good_state(
    train, straight, tmp_path, broken_at, monkeypatch
):
    broken_at(3)
    message = r"gan: critic_loss became (nan|inf) at step 4; .*gan\.npz holds the state of step 3\."
    with pytest.raises(UserError, match=message):
        train(tmp_path, backup_seconds=0.0)
    monkeypatch.undo()
    toy = compiled(Watched())
    backup.restore(saved(tmp_path), toy)
    assert all(np.isfinite(value).all() for value in state(toy))
    assert_same(train(tmp_path), straight[0])  # with sound data


def test_a_failure_in_the_first_step_leaves_the_state_before_it(train, fresh, tmp_path, broken_at):
    broken_at(0)
    with pytest.raises(UserError, match=r"at step 1; .*gan\.npz holds the state of step 0\."):
        train(tmp_path)
    toy = compiled(Watched(weights_seed=2))
    backup.restore(saved(tmp_path), toy)
    assert_same(state(toy), fresh)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(0.0, 2), (300.0, 0)],  # saved after each step, or at the end of a period
)
def test_nothing_is_made_of_weights_that_are_not_finite_though_the_losses_were(
    train, shared, tmp_path, monkeypatch, seconds, kept
):
    """A finite loss with an infinite gradient breaks the weights a step before the losses.

    Here in the last step of a period: no state, no row of the history, no samples, no networks.
    """

    def break_weights(step: int) -> None:
        if step == 3:
            shared.maker.trainable_variables[0].assign(np.full((2, 3), np.nan))

    after_step(monkeypatch, break_weights)
    message = rf"a weight of the maker became nan at step 3; .* holds the state of step {kept}\."
    with pytest.raises(UserError, match=message):
        train(
            tmp_path,
            backup_seconds=seconds,
            period_end=lambda name: pytest.fail(f"{name} was made"),
        )
    assert not (tmp_path / "history-gan.csv").exists()


def test_a_broken_state_is_a_user_error(train, tmp_path):
    saved(tmp_path).parent.mkdir()
    saved(tmp_path).write_bytes(b"PK")
    with pytest.raises(UserError, match=r"gan\.npz cannot be read"):
        train(tmp_path)


# Data and lengths


@pytest.mark.slow
def test_the_models_seed_keys_the_order_and_range_and_mirroring_are_those_asked_for(
    tmp_path, monkeypatch
):
    asked = []
    real, ordered = training.endless_batches, training.ordered_batches

    def batches(*given, **options):
        asked.append((*given, options))
        return real(*given, **options)

    def held_out(*given):
        asked.append(given)
        return ordered(*given)

    monkeypatch.setattr(training, "endless_batches", batches)
    monkeypatch.setattr(training, "ordered_batches", held_out)
    toy = compiled(Watched(seed=5), eagerly=True)
    fit(
        toy,
        tmp_path,
        2,
        period_steps=1,
        pixel_range="unit",
        flip=True,
        shift=2,
        validation=HELD_OUT,
    )
    options = {"pixel_range": "unit", "flip": True, "shift": 2, "jitter": 0.0}
    assert asked == [
        (HELD_OUT, BATCH, "unit"),
        *((TRAIN, BATCH, 5, start, options) for start in (0, 1)),
    ]


@pytest.mark.parametrize(
    ("epochs", "period", "length"),
    [
        (1.0, 1.0, (3, 3)),  # 10 images in batches of 4: 2.5 batches, made whole
        (2.0, 0.5, (8, 2)),  # 1.25 batches a period; four periods
        (1.1, 0.5, (4, 2)),  # 2.2 periods
        (0.1, 1.0, (3, 3)),  # at least one period
    ],
)
def test_a_stage_is_whole_periods_of_whole_batches(epochs, period, length):
    assert training.stage_length(Settings(epochs, period, batch_size=4), images=10) == length


def test_a_period_without_a_whole_batch_is_a_user_error():
    with pytest.raises(UserError, match=r"0\.5 epochs of 10 images is shorter than one batch of 6"):
        training.stage_length(Settings(1.0, 0.5, batch_size=6), images=10)
