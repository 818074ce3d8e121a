"""Perceptual hashes: how the CRG paper measures that a reconstruction is still the same image.

Dogan & Keles, "Semi-supervised Image Attribute Editing using GANs", Eq. 5: the similarity of two
images is `(64 - Hamming distance) / 64` of their 64-bit hashes. The paper names dhash, phash and
whash and no more; ours is the package imagehash with its defaults, on images of their native size:

- dhash: LANCZOS resize to 9x8, bit = right pixel > left pixel.
- phash: resize to 32x32, DCT-II, the 8x8 low frequencies, bit = coefficient > median.
- whash: resize to the largest power of two within the image (16 for 28x28, 128 for 128x128), Haar
  wavelet without the mean, 8x8 low band, bit = value > median.

Chance is not 0: two random digits agree in 60 % of dhash, 58 % of phash and 79 % of whash bits, so
a similarity is stated beside `random_pair_baseline`. Hashes see gray only (RGB becomes ITU-601
luma), and constant images all have one hash, which `unique_ratio` exposes. Pillow's resampling
changes bits between its versions: `library_versions` belongs into every report.

Worker processes import this module and so it must stay light. They also import the main module
again: what runs at its top level, TensorFlow's import included, every worker pays for.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from pathlib import Path
from typing import TypeAlias, TypeVar

import imagehash
import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import DAMAGED, atomic_path
from common.metrics.baselines import other_rows

logger = logging.getLogger(__name__)

HASHES = {"dhash": imagehash.dhash, "phash": imagehash.phash, "whash": imagehash.whash}
BITS = 64  # hash_size 8
PROBE = 32  # images hashed here first, to see whether a pool pays
POOL_SECONDS = 1.0  # of work from which workers pay: one starts in about half a second
KEPT_POOL_SECONDS = 0.1  # and from which those of the call before do
BLOCK = 64  # images that are hashed at a time, at most
BLOCKS_PER_WORKER = 8  # at least, so that workers end together
KEPT = 256  # images from which their hashes are kept for the next report


def all_hash_bits(images: np.ndarray, workers: int | None = None) -> dict[str, np.ndarray]:
    """All three hashes of each image, here or in worker processes, whichever ends earlier.

    Args:
        images: uint8 `[N, H, W, 1]` or `[N, H, W, 3]`.
        workers: processes that hash, this one among them; None takes one for each core where
            there is work enough. The others stay for the next call, see `end_workers`.

    Returns:
        "dhash", "phash", "whash": bool `[N, 64]`, the rows of the 8x8 hash one after another.

    Raises:
        UserError: images of another type or shape, or fewer than one worker.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise UserError(
            "Hashes read uint8 images [N, H, W, 1] or [N, H, W, 3]; "
            f"received {images.dtype} {list(images.shape)}."
        )
    if workers is not None and workers < 1:
        raise UserError(f"Hashing needs at least one worker; received {workers}.")
    first = _block_bits(images[:1])  # loads what imagehash imports late, before the clock
    if len(images) and (images == images[0]).all():  # one image repeated, a baseline
        return {kind: np.repeat(bits, len(images), axis=0) for kind, bits in first.items()}
    start = time.perf_counter()
    probe = _block_bits(images[:PROBE])
    rest = images[PROBE:]
    expected = (time.perf_counter() - start) / PROBE * len(rest)  # seconds in this process

    if workers is None:
        from common.device import cores  # here: a worker process does not need it

        workers = cores()
        if expected < (KEPT_POOL_SECONDS if workers - 1 in _pools else POOL_SECONDS):
            workers = 1
    parts = max(1, -(-len(rest) // BLOCK), workers * BLOCKS_PER_WORKER if workers > 1 else 1)
    blocks = np.array_split(rest, min(max(1, len(rest)), parts))
    done = _here(blocks) if workers == 1 or not len(rest) else _pooled(blocks, workers)
    return {
        kind: np.concatenate([probe[kind], *(block[kind] for block in done)]) for kind in HASHES
    }


def kept_hash_bits(
    images: np.ndarray, cache_dir: Path | None = None, workers: int | None = None
) -> dict[str, np.ndarray]:
    """`all_hash_bits` of images that come again, such as a test set: from the cache, or into it.

    They are kept by the content of the images and the versions of the libraries that decide about
    bits. A file that cannot be read is written anew; where none can be written, none is.

    Args:
        images: uint8 `[N, H, W, 1]` or `[N, H, W, 3]`; the hashes of fewer than `KEPT` are made
            each time.
        cache_dir: `common.datasets.faces.default_cache()` if None.
        workers: as of `all_hash_bits`.

    Returns:
        "dhash", "phash", "whash": bool `[N, 64]`.
    """
    from common.datasets.faces import default_cache

    if len(images) < KEPT:
        return all_hash_bits(images, workers)
    digest = hashlib.sha256(repr((images.shape, sorted(library_versions().items()))).encode())
    for start in range(0, len(images), BLOCK):
        digest.update(np.ascontiguousarray(images[start : start + BLOCK]).data)
    name = f"hashes-{len(images)}-{digest.hexdigest()[:16]}.npz"
    file = (cache_dir or default_cache()) / name
    try:
        with file.open("rb") as content, np.load(content) as kept:
            bits = {kind: np.unpackbits(kept[kind], axis=1).astype(bool) for kind in HASHES}
        if all(one.shape == (len(images), BITS) for one in bits.values()):
            return bits
    except (KeyError, *DAMAGED):
        pass
    bits = all_hash_bits(images, workers)
    with contextlib.suppress(UserError, OSError), atomic_path(file) as temporary:
        packed = {kind: np.packbits(one, axis=1) for kind, one in bits.items()}
        np.savez(temporary, **packed)  # pyright: ignore[reportArgumentType]
    return bits


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


T = TypeVar("T")
Block: TypeAlias = dict[str, np.ndarray]


def _here(blocks: Sequence[np.ndarray]) -> list[Block]:
    """Hashes in this process."""
    return list(_shown(map(_block_bits, blocks), len(blocks)))


def _pooled(blocks: Sequence[np.ndarray], workers: int) -> list[Block]:
    """Hashes here and in worker processes, from both ends; here alone if they cannot live."""
    found: dict[int, Block] = {}

    def ended() -> Iterator[int]:
        pool = _pool(workers - 1)
        begun = [pool.submit(_block_bits, block) for block in blocks]
        theirs = []
        for place in reversed(range(len(blocks))):
            if begun[place].cancel():  # no worker has taken it yet, as while they start
                found[place] = _block_bits(blocks[place])
                yield place
            else:
                theirs.append(place)
        for place in theirs:
            found[place] = begun[place].result()
            yield place

    try:
        for _ in _shown(ended(), len(blocks)):
            pass
    except BrokenProcessPool:
        end_workers()
        logger.warning(
            "Worker processes ended early (a main module without `if __name__ == '__main__':`, or "
            "no memory left); hashing in this process instead."
        )
        return _here(blocks)
    except BaseException:  # Ctrl-C: what has not begun would be done at exit
        end_workers()
        raise
    return [found[place] for place in range(len(blocks))]


_pools: dict[int, ProcessPoolExecutor] = {}  # number of workers -> the workers


def _pool(workers: int) -> ProcessPoolExecutor:
    """Worker processes, those of the last call if there are as many."""
    if workers not in _pools:
        end_workers()
        # A process forked from one with TensorFlow's threads can hang: "spawn" starts it afresh.
        context = multiprocessing.get_context("spawn")
        _pools[workers] = ProcessPoolExecutor(workers, mp_context=context)
    return _pools[workers]


def end_workers() -> None:
    """Ends the worker processes that `all_hash_bits` left for the next call."""
    while _pools:
        _pools.popitem()[1].shutdown(cancel_futures=True)


def _shown(blocks: Iterable[T], count: int) -> Iterable[T]:
    """The blocks as they come, with a progress bar where somebody watches."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        blocks, "hashing", count, console=console, transient=True, disable=not console.is_terminal
    )


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
