"""What all tests share: a quiet TensorFlow on the CPU, a log that ends, digits, smoke runs."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as every command does
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))  # its list of fonts takes seconds
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="cache-of-tests-")  # not the user's own
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """One worker has all files that need smoke runs; else another would wait while it trains."""

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "smoke runs" if "smoke_run" in text_of(config.rootpath / file) else file

    return Scheduling(config, log)


@functools.cache
def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage looks at it again, nor so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@contextlib.contextmanager
def log_restored() -> Iterator[None]:
    """Takes away what `log_to` adds and sets: no handler outlives the output that it writes to."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()


@pytest.fixture(autouse=True)
def _log_ends_with_the_test() -> Iterator[None]:
    with log_restored():
        yield


@pytest.fixture(autouse=True, scope="module")
def _log_ends_with_the_module() -> Iterator[None]:
    with log_restored():
        yield


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """The ten examples, uint8 `[10, 28, 28, 1]`, in the order of their file names."""
    from common.datasets.folder import read_images
    from common.files import ROOT

    return read_images(ROOT / "examples" / "digits", (28, 28), "L")[1]


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Package -> the run of its smoke preset, not to be changed; all worker processes share it.

    With `reported=True` it has its report.
    """
    from tests.trainings import reported_once, trained_once

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def run(package: str, reported: bool = False) -> Path:
        with log_restored():
            return (reported_once if reported else trained_once)(shared / "smoke", package)

    return run


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command, which must refuse; returns the one line that it says, on standard error."""

    def run(main: Callable[[list[str]], None], *words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, "")
        (line,) = said.err.splitlines()
        assert line.startswith("error: ")
        return line

    return run
