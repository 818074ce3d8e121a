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


def test_mae_is_the_mean_absolute_error_on_the_unit_range():
    assert mae(*pair()) == pytest.approx([0.1, 0.0])  # 0.2 / 2


def test_mae_does_not_depend_on_the_order_of_the_pair():
    originals, reconstructions = pair()  # uint8 0 - 51 would wrap around to 205
    assert mae(reconstructions, originals) == pytest.approx([0.1, 0.0])


def test_mse_is_the_mean_squared_error_on_the_unit_range():
    assert mse(*pair()) == pytest.approx([0.02, 0.0])  # 0.04 / 2


def test_rmse_is_the_root_of_each_images_mse():
    assert rmse(*pair()) == pytest.approx([0.141421, 0.0], abs=1e-6)


def test_psnr_is_minus_ten_times_the_logarithm_of_the_mse():
    assert psnr(*pair())[0] == pytest.approx(16.9897, abs=1e-4)  # -10 log10(0.02)


def test_psnr_of_identical_images_is_capped_at_100_db():
    assert psnr(*pair())[1] == 100.0


def test_psnr_of_the_smallest_difference_of_digits_stays_below_the_cap():
    originals = np.zeros((1, 28, 28, 1), np.uint8)
    reconstructions = originals.copy()
    reconstructions[0, 3, 4, 0] = 1
    assert psnr(originals, reconstructions) == pytest.approx([77.07], abs=0.01)  # 784 * 255^2


def test_ssim_of_identical_images_is_one():
    assert ssim(noise(0), noise(0)) == pytest.approx([1.0] * 3)


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


def test_metrics_come_in_the_order_of_the_report():
    metrics = reconstruction_metrics(noise(0), noise(1))
    assert list(metrics) == ["mae", "mse", "rmse", "psnr", "ssim"]


def test_metrics_give_one_float64_an_image():
    metrics = reconstruction_metrics(noise(0), noise(1))
    assert {(values.shape, values.dtype.name) for values in metrics.values()} == {((3,), "float64")}


def test_metrics_of_no_images_are_empty():
    empty = np.zeros((0, 28, 28, 1), np.uint8)
    assert {values.shape for values in reconstruction_metrics(empty, empty).values()} == {(0,)}


def test_blocks_do_not_change_the_metrics(monkeypatch):
    whole = reconstruction_metrics(noise(0), noise(1))
    monkeypatch.setattr(reconstruction, "BLOCK_VALUES", 1)  # one image a block
    blocks = reconstruction_metrics(noise(0), noise(1))
    for name, values in whole.items():
        assert values == pytest.approx(blocks[name], abs=1e-6)


def test_pairs_of_different_shapes_are_refused():
    with pytest.raises(UserError, match=r"same shape; received \[3, 16, 12, 3\] and \[2, 16"):
        mae(noise(0), noise(1)[:2])


def test_float_images_are_refused():
    with pytest.raises(UserError, match=r"uint8 images .* received float64"):
        mse(noise(0) / 255, noise(1))


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


@pytest.mark.parametrize("row", ["BiGAN", "LR"])
def test_the_other_published_rows_are_possible_on_the_symmetric_range(row):
    assert impossibility(*PUBLISHED[row], 2.0) is None


def test_the_published_crg_row_is_possible_with_its_columns_swapped():
    mean_squared, mean_absolute = PUBLISHED["CRG"]
    assert impossibility(mean_absolute, mean_squared, 1.0) is None


def test_reading_the_published_mse_as_its_root_breaks_the_other_rows():
    for row in ("BiGAN", "LR"):
        mean_absolute, root = PUBLISHED[row]
        assert "in any range" in (impossibility(mean_absolute, root**2, 2.0) or "")


def test_mse_below_the_squared_mae_is_impossible_in_any_range():
    assert "MSE cannot be below MAE^2 = 0.25" in (impossibility(0.5, 0.2, 255.0) or "")


def test_errors_of_black_and_white_images_are_possible():
    # every error is 0 or 1: MSE = MAE exactly, the edge of what is possible
    x, y = (np.where(noise(seed) > 127, 255, 0).astype(np.uint8) for seed in (0, 1))
    assert impossibility(float(mae(x, y).mean()), float(mse(x, y).mean()), 1.0) is None


def test_errors_of_uniformly_gray_images_are_possible():
    # every error is 0.2: MSE = MAE^2 exactly, the other edge
    x, y = (np.full((4, 5, 5, 1), value, np.uint8) for value in (51, 102))
    assert impossibility(float(mae(x, y).mean()), float(mse(x, y).mean()), 1.0) is None


@pytest.mark.parametrize("values", [(-0.1, 0.1, 1.0), (0.1, np.nan, 1.0), (0.1, 0.1, 0.0)])
def test_senseless_errors_are_refused(values):
    with pytest.raises(UserError, match="finite and not negative"):
        impossibility(*values)
