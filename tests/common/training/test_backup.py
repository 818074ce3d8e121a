"""The saved state: complete, refused when it does not fit, and never of a broken network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from common.training import backup
from common.training.callbacks import NonFiniteError
from tests.common.toys import Toy, batches, compiled, network


def stepped(weights_seed: int = 1) -> Toy:
    """A toy after one step: no variable is as it was made."""
    toy = compiled(Toy(weights_seed=weights_seed), eagerly=True)
    toy.fit(batches(), steps_per_epoch=1, verbose=0, shuffle=False)
    return toy


@pytest.fixture(scope="module")
def trained() -> Toy:
    return stepped()


@pytest.fixture
def file(trained, tmp_path):
    backup.save(tmp_path / "gan.npz", trained, {"history": [{"period": 1}]})
    return tmp_path / "gan.npz"


def restored(file) -> Toy:
    """Another toy, other weights, set to the state in the file."""
    toy = compiled(Toy(weights_seed=2))
    backup.restore(file, toy)
    return toy


def values(owners) -> dict[str, np.ndarray]:
    return {
        f"{name}.{variable.path}": np.array(variable.numpy())
        for name, owner in owners.items()
        for variable in owner.variables
    }


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert len(one) == len(other)
    for (name, a), b in zip(one.items(), other.values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_networks_come_back_with_their_moving_statistics(trained, file):
    saved = values(trained.networks())
    assert any("moving_variance" in name for name in saved)
    assert_equal(values(restored(file).networks()), saved)


def test_dropout_goes_on_where_it_was(tmp_path):
    toy = stepped()
    counters = [v.numpy()[1] for v in toy.critic.variables if "seed_generator_state" in v.path]
    assert counters == [3]  # the critic saw made points, real ones, and made ones for the maker
    backup.save(tmp_path / "gan.npz", toy, {})
    points = tf.ones((8, 3))
    np.testing.assert_array_equal(
        restored(tmp_path / "gan.npz").critic(points, training=True),
        toy.critic(points, training=True),
    )


def test_optimizers_come_back_with_moments_ema_and_counters(trained, file):
    saved = values(trained.optimizers())
    assert sum("average" in name for name in saved) == 3  # the EMA of the maker's weights
    assert_equal(values(restored(file).optimizers()), saved)


def test_the_step_and_the_sums_of_the_losses_come_back(trained, file):
    toy = restored(file)
    assert int(toy.step) == 1
    assert values(dict(enumerate(toy.metrics))) == values(dict(enumerate(trained.metrics)))
    assert toy.metrics[0].result() > 0


def test_notes_come_back_and_there_are_none_before_the_first_save(file, tmp_path):
    assert backup.restore(file, compiled(Toy())) == {"history": [{"period": 1}]}
    assert backup.read_notes(file) == {"history": [{"period": 1}]}
    assert backup.read_notes(tmp_path / "other.npz") == {}


def flip_a_bit(file) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def write_an_array_alone(file) -> None:
    np.save(file.with_suffix(".npy"), np.zeros(3))
    file.with_suffix(".npy").replace(file)


@pytest.mark.parametrize(
    "damage",
    [
        *(
            lambda file, kept=kept: file.write_bytes(file.read_bytes()[:kept])
            for kept in (0, 1, 200, 3000, -1)
        ),
        flip_a_bit,
        lambda file: np.savez(file, weights=np.zeros(3)),
        write_an_array_alone,
    ],
)
def test_a_damaged_file_or_one_of_another_kind_is_a_user_error_that_names_it(file, damage):
    damage(file)
    with pytest.raises(UserError, match=r"gan\.npz cannot be read .*; restore it from a copy"):
        backup.restore(file, compiled(Toy()))


@pytest.mark.parametrize("other", ["critic", "optimizer"])
def test_the_state_of_other_networks_or_optimizers_is_refused_and_changes_nothing(file, other):
    toy = Toy()
    if other == "critic":
        toy.critic = network("critic", inputs=4, outputs=1)
        compiled(toy)
    else:
        toy.compile(critic=keras.optimizers.SGD(0.1), maker=keras.optimizers.Adam(0.1))
    before = values(toy.networks())
    with pytest.raises(UserError, match="saved from other networks or optimizers"):
        backup.restore(file, toy)
    assert_equal(values(toy.networks()), before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_is_not_finite_is_not_saved(file, value):
    toy = compiled(Toy())
    kernel = toy.maker.trainable_variables[0]
    kernel.assign(np.where(np.eye(2, 3) > 0, value, 0.0))
    before = file.read_bytes()
    with pytest.raises(NonFiniteError, match="a weight of the maker became nan at step 0"):
        backup.save(file, toy, {})
    assert file.read_bytes() == before
