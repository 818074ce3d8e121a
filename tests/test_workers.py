"""Trainings on several workers, real processes on this machine, end as those of one.

In float64, see `tests.workers`: what is left of a difference would be a mistake.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from common.files import ROOT
from common.training.backup import read_notes
from tests.trainings import ATTRIBUTES

pytestmark = pytest.mark.slow

SHORT = ("--preset", "smoke", "--limit", "120")  # with 12 images a step: 10 steps an epoch
FIRST = {  # package -> its first stage, its words for 50 steps
    "crg": ("gan", "--stages", "gan", "--gan.batch-size", "12", "--gan.epochs", "5"),
    "icgan_tf": (
        *("gan", "--stages", "gan", "--gan.batch-size", "12", "--gan.epochs", "5"),
        *("--data.attributes", *ATTRIBUTES),
    ),
    "ifcvaegan": ("vaegan", "--train.batch-size", "12", "--train.epochs", "5"),
    "igan": ("gan", "--stages", "gan", "--gan.batch-size", "12", "--gan.epochs", "5"),
}
SECONDS = 900.0  # after which something hangs
LOST = "Another worker of this training ended or cannot be reached any more"


def begin(package: str, *words: str) -> subprocess.Popen[str]:
    """A process with two threads at most, so that many of them get along."""
    command = [sys.executable, "-m", "tests.workers", package, *words]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"},
    )


def addresses(count: int) -> list[str]:
    """Of ports that are free now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in held]
    for one in held:
        one.close()
    return found


def begin_workers(count: int, package: str, *words: str) -> list[subprocess.Popen[str]]:
    together = ("--cluster", *addresses(count), "--worker")
    return [begin(package, *words, *together, str(index)) for index in range(count)]


def finish(*processes: subprocess.Popen[str]) -> None:
    """Waits until all have done their work."""
    try:
        for process in processes:
            said = process.communicate(timeout=SECONDS)[1]
            assert process.returncode == 0, said[-3000:]
    finally:
        for process in processes:
            process.kill()


def state(run: Path, stage: str) -> dict[str, np.ndarray]:
    """The variables of the networks at the end of a stage."""
    with np.load(run / "backup" / f"{stage}.npz") as saved:
        return {key: saved[key] for key in saved.files if key.startswith("network/")}


def furthest(run: Path, other: Path, stage: str) -> float:
    """The largest difference of two weights."""
    ours, theirs = state(run, stage), state(other, stage)
    assert ours.keys() == theirs.keys()
    return max(float(np.abs(ours[key] - theirs[key]).max()) for key in ours)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Callable[[str], Path]:
    """Package -> its first stage on one worker."""
    place, done = tmp_path_factory.mktemp("alone"), {}

    def run(package: str) -> Path:
        if package not in done:
            done[package] = place / package
            finish(begin(package, *SHORT, *FIRST[package][1:], "--out", str(done[package])))
        return done[package]

    return run


@pytest.mark.parametrize("package", FIRST)
@pytest.mark.parametrize("count", [2, 3])
def test_several_workers_end_with_the_weights_of_one(alone, tmp_path, package, count):
    stage, *words = FIRST[package]
    run = tmp_path / "run"
    finish(*begin_workers(count, package, *SHORT, *words, "--out", str(run)))
    assert read_notes(run / "backup" / f"{stage}.npz")["step"] == 50
    assert furthest(run, alone(package), stage) < 1e-5


def test_two_devices_end_with_the_weights_of_one(tmp_path):
    """Both stages: dropout, batch normalisation, and gradients of bounded norm."""
    words = (*SHORT, "--gan.batch-size", "12", "--encoder.batch-size", "12")
    words += ("--encoder.clip-norm", "0.01")
    one, two = tmp_path / "one", tmp_path / "two"
    finish(begin("crg", *words, "--out", str(one)))
    finish(begin("crg", *words, "--out", str(two), "--devices", "2"))
    assert furthest(two, one, "gan") < 1e-5
    assert furthest(two, one, "encoder") < 1e-5


def test_when_one_dies_the_others_say_so_and_a_resume_ends_as_if_nothing_had_been(alone, tmp_path):
    """The resumed run has three workers instead of two."""
    run = tmp_path / "run"
    words = (*FIRST["crg"][1:], "--backup-seconds", "0.001")
    chief, other = begin_workers(2, "crg", *SHORT, *words, "--out", str(run))
    file, deadline = run / "backup" / "gan.npz", time.monotonic() + SECONDS
    while read_notes(file).get("step", 0) < 13:
        assert chief.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    other.kill()
    killed = time.monotonic()
    said = chief.communicate(timeout=SECONDS)[1]
    other.communicate()
    assert time.monotonic() - killed < 30
    assert chief.returncode == 2
    assert f"error: {LOST}" in said.splitlines()[-1]
    finish(*begin_workers(3, "crg", "--resume", str(run)))
    assert furthest(run, alone("crg"), "gan") < 1e-5
