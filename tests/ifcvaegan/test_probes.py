"""Readers of z: they find what is there, and nothing in noise."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ifcvaegan import probes
from ifcvaegan.editor import Codes
from ifcvaegan.probes import read

RNG = np.random.default_rng(0)
CODES = RNG.standard_normal((1600, 4)).astype(np.float32)
NOISE = RNG.random(1600) > 0.5
TRAIN, DEV, TEST = slice(0, 1000), slice(1000, 1200), slice(1200, None)


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch):
    monkeypatch.setattr(probes, "WIDTH", 32)
    monkeypatch.setattr(probes, "LEARNING_RATE", 1e-2)
    monkeypatch.setattr(probes, "EPOCHS", 5)
    monkeypatch.setattr(probes, "BATCH", 32)
    monkeypatch.setattr(probes, "DRAWS", 3)


def found(labels: np.ndarray, kind, codes: np.ndarray = CODES) -> float:
    """The share of the test codes that are read rightly."""
    return found_in(codes, np.full_like(codes, -30.0), labels, kind, sampled=False)


def found_in(means, log_variances, labels, kind, *, sampled) -> float:
    """The same of z with a spread, or of its mean."""
    codes = Codes(means, labels[:, None], log_variances)
    train, dev = ((codes[part], labels[part]) for part in (TRAIN, DEV))
    logits = read(train, dev, codes[TEST], kind, sampled=sampled)
    assert logits.shape == (probes.DRAWS if sampled else 1, len(labels[TEST]))
    return ((logits > 0) == labels[TEST]).mean()


@pytest.mark.slow
def test_what_stands_in_one_dimension_is_found_also_beside_one_without_spread():
    labels = CODES[:, 2] > 0.3
    constant = np.concatenate([CODES, np.ones((1600, 1), np.float32)], axis=1)
    assert found(labels, "linear") > 0.95
    assert found(labels, "linear", constant) > 0.95


@pytest.mark.parametrize("kind", ["linear", pytest.param("network", marks=pytest.mark.slow)])
def test_nothing_is_found_in_noise(kind):
    assert found(NOISE, kind) < 0.6


@pytest.mark.slow
def test_only_the_network_finds_what_no_plane_tells_apart():
    labels = CODES[:, 0] * CODES[:, 1] > 0
    assert found(labels, "linear") < 0.65
    assert found(labels, "network") > 0.85


@pytest.mark.slow
def test_what_stands_in_the_mean_alone_is_hidden_by_the_noise_of_z():
    """The mean tells the label by +-0.2; with sigma 1 a perfect reader is right on 58 %.

    P(N(0.2, 1) > 0) = 0.579.
    """
    labels = NOISE
    means = np.where(labels, 0.2, -0.2)[:, None].astype(np.float32) * np.ones((1, 1), np.float32)
    variances = np.zeros_like(means)
    assert found_in(means, variances, labels, "linear", sampled=False) > 0.95
    assert 0.5 < found_in(means, variances, labels, "linear", sampled=True) < 0.65


@pytest.mark.slow
def test_noise_is_drawn_anew_in_each_epoch(monkeypatch):
    drawn = []
    sampled = Codes.sampled
    monkeypatch.setattr(Codes, "sampled", lambda *given: drawn.append(given[1]) or sampled(*given))
    monkeypatch.setattr(probes, "EPOCHS", 4)
    found_in(CODES, np.zeros_like(CODES), NOISE, "linear", sampled=True)
    assert len(set(drawn)) == len(drawn) == 1 + 3 + 4 + 3  # spread, dev, epochs, those to read


def test_the_weights_of_the_best_epoch_are_kept_and_the_training_ends_when_dev_gets_no_better(
    monkeypatch,
):
    """Dev labels that are the opposite of the training's: the first epoch is the best."""
    epochs = []
    fit = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda *a, **k: epochs.append(1) or fit(*a, **k))
    monkeypatch.setattr(probes, "PATIENCE", 2)
    monkeypatch.setattr(probes, "BATCH", 128)
    labels = CODES[:, 0] > 0
    codes = Codes(CODES, labels[:, None], np.full_like(CODES, -30.0))
    train, dev = (codes[TRAIN], labels[TRAIN]), (codes[DEV], ~labels[DEV])
    read(train, dev, codes[TEST], "network", sampled=False)
    assert len(epochs) == 3
