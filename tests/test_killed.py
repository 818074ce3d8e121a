"""A training that is killed and resumed ends with the weights of one that was not.

The process is really killed (SIGKILL): nothing of it runs afterwards.
"""

from __future__ import annotations

import os
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
from tests.runs import history, same, weights
from tests.trainings import NETWORKS, SMOKE, STAGES

SETTINGS = ["--deterministic", "--backup-seconds=0.001"]
REPORT = {"igan": 2}  # images of a report whose stages end in many projections; 8 of others
KILLS = 8  # of each package, at random moments
PERIODS = 3  # of each stage in the smoke presets
SECONDS = 300.0  # after which something hangs

Moment = Callable[[Run], bool]


def saved(stage: str, least: int) -> Moment:
    """The state of that step is saved; the training saves after each step."""

    def reached(run: Run) -> bool:
        if not run.backup_file(stage).is_file():
            return False
        with np.load(run.backup_file(stage)) as state:
            return int(state["step"]) >= least

    return reached


def reported(stage: str, period: int) -> Moment:
    """The history has that period's row, but its samples and its state are still to be written."""

    def reached(run: Run) -> bool:
        return run.history_file(stage).is_file() and len(history(run.folder, stage)) >= period

    return reached


def later(moment: Moment, seconds: float) -> Moment:
    """So long after that moment."""

    def reached(run: Run) -> bool:
        if not moment(run):
            return False
        time.sleep(seconds)
        return True

    return reached


def command(package: str, *arguments: str) -> subprocess.Popen:
    """`python -m PACKAGE.train`, as people start it."""
    return subprocess.Popen([sys.executable, "-m", f"{package}.train", *arguments], cwd=ROOT)


def kill_at(process: subprocess.Popen, run: Run, moment: Moment) -> None:
    """Kills the process when the run has come so far."""
    deadline = time.monotonic() + SECONDS
    try:
        while not moment(run):
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline, "the training hangs"
            time.sleep(0.02)  # each look reads a file: more of them would slow the training
    finally:
        process.kill()
        ended = process.wait(SECONDS)
    assert ended == -signal.SIGKILL, "the training ended by itself"


def outcome(run: Path, stage: str) -> tuple[dict[str, np.ndarray], list[dict[str, str]]]:
    """Every variable of a stage's state, and its history without the seconds."""
    with np.load(Run(run).backup_file(stage)) as state:
        found = {key: state[key] for key in state.files if key != "notes"}
    return found, [row | {"seconds": ""} for row in history(run, stage)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "words", "moments"),
    [
        (  # both stages have periods of 8 steps
            *("crg", []),
            [
                *(saved("gan", 3), reported("gan", 1), saved("gan", 13), reported("gan", 3)),
                *(saved("encoder", 0), saved("encoder", 2)),  # 0: written before the first step
                *(reported("encoder", 1), saved("encoder", 10), reported("encoder", 3)),
            ],
        ),
        (  # 64 images in batches of 4: periods of 16 steps; each kill comes in the second
            "icgan_tf",
            [
                "--limit=64",
                *(f"--{stage}.batch-size=4" for stage in ("gan", "encoder-z", "encoder-y")),
            ],
            [saved("gan", 20), saved("encoder_z", 18), saved("encoder_y", 18)],
        ),
        ("igan", [], [saved("gan", 4), reported("gan", 2), saved("predictor", 4)]),
    ],
)
def test_a_run_killed_at_many_moments_of_all_stages_ends_as_if_it_had_not_been(
    tmp_path, package, words, moments
):
    check(tmp_path, package, words, lambda straight: moments)


@pytest.mark.slow
@pytest.mark.parametrize("package", SMOKE)
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path, package):
    """32 kills of all packages; another SEED_OF_KILLS draws other moments."""
    seed = int(os.environ.get("SEED_OF_KILLS", "0"))
    rng = np.random.default_rng([seed, list(SMOKE).index(package)])

    def drawn(straight: Path) -> list[Moment]:
        steps = [(stage, int(history(straight, stage)[-1]["step"])) for stage in STAGES[package]]
        ends = np.cumsum([count for _, count in steps])
        moments = []
        for step in sorted(rng.integers(0, ends[-1], KILLS)):
            stage = int(np.searchsorted(ends, step, side="right"))
            before = 0 if stage == 0 else int(ends[stage - 1])
            moments.append(later(saved(steps[stage][0], int(step) - before), rng.uniform(0, 0.5)))
        return moments

    check(tmp_path, package, [], drawn)


def check(
    folder: Path, package: str, words: list[str], moments: Callable[[Path], list[Moment]]
) -> None:
    """Trains without and with kills, and compares all that is left, bit for bit."""
    straight, parts = folder / "straight", folder / "parts"
    few = f"--report-images={REPORT.get(package, 8)}"
    words = [*SMOKE[package], *SETTINGS, few, *words]
    assert command(package, *words, "--out", str(straight)).wait(SECONDS) == 0
    start = command(package, *words, "--out", str(parts))
    for moment in moments(straight):
        kill_at(start, Run(parts), moment)
        start = command(package, "--resume", str(parts))
    assert start.wait(SECONDS) == 0
    assert (parts / "report" / "report.json").is_file()
    for stage in STAGES[package]:
        (one, rows), (other, again) = outcome(straight, stage), outcome(parts, stage)
        assert (rows, len(rows), one.keys()) == (again, PERIODS, other.keys())
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)
    for name in NETWORKS[package]:
        assert same(weights(straight, name), weights(parts, name)), name
