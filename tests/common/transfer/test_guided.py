"""The guided filter against its definition, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from common.transfer import guided
from common.transfer.guided import guided_upsampling


def oracle(guide: np.ndarray, field: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """He et al. 2010, Eqs. 14 to 16, one window at a time; borders mirrored."""
    pad = [(2 * radius, 2 * radius)] * 2
    guide = np.pad(guide, [*pad, (0, 0)], "symmetric").astype(float)
    field = np.pad(field, pad, "symmetric").astype(float)
    height, width = field.shape
    slopes, offsets = np.zeros((height, width, 3)), np.zeros((height, width))
    for row in range(radius, height - radius):
        for column in range(radius, width - radius):
            window = (
                slice(row - radius, row + radius + 1),
                slice(column - radius, column + radius + 1),
            )
            i, p = guide[window].reshape(-1, 3), field[window].ravel()
            covariance = np.cov(i.T, bias=True) + eps * np.eye(3)
            slope = np.linalg.solve(covariance, (i * p[:, None]).mean(0) - i.mean(0) * p.mean())
            slopes[row, column] = slope
            offsets[row, column] = p.mean() - slope @ i.mean(0)
    found = np.zeros((height, width))
    for row in range(2 * radius, height - 2 * radius):
        for column in range(2 * radius, width - 2 * radius):
            window = (
                slice(row - radius, row + radius + 1),
                slice(column - radius, column + radius + 1),
            )
            slope, offset = slopes[window].mean((0, 1)), offsets[window].mean()
            found[row, column] = slope @ guide[row, column] + offset
    inner = slice(2 * radius, -2 * radius)
    return found[inner, inner]


def nearly_gray(size: int = 20) -> np.ndarray:
    """A gray edge with a trace of colour: where OpenCV's filter becomes a box filter."""
    rng = np.random.default_rng(0)
    edge = np.where(np.arange(size) < size // 2, 0.2, 0.8)[None, :, None]
    return np.broadcast_to(edge, (size, size, 3)) + 1e-4 * rng.standard_normal((size, size, 3))


def test_it_is_its_definition_on_a_nearly_gray_guide():
    guide, field = nearly_gray(), np.random.default_rng(1).uniform(0, 1, (20, 20))
    found = guided_upsampling(guide, field[..., None], 2, 1e-3)[..., 0]
    expected = oracle(guide, field, 2, 1e-3)
    # Within the border both mirror the same; at it the order of mirroring and filtering differs.
    np.testing.assert_allclose(found[4:-4, 4:-4], expected[4:-4, 4:-4], atol=1e-3)


def test_a_constant_stays():
    field = np.full((20, 20, 2), 0.37)
    np.testing.assert_allclose(guided_upsampling(nearly_gray(), field, 3), field, atol=1e-4)


@pytest.mark.parametrize("largest", [512, 32])
def test_an_edge_of_the_guide_sharpens_an_upsampled_field(monkeypatch, largest):
    """Also where it is fitted on a smaller copy of the guide."""
    monkeypatch.setattr(guided, "LARGEST", largest)
    guide = nearly_gray(64)
    small = np.float32(np.where(np.arange(8) < 4, 0, 1)[None].repeat(8, 0))[..., None]
    bilinear = guided.resized(small, (64, 64))[..., 0]
    found = guided_upsampling(guide, small, 1)[..., 0]
    jumps = [image[32, 32] - image[32, 31] for image in (bilinear, found)]
    assert jumps[0] < 0.2
    assert jumps[1] > 0.6
