"""Readers of z: they find what is there, and nothing in noise."""

from __future__ import annotations

import numpy as np
import pytest

from ifcvaegan import probes
from ifcvaegan.probes import read

RNG = np.random.default_rng(0)
CODES = RNG.standard_normal((1600, 4)).astype(np.float32)
NOISE = RNG.random(1600) > 0.5
TRAIN, TEST = slice(0, 1200), slice(1200, None)


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch):
    monkeypatch.setattr(probes, "WIDTH", 32)
    monkeypatch.setattr(probes, "LEARNING_RATE", 1e-2)
    monkeypatch.setattr(probes, "EPOCHS", 15)


def found(labels: np.ndarray, kind, codes: np.ndarray = CODES) -> float:
    """The share of the test codes that are read rightly."""
    logits = read(codes[TRAIN], labels[TRAIN], codes[TEST], kind)
    return ((logits > 0) == labels[TEST]).mean()


def test_what_stands_in_one_dimension_is_found_also_beside_one_without_spread():
    labels = CODES[:, 2] > 0.3
    constant = np.concatenate([CODES, np.ones((1600, 1), np.float32)], axis=1)
    assert found(labels, "linear") > 0.95
    assert found(labels, "linear", constant) > 0.95


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_nothing_is_found_in_noise(kind):
    assert found(NOISE, kind) < 0.6


def test_only_the_network_finds_what_no_plane_tells_apart():
    labels = CODES[:, 0] * CODES[:, 1] > 0
    assert found(labels, "linear") < 0.65
    assert found(labels, "network") > 0.85
