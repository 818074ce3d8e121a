"""The saved state: refused when it does not fit, and never of a broken network.

That it is complete is what `test_fit.py` shows, where trainings go on from it.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.training import backup
from common.training.callbacks import NonFiniteError
from tests.common.toys import Toy, compiled, network
from tests.runs import same


@pytest.fixture
def file(tmp_path):
    backup.save(tmp_path / "gan.npz", compiled(Toy()), {"history": [{"period": 1}]})
    return tmp_path / "gan.npz"


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
    before = [net.get_weights() for net in toy.networks().values()]
    with pytest.raises(UserError, match="saved from other networks or optimizers"):
        backup.restore(file, toy)
    after = [net.get_weights() for net in toy.networks().values()]
    assert all(same(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_is_not_finite_is_not_saved(file, value):
    toy = compiled(Toy())
    kernel = toy.maker.trainable_variables[0]
    kernel.assign(np.where(np.eye(2, 3) > 0, value, 0.0))
    before = file.read_bytes()
    with pytest.raises(NonFiniteError, match="a weight of the maker became nan at step 0"):
        backup.save(file, toy, {})
    assert file.read_bytes() == before
