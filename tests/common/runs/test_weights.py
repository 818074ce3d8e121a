"""Weights of networks: loaded from runs and folders of weights, written in half precision."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.runs.directory import Run
from common.runs.weights import load_networks, save_half
from tests.common.toys import Toy
from tests.runs import same, same_weights


def test_networks_are_loaded_from_a_run_or_a_folder_of_weights_and_named(tmp_path):
    toy = Toy(weights_seed=1)
    Run(tmp_path / "run").save_networks({"maker": toy.maker})
    (tmp_path / "weights").mkdir()
    toy.maker.save_weights(tmp_path / "weights" / "maker.weights.h5")
    for folder in ("run", "weights"):
        other = Toy(weights_seed=2)
        untouched = other.critic.get_weights()
        assert load_networks(tmp_path / folder, other.networks()) == ["maker"]
        assert same_weights(toy.maker, other.maker)
        assert same(untouched, other.critic.get_weights())


@pytest.mark.parametrize("broken", [b"", b"not a network", None])
def test_a_file_that_is_not_the_network_is_a_user_error(tmp_path, broken):
    run, toy = Run(tmp_path), Toy()
    run.save_networks({"maker": toy.critic})  # None: a sound file of another network
    if broken is not None:
        run.network_file("maker").write_bytes(broken)
    wrong = "does not fit the maker" if broken is None else "cannot be read; it is incomplete"
    with pytest.raises(UserError, match=rf"maker\.keras {wrong}"):
        load_networks(tmp_path, {"maker": toy.maker})


def test_half_precision_stores_the_nearest_values_in_about_half_the_bytes(tmp_path):
    wide, read = (
        keras.Sequential(
            [keras.Input((200,)), keras.layers.Dense(500), keras.layers.BatchNormalization()]
        )
        for _ in range(2)
    )
    wide.save_weights(tmp_path / "single.weights.h5")
    save_half(wide, tmp_path / "half.weights.h5")
    read.load_weights(tmp_path / "half.weights.h5")
    for a, b in zip(wide.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(a.astype(np.float16).astype(np.float32), b)
    sizes = [(tmp_path / f"{name}.weights.h5").stat().st_size for name in ("half", "single")]
    assert sizes[0] < 0.6 * sizes[1]
