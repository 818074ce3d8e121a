"""Hashing pairs of images: on all cores and with the originals' hashes kept, beside a plain loop.

    python -m benchmarks.hashes

Run it with nothing else at work. All ways take turns in one run, and their bits are compared with
those of imagehash, called image by image.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import tyro

from common import device
from common.errors import exits_cleanly
from common.files import write_json
from common.metrics.hashes import (
    HASHES,
    all_hash_bits,
    end_workers,
    kept_hash_bits,
    library_versions,
)
from common.run import ROOT, log_to
from common.tables import Table, show

logger = logging.getLogger(__name__)

Bits = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures the hashing of pairs on this machine."""

    digits: int = 10_000
    """Pairs of digits, 28x28."""
    faces: int = 2_000
    """Pairs of drawn faces, 64x64."""
    rounds: int = 3
    """Measurements of each way, of which the median is taken."""
    out: Path = ROOT / "benchmarks" / "results" / "hashes.json"
    """Where the figures go."""


def plain(images: np.ndarray) -> Bits:
    """The three hashes by imagehash itself, image by image, on one core."""
    from PIL import Image

    pictures = [
        Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image) for image in images
    ]
    return {
        kind: np.array([hashed(picture).hash.ravel() for picture in pictures])
        for kind, hashed in HASHES.items()
    }


def pairs(command: Command) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Originals, and what stands for their reconstructions: the same with noise."""
    from common.datasets import drawn, mnist

    faces = np.concatenate([drawn.load(split).images for split in ("train", "dev", "test")])
    rng = np.random.default_rng(0)
    found = {}
    for name, images, count in (
        ("digits", mnist.load("test").images, command.digits),
        ("faces", faces, command.faces),
    ):
        originals = np.resize(images, (count, *images.shape[1:]))
        originals = originals ^ rng.integers(0, 4, originals.shape).astype(np.uint8)  # no two alike
        noise = rng.normal(0.0, 20.0, originals.shape)
        found[name] = (originals, np.clip(originals + noise, 0, 255).astype(np.uint8))
    return found


def measure(command: Command) -> dict:
    """Seconds of each way for each kind of pairs, and their ratios."""
    found: dict[str, dict[str, float]] = {}
    for kind, (originals, others) in pairs(command).items():

        def pooled(a: np.ndarray = originals, b: np.ndarray = others) -> tuple[Bits, Bits]:
            return all_hash_bits(a), all_hash_bits(b)

        with tempfile.TemporaryDirectory() as cache:
            ways: dict[str, Callable[[], tuple[Bits, Bits]]] = {
                "plain loop": lambda a=originals, b=others: (plain(a), plain(b)),
                "all cores, with their start": pooled,
                "all cores": pooled,
                "originals kept": lambda a=originals, b=others, c=Path(cache): (
                    kept_hash_bits(a, c),
                    all_hash_bits(b),
                ),
            }
            kept_hash_bits(originals, Path(cache))
            expected = ways["plain loop"]()
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(command.rounds):
                end_workers()
                for way, work in ways.items():  # the second one starts the workers, and they stay
                    start = time.perf_counter()
                    bits = work()
                    seconds[way].append(time.perf_counter() - start)
                    check(bits, expected)
                    logger.info("%s, %s: %.1f s", kind, way, seconds[way][-1])
        found[kind] = {way: median(values) for way, values in seconds.items()}
    return {
        "machine": f"{device.processor()}, {device.cores()} cores",
        "pairs": {"digits": command.digits, "faces": command.faces},
        "rounds": command.rounds,
        "versions": library_versions(),
        "seconds": found,
        "times as fast as the loop": {
            kind: {way: values["plain loop"] / value for way, value in values.items()}
            for kind, values in found.items()
        },
    }


def check(bits: tuple[Bits, Bits], expected: tuple[Bits, Bits]) -> None:
    """Refuses a way whose bits are not imagehash's."""
    for one, other in zip(bits, expected, strict=True):
        for kind in HASHES:
            if not np.array_equal(one[kind], other[kind]):
                raise AssertionError(f"{kind} differs from imagehash")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows and writes."""
    command = tyro.cli(Command, prog="python -m benchmarks.hashes", args=arguments)
    log_to(None)
    found = measure(command)
    rows = [
        [f"{found['pairs'][kind]:,} pairs of {kind}", *values.values()]
        for kind, values in found["seconds"].items()
    ]
    ways = next(iter(found["seconds"].values()))
    show(Table("Seconds for dhash, phash and whash", ("what", *ways), rows, found["machine"]))
    write_json(command.out, found)


if __name__ == "__main__":
    main()
