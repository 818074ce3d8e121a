"""Layers of several replicas, where there is one; with several: tests/test_workers.py."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.training import spread


@pytest.mark.parametrize(
    ("name", "shape"), [("Dropout", (4, 5)), ("SpatialDropout2D", (2, 3, 3, 5))]
)
def test_one_replica_drops_what_keras_own_layer_drops(name, shape):
    x = np.ones(shape, np.float32)
    ours, theirs = (getattr(module, name)(0.5, seed=3) for module in (spread, keras.layers))
    for _ in range(2):  # the counter moves alike
        np.testing.assert_array_equal(ours(x, training=True), theirs(x, training=True))


def test_nothing_is_dropped_without_training():
    x = np.ones((4, 5), np.float32)
    np.testing.assert_array_equal(spread.Dropout(0.5)(x, training=False), x)
