"""How fast faces reach the training: decoding once, the cached epochs, the wait of a train step.

    python -m benchmarks.celeba_loader --data-dir CELEBA
    python -m benchmarks.celeba_loader --synthetic 202599     # drawn faces of CelebA's size

Run it with nothing else at work. Rates are those of this machine; what carries over to others are
the ratios of one run: decoding beside bare `tf.io.decode_jpeg`, waiting beside computing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from common import device
from common.errors import UserError, exits_cleanly
from common.files import ROOT, atomic_path, write_json
from common.reporting.tables import Table, show
from common.runs.log import log_to
from common.settings.paths import PATHS

if TYPE_CHECKING:
    import tensorflow as tf

    from common.datasets.records import Records

logger = logging.getLogger(__name__)

BATCH = 64
EPOCHS = 5  # cached ones
DIFFERENT = 2_000  # of synthetic faces


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures the loader of CelebA on this machine."""

    data_dir: Path | None = None
    """The CelebA folder."""
    synthetic: int | None = None
    """Instead of it, so many drawn faces in CelebA's size and form, all of them for training."""
    size: int = 64
    """Side of the images."""
    limit: int | None = None
    """The first so many training images only."""
    steps: int = 20
    """Train steps whose waiting is measured."""
    out: Path = ROOT / "benchmarks" / "results" / "celeba_loader.json"
    """Where the figures go; beside it, as a picture, the memory while decoding."""


def measure(command: Command) -> dict:
    """Runs all measurements; rates in images a second, memory in MiB."""
    from common.datasets.celeba import loader as celeba
    from common.datasets.celeba.forms import image_files
    from icgan_tf.config import PAPER18

    with tempfile.TemporaryDirectory() as temporary:
        cache, data_dir = Path(temporary) / "cache", command.data_dir
        if command.synthetic is not None:
            data_dir = synthetic(Path(temporary) / "celeba", command.synthetic)
        if data_dir is None:
            raise UserError("Name the CelebA folder by --data-dir, or give --synthetic N.")
        options = {"size": command.size, "crop": (30, 40, 168, 178), "limit": command.limit}
        options["attributes"] = PAPER18
        files = [path for _, path in sorted(image_files(data_dir).items())]
        bare_decoding(files[: command.limit], device.cores())  # so that all are in memory
        begin = time.perf_counter()
        with memory_watched() as while_decoding:
            records = celeba.load("train", data_dir, **options, cache_dir=cache)
        build = time.perf_counter() - begin
        draw(while_decoding, build, len(records), command.out.with_suffix(".png"))
        begin = time.perf_counter()
        records = celeba.load("train", data_dir, **options, cache_dir=cache)
        again = time.perf_counter() - begin
        bare_alone, bare = (bare_decoding(files[: len(records)], p) for p in (1, device.cores()))
        epochs, memory = cached_epochs(records)
        fast = device.has_bfloat16()  # minutes a step without
        return {
            "images": len(records),
            "decoding into the cache": len(records) / build,
            "opening the cache, seconds": again,
            "bare tf.io.decode_jpeg, one thread": bare_alone,
            "bare tf.io.decode_jpeg, all cores": bare,
            "cached epochs": epochs,
            "memory after each epoch": memory,
            "memory while decoding, at tenths of the time": tenths(while_decoding),
            **wait_of_a_step(records, command.steps, "float32"),
            **(wait_of_a_step(records, command.steps, "mixed_bfloat16") if fast else {}),
            "the processor computes in bfloat16": "yes" if fast else "no",
            "machine": f"{platform.system()} {platform.machine()}, {device.cores()} cores, "
            f"{device.processor()}",
        }


def synthetic(folder: Path, count: int) -> Path:
    """Writes drawn faces in CelebA's official layout: `DIFFERENT` files under `count` names.

    Returns:
        The folder.
    """
    from common.datasets.drawn import write_celeba

    different = min(count, DIFFERENT)
    write_celeba(folder, {"train": different})
    images = folder / "img_align_celeba"
    _, names, rest = (folder / "list_attr_celeba.txt").read_text(encoding="utf-8").split("\n", 2)
    body = rest.splitlines()
    for number in range(different + 1, count + 1):
        source = (number - 1) % different
        os.link(images / f"{source + 1:06d}.jpg", images / f"{number:06d}.jpg")
        body.append(f"{number:06d}{body[source][6:]}")
    text = "\n".join([str(count), names, *body, ""])
    (folder / "list_attr_celeba.txt").write_text(text, encoding="utf-8")
    parts = "".join(f"{number:06d}.jpg 0\n" for number in range(1, count + 1))
    (folder / "list_eval_partition.txt").write_text(parts, encoding="utf-8")
    return folder


