"""Trainings that are stopped in every way and end as if they had not been."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from common.runs.directory import Run
from common.training import backup, callbacks
from common.training import fit as training
from tests.common.toys import BATCH, Toy, batches, compiled

STEPS, PERIOD = 5, 3  # of the toy trainings: a period of three steps, and one that the end cuts


def variables(toy: Toy) -> list[keras.Variable]:
    """Everything that moves: networks (dropout's counters too), optimizers, step and averages."""
    owners = [*toy.networks().values(), *toy.optimizers().values(), *toy.metrics]
    return [toy.step, *(variable for owner in owners for variable in owner.variables)]


def state(toy: Toy) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in variables(toy)]


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def fresh() -> list[np.ndarray]:
    """The state of every new toy."""
    return state(compiled(Toy()))


@pytest.fixture(scope="module")
def shared() -> Toy:
    """One toy for many trainings: a new one would build its graph anew each time."""
    return compiled(Toy())


@pytest.fixture
def train(shared, fresh):
    """Trains as a new process would, from the state in the folder where there is one.

    With such a state the toy holds nonsense before, so that nothing can survive but what was saved.
    """

    def train(folder: Path, steps: int = STEPS, *, data=batches, **options) -> list[np.ndarray]:
        nonsense = np.random.default_rng(0)
        resumed = (folder / "backup" / "gan.npz").is_file()
        for variable, value in zip(variables(shared), fresh, strict=True):
            junk = nonsense.uniform(5, 9, value.shape).astype(value.dtype)
            variable.assign(junk if resumed else value)
        fit(shared, folder, steps, data, **options)
        return state(shared)

    return train


def fit(toy: Toy, folder: Path, steps: int = STEPS, data=batches, **options) -> None:
    settings = {"steps": steps, "period_steps": PERIOD, "batch_size": BATCH} | options
    training.fit(toy, Run(folder), "gan", data, **settings)


