"""Power at the frequencies of a grid, against images whose grid is known."""

import numpy as np
import pytest

from common.metrics.grid import grid_strength

NOISE = np.random.default_rng(0).integers(60, 190, (50, 64, 64, 3))


def test_white_noise_has_no_grid():
    assert grid_strength(NOISE.astype(np.uint8)) == pytest.approx({2: 1, 4: 1, 8: 1}, abs=0.2)


@pytest.mark.parametrize("period", [2, 4, 8])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_pattern_stands_out_at_its_own_period(period, axis):
    """A cosine of the columns alone, or of the rows alone."""
    wave = 20 * np.cos(2 * np.pi * np.arange(64) / period)
    shape = [1, 1, 1, 1]
    shape[axis] = 64
    found = grid_strength((NOISE + wave.reshape(shape)).astype(np.uint8))
    assert found.pop(period) > 3
    assert all(value < 1.3 for value in found.values())
