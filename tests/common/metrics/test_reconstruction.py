"""Reconstruction metrics against values worked out by hand."""

import numpy as np
import pytest

from common.errors import UserError
from common.metrics import reconstruction
from common.metrics.reconstruction import (
    DOUBLED,
    impossibility,
    mae,
    mse,
    psnr,
    reconstruction_metrics,
    rmse,
    ssim,
)

PUBLISHED = {"BiGAN": (0.268, 0.187), "LR": (0.119, 0.118), "CRG": (0.006, 0.021)}  # MAE, MSE


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two images 1x2: the first differs by 51/255 = 0.2 in one of two pixels, the second not."""
    originals = np.array([[0, 255], [7, 9]], np.uint8).reshape(2, 1, 2, 1)
    reconstructions = np.array([[51, 255], [7, 9]], np.uint8).reshape(2, 1, 2, 1)
    return originals, reconstructions


def noise(seed: int, shape: tuple[int, ...] = (3, 16, 12, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (mae, 0.1),  # 0.2 / 2
        (mse, 0.02),  # 0.04 / 2
        (rmse, 0.1414214),  # its root
        (psnr, 16.9897),  # -10 log10(0.02)
    ],
)
def test_errors_are_those_of_images_on_the_unit_range_in_either_order(metric, expected):
    originals, reconstructions = pair()  # uint8 0 - 51 would wrap around to 205
    identical = 100.0 if metric is psnr else 0.0  # psnr is capped
    for one, other in ((originals, reconstructions), (reconstructions, originals)):
        assert metric(one, other) == pytest.approx([expected, identical], rel=1e-6)


def test_psnr_of_the_smallest_difference_of_digits_stays_below_the_cap():
    originals = np.zeros((1, 28, 28, 1), np.uint8)
    reconstructions = originals.copy()
    reconstructions[0, 3, 4, 0] = 1
    assert psnr(originals, reconstructions) == pytest.approx([77.07], abs=0.01)  # 784 * 255^2


def test_ssim_of_identical_images_is_one():
    assert ssim(noise(0), noise(0)) == pytest.approx([1.0] * 3)


@pytest.mark.parametrize(("level", "other"), [(230, 228), (215, 212), (180, 179), (240, 239)])
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_of_flat_bright_images_is_no_more_than_one(level, other, channels):
    one, another = (np.full((2, 16, 16, channels), value, np.uint8) for value in (level, other))
    another[1, :, 8:] = level
    values = ssim(one, another)
    assert values == pytest.approx([1.0, 1.0], abs=0.02)
    assert values.max() <= 1.0


def test_ssim_of_constant_images_compares_their_means():
    # no variance: (2 * 0.2 * 0.6 + C1) / (0.2^2 + 0.6^2 + C1) with C1 = 0.01^2
    dark, bright = (np.full((1, 12, 12, 1), value, np.uint8) for value in (51, 153))
    assert ssim(dark, bright) == pytest.approx([0.6001], abs=1e-4)  # float32


def test_ssim_of_one_window_is_wangs_formula():
    x, y = noise(1, (1, 11, 11, 1)), noise(2, (1, 11, 11, 1))
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    a, b = x[0, :, :, 0] / 255, y[0, :, :, 0] / 255
    mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
    covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = 0.01**2, 0.03**2
    expected = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    expected *= (2 * covariance + c2) / (var_a + var_b + c2)
    assert ssim(x, y) == pytest.approx([expected], abs=1e-5)


def test_ssim_of_images_smaller_than_its_window_is_refused():
    with pytest.raises(UserError, match="at least 11x11 pixels; received 1x2"):
        ssim(*pair())


@pytest.mark.parametrize("n", [3, 0])
def test_metrics_give_one_float64_an_image_in_the_order_of_the_report(n):
    metrics = reconstruction_metrics(noise(0)[:n], noise(1)[:n])
    assert list(metrics) == ["mae", "mse", "rmse", "psnr", "ssim"]
    assert {(values.shape, values.dtype.name) for values in metrics.values()} == {((n,), "float64")}


def test_blocks_do_not_change_the_metrics(monkeypatch):
    whole = reconstruction_metrics(noise(0), noise(1))
    monkeypatch.setattr(reconstruction, "BLOCK_VALUES", 1)  # one image a block
    blocks = reconstruction_metrics(noise(0), noise(1))
    for name, values in whole.items():
        assert values == pytest.approx(blocks[name], abs=1e-6)


@pytest.mark.parametrize(
    ("originals", "said"),
    [
        (noise(0)[:2], r"same shape; received \[2, 16, 12, 3\] and \[3, 16"),
        (noise(0) / 255, r"uint8 images .* received float64"),
    ],
)
def test_other_arrays_are_refused(originals, said):
    with pytest.raises(UserError, match=said):
        mae(originals, noise(1))


@pytest.mark.parametrize("name", ["mae", "mse", "rmse"])
def test_the_symmetric_range_doubles_errors_and_quadruples_squares(name):
    x, y = (images.astype(np.float64) / 127.5 - 1 for images in (noise(0), noise(1)))
    squares = ((x - y) ** 2).mean(axis=(1, 2, 3))
    direct = {"mae": abs(x - y).mean(axis=(1, 2, 3)), "mse": squares, "rmse": np.sqrt(squares)}
    values = reconstruction_metrics(noise(0), noise(1))[name]
    assert [DOUBLED[name] * value for value in values] == pytest.approx(direct[name])


@pytest.mark.parametrize("value_range", [1.0, 2.0, 1 / 0.3081])  # also standardised MNIST
def test_the_published_crg_row_is_impossible(value_range):
    # 0.021 / 0.006 = 3.5
    assert "needs images with errors of 3.5 or more" in (
        impossibility(*PUBLISHED["CRG"], value_range) or ""
    )


def test_the_published_crg_row_is_possible_with_its_columns_swapped():
    mean_squared, mean_absolute = PUBLISHED["CRG"]
    assert impossibility(mean_absolute, mean_squared, 1.0) is None


@pytest.mark.parametrize("row", ["BiGAN", "LR"])
def test_the_other_rows_are_possible_on_the_symmetric_range_but_not_with_a_root_for_mse(row):
    mean_absolute, error = PUBLISHED[row]
    assert impossibility(mean_absolute, error, 2.0) is None
    assert "in any range" in (impossibility(mean_absolute, error**2, 2.0) or "")


def test_mse_below_the_squared_mae_is_impossible_in_any_range():
    assert "MSE cannot be below MAE^2 = 0.25" in (impossibility(0.5, 0.2, 255.0) or "")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (noise(0) // 128 * 255, noise(1) // 128 * 255),  # every error is 0 or 1: MSE = MAE exactly
        (np.full((4, 5, 5, 1), 51, np.uint8), np.full((4, 5, 5, 1), 102, np.uint8)),  # MSE = MAE^2
    ],
)
def test_both_edges_of_what_is_possible_are_possible(x, y):
    assert impossibility(float(mae(x, y).mean()), float(mse(x, y).mean()), 1.0) is None


@pytest.mark.parametrize("values", [(-0.1, 0.1, 1.0), (0.1, np.nan, 1.0), (0.1, 0.1, 0.0)])
def test_senseless_errors_are_refused(values):
    with pytest.raises(UserError, match="finite and not negative"):
        impossibility(*values)
