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
import math
import platform
import shlex
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
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


def create(
    out: Path | None,
    package: str,
    dataset: str,
    config: Any,
    init: Path | None = None,
    networks: Mapping[str, keras.Model] | None = None,
) -> Run:
    """Makes a new run directory with `config.json` and `command.txt`.

    Args:
        out: where; the next free `runs/<package>-<dataset>-<NNN>` by default.
        package: for the name.
        dataset: for the name.
        config: the resolved settings.
        init: the run or folder of weights that this run starts from.
        networks: those of its networks that this run takes over, loaded.

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
    write_text(out / "command.txt", shlex.join(_command_line()) + "\n")
    if init is not None:
        record_start(run, init, networks or {})
    write_json(out / "config.json", to_json(config))  # last: what has it can be resumed
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


def starting_folder(run: Path) -> Path:
    """Where a run keeps the networks that it started from, as a run of their own."""
    return run / "backup"


def record_start(run: Run, source: Path, networks: Mapping[str, keras.Model]) -> None:
    """Copies the networks that a run starts from into it, so that a resume starts from them too.

    Writes `init.json` beside them: which run they are of, and how long that was trained.
    """
    Run(starting_folder(run.folder)).save_networks(networks)
    command = source / "command.txt"
    write_json(
        run.folder / "init.json",
        {
            "run": source.name,
            "networks": list(networks),
            "command": command.read_text(encoding="utf-8").strip() if command.is_file() else "",
            "stages": last_rows(source),
        },
    )


def last_rows(folder: Path) -> dict[str, dict[str, str]]:
    """Stage -> the last row of its history, in the order in which the stages were trained."""
    files = sorted(folder.glob("history-*.csv"), key=lambda path: path.stat().st_mtime)
    rows = {
        path.stem.removeprefix("history-"): list(
            csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        )
        for path in files
    }
    return {stage: lines[-1] for stage, lines in rows.items() if lines}


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
                except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
                    raise UserError(
                        f"{file} does not fit the {name} that the settings describe; "
                        f"use the settings in {folder / 'config.json'}."
                    ) from error
                found.append(name)
                break
    return found


def stage_length(epochs: float, period: float, images: int, batch_size: int) -> tuple[int, int]:
    """Steps of a stage and of its periods: whole periods, each of whole batches.

    Args:
        epochs: passes over the images, rounded to whole periods, at least one.
        period: passes over the images in one period.
        images: number of training images.
        batch_size: images a step.

    Returns:
        (steps, period_steps); one epoch of 60,000 images in batches of 256 has 235 steps.
    """
    if period * images < batch_size:
        raise UserError(
            f"A period of {period} epochs of {images} images is shorter than one batch of "
            f"{batch_size}; choose a longer period or smaller batches."
        )
    period_steps = math.ceil(period * images / batch_size)
    return max(1, round(epochs / period)) * period_steps, period_steps


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
    keep_best: Sequence[str] = (),
    period_end: Callable[[str], None] | None = None,
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
        keep_best: leave the networks of the period in which the sum of these columns was smallest,
            such as `val_image_cycle_loss`; those of the last step by default.
        period_end: called at the end of each period, to draw samples and to save networks; gets a
            name for the files, such as `gan-0000235`.

    Raises:
        UserError: a loss became NaN or infinite, or the saved state does not fit.
        KeyboardInterrupt: after Ctrl-C, when the state has been saved.
    """
    from common import backup, callbacks

    state, best = run.backup_file(stage), run.backup_file(f"{stage}-best")
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

    if not state.is_file():
        save(within_period=False)  # from here on a resume never depends on exported networks
    stop = callbacks.StopOnRequest()
    timed = callbacks.SaveEvery(save, backup_seconds)
    bar = callbacks.ProgressBar(stage, steps, batch_size)
    watchers = [restored, callbacks.StopOnNonFinite(), stop, timed, bar]
    try:
        with stop.listening(), bar.shown():
            while (step := int(model.step.numpy())) < steps:
                end = min((step // period_steps + 1) * period_steps, steps)
                timer = time.monotonic()
                losses = model.fit(
                    batches(step),
                    steps_per_epoch=end - step,
                    callbacks=watchers,
                    shuffle=False,
                    verbose=0,  # pyright: ignore[reportArgumentType]
                )
                speed = (int(model.step.numpy()) - step) * batch_size / (time.monotonic() - timer)
                if stop.requested and int(model.step.numpy()) < end:
                    save()
                    raise interrupted()
                row = {name: losses.history[name][-1] for name in model.loss_names}
                if validation is not None:
                    measured = model.evaluate(
                        validation,
                        return_dict=True,
                        verbose=0,  # pyright: ignore[reportArgumentType]
                    )
                    row |= {f"val_{name}": measured[name] for name in model.test_names}
                notes["history"].append(
                    {
                        "period": len(notes["history"]) + 1,
                        "step": end,
                        "images": end * batch_size,
                        "seconds": round(time.monotonic() - started, 1),
                        **row,
                    }
                )
                write_history(run.history_file(stage), notes["history"])
                value = sum(row[name] for name in keep_best)
                if keep_best and value < notes.get("best", {"value": math.inf})["value"]:
                    notes["best"] = {"value": value, "step": end}
                    backup.save(best, model, notes["best"], backup.NETWORKS)
                if period_end is not None:
                    period_end(f"{stage}-{end:07d}")
                save(within_period=False)
                timed.last = time.monotonic()
                text = "  ".join(f"{name} {value:.4f}" for name, value in row.items())
                left = (steps - end) * batch_size / speed / 60
                logger.info(
                    "%s  step %d/%d  %.0f images/s, %.0f min left  %s",
                    stage,
                    end,
                    steps,
                    speed,
                    left,
                    text,
                )
                if stop.requested:
                    raise interrupted()
        if keep_best:
            kept = backup.restore(best, model, backup.NETWORKS)
            logger.info("%s: keeps the networks of step %d, the best", stage, kept["step"])
    except callbacks.NonFiniteError as error:
        kept = backup.read_notes(state)["step"]
        raise UserError(
            f"{stage}: {error}; {state} holds the state of step {kept}. "
            "Start a new run with a smaller learning rate."
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
