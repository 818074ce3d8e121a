"""The model in `weights/icgan-mnist`, as it lies in the tree."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from common.runs.weights import default_weights
from icgan_tf import editor
from icgan_tf.codes import Shift

FOLDER = default_weights(editor.SHIPPED)
LARGEST = 10.5e6  # bytes


@pytest.fixture(scope="module")
def read() -> dict[str, float]:
    """Shares of every tenth test digit that read as wanted: +1, and the reconstruction."""
    from common.classifiers.digits import load_classifier, predict_labels
    from common.datasets import mnist

    model, classifier = editor.load(None), load_classifier()
    test = mnist.load("test-half-2").take(slice(0, None, 10))
    shares = {}
    for name, k in (("+1", 1), ("reconstruction", 0)):
        read = predict_labels(classifier, model.edit(test.images, Shift(k)).images)
        shares[name] = float((read == (test.labels + k) % 10).mean())
    return shares


def test_it_is_small_enough():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < LARGEST


@pytest.mark.parametrize("name", editor.NEEDED)
def test_its_weights_are_finite_and_stored_in_float16(name):
    kinds = set()

    def check(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            kinds.add(item.dtype)
            assert np.isfinite(np.asarray(item, np.float32)).all()

    with h5py.File(FOLDER / f"{name}.weights.h5") as file:
        file.visititems(check)
    assert kinds == {np.dtype(np.float16)}


def test_a_digit_plus_one_reads_as_the_next_one(read):
    assert read["+1"] >= 0.95


def test_reconstructions_keep_their_digit(read):
    assert read["reconstruction"] >= 0.97


def test_its_card_tells_where_it_comes_from():
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    for row in ("training", "seed", "data", "device", "revision", "stage gan", "size"):
        assert f"\n| {row} | " in card
    assert "read as the next digit" in card
