"""Whether images carry a grid, as transposed convolutions leave it: power at its frequencies.

A layer that doubles the side by a kernel which its stride does not divide weighs pixels unevenly
(Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts"): the pattern repeats
every 2 pixels, that of the layer before every 4, and so on.
"""

from __future__ import annotations

import numpy as np

PERIODS = (2, 4, 8)  # pixels
NEIGHBOURS = 2  # frequencies on either side, with which one is compared


def grid_strength(images: np.ndarray) -> dict[int, float]:
    """How far the power at the frequencies of a grid stands out from the frequencies beside them.

    Args:
        images: uint8 `[N, S, S, C]`, S a multiple of 8, at least 32.

    Returns:
        Period in pixels -> power at that frequency, of rows and columns, over the mean power of the
        frequencies next to it; 1 for no grid.
    """
    size = images.shape[1]
    gray = images.mean(axis=3, dtype=np.float64)
    gray -= gray.mean(axis=(1, 2), keepdims=True)
    window = np.hanning(size)  # so that the opposite edges do not meet
    power = np.abs(np.fft.fft2(gray * window[:, None] * window)) ** 2
    along = power.mean(axis=0)  # [S, S]
    spectrum = along.mean(axis=1) + along.mean(axis=0)  # of columns and of rows, [S]
    return {period: _standing_out(spectrum, size // period) for period in PERIODS}


def _standing_out(spectrum: np.ndarray, at: int) -> float:
    """A frequency's power over the mean of those beside it; the window widens a line by one."""
    steps = np.arange(2, 2 + NEIGHBOURS)
    beside = np.concatenate([spectrum[at - steps], spectrum[(at + steps) % len(spectrum)]])
    return float(spectrum[at] / beside.mean())
