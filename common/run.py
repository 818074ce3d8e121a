"""Run directories, and `fit`: the training loop of every stage of every package.

    runs/<package>-<dataset>-<NNN>/
      config.json  command.txt  environment.json  train.log  history-<stage>.csv
      backup/<stage>.npz  networks/<name>.keras  samples/  plots/  report/

Time is counted in steps and in periods, fixed numbers of steps after which a run reports, draws
samples and saves its state. Data, noise and dropout are functions of (seed, step); with the saved
state, a run that was killed at any moment ends with the weights of one that was not.
"""

from __future__ import annotations

import csv
import io
import logging
import platform
import shlex
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.config import to_json
from common.datasets.records import Records
from common.errors import UserError
from common.files import atomic_path, write_json, write_text

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from common.adversarial import AdversarialModel

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


def create(out: Path | None, package: str, dataset: str, config: Any) -> Run:
    """Makes a new run directory with `config.json` and `command.txt`.

    Args:
        out: where; the next free `runs/<package>-<dataset>-<NNN>` by default.
        package: for the name.
        dataset: for the name.
        config: the resolved settings.

    Raises:
        UserError: `out` exists and is not an empty folder.
    """
    if out is None:
        taken = {path.name for path in Path("runs").glob(f"{package}-{dataset}-*")}
        numbers = (f"{package}-{dataset}-{number:03d}" for number in range(1, 100_000))
        out = Path("runs") / next(name for name in numbers if name not in taken)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            f"--out {out} exists and is not an empty folder; name a new one, "
            f"or go on with the run in it by --resume {out}."
        )
    run = Run(out)
    write_json(out / "config.json", to_json(config))
    write_text(out / "command.txt", shlex.join(_command_line()) + "\n")
    return run


def reopen(folder: Path, config: Any) -> Run:
    """Opens an existing run directory to go on with it.

    Args:
        folder: the run, checked when its settings were read.
        config: the settings, with a longer length perhaps; they replace `config.json`.
    """
    write_json(folder / "config.json", to_json(config))
    return Run(folder)


def _command_line() -> list[str]:
    """The command as people type it: `python -m <package>.<module> ...`."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    program = ["python", "-m", spec.name] if spec else ["python", Path(sys.argv[0]).name]
    return program + sys.argv[1:]


def record_environment(run: Run, device: str, seed: int, records: Records) -> None:
    """Writes `environment.json`: what this run's numbers depend on besides its settings."""
    write_json(
        run.folder / "environment.json",
        {
            "python": platform.python_version(),
            "versions": {name: metadata.version(name) for name in PACKAGES},
            "system": f"{platform.system()} {platform.machine()}",
            "device": device,
            "seed": seed,
            "git_revision": _git_revision(),
            "data": {
                "name": records.name,
                "images": len(records),
                "fingerprint": records.fingerprint(),
            },
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
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    handlers: list[logging.Handler] = [terminal]
    if run is not None:
        file = logging.FileHandler(run.folder / "train.log", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


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
                except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
                    raise UserError(
                        f"{file} does not fit the {name} that the settings describe; "
                        f"use the settings in {folder / 'config.json'}."
                    ) from error
                found.append(name)
                break
    return found


def fit(
    model: AdversarialModel,
    run: Run,
    stage: str,
    batches: Callable[[int], tf.data.Dataset],
    *,
    steps: int,
    period_steps: int,
    batch_size: int,
    backup_seconds: float = 300.0,
    validation: tf.data.Dataset | None = None,
    sample: Callable[[str], None] | None = None,
) -> None:
    """Trains `model` up to `steps`, from its saved state where there is one.

    Args:
        model: compiled, fresh or to be overwritten by the state in `run`.
        run: where history and state go.
        stage: their name.
        batches: from a step to the endless dataset that starts there.
        steps: of the whole stage.
        period_steps: after so many steps the history gets a row and the state is saved.
        batch_size: images a step, for the history and the speed.
        backup_seconds: the state is saved at least this often.
        validation: measured by `test_step` at the end of each period.
        sample: draws samples at the end of a period; gets a file name without suffix.

    Raises:
        UserError: a loss became NaN or infinite, or the saved state does not fit.
        KeyboardInterrupt: after Ctrl-C, when the state has been saved.
    """
    from common import backup, callbacks

    state = run.backup_file(stage)
    notes = backup.restore(state, model) if state.is_file() else {"history": [], "seconds": 0.0}
    sums = [[v.numpy() for v in metric.variables] for metric in model.metrics]
    restored = callbacks.RestoreTrackers(sums if notes.get("within_period") else None)
    start = int(model.step.numpy())
    if start:
        logger.info("%s: goes on at step %d of %d", stage, start, steps)
    started = time.monotonic() - notes["seconds"]

    def save(within_period: bool = True) -> None:
        notes["seconds"] = time.monotonic() - started
        notes["within_period"] = within_period
        notes["step"] = int(model.step.numpy())
        backup.save(state, model, notes)

    def interrupted() -> KeyboardInterrupt:
        return KeyboardInterrupt(
            f"stopped at step {int(model.step.numpy())} of {stage}; "
            f"go on with --resume {run.folder}"
        )

    stop = callbacks.StopOnRequest()
    timed = callbacks.SaveEvery(save, backup_seconds)
    bar = callbacks.ProgressBar(stage, steps, batch_size)
    watchers = [restored, callbacks.StopOnNonFinite(), stop, timed, bar]
    try:
        with stop.listening(), bar.shown():
            while (step := int(model.step.numpy())) < steps:
                period_end = min((step // period_steps + 1) * period_steps, steps)
                timer = time.monotonic()
                losses = model.fit(
                    batches(step), steps_per_epoch=period_end - step, callbacks=watchers, verbose=0, shuffle=False
                )
                speed = (int(model.step.numpy()) - step) * batch_size / (time.monotonic() - timer)
                if stop.requested and int(model.step.numpy()) < period_end:
                    save()
                    raise interrupted()
                row = {name: losses.history[name][-1] for name in model.loss_names}
                if validation is not None:
                    measured = model.evaluate(validation, return_dict=True, verbose=0)
                    row |= {f"val_{name}": measured[name] for name in model.test_names}
                notes["history"].append(
                    {
                        "period": len(notes["history"]) + 1,
                        "step": period_end,
                        "images": period_end * batch_size,
                        "seconds": round(time.monotonic() - started, 1),
                        **row,
                    }
                )
                write_history(run.history_file(stage), notes["history"])
                if sample is not None:
                    sample(f"{stage}-{period_end:07d}")
                save(within_period=False)
                timed.last = time.monotonic()
                text = "  ".join(f"{name} {value:.4f}" for name, value in row.items())
                logger.info(
                    "%s  step %d/%d  %.0f images/s  %s", stage, period_end, steps, speed, text
                )
                if stop.requested:
                    raise interrupted()
    except callbacks.NonFinite as error:
        kept = backup.read_notes(state).get("step")
        good = "nothing was saved yet" if kept is None else f"{state} holds the state of step {kept}"
        raise UserError(
            f"{stage}: {error}; {good}. Start a new run with a smaller learning rate."
        ) from error


def write_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes one row a period; the columns are those of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def default_weights(name: str) -> Path:
    """The trained model of that name that comes with the project, `weights/<name>/`."""
    return ROOT / "weights" / name
