"""Errors and similarities of pairs of images, one value per image.

All values are for images on [0, 1], that is, uint8 / 255. On the networks' range [-1, 1] errors are
twice as large and squared errors four times (`DOUBLED`): papers that do not name their
range differ by these factors, so a report states both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from common.errors import UserError
from common.images import to_unit

PSNR_CAP = 100.0  # dB, of identical images
SSIM_WINDOW = 11  # pixels
BLOCK_VALUES = 2**18  # values compared at once: changes memory and speed, not results
DOUBLED = {"mae": 2.0, "mse": 4.0, "rmse": 2.0}  # factor from [0, 1] to [-1, 1]


def reconstruction_metrics(
    originals: np.ndarray, reconstructions: np.ndarray
) -> dict[str, np.ndarray]:
    """All metrics of this module.

    Args:
        originals: uint8 `[N, H, W, C]`, at least 11 pixels high and wide (SSIM's window).
        reconstructions: uint8 of the same shape; row i belongs to original i.

    Returns:
        `mae`, `mse`, `rmse`, `psnr`, `ssim` in this order, each float64 `[N]`.

    Raises:
        UserError: arrays of another type, or of different shapes.
    """
    metrics = (mae, mse, rmse, psnr, ssim)
    return {metric.__name__: metric(originals, reconstructions) for metric in metrics}


def mae(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Mean absolute error of each image, `mean |x - x'|` in 0..1, float64 `[N]`."""
    return _per_image(originals, reconstructions, np.abs) / 255.0


def mse(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Mean squared error of each image, `mean (x - x')^2` in 0..1, float64 `[N]`."""
    return _per_image(originals, reconstructions, np.square) / 255.0**2


def rmse(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Root of each image's mean squared error, float64 `[N]` in 0..1.

    Times `sqrt(H W C)` it is the L2 distance of the BiGAN authors' table. The mean over images is
    below the root of the mean MSE.
    """
    return np.sqrt(mse(originals, reconstructions))


def psnr(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each image in dB, `-10 log10(MSE)`, float64 `[N]`.

    Identical images count as 100 dB (`PSNR_CAP`): with infinity a single perfect image would make
    the mean over a set infinite. Images of up to 153,000 values (226x226 RGB) that differ at all
    stay below: one value off by one level in 28x28 gives 77.1 dB, in 128x128 RGB 95.0 dB.
    """
    floor = 10.0 ** (-PSNR_CAP / 10.0)
    return -10.0 * np.log10(np.maximum(mse(originals, reconstructions), floor))


def ssim(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Structural similarity of each image, float64 `[N]` in -1..1, 1 for identical images.

    The settings of Wang et al. 2004 (IEEE TIP 13(4), Sec. III-C), computed by `tf.image.ssim`:
    Gaussian window 11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, dynamic range 1, only windows that
    lie inside the image, mean over windows and channels. scikit-image's default (uniform 7x7
    window) gives other values. Computed in float32: exact to about 1e-4, of flat bright images to
    1e-3, and cut at 1, which these would pass.

    Raises:
        UserError: as `reconstruction_metrics`, or images smaller than the window.
    """
    import tensorflow as tf

    _check(originals, reconstructions)
    if min(originals.shape[1:3]) < SSIM_WINDOW:
        raise UserError(
            f"SSIM needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels; "
            f"received {originals.shape[1]}x{originals.shape[2]}."
        )
    values = [
        np.asarray(tf.image.ssim(to_unit(x), to_unit(y), max_val=1.0, filter_size=SSIM_WINDOW))
        for x, y in _blocks(originals, reconstructions)
    ]
    return np.clip(np.concatenate([np.zeros(0), *values]), -1.0, 1.0)


def impossibility(mae: float, mse: float, value_range: float) -> str | None:
    """Says why no images can have this MAE and this MSE together, or None when some can.

    If no error exceeds R, then MSE <= R * MAE; and MAE^2 <= MSE always (Jensen). Both hold for one
    image and for means over images. The CRG row of the paper's Table 3 breaks the first one.

    Args:
        mae: mean absolute error.
        mse: mean squared error.
        value_range: R, the largest error there can be: 1 for images on [0, 1], 2 on [-1, 1].

    Returns:
        One sentence that names the range that would be needed, or None.

    Raises:
        UserError: negative or infinite errors, or a range that is not positive.
    """
    if not (0 <= mae < math.inf and 0 <= mse < math.inf and 0 < value_range < math.inf):
        raise UserError(
            "Errors must be finite and not negative and the range positive; "
            f"received MAE {mae}, MSE {mse}, range {value_range}."
        )
    rounding = 1.0 + 1e-6  # of float32 means
    if mae**2 > mse * rounding:
        return (
            f"MAE {mae:g} with MSE {mse:g} is impossible in any range: "
            f"MSE cannot be below MAE^2 = {mae**2:g}."
        )
    if mse > value_range * mae * rounding:
        return (
            f"MSE {mse:g} with MAE {mae:g} needs images with errors of {mse / mae:.3g} or more, "
            f"but between images on a range of {value_range:g} no error exceeds {value_range:g}."
        )
    return None


def _per_image(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Mean of `measure(difference)` in gray levels; integers inside, so no rounding adds up."""
    _check(originals, reconstructions)
    means = [
        measure(x.astype(np.int32) - y).mean(axis=(1, 2, 3))
        for x, y in _blocks(originals, reconstructions)
    ]
    return np.concatenate([np.zeros(0), *means])


def _blocks(
    originals: np.ndarray, reconstructions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of slices along N that hold about `BLOCK_VALUES` values each."""
    rows = max(1, BLOCK_VALUES // max(1, math.prod(originals.shape[1:])))
    for start in range(0, len(originals), rows):
        yield originals[start : start + rows], reconstructions[start : start + rows]


def _check(originals: np.ndarray, reconstructions: np.ndarray) -> None:
    """Raises a UserError unless both are uint8 `[N, H, W, C]` of one shape."""
    if originals.shape != reconstructions.shape:
        raise UserError(
            "Originals and reconstructions must have the same shape; "
            f"received {list(originals.shape)} and {list(reconstructions.shape)}."
        )
    for images in (originals, reconstructions):
        if images.dtype != np.uint8 or images.ndim != 4:
            raise UserError(
                "Metrics compare uint8 images [N, H, W, C]; "
                f"received {images.dtype} {list(images.shape)}."
            )
