"""Says what a training would find here: versions, devices, data, and what to do about the rest.

python -m common.doctor
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import tyro

from common import device
from common.errors import UserError, exits_cleanly
from common.run import ROOT
from common.tables import Table, show

OLDEST, NEWEST = (3, 11), (3, 13)


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


def data() -> tuple[str, str]:
    """The MNIST of this repository."""
    from common import datasets

    try:
        train, test = (datasets.load("mnist", split) for split in ("train", "test"))
    except UserError as error:
        return "broken", str(error)
    return f"{len(train):,} + {len(test):,} images", "fine"


def models() -> tuple[str, str]:
    """The trained models that come with the project."""
    names = sorted(path.parent.name for path in (ROOT / "weights").glob("*/config.json"))
    return ", ".join(names) or "none", "fine" if names else "train one: python -m crg.train"


def diagnose() -> list[list[str]]:
    """Rows of what, found, advice; the advice is "fine" where nothing is wrong."""
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [("Python", python_version)]
    for name, wanted in pinned().items():
        checks.append((name, lambda name=name, wanted=wanted: package_version(name, wanted)))
    rows = [[what, *check()] for what, check in checks]
    if any(row[1] == "missing" for row in rows):
        return rows
    rows.append(["device", device.choose("auto"), "fine"])
    for what, check in (("GPU", gpu), ("MNIST", data), ("trained models", models)):
        rows.append([what, *check()])
    return rows


@dataclass(frozen=True)
class DoctorCommand:
    """Says what a training would find here, and what to do about what is wrong."""


@exits_cleanly
def main() -> None:
    """Shows the table; exit status 1 when something is wrong."""
    tyro.cli(DoctorCommand, prog="python -m common.doctor")
    rows = diagnose()
    show(Table("What a training finds here", ("what", "found", "advice"), rows))
    sys.exit(0 if all(row[2].startswith("fine") or "fine without" in row[2] for row in rows) else 1)


if __name__ == "__main__":
    main()
