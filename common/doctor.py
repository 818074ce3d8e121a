"""Says what a training would find here: versions, devices, data, and what to do about the rest.

python -m common.doctor [--data-dir DIR]
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import tyro

from common import device, surroundings
from common.datasets.celeba.faces import default_cache
from common.errors import UserError, exits_cleanly
from common.files import ROOT, check_writable
from common.reporting.tables import Table, show
from common.settings.paths import PATHS

OLDEST, NEWEST = (3, 11), (3, 13)
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def python_version() -> tuple[str, str]:
    """The interpreter and what is wrong with it."""
    version = platform.python_version()
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return version, "fine"
    return version, "use Python 3.11 to 3.13: make PYTHON=python3.12 test"


def pinned() -> dict[str, str]:
    """Package -> version of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    words = [line.split("#")[0].strip() for line in lines]
    return dict(word.split("==") for word in words if word)


def package_version(name: str, wanted: str) -> tuple[str, str]:
    """The installed version of a package and what is wrong with it."""
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing", "run: pip install -r requirements.txt"
    if found != wanted:
        return found, f"tested with {wanted}; run: pip install -r requirements.txt"
    return found, "fine"


def gpu() -> tuple[str, str]:
    """The GPU as TensorFlow sees it, and what to do where it sees none."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    build = tf.sysconfig.get_build_info()
    if found:
        details = tf.config.experimental.get_device_details(found[0])
        capability = ".".join(map(str, details.get("compute_capability", ())))
        return f"{len(found)}x {details.get('device_name')} (capability {capability})", "fine"
    if not build.get("is_cuda_build"):
        return "none", "this TensorFlow has no CUDA; fine without a GPU"
    advice = "fine without one; with one: pip install -r requirements-gpu.txt"
    if os.environ.get("LD_LIBRARY_PATH"):
        advice += "; LD_LIBRARY_PATH is set and may hide pip's CUDA: unset it"
    if os.environ.get("CUDA_VISIBLE_DEVICES") is not None:
        advice += "; CUDA_VISIBLE_DEVICES is set and may hide the GPU"
    return f"none (built for CUDA {build.get('cuda_version')})", advice


def precision() -> tuple[str, str]:
    """What `--precision auto` stands for on this machine's processor."""
    if device.has_bfloat16():
        return "bfloat16 in the processor", "fine; --precision auto or bfloat16 uses it"
    return "float32", "fine; the processor does not compute in bfloat16, or does not say so"


def settings() -> tuple[str, str]:
    """What variables and files say to other programs, and this project does not follow."""
    file, said = surroundings.keras_settings()
    found = [f"{name}={value}" for name, value in sorted(surroundings.set_aside.items())]
    found += [f"{name} {value} in {file}" for name, value in said.items()]
    advice = "fine; the commands set it aside"
    if said or "KERAS_BACKEND" in surroundings.set_aside:
        advice += ", and a program of yours does by loading a model before it imports Keras"
    return "; ".join(found) or "none that matters", advice if found else "fine"


def processors() -> tuple[str, str]:
    """How many processors a training has, and what holds it to fewer."""
    found, advice = f"{device.cores()} of {os.cpu_count()}", "fine"
    if (granted := device.granted()) is not None:
        found += f", the container grants {granted}"
    limits = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    if limits:
        advice = f"fine; {' and '.join(limits)} may slow it down: unset what you did not set"
    return found, advice


def places() -> tuple[str, str]:
    """Where decoded images and temporary files go."""
    try:
        cache = default_cache()
        check_writable(cache)
    except UserError as error:
        return (
            "no place for the cache",
            f"fine without CelebA; else name one by --cache-dir: {error}",
        )
    try:
        return f"{cache}, {tempfile.gettempdir()}", "fine"
    except OSError as error:
        return str(cache), f"no place for temporary files: set TMPDIR to a folder ({error})"


def digits() -> tuple[str, str]:
    """The MNIST of this repository."""
    from common import datasets

    try:
        train, test = (datasets.load("mnist", split) for split in ("train", "test"))
    except UserError as error:
        return "broken", str(error)
    return f"{len(train):,} + {len(test):,} images", "fine"


def faces(data_dir: Path | None) -> tuple[str, str]:
    """CelebA in that folder, in whatever form, or else as tensorflow-datasets prepared it."""
    from common.datasets import prepared
    from common.datasets.celeba import forms
    from common.datasets.celeba import loader as celeba

    advice = "fine without, for digits and drawn faces; name its folder by --data-dir"
    try:
        if data_dir is not None:
            form = forms.find(data_dir)
        elif prepared.newest(prepared.home(None), "celeb_a"):
            form = forms.prepared_form(prepared.wanted("celeb_a", None))
            advice = "fine; --source tfds trains on it"
        else:
            return "none prepared by TFDS", advice
    except UserError as error:
        return "broken" if data_dir is None else f"none in {data_dir}", str(error)
    there = [name for name in form.names if name in form.rows]
    wrong = ["None of the images has attributes."]
    if there:
        wrong = celeba.training_obstacles(form, there)
    fine = "fine" if data_dir else advice
    return f"{len(form.names):,} images, {form.title}", " ".join(wrong) or fine


def models() -> tuple[str, str]:
    """The trained models that come with the project."""
    names = sorted(path.parent.name for path in (ROOT / "weights").glob("*/config.json"))
    return ", ".join(names) or "none", "fine" if names else "train one: python -m crg.train"


def diagnose(data_dir: Path | None = None) -> list[list[str]]:
    """Rows of what, found, advice; the advice is "fine" where nothing is wrong.

    Args:
        data_dir: a folder with CelebA, to be looked at.
    """
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [("Python", python_version)]
    for name, wanted in pinned().items():
        checks.append((name, lambda name=name, wanted=wanted: package_version(name, wanted)))
    rows = [[what, *check()] for what, check in checks]
    if any(row[1] == "missing" for row in rows):
        return rows
    rows.append(["device", device.choose("auto"), "fine"])
    later: list[tuple[str, Callable[[], tuple[str, str]]]] = [
        ("GPU", gpu),
        ("processors", processors),
        ("precision", precision),
        ("settings", settings),
        ("cache, temporary files", places),
        ("MNIST", digits),
        ("CelebA", lambda: faces(data_dir)),
        ("trained models", models),
    ]
    rows.extend([what, *check()] for what, check in later)
    return rows


@dataclass(frozen=True)
class DoctorCommand:
    """Says what a training would find here, and what to do about what is wrong."""

    data_dir: Path | None = None
    """A folder with CelebA, to be looked at too."""


@exits_cleanly
def main() -> None:
    """Shows the table; exit status 1 when something is wrong."""
    command = tyro.cli(DoctorCommand, prog="python -m common.doctor", registry=PATHS)
    rows = diagnose(command.data_dir)
    show(Table("What a training finds here", ("what", "found", "advice"), rows))
    sys.exit(0 if all(row[2].startswith("fine") or "fine without" in row[2] for row in rows) else 1)


if __name__ == "__main__":
    main()
