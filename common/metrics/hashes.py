"""Perceptual hashes: how the CRG paper measures that a reconstruction is still the same image.

Dogan & Keles, "Semi-supervised Image Attribute Editing using GANs", Eq. 5: the similarity of two
images is `(64 - Hamming distance) / 64` of their 64-bit hashes. The paper names dhash, phash and
whash and no more; ours is the package imagehash with its defaults, on images of their native size:

- dhash: LANCZOS resize to 9x8, bit = right pixel > left pixel.
- phash: resize to 32x32, DCT-II, the 8x8 low frequencies, bit = coefficient > median.
- whash: resize to the largest power of two within the image (16 for 28x28, 128 for 128x128), Haar
  wavelet without the mean, 8x8 low band, bit = value > median. Of digits on black 1.4 % of the bits
  (8.7 % when padded to 32x32) are ties that the wavelet's rounding error decides.

Chance is not 0: two random digits agree in 60 % of dhash, 58 % of phash and 79 % of whash bits, so
a similarity is stated beside `random_pair_baseline`. Hashes see gray only (RGB becomes ITU-601
luma), and constant images all have one hash, which `unique_ratio` exposes. Pillow's resampling
changes bits between its versions: `library_versions` belongs into every report.

Worker processes import this module, so it must stay light.
"""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata

import imagehash
import numpy as np
from PIL import Image

from common.device import cores
from common.errors import UserError
from common.metrics.baselines import other_rows

logger = logging.getLogger(__name__)

HASHES = {"dhash": imagehash.dhash, "phash": imagehash.phash, "whash": imagehash.whash}
BITS = 64  # hash_size 8
MANY = 4_000  # images from which worker processes pay: they start in about half a second
BLOCK = 250  # images that a worker hashes at a time


def all_hash_bits(images: np.ndarray) -> dict[str, np.ndarray]:
    """All three hashes of each image; of many images in worker processes.

    Args:
        images: uint8 `[N, H, W, 1]` or `[N, H, W, 3]`.

    Returns:
        "dhash", "phash", "whash": bool `[N, 64]`, the rows of the 8x8 hash one after another.

    Raises:
        UserError: images of another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise UserError(
            "Hashes read uint8 images [N, H, W, 1] or [N, H, W, 3]; "
            f"received {images.dtype} {list(images.shape)}."
        )
    if len(images) and (images == images[0]).all():  # one image repeated, a baseline
        bits = _block_bits(images[:1])
        return {kind: np.repeat(bits[kind], len(images), axis=0) for kind in HASHES}
    if len(images) < MANY or cores() == 1:
        return _block_bits(images)
    blocks = [images[start : start + BLOCK] for start in range(0, len(images), BLOCK)]
    # A process forked from one with TensorFlow's threads can hang: "spawn" starts it afresh.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(cores(), mp_context=context) as pool:
            done = list(pool.map(_block_bits, blocks))
    except BrokenProcessPool:  # a main module without `if __name__ == "__main__":`
        logger.warning("Worker processes ended early; hashing in this process instead.")
        return _block_bits(images)
    return {kind: np.concatenate([block[kind] for block in done]) for kind in HASHES}


def hash_similarity(bits_a: np.ndarray, bits_b: np.ndarray) -> np.ndarray:
    """Eq. 5: share of equal bits, `(64 - Hamming) / 64`.

    Args:
        bits_a: bool `[N, 64]`.
        bits_b: bool `[N, 64]`; row i belongs to row i.

    Returns:
        float64 `[N]` in 0..1; 1 for equal hashes.

    Raises:
        UserError: different shapes.
    """
    if bits_a.shape != bits_b.shape or bits_a.ndim != 2:
        raise UserError(
            "Hash similarity needs two arrays of bits [N, 64]; "
            f"received {list(bits_a.shape)} and {list(bits_b.shape)}."
        )
    return (bits_a == bits_b).mean(axis=1)


def random_pair_baseline(bits: np.ndarray, seed: int) -> np.ndarray:
    """Similarity of each image to another random one of the set: what chance gives.

    Args:
        bits: bool `[N, 64]`, N >= 2, of the originals.
        seed: of the pairs.

    Returns:
        float64 `[N]` in 0..1.

    Raises:
        UserError: fewer than two images.
    """
    return hash_similarity(bits, bits[other_rows(len(bits), seed)])


def unique_ratio(bits: np.ndarray) -> float:
    """Number of different hashes over number of images; near 0 for a collapsed generator.

    Raises:
        UserError: no images.
    """
    if not len(bits):
        raise UserError("The ratio of unique hashes needs at least one image; received none.")
    return len(np.unique(np.packbits(bits, axis=1), axis=0)) / len(bits)


def library_versions() -> dict[str, str]:
    """Versions of the packages that decide about bits."""
    return {name: metadata.version(name) for name in ("Pillow", "scipy", "PyWavelets", "imagehash")}


def _block_bits(images: np.ndarray) -> dict[str, np.ndarray]:
    """Hashes uint8 images `[N, H, W, C]`; runs in the workers.

    One hash of all images after the other: the three of each image in turn take a sixth longer.
    """
    pictures = [
        Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image) for image in images
    ]
    bits = {kind: np.zeros((len(images), BITS), dtype=bool) for kind in HASHES}
    for kind, hashed in HASHES.items():
        for row, picture in enumerate(pictures):
            bits[kind][row] = hashed(picture).hash.ravel()
    return bits