def history(folder: Path) -> list[dict[str, str]]:
    """The rows of the history without the seconds, which no run repeats."""
    with (folder / "history-gan.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("seconds")
    return rows


def saved(folder: Path) -> Path:
    return folder / "backup" / "gan.npz"


def after_step(monkeypatch, action: Callable[[int], None]) -> None:
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
    toy = compiled(Toy())
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
        fit(compiled(Toy()), folder / "run", backup_seconds=0.0, period_end=copy)
    return folder


def test_a_training_changes_all_that_the_tests_below_compare(straight, fresh):
    """Or they would hold for a training that does nothing."""
    names = [variable.path for variable in variables(compiled(Toy()))]
    ends = zip(names, fresh, straight[0], strict=True)
    changed = [name for name, first, last in ends if not np.array_equal(first, last)]
    for kind in ("kernel", "moving_mean", "seed_generator", "velocity", "momentum", "average"):
        assert any(kind in name for name in changed), kind


def test_two_periods_and_one_more_in_a_new_model_equal_three(train, tmp_path):
    whole = train(tmp_path / "straight", 9)
    fit(compiled(Toy()), tmp_path / "parts", 6)
    resumed = compiled(Toy(weights_seed=2))
    fit(resumed, tmp_path / "parts", 9)
    assert_same(state(resumed), whole)
    assert history(tmp_path / "parts") == history(tmp_path / "straight")


def test_a_finished_training_that_is_resumed_stays_as_it_is(train, straight):
    before = saved(straight[1]).read_bytes()
    assert_same(train(straight[1]), straight[0])
    assert saved(straight[1]).read_bytes() == before


@pytest.mark.parametrize("moment", ["1", "2", "3", "gan-0000003", "4", "5", "gan-0000005"])
def test_a_kill_at_any_moment_leaves_no_trace(train, straight, killed, tmp_path, moment):
    shutil.copytree(killed / moment, tmp_path / "run")
    assert_same(train(tmp_path / "run"), straight[0])
    assert history(tmp_path / "run") == history(straight[1])


def test_every_step_but_the_last_of_a_period_is_saved(killed):
    """Its row of the history is still to come; both are saved together, after the samples."""
    steps = [backup.read_notes(saved(killed / str(step))).get("step") for step in range(1, 6)]
    assert steps == [1, 2, 2, 4, 4]
    assert backup.read_notes(saved(killed / "run"))["step"] == 5


def test_a_kill_between_saves_repeats_the_steps_since_the_last(
    train, straight, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    after_step(monkeypatch, lambda step: step == 4 and shutil.copytree(run, tmp_path / "killed"))
    train(run)  # saves at the end of each period
    monkeypatch.undo()
    assert backup.read_notes(saved(tmp_path / "killed"))["step"] == 3
    assert_same(train(tmp_path / "killed"), straight[0])
    assert history(tmp_path / "killed") == history(straight[1])


@pytest.mark.parametrize(("pressed", "stopped"), [(1, 2), (2, 3), (5, 5)])
def test_ctrl_c_saves_and_says_how_to_go_on(
    train, straight, tmp_path, monkeypatch, pressed, stopped
):
    """Within a period, in its last step, and when all is done."""
    after_step(monkeypatch, lambda step: step == pressed and press_ctrl_c())
    message = rf"stopped at step {stopped} of gan; go on with --resume {tmp_path}"
    with pytest.raises(KeyboardInterrupt, match=message):
        train(tmp_path)
    monkeypatch.undo()
    assert backup.read_notes(saved(tmp_path))["step"] == stopped
    assert_same(train(tmp_path), straight[0])
    assert history(tmp_path) == history(straight[1])


def test_ctrl_c_while_samples_are_drawn_ends_the_period_first(train, straight, tmp_path):
    def period_end(name: str) -> None:
        if name == "gan-0000005":
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt, match="stopped at step 5"):
        train(tmp_path, period_end=period_end)
    assert_same(train(tmp_path), straight[0])
    assert history(tmp_path) == history(straight[1])


def test_a_validation_changes_nothing_but_the_history(train, straight, tmp_path):
    end = train(tmp_path, validation=batches(1000).take(1))
    averages = 2 * len(Toy().metrics)  # a sum and a count each; the validation's own come last
    assert_same(end[:-averages], straight[0][:-averages])


@pytest.fixture
def third(train, shared, tmp_path) -> tuple[list[np.ndarray], dict]:
    """The networks after three steps, and settings under which they are the best of five."""
    train(tmp_path / "third", 3, period_steps=1)
    made = shared.maker(shared.noise((BATCH, 2), "test", step=0), training=False)
    target = tf.data.Dataset.from_tensors((made, tf.zeros((BATCH, 0))))  # at a distance of 0
    settings = {"period_steps": 1, "validation": target, "keep_best": ("val_distance",)}
    return weights(shared), settings


def weights(toy: Toy) -> list[np.ndarray]:
    return [np.array(v.numpy()) for net in toy.networks().values() for v in net.variables]


def test_the_networks_of_the_best_period_are_kept(train, shared, third, tmp_path):
    train(tmp_path, **third[1])
    assert_same(weights(shared), third[0])
    distances = [float(row["val_distance"]) for row in history(tmp_path)]
    assert distances[2] == 0.0 < min(distances[:2] + distances[3:])


@pytest.mark.parametrize("name", ["gan-0000003", "gan-0000004"])
def test_the_best_networks_outlive_a_kill(train, shared, third, tmp_path, name):
    """While the best period ends, and after it."""

    def period_end(drawn: str) -> None:
        if drawn == name:
            shutil.copytree(tmp_path / "run", tmp_path / "killed")

    train(tmp_path / "run", period_end=period_end, **third[1])
    train(tmp_path / "killed", **third[1])
    assert_same(weights(shared), third[0])
    assert history(tmp_path / "killed") == history(tmp_path / "run")


def test_a_kill_before_the_state_is_saved_leaves_the_best_networks_that_the_state_knows(
    train, third, tmp_path
):
    """The best of step 3 are written before the state: an older state still has those of step 2."""
    run = tmp_path / "run"

    def period_end(drawn: str) -> None:
        files = sorted(path.name for path in (run / "backup").iterdir())
        best.append([name for name in files if "best" in name])

    best: list[list[str]] = []
    train(run, period_end=period_end, **third[1])
    assert best[2] == ["gan-best-0000002.npz", "gan-best-0000003.npz"]
    assert best[3] == ["gan-best-0000003.npz"]


def test_a_longer_training_goes_on_from_the_last_networks_and_not_from_the_best(
    train, shared, third, tmp_path
):
    train(tmp_path / "straight", **third[1])
    train(tmp_path / "parts", 4, **third[1])
    train(tmp_path / "parts", **third[1])
    with np.load(saved(tmp_path / "straight")) as one, np.load(saved(tmp_path / "parts")) as other:
        for name in set(one.files) - {"notes"}:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert_same(weights(shared), third[0])


def test_the_history_has_a_row_a_period_and_a_column_a_quantity(train, shared, tmp_path):
    drawn = []
    validation = batches(1000).take(2)
    train(tmp_path, 3, period_steps=2, validation=validation, period_end=drawn.append)
    lines = (tmp_path / "history-gan.csv").read_text().splitlines()
    assert lines[0] == "period,step,images,seconds,critic_loss,maker_loss,val_distance"
    # Periods of two steps of eight images; the last is cut by the end.
    assert [line.split(",")[:3] for line in lines[1:]] == [["1", "2", "16"], ["2", "3", "24"]]
    assert drawn == ["gan-0000002", "gan-0000003"]
    measured = shared.evaluate(validation, return_dict=True, verbose=0)["distance"]
    assert float(lines[2].split(",")[-1]) == measured


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
    with (tmp_path / "run" / "history-gan.csv").open(newline="") as file:
        first, second = (float(row["seconds"]) for row in csv.DictReader(file))
    assert first < 1000.0 <= second < 1100.0


def broken_at(bad_step: int):
    """The data, but infinite at one step (counted from 0)."""

    def data(step: int) -> tf.data.Dataset:
        points = tf.data.Dataset.zip(tf.data.Dataset.counter(start=step), batches(step))
        return points.map(lambda s, p: (tf.where(s == bad_step, float("inf"), p[0]), p[1]))

    return data


def test_a_loss_that_is_not_finite_is_a_user_error_that_names_it_and_the_step(train, tmp_path):
    message = r"gan: critic_loss became (nan|inf) at step 4; .*gan\.npz holds the state of step 3\."
    with pytest.raises(UserError, match=message):
        train(tmp_path, data=broken_at(3), backup_seconds=0.0)


def test_the_last_good_state_outlives_a_loss_that_is_not_finite(train, straight, tmp_path):
    with pytest.raises(UserError):
        train(tmp_path, data=broken_at(3), backup_seconds=0.0)
    toy = compiled(Toy())
    backup.restore(saved(tmp_path), toy)
    assert all(np.isfinite(value).all() for value in state(toy))
    assert_same(train(tmp_path), straight[0])  # with sound data


def test_weights_that_are_not_finite_are_not_saved_though_the_losses_were(
    train, shared, tmp_path, monkeypatch
):
    """A finite loss with an infinite gradient breaks the weights a step before the losses."""

    def break_weights(step: int) -> None:
        if step == 3:
            shared.maker.trainable_variables[0].assign(np.full((2, 3), np.nan))

    after_step(monkeypatch, break_weights)
    message = r"a weight of the maker became nan at step 3; .* holds the state of step 2\."
    with pytest.raises(UserError, match=message):
        train(tmp_path, backup_seconds=0.0)


def test_nothing_is_made_of_weights_that_are_not_finite(train, shared, tmp_path, monkeypatch):
    """In the last step of a period: no row of the history, no samples, no networks."""

    def break_weights(step: int) -> None:
        if step == 3:
            shared.maker.trainable_variables[0].assign(np.full((2, 3), np.nan))

    after_step(monkeypatch, break_weights)
    with pytest.raises(UserError, match="a weight of the maker became nan at step 3"):
        train(tmp_path, period_end=lambda name: pytest.fail(f"{name} was made"))
    assert not (tmp_path / "history-gan.csv").exists()


def test_a_stage_is_unfinished_until_its_last_step(train, killed, straight):
    assert backup.unfinished(killed / "4") == {"gan": "step 4 of 5"}
    assert backup.unfinished(straight[1]) == {}


def test_a_failure_in_the_first_step_leaves_the_state_before_it(train, fresh, tmp_path):
    with pytest.raises(UserError, match=r"at step 1; .*gan\.npz holds the state of step 0\."):
        train(tmp_path, data=broken_at(0))
    toy = compiled(Toy(weights_seed=2))
    backup.restore(saved(tmp_path), toy)
    assert_same(state(toy), fresh)


def test_a_broken_state_is_a_user_error(train, tmp_path):
    saved(tmp_path).parent.mkdir()
    saved(tmp_path).write_bytes(b"PK")
    with pytest.raises(UserError, match=r"gan\.npz cannot be read"):
        train(tmp_path)


# Lengths


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
    assert training.stage_length(epochs, period, images=10, batch_size=4) == length


def test_a_period_without_a_whole_batch_is_a_user_error():
    with pytest.raises(UserError, match=r"0\.5 epochs of 10 images is shorter than one batch of 6"):
        training.stage_length(1.0, 0.5, images=10, batch_size=6)
