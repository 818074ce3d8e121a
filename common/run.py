"""Run directories: the files of a run, their provenance, and what reads them back.

runs/<package>-<dataset>-<NNN>/
  config.json  command.txt  environment.json  train.log  history-<stage>.csv
  backup/<stage>.npz  networks/<name>.keras  samples/  plots/  report/
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import platform
import shlex
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.config import to_json
from common.datasets.records import Records
from common.errors import UserError
from common.files import atomic_path, sweep, write_json, write_text
from common.history import last_rows

if TYPE_CHECKING:
    import keras


logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tensorflow", "keras", "numpy", "matplotlib", "imagehash", "Pillow", "scipy")


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


def create(
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
        out: where; the next free `runs/<package>-<dataset>-<NNN>` by default.
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
        out = _next_folder(f"{package}-{dataset}")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            f"--out {out} exists and is not an empty folder; name a new one, "
            f"or go on with the run in it by --resume {out}."
        )
    run = Run(out)
    write_text(out / "command.txt", shlex.join(_command_line()) + "\n")
    if init is not None:
        record_start(run, init, networks or {})
        run.save_networks(kept or {})
    write_json(out / "config.json", to_json(config))  # last: what has it can be resumed
    return run


def _next_folder(name: str) -> Path:
    """Makes `runs/<name>-<NNN>` with the first free number, also beside another process."""
    for number in itertools.count(1):
        folder = Path("runs") / f"{name}-{number:03d}"
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    return folder


def reopen(folder: Path, config: Any) -> Run:
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


def read_command(folder: Path) -> str:
    """The command that began a run and those that changed its settings; empty without one."""
    file = folder / "command.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return "; then ".join(lines)


def output_folder(model: Path, kind: str) -> Path:
    """Where what is made of a model goes: `RUN/<kind>`, and never into `weights/`."""
    if model.resolve().parent == ROOT / "weights":
        return Path("runs") / f"{model.name}-{kind}"
    return model / kind


@contextlib.contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Ctrl-C within the block, where no stage has said so already, tells how to go on.

    What ends the training with an error, such as a loss that is not finite, stands in its log too.
    """
    try:
        yield
    except UserError as error:  # the command shows it on the terminal
        logger.error("%s", error, extra={"file_only": True})
        raise
    except KeyboardInterrupt as interrupt:
        if interrupt.args:
            raise
        raise KeyboardInterrupt(f"go on with --resume {run.folder}") from interrupt


def _command_line() -> list[str]:
    """The command as people type it: `python -m <package>.<module> ...`."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    program = ["python", "-m", spec.name] if spec else ["python", Path(sys.argv[0]).name]
    return program + sys.argv[1:]


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
        "git_revision": _git_revision(),
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


def starting_folder(run: Path) -> Path:
    """Where a run keeps the networks that it started from, as a run of their own."""
    return run / "backup"


def record_start(run: Run, source: Path, networks: Mapping[str, keras.Model]) -> None:
    """Copies the networks that a run starts from into it, so that a resume starts from them too.

    Writes `init.json` beside them: which run they are of, and how long that was trained.
    """
    Run(starting_folder(run.folder)).save_networks(networks)
    write_json(
        run.folder / "init.json",
        {
            "run": source.name,
            "networks": list(networks),
            "command": read_command(source),
            "stages": last_rows(source),
        },
    )


def _git_revision() -> str:
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


def log_to(run: Run | None) -> None:
    """Sends the log to the terminal and, with a run, to its `train.log` as well."""
    terminal = _Terminal()
    terminal.setFormatter(logging.Formatter("%(message)s"))
    terminal.addFilter(lambda record: not getattr(record, "file_only", False))
    handlers: list[logging.Handler] = [terminal]
    if run is not None:
        file = logging.FileHandler(run.folder / "train.log", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


class _Terminal(logging.StreamHandler):
    """Writes to what standard error is at that moment, so that lines pass above a progress bar."""

    @property
    def stream(self):
        return sys.stderr

    @stream.setter
    def stream(self, value):
        pass


def load_networks(folder: Path, networks: Mapping[str, keras.Model]) -> list[str]:
    """Loads the trained weights of a run or of a folder below `weights/` into `networks`.

    Args:
        folder: holds `networks/<name>.keras` or `<name>.weights.h5` (float16 is widened).
        networks: name -> network of the same architecture.

    Returns:
        The names that were found.

    Raises:
        UserError: a file does not fit its network.
    """
    found = []
    for name, network in networks.items():
        for file in (Run(folder).network_file(name), folder / f"{name}.weights.h5"):
            if file.is_file():
                try:
                    with warnings.catch_warnings():  # Keras warns part by part before it raises
                        warnings.filterwarnings("ignore", message="Skipping nested container")
                        network.load_weights(file)
                except (OSError, EOFError, zipfile.BadZipFile) as error:
                    raise UserError(
                        f"{file} cannot be read; it is incomplete, or holds no weights: {error}"
                    ) from error
                except (ValueError, KeyError) as error:
                    raise UserError(
                        f"{file} does not fit the {name} that the settings describe; use its own "
                        f"settings, in {folder / 'config.json'} (most easily the same --preset)."
                    ) from error
                found.append(name)
                break
    return found


def default_weights(name: str) -> Path:
    """The trained model of that name that comes with the project, `weights/<name>/`."""
    return ROOT / "weights" / name
