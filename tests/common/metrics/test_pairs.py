"""The metrics of pairs of images, all at once."""

from __future__ import annotations

import numpy as np
import pytest

from common.metrics.pairs import metrics_of, pair_metrics, pair_values
from tests.common.toys import blocks
from tests.runs import METRICS


def plain(*levels: int) -> np.ndarray:
    """Images of one gray level each, uint8 `[N, 16, 16, 1]`."""
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((16, 16, 1), np.uint8)


# Black against 51 / 255 = 0.2 and against 102 / 255 = 0.4. PSNR: -10 log10 of 0.04 and of 0.16.
# SSIM without variance: C1 / (0.04 + C1) and C1 / (0.16 + C1), C1 = 0.01^2. Of the hashes of a
# plain image only the DC bit of phash is set, and not that of black.
VALUES = {
    "mae": [0.2, 0.4],
    "mse": [0.04, 0.16],
    "rmse": [0.2, 0.4],
    "psnr": [13.9794, 7.9588],
    "ssim": [0.00249377, 0.00062461],
    "dhash": [1.0, 1.0],
    "phash": [63 / 64, 63 / 64],
    "whash": [1.0, 1.0],
}
# The means; half the widths are t(0.975, 1) = 12.7062 times half the distance of the two values.
MEANS = {
    "mae": (0.3, 1.27062),
    "mse": (0.1, 0.762372),
    "rmse": (0.3, 1.27062),  # the mean of the roots: the root of the mean were 0.3162
    "psnr": (10.9691, 38.2495),
    "ssim": (0.00155919, 0.0118750),
    "dhash": (1.0, 0.0),
    "phash": (63 / 64, 0.0),
    "whash": (1.0, 0.0),
}


def test_each_metric_has_the_values_computed_by_hand():
    values = pair_values(plain(0, 0), plain(51, 102))
    assert list(values) == METRICS
    for name, expected in VALUES.items():
        assert values[name].tolist() == pytest.approx(expected, rel=1e-4), name


def test_each_mean_has_the_interval_computed_by_hand():
    metrics = pair_metrics(plain(0, 0), plain(51, 102))
    assert list(metrics) == METRICS
    for name, (mean, half) in MEANS.items():
        found = metrics[name]
        assert found.n == 2
        assert (found.mean, found.low, found.high) == (
            pytest.approx(mean, rel=1e-4),
            pytest.approx(mean - half, rel=1e-3),
            pytest.approx(mean + half, rel=1e-3),
        ), name


def test_identical_images_have_no_error_and_equal_hashes():
    metrics = pair_metrics(blocks(8), blocks(8))
    assert [metrics[name].mean for name in METRICS] == pytest.approx([0, 0, 0, 100, 1, 1, 1, 1])


def test_hashes_that_are_known_are_not_computed_again():
    bits, values = metrics_of(blocks(8), blocks(8, seed=1))
    known = {kind: ~bits[1][kind] for kind in bits[1]}
    changed = metrics_of(blocks(8), blocks(8, seed=1), bits[0], known)[1]
    for kind in known:  # a hash and its complement share with another hash 64 bits together
        np.testing.assert_allclose(values[kind] + changed[kind], 1.0)
