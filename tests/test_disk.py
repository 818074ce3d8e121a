"""A training whose disk fails ends with one sentence, and goes on from its last good state.

The processes are real. A full disk is one on which no file may grow any more, from that moment on.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from common.files import ROOT, TEMPORARY
from common.runs.directory import Run
from tests.runs import history, same, weights
from tests.test_killed import SECONDS, SETTINGS, Moment, outcome, reported, saved
from tests.trainings import NETWORKS, SMOKE, STAGES

pytestmark = pytest.mark.slow

PACKAGE = "crg"
DIGITS = ROOT / "common" / "datasets" / "mnist_idx"
WORDS = [*SMOKE[PACKAGE], *SETTINGS, "--report-images=8"]
# In the middle of a period, and when a row of the history is written and the networks are not.
FULL = [saved("gan", 5), reported("gan", 3), saved("encoder", 2)]
READ_ONLY = [reported("gan", 1), saved("encoder", 2), reported("encoder", 2)]


def begin(*command: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", *command]
    return subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], run: Run, moment: Moment) -> None:
    deadline = time.monotonic() + SECONDS
    while not moment(run):
        assert process.poll() is None, "the training ended too early"
        assert time.monotonic() < deadline, "the training hangs"
        time.sleep(0.02)


def error_of(process: subprocess.Popen[str]) -> str:
    """The one sentence with which it ends; lines of its log come before."""
    try:
        told = process.communicate(timeout=SECONDS)[1]
    finally:
        process.kill()
    assert process.returncode == 2, told[-3000:]
    *log, last = told.splitlines()
    assert last.startswith("error: ")
    assert not [line for line in log if "rror" in line or "arning" in line or "Traceback" in line]
    return last


def ends_well(process: subprocess.Popen[str]) -> None:
    told = process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 0, told[-3000:]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """The run that nothing disturbs."""
    run = tmp_path_factory.mktemp("disk") / "straight"
    ends_well(begin(f"{PACKAGE}.train", *WORDS, "--out", str(run)))
    return run


def assert_same(straight: Path, other: Path, stages: Sequence[str]) -> None:
    """All that is left is equal, bit for bit."""
    for stage in stages:
        (one, rows), (two, again) = outcome(straight, stage), outcome(other, stage)
        assert rows == again
        for name, value in one.items():
            np.testing.assert_array_equal(value, two[name], err_msg=name)
    for name in NETWORKS[PACKAGE]:
        assert same(weights(straight, name), weights(other, name)), name


def is_whole(run: Path) -> None:
    """Every file that is read again is whole, and nothing half-written has its name."""
    for state in (run / "backup").glob("[!.]*.npz"):
        with np.load(state) as kept:
            assert all(np.isfinite(kept[key]).all() for key in kept.files if key != "notes")
    for name in (run / "networks").glob("[!.]*.keras"):
        weights(run, name.stem)
    for stage in (file.stem.removeprefix("history-") for file in run.glob("history-*.csv")):
        assert history(run, stage)


def disturbed(
    run: Path,
    moments: Sequence[Moment],
    fault: Callable[[int], None],
    starting: Callable[..., subprocess.Popen[str]],
) -> None:
    """Trains with a fault at each of the moments, and each time goes on from there."""
    process = starting(*WORDS, "--out", str(run))
    for moment in moments:
        wait_for(process, Run(run), moment)
        fault(process.pid)
        said = error_of(process)
        assert str(run) in said
        assert said.endswith(f"The run is as it was last saved: go on with --resume {run}.")
        is_whole(run)
        process = starting("--resume", str(run))
    ends_well(process)
    assert (run / "report" / "report.json").is_file()
    assert not [file for file in run.rglob(".*") if TEMPORARY.match(file.name)]


def test_a_disk_that_is_full_ends_a_training_that_goes_on_when_there_is_room(tmp_path, straight):
    def fill(process: int) -> None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    run = tmp_path / "run"
    disturbed(run, FULL, fill, lambda *words: begin(f"{PACKAGE}.train", *words))
    assert_same(straight, run, STAGES[PACKAGE])


def test_a_disk_that_becomes_read_only_ends_a_training_that_goes_on_later(tmp_path, straight):
    moment = tmp_path / "now"

    def lock(process: int) -> None:
        moment.touch()

    def start(*words: str) -> subprocess.Popen[str]:
        moment.unlink(missing_ok=True)
        return begin("tests.faults", str(moment), PACKAGE, *words)

    run = tmp_path / "run"
    disturbed(run, READ_ONLY, lock, start)
    assert_same(straight, run, STAGES[PACKAGE])


def test_data_that_vanish_leave_the_trained_run_and_one_sentence(tmp_path, straight):
    """Images are in memory: the stages end, and the report, which reads them again, does not."""
    data, run = tmp_path / "data", tmp_path / "run"
    shutil.copytree(DIGITS, data)
    process = begin(f"{PACKAGE}.train", *WORDS, "--data-dir", str(data), "--out", str(run))
    wait_for(process, Run(run), saved("gan", 3))
    shutil.move(data, tmp_path / "away")
    said = error_of(process)
    assert f"{data}" in said
    assert "does not exist" in said
    assert_same(straight, run, STAGES[PACKAGE])
    assert str(data) in error_of(begin(f"{PACKAGE}.train", "--resume", str(run)))
    shutil.move(tmp_path / "away", data)
    ends_well(begin(f"{PACKAGE}.train", "--resume", str(run)))
    assert (run / "report" / "report.json").is_file()
    assert_same(straight, run, STAGES[PACKAGE])
