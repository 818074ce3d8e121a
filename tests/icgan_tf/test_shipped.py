"""The model in `weights/icgan-mnist`, as it lies in the tree."""

from __future__ import annotations

import pytest

from icgan_tf import editor
from icgan_tf.codes import Shift


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


def test_a_digit_plus_one_reads_as_the_next_one(read):
    assert read["+1"] >= 0.95


def test_reconstructions_keep_their_digit(read):
    assert read["reconstruction"] >= 0.97
