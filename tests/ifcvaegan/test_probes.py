"""Readers of z: they find what is there, and nothing in noise."""

from __future__ import annotations

import numpy as np
import pytest

from ifcvaegan import probes
from ifcvaegan.probes import read

RNG = np.random.default_rng(0)
CODES = RNG.standard_normal((1600, 4)).astype(np.float32)
TRAIN, TEST = slice(0, 1200), slice(1200, None)


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch):
    monkeypatch.setattr(probes, "WIDTH", 32)
    monkeypatch.setattr(probes, "LEARNING_RATE", 1e-2)
    monkeypatch.setattr(probes, "EPOCHS", 15)


def found(labels: np.ndarray, kind) -> float:
    logits = read(CODES[TRAIN], labels[TRAIN], CODES[TEST], kind)
    return ((logits > 0) == labels[TEST]).mean()


def test_what_stands_in_one_dimension_is_found():
    assert found(CODES[:, 2] > 0.3, "linear") > 0.95


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_nothing_is_found_in_noise(kind):
    assert found(RNG.random(len(CODES)) > 0.5, kind) < 0.6


def test_only_the_network_finds_what_no_plane_tells_apart():
    labels = CODES[:, 0] * CODES[:, 1] > 0
    assert found(labels, "linear") < 0.65
    assert found(labels, "network") > 0.85


def test_a_dimension_without_spread_does_no_harm():
    codes = np.concatenate([CODES, np.ones((len(CODES), 1), np.float32)], axis=1)
    labels = CODES[:, 0] > 0
    logits = read(codes[TRAIN], labels[TRAIN], codes[TEST], "linear")
    assert ((logits > 0) == labels[TEST]).mean() > 0.95
