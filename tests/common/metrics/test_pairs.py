"""The metrics of pairs of images, all at once."""

from __future__ import annotations

import numpy as np
import pytest

from common.metrics.pairs import metrics_of, pair_metrics

METRICS = ["mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash"]


def images(n: int = 8, seed: int = 0) -> np.ndarray:
    """Different images with something at every scale, uint8 `[n, 16, 16, 1]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def test_identical_images_have_no_error_and_equal_hashes():
    metrics = pair_metrics(images(), images())
    assert list(metrics) == METRICS
    assert [metrics[name].mean for name in ("mae", "mse", "rmse")] == [0, 0, 0]
    assert [metrics[name].mean for name in METRICS[4:]] == pytest.approx([1, 1, 1, 1])
    assert {value.n for value in metrics.values()} == {8}


def test_errors_are_on_the_unit_range():
    black, gray = np.zeros((2, 16, 16, 1), np.uint8), np.full((2, 16, 16, 1), 51, np.uint8)
    metrics = pair_metrics(black, gray)  # 51 / 255 = 0.2
    assert metrics["mae"].mean == pytest.approx(0.2)
    assert metrics["mse"].mean == pytest.approx(0.04)


def test_hashes_that_are_known_are_not_computed_again():
    bits, values = metrics_of(images(), images(seed=1))
    known = {kind: ~bits[1][kind] for kind in bits[1]}
    changed = metrics_of(images(), images(seed=1), bits[0], known)[1]
    for kind in known:  # a hash and its complement share with another hash 64 bits together
        np.testing.assert_allclose(values[kind] + changed[kind], 1.0)
