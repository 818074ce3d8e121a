"""The model in `weights/crg-mnist`, as it lies in the tree."""

from __future__ import annotations

import numpy as np
import pytest

from crg import editor

PAPER = {"dhash": 0.823, "phash": 0.866, "whash": 0.838}  # the better of BiGAN and LR, Table 4


@pytest.fixture(scope="module")
def metrics() -> dict[str, np.ndarray]:
    """The metrics of every 20th test image, float64 `[500]` each."""
    from common import datasets
    from common.metrics.pairs import pair_values

    test = datasets.load("mnist", "test").take(slice(0, None, 20)).images
    return pair_values(test, editor.load(None).reconstruct(test))


@pytest.mark.slow
def test_its_encoder_alone_reconstructs_within_the_promised_error(metrics):
    assert metrics["mse"].mean() < 0.018


@pytest.mark.parametrize("kind", PAPER)
def test_its_hashes_are_above_the_papers_other_methods(metrics, kind):
    assert metrics[kind].mean() > PAPER[kind]
