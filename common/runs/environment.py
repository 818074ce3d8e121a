"""What a run's numbers depend on besides its settings: versions, machine, revision, data."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT, write_json
from common.runs.directory import Run

PACKAGES = ("tensorflow", "keras", "numpy", "matplotlib", "imagehash", "Pillow", "scipy")


def record_environment(run: Run, device: str, seed: int, records: Records) -> None:
    """Writes `environment.json`: what this run's numbers depend on besides its settings.

    Where a resumed run goes on in another environment, the former ones stay under `earlier`.
    """
    from tensorflow.python.util import _pywrap_util_port

    now = {
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "onednn": _pywrap_util_port.IsMklEnabled(),  # what TensorFlow computes with, as it says
        "seed": seed,
        "git_revision": git_revision(),
        "data": {
            "name": records.name,
            "images": len(records),
            "fingerprint": records.fingerprint(),
        },
    }
    before = read_environment(run.folder)
    earlier = before.pop("earlier", [])
    if before and before != now:
        earlier.append(before)
    write_json(run.folder / "environment.json", {**now, "earlier": earlier})


def read_environment(folder: Path) -> dict[str, Any]:
    """What `record_environment` wrote, or an empty dict where it has not.

    Raises:
        UserError: the file is broken.
    """
    file = folder / "environment.json"
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is not valid JSON ({error}); restore or delete it.") from error


def check_data(folder: Path, records: Records) -> None:
    """Refuses to go on with a run on other data than it began with.

    Args:
        folder: the run.
        records: its training images, as they are now.

    Raises:
        UserError: they are not those that the run was trained on.
    """
    began = read_environment(folder).get("data")
    if began and began["fingerprint"] != records.fingerprint():
        raise UserError(
            f"{folder} was trained on {began['images']:,} images of {began['name']} (fingerprint "
            f"{began['fingerprint']}), but {records.source} holds others ({len(records):,} images, "
            f"{records.fingerprint()}): name the folder of the same data by --data-dir, or start "
            f"a new run with --init {folder}."
        )


def git_revision() -> str:
    """The commit of this project's files, with "+changes" when they differ from it."""
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=12"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return run.stdout.strip()
