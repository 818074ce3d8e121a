"""Run directories: which files a run has, and how one is begun and reopened.

runs/<package>-<dataset>-<NNN>/
  .lock (of a training that runs)  config.json  command.txt  environment.json  train.log
  init.json (with --init)  history-<stage>.csv  backup/<stage>.npz  networks/<name>.keras
  samples/  plots/  report/
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import PLACE, PlaceError, UserError, stop_if_interrupted
from common.files import ROOT, atomic_path, called, sweep, write_json, write_text
from common.runs.history import last_rows
from common.settings.config import to_json

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Run:
    """A run directory and its files."""

    folder: Path

    def network_file(self, name: str) -> Path:
        """The trained network of that name."""
        return self.folder / "networks" / f"{name}.keras"

    def backup_file(self, stage: str) -> Path:
        """The state of a stage, for a resume."""
        return self.folder / "backup" / f"{stage}.npz"

    def history_file(self, stage: str) -> Path:
        """The losses of a stage, one row a period."""
        return self.folder / f"history-{stage}.csv"

    def save_networks(self, networks: Mapping[str, keras.Model]) -> None:
        """Writes each network to its file."""
        for name, network in networks.items():
            with atomic_path(self.network_file(name)) as temporary:
                network.save(temporary)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps other trainings out of a run's folder, which is made, until the block ends.

    The system holds the lock for the process, and lets it go however that ends.

    Raises:
        UserError: another training holds it, or the folder cannot be made.
    """
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is in the hands of a training that runs now: wait until it ends, or stop "
            f"it, and go on with --resume {folder}; or name another folder by --out."
        ) from error
    try:
        yield
    finally:
        lock.release()


def create_run(
    out: Path | None,
    package: str,
    dataset: str,
    config: Any,
    init: Path | None = None,
    networks: Mapping[str, keras.Model] | None = None,
    kept: Mapping[str, keras.Model] | None = None,
) -> Run:
    """Makes a new run directory with `config.json` and `command.txt`.

    Args:
        out: where; the next free `runs/<package>-<dataset>-<NNN>` by default. A training has it
            `held` already.
        package: for the name.
        dataset: for the name.
        config: the resolved settings.
        init: the run or folder of weights that this run starts from.
        networks: those of its networks that this run takes over, loaded.
        kept: those of them that this run never changes, saved as its own at once.

    Raises:
        UserError: `out` exists and is not an empty folder.
    """
    if out is None:
        out = next_folder(package, dataset)
    refuse_taken(out)
    run = Run(out)
    write_text(out / "command.txt", shlex.join(_command_line()) + "\n")
    if init is not None:
        record_start(run, init, networks or {})
        run.save_networks(kept or {})
    write_json(out / "config.json", to_json(config))  # last: what has it can be resumed
    return run


def refuse_taken(out: Path) -> None:
    """Refuses a place where something is already; the lock of a run does not count.

    Raises:
        UserError: it is not an empty folder.
    """
    if out.exists() and (not out.is_dir() or any(file.name != LOCK for file in out.iterdir())):
        raise UserError(
            f"--out {out} exists and is not an empty folder; name a new one, "
            f"or go on with the run in it by --resume {out}."
        )


def next_folder(package: str, dataset: str) -> Path:
    """Makes `runs/<package>-<dataset>-<NNN>` with the first free number, beside others too."""
    for number in itertools.count(1):
        folder = Path("runs") / f"{package}-{dataset}-{number:03d}"
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    return folder


def reopen_run(folder: Path, config: Any) -> Run:
    """Opens an existing run directory to go on with it, and clears away what a kill left there.

    Args:
        folder: the run, checked when its settings were read.
        config: the settings, with a longer length perhaps. Where they differ they replace
            `config.json`, and the command is added to `command.txt`.
    """
    sweep(folder)
    if json.loads((folder / "config.json").read_text(encoding="utf-8")) != to_json(config):
        file = folder / "command.txt"
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        write_text(file, f"{before}{shlex.join(_command_line())}\n")
        write_json(folder / "config.json", to_json(config))
    return Run(folder)


def record_start(run: Run, source: Path, networks: Mapping[str, keras.Model]) -> None:
    """Copies the networks that a run starts from into it, so that a resume starts from them too.

    Writes `init.json` beside them: which run they are of, and how long that was trained.
    """
    Run(starting_folder(run.folder)).save_networks(networks)
    write_json(
        run.folder / "init.json",
        {
            "run": called(source),
            "networks": list(networks),
            "command": read_command(source),
            "stages": last_rows(source),
        },
    )


def starting_folder(run: Path) -> Path:
    """Where a run keeps the networks that it started from, as a run of their own."""
    return run / "backup"


def read_command(folder: Path) -> str:
    """The command that began a run and those that changed its settings; empty without one."""
    file = folder / "command.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return "; then ".join(lines)


def without_folders(line: str) -> str:
    """A command line with only the last part of each absolute path: the disk is no matter."""
    words = shlex.split(line)
    for row, word in enumerate(words):
        option, equals, value = word.partition("=")
        if word.startswith("--") and Path(value).is_absolute():
            words[row] = f"{option}{equals}{Path(value).name}"
        elif Path(word).is_absolute():
            words[row] = Path(word).name
    return shlex.join(words)


def _command_line() -> list[str]:
    """The command as people type it: `python -m <package>.<module> ...`."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    program = ["python", "-m", spec.name] if spec else ["python", Path(sys.argv[0]).name]
    return program + sys.argv[1:]


def output_folder(model: Path, kind: str) -> Path:
    """Where what is made of a model goes: `RUN/<kind>`, and never into `weights/`."""
    if model.resolve().parent == ROOT / "weights":
        return Path("runs") / f"{model.resolve().name}-{kind}"
    return model / kind


@contextlib.contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Ctrl-C within the block, where no stage has said so already, tells how to go on.

    So does a disk that is full or read-only: the run is as it was last saved. What ends the
    training with an error, such as a loss that is not finite, stands in its log too.
    """
    try:
        yield
        stop_if_interrupted()
    except (UserError, OSError) as error:  # the command shows it on the terminal
        told = _resumed_after(error, run)
        logger.error("%s", told, extra={"file_only": True})
        if told is error:
            raise
        raise told from error
    except KeyboardInterrupt as interrupt:
        if interrupt.args:
            raise
        raise KeyboardInterrupt(f"go on with --resume {run.folder}") from interrupt


def _resumed_after(error: UserError | OSError, run: Run) -> UserError | OSError:
    """The error with how to go on, where that is for the user to mend; others as they are."""
    if isinstance(error, OSError) and error.errno in PLACE:
        place = "" if error.filename is None else f"{error.filename}: "  # a write has no name
        what = f"{place}{error.strerror}."
    elif isinstance(error, PlaceError):
        what = str(error)
    else:
        return error
    return UserError(f"{what} The run is as it was last saved: go on with --resume {run.folder}.")