@contextlib.contextmanager
def memory_watched() -> Iterator[list[float]]:
    """Notes the memory of this process, in MiB, ten times a second while the block runs."""
    seen, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            seen.append(resident())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def draw(memory: Sequence[float], seconds: float, images: int, path: Path) -> None:
    """Draws the memory in MiB, evenly spaced over so many seconds in which images were decoded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.5), layout="constrained")
    axes = figure.subplots()
    places = [seconds * i / max(1, len(memory) - 1) for i in range(len(memory))]
    axes.plot(places, memory, linewidth=1.5)
    axes.set(xlabel=f"seconds, {images:,} images", ylabel="memory, MiB", ylim=(0, None))
    axes.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def tenths(values: Sequence[float]) -> list[float]:
    """Eleven of them, evenly spaced."""
    return [values[round(i * (len(values) - 1) / 10)] for i in range(11)]


def bare_decoding(files: Sequence[Path], threads: int) -> float:
    """Images a second that `tf.io.decode_jpeg` alone decodes, without crop, resize and storage."""
    import tensorflow as tf

    def decode(name: tf.Tensor) -> tf.Tensor:
        return tf.shape(tf.io.decode_jpeg(tf.io.read_file(name), channels=3))

    names = tf.data.Dataset.from_tensor_slices([str(file) for file in files])
    decoded = names.map(decode, num_parallel_calls=threads)
    begin = time.perf_counter()
    for _ in decoded:
        pass
    return len(files) / (time.perf_counter() - begin)


def cached_epochs(records: Records) -> tuple[list[float], list[float]]:
    """Images a second of each epoch of shuffled batches, and the memory after it in MiB."""
    from common.datasets.pipeline import endless_batches

    steps = len(records) // BATCH
    batches = iter(endless_batches(records, BATCH, seed=0, flip=True))
    next(batches)
    rates, memory = [], []
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        for _ in range(steps):
            next(batches)
        rates.append(steps * BATCH / (time.perf_counter() - begin))
        memory.append(resident())
    return rates, memory


def resident() -> float:
    """The memory that this process holds now, in MiB (Linux).

    Without the pages of files that are mapped, such as the cache, which the system takes back.
    """
    _, held, of_files, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (held - of_files) * resource.getpagesize() / 2**20


def wait_of_a_step(records: Records, steps: int, policy: str) -> dict[str, float]:
    """How much of a train step of IcGAN's preset `paper` is spent on waiting for its batch."""
    import keras
    import tensorflow as tf

    from common.datasets.pipeline import endless_batches
    from icgan_tf.conditions import Conditions
    from icgan_tf.model import ConditionalGAN
    from icgan_tf.networks import discriminator, generator

    keras.mixed_precision.set_global_policy(policy)
    conditions = len(records.attribute_names)
    size = records.images.shape[1]
    model = ConditionalGAN(
        generator(conditions=conditions, size=size),
        discriminator(conditions=conditions, size=size),
        Conditions(records.attributes),
    )
    model.compile(discriminator=keras.optimizers.Adam(2e-4), generator=keras.optimizers.Adam(2e-4))
    step = tf.function(lambda image, attributes: model.train_step((image, attributes)))
    batches = iter(endless_batches(records, BATCH, seed=0, flip=True))
    step(*next(batches))
    waited = computed = 0.0
    for _ in range(steps):
        begin = time.perf_counter()
        batch = next(batches)
        got = time.perf_counter()
        step(*batch)["generator_loss"].numpy()
        computed += time.perf_counter() - got
        waited += got - begin
    return {
        f"train step, {policy}": steps * BATCH / (waited + computed),
        f"share of it that waits for data, {policy}": waited / (waited + computed),
    }


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures, shows the figures and writes them."""
    command = tyro.cli(
        Command, prog="python -m benchmarks.celeba_loader", args=arguments, registry=PATHS
    )
    log_to(None)
    device.choose()
    figures = measure(command)
    rows = []
    for name, value in figures.items():
        if isinstance(value, list):
            value = ", ".join(f"{one:,.0f}" for one in value)
        rows.append([name, value if isinstance(value, str) else f"{value:,.4g}"])
    show(Table("The loader of CelebA, images a second", ("what", "figure"), rows))
    write_json(command.out, figures)


if __name__ == "__main__":
    main()
