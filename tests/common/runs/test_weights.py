"""Weights of networks: loaded from runs and folders of weights, written in half precision."""

from __future__ import annotations

import h5py
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


def test_large_arrays_alone_are_compressed_each_in_one_piece(tmp_path):
    network = keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])
    save_half(network, tmp_path / "network.weights.h5")
    with h5py.File(tmp_path / "network.weights.h5") as file:
        kernel, bias = (file[f"layers/dense/vars/{index}"] for index in range(2))
        assert (kernel.compression, kernel.shuffle, kernel.chunks) == ("gzip", True, (200, 500))
        assert kernel.id.get_storage_size() < 0.97 * 2 * 200 * 500
        assert (bias.compression, bias.chunks) == (None, None)


@keras.saving.register_keras_serializable("of this test")
class Own(keras.layers.Dense):
    """A layer that nobody else knows."""


def test_a_file_gives_its_weights_without_its_layers(tmp_path, monkeypatch):
    network = keras.Sequential([keras.Input((2,)), Own(3)])
    network.save(tmp_path / "own.keras")
    monkeypatch.setattr(keras.saving, "load_model", None)
    save_half(network, tmp_path / "network.weights.h5")
    save_half(tmp_path / "own.keras", tmp_path / "file.weights.h5")
    read = keras.Sequential([keras.Input((2,)), Own(3)])
    for name in ("network", "file"):
        read.load_weights(tmp_path / f"{name}.weights.h5")
        for a, b in zip(network.get_weights(), read.get_weights(), strict=True):
            np.testing.assert_array_equal(a.astype(np.float16).astype(np.float32), b)
    (tmp_path / "own.keras").write_bytes(b"no zip")
    with pytest.raises(UserError, match=r"own.keras is no file of Keras' format"):
        save_half(tmp_path / "own.keras", tmp_path / "none.weights.h5")
    assert not (tmp_path / "none.weights.h5").exists()


def normalised(variance: list[float]) -> keras.Model:
    """A dense layer of 0.1 and a batch normalisation that has this moving variance."""
    size = len(variance)
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(size), keras.layers.BatchNormalization()]
    )
    ones = np.ones(size, np.float32)
    kernel = np.full((3, size), 0.1, np.float32)
    network.set_weights([kernel, ones, ones, ones, ones, np.array(variance, np.float32)])
    return network


@pytest.mark.parametrize("variance", [[0.25, 65_520.0], [65_505.0, 1.0], [3e38, 7.0], [1e-7, 3e-6]])
def test_an_array_that_float16_cannot_hold_stays_float32_whole_and_the_others_do_not(
    tmp_path, variance
):
    network, read = normalised(variance), normalised([1.0, 1.0])
    save_half(network, tmp_path / "half.weights.h5")
    read.load_weights(tmp_path / "half.weights.h5")
    np.testing.assert_array_equal(read.get_weights()[-1], np.array(variance, np.float32))
    assert read.get_weights()[0][0, 0] == np.float16(0.1)


@pytest.mark.parametrize("variance", [[1.0, 65_504.0], [0.0, 0.0], [6.2e-5, 0.0]])
def test_an_array_that_float16_holds_is_stored_so(tmp_path, variance):
    save_half(normalised(variance), tmp_path / "half.weights.h5")
    types = set()
    with h5py.File(tmp_path / "half.weights.h5") as file:
        file.visititems(lambda _, item: types.add(getattr(item, "dtype", None)))
    assert types == {None, np.dtype(np.float16)}


@pytest.mark.parametrize("bad", [np.nan, -np.inf, np.inf])
def test_weights_that_are_not_finite_are_refused_and_the_old_file_stays(tmp_path, bad):
    file = tmp_path / "half.weights.h5"
    file.write_text("old")
    with pytest.raises(UserError, match=r"half\.weights\.h5 is not written: .* 1 of 2 are not fin"):
        save_half(normalised([bad, 1.0]), file)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(file.name, "old")]
