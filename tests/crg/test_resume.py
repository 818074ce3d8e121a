"""A training that is killed and resumed ends with the weights of one that was not.

The process is really killed (SIGKILL): nothing of it runs afterwards.
"""

from __future__ import annotations

import csv
import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from common.files import ROOT
from common.runs.directory import Run

SETTINGS = ["--preset=smoke", "--deterministic", "--backup-seconds=0.001", "--report-images=32"]
PERIODS = 3  # of each stage in the smoke preset
NETWORKS = {"gan": ("generator", "discriminator"), "encoder": ("generator", "encoder")}
SECONDS = 300.0  # after which something hangs

Process = subprocess.Popen | multiprocessing.Process
Moment = Callable[[Run], bool]


# What a training has reached, as its files show it.


def saved(stage: str, least: int) -> Moment:
    """The state of that step is saved; one training saves after each step."""

    def reached(run: Run) -> bool:
        return step(run, stage) >= least

    return reached


def step(run: Run, stage: str) -> int:
    """The step of the saved state; -1 without one."""
    if not run.backup_file(stage).is_file():
        return -1
    with np.load(run.backup_file(stage)) as state:
        return int(state["step"])


def reported(stage: str, period: int) -> Moment:
    """The history has that period's row, but its samples and its state are still to be written."""

    def reached(run: Run) -> bool:
        return run.history_file(stage).is_file() and len(history(run, stage)) >= period

    return reached


def history(run: Run, stage: str) -> list[dict[str, str]]:
    """The rows without the seconds, which no run repeats."""
    with run.history_file(stage).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("seconds")
    return rows


# Processes


def command(arguments: list[str]) -> subprocess.Popen:
    """`python -m crg.train`, as people start it."""
    return subprocess.Popen([sys.executable, "-m", "crg.train", *arguments], cwd=ROOT)


def without_report(arguments: list[str]) -> None:
    """A training, but the report at its end, which changes no weight."""
    from crg import evaluate, train

    evaluate.evaluate = lambda command: Path()
    train.main(arguments)


def forked(arguments: list[str]) -> multiprocessing.Process:
    """That in a fork of a process that has read TensorFlow already, which saves seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["crg.model", "crg.train", "crg.trained", "common.training.backup"]
    )
    process = context.Process(target=without_report, args=(arguments,))
    process.start()
    return process


def status(process: Process) -> int | None:
    """The exit status; None while it runs."""
    return process.poll() if isinstance(process, subprocess.Popen) else process.exitcode


def wait(process: Process) -> int | None:
    """Waits for the end and returns the status."""
    if isinstance(process, subprocess.Popen):
        return process.wait(SECONDS)
    process.join(SECONDS)
    return process.exitcode


def kill_at(process: Process, run: Run, moment: Moment) -> None:
    """Kills the process when the run has come so far."""
    deadline = time.monotonic() + SECONDS
    try:
        while not moment(run):
            assert status(process) is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline, "the training hangs"
            time.sleep(0.02)  # each look reads a file: more of them would slow the training
    finally:
        process.kill()
        ended = wait(process)
    assert ended == -signal.SIGKILL, "the training ended by itself"


# Comparison


def arrays(run: Run, stage: str) -> dict[str, np.ndarray]:
    """Every weight of the stage's trained networks and every variable of its state."""
    import keras

    with np.load(run.backup_file(stage)) as state:
        found = {key: state[key] for key in state.files if key != "notes"}
    for name in NETWORKS[stage]:
        network = keras.saving.load_model(run.network_file(name), compile=False)
        assert isinstance(network, keras.Model)
        found |= {f"{name} {i}": value for i, value in enumerate(network.get_weights())}
    return found


def assert_same(one: Run, other: Run, stage: str) -> None:
    a, b = arrays(one, stage), arrays(other, stage)
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)
    assert len(history(one, stage)) == PERIODS
    assert history(one, stage) == history(other, stage)


@pytest.mark.slow
def test_a_run_killed_within_a_period_of_each_stage_ends_as_if_it_had_not_been(tmp_path):
    straight, parts = Run(tmp_path / "straight"), Run(tmp_path / "parts")
    # 48 images in batches of 4: periods of 12 steps of the GAN and, 16 images held out, of 8 of
    # the encoder; each kill comes in the second.
    settings = [*SETTINGS, "--limit=48", "--gan.batch-size=4", "--encoder.batch-size=4"]
    settings += ["--encoder.holdout=16"]
    assert wait(forked([*settings, "--out", str(straight.folder)])) == 0
    kill_at(forked([*settings, "--out", str(parts.folder)]), parts, saved("gan", 14))
    assert step(parts, "gan") < 24
    kill_at(forked(["--resume", str(parts.folder)]), parts, saved("encoder", 9))
    assert step(parts, "encoder") < 16
    assert wait(forked(["--resume", str(parts.folder)])) == 0
    for stage in ("gan", "encoder"):
        assert_same(parts, straight, stage)


@pytest.mark.slow
def test_a_run_killed_at_many_moments_of_both_stages_ends_as_if_it_had_not_been(tmp_path):
    straight, parts = Run(tmp_path / "straight"), Run(tmp_path / "parts")
    assert wait(command([*SETTINGS, "--out", str(straight.folder)])) == 0
    kill_at(command([*SETTINGS, "--out", str(parts.folder)]), parts, saved("gan", 3))
    for moment in (  # the GAN has periods of 8 steps, the encoder of 6
        reported("gan", 1),
        saved("gan", 13),
        reported("gan", 3),
        saved("encoder", 0),  # written before the first step
        saved("encoder", 2),
        reported("encoder", 1),
        saved("encoder", 10),
        reported("encoder", 3),
    ):
        kill_at(command(["--resume", str(parts.folder)]), parts, moment)
    assert wait(command(["--resume", str(parts.folder)])) == 0
    assert (parts.folder / "report" / "report.json").is_file()
    for stage in ("gan", "encoder"):
        assert_same(parts, straight, stage)
