"""`fit`, the training loop of every stage of every package.

Time is counted in steps and in periods, fixed numbers of steps after which a run reports, draws
samples and saves its state. Data, noise and dropout are functions of (seed, step); with the saved
state, a run that was killed at any moment ends with the weights of one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from common.datasets.pipeline import endless_batches, ordered_batches
from common.datasets.records import Records
from common.errors import UserError
from common.images import PixelRange
from common.runs.directory import Run
from common.runs.history import write_history
from common.training import backup, callbacks
from common.training.adversarial import AdversarialModel
from common.training.plateau import Plateau

logger = logging.getLogger(__name__)


def fit(
    model: AdversarialModel,
    run: Run,
    stage: str,
    records: Records,
    settings: StageSettings,
    *,
    pixel_range: PixelRange = "signed",
    flip: bool = False,
    shift: int = 0,
    jitter: float = 0.0,
    backup_seconds: float = 300.0,
    validation: Records | None = None,
    keep_best: Sequence[str] = (),
    plateau: Plateau | None = None,
    period_end: Callable[[str], None] | None = None,
) -> None:
    """Trains `model` to the end of a stage, from its saved state where there is one.

    Args:
        model: compiled, fresh or to be overwritten by the state in `run`; its seed keys the order
            of the images.
        run: where history and state go.
        stage: their name.
        records: the training images.
        settings: of the stage: its length, its period and the batch size.
        pixel_range: the range of the images that the model sees.
        flip: mirror the images by chance.
        shift: move them by up to so many pixels.
        jitter: change their colours by up to this share.
        backup_seconds: the state is saved at least this often.
        validation: images measured by `test_step` at the end of each period.
        keep_best: leave the networks of the period in which the sum of these columns was smallest,
            such as `val_image_cycle_loss`; those of the last step by default.
        plateau: what happens when that sum does not fall any more: to the learning rates, which are
            constants, of all optimizers, and to the training.
        period_end: called at the end of each period, to draw samples and to save networks; gets a
            name for the files, such as `gan-0000235`.

    Raises:
        UserError: a loss became NaN or infinite, or the saved state does not fit.
        KeyboardInterrupt: after Ctrl-C, when the state has been saved.
    """
    batch_size = settings.batch_size
    steps, period_steps = stage_length(settings, len(records))
    held_out = None
    if validation is not None:
        held_out = ordered_batches(validation, batch_size, pixel_range)
    augmentation: dict[str, Any] = {"flip": flip, "shift": shift, "jitter": jitter}
    state = _State(model, run, stage, steps, batch_size)
    length = f"{steps:,} steps of {batch_size} images, a report every {period_steps:,}"
    logger.info("%s: %s", stage, length)
    stop = callbacks.StopOnRequest()
    timed = callbacks.SaveEvery(state.save, backup_seconds)
    bar = callbacks.ProgressBar(stage, steps, batch_size)
    restored = callbacks.RestoreTrackers(state.sums)
    watchers = [restored, callbacks.StopOnNonFinite(), stop, timed, bar]
    try:
        with stop.listening(), bar.shown():
            while state.step < steps and not state.ended(keep_best, plateau):
                start = state.step
                end = min((start // period_steps + 1) * period_steps, steps)
                batches = endless_batches(
                    records, batch_size, model.seed, start, pixel_range=pixel_range, **augmentation
                )
                timer = time.monotonic()
                losses = _fit_steps(model, batches, end - start, watchers)
                speed = (state.step - start) * batch_size / (time.monotonic() - timer)
                if stop.requested and state.step < end:
                    state.save(within_period=True)
                    raise state.interrupted()
                backup.check_finite(model)  # before anything is made of it
                losses |= _validated(model, held_out)
                state.end_period(losses, keep_best, plateau)
                if period_end is not None:
                    period_end(f"{stage}-{end:07d}")
                state.save(within_period=False)
                timed.last = time.monotonic()
                _log_period(stage, end, steps, batch_size, speed, losses)
                if stop.heard():
                    raise state.interrupted()
        if keep_best:
            state.restore_best()
    except callbacks.NonFiniteError as error:
        kept = backup.read_notes(state.file)["step"]
        raise UserError(
            f"{stage}: {error}; {state.file} holds the state of step {kept}. "
            "Start a new run with a smaller learning rate."
        ) from error


def _fit_steps(
    model: AdversarialModel, batches: tf.data.Dataset, steps: int, watchers: list
) -> dict[str, float]:
    """Takes so many steps; the means of the losses over them."""
    fitted = model.fit(
        batches,
        steps_per_epoch=steps,
        callbacks=watchers,
        shuffle=False,
        verbose=0,  # pyright: ignore[reportArgumentType]
    )
    return {name: fitted.history[name][-1] for name in model.loss_names}


class StageSettings(Protocol):
    """What every stage's settings have.

    Attributes:
        epochs: passes over the images, rounded to whole periods, at least one.
        period: passes over the images in one period.
        batch_size: images a step.
    """

    @property
    def epochs(self) -> float:
        """See above."""
        ...

    @property
    def period(self) -> float:
        """See above."""
        ...

    @property
    def batch_size(self) -> int:
        """See above."""
        ...


def stage_length(settings: StageSettings, images: int) -> tuple[int, int]:
    """Steps of a stage and of its periods: whole periods, each of whole batches.

    Args:
        settings: of the stage.
        images: number of training images.

    Returns:
        (steps, period_steps); one epoch of 60,000 images in batches of 256 has 235 steps.

    Raises:
        UserError: a period is shorter than a batch.
    """
    period, batch_size = settings.period, settings.batch_size
    if period * images < batch_size:
        raise UserError(
            f"A period of {period} epochs of {images} images is shorter than one batch of "
            f"{batch_size}; choose a longer period or smaller batches."
        )
    period_steps = math.ceil(period * images / batch_size)
    return max(1, round(settings.epochs / period)) * period_steps, period_steps


class _State:
    """The state of a stage, in memory and on disk: restored at the start, saved as it goes on.

    Attributes:
        file: the state on disk.
        sums: of the loss trackers, when the state is one of the middle of a period.
    """

    def __init__(self, model: AdversarialModel, run: Run, stage: str, steps: int, batch_size: int):
        self.model, self.run, self.stage, self.batch_size = model, run, stage, batch_size
        self.file = run.backup_file(stage)
        self.notes: dict[str, Any] = {"history": [], "seconds": 0.0, "steps": steps}
        self.sums: list[list[Any]] | None = None
        every = model.optimizers().values()
        self.rates = {one: _rate(one) for one in every}  # before any has fallen
        if self.file.is_file():
            self.notes = backup.restore(self.file, model)
            self.notes["steps"] = steps
            logger.info("%s: goes on after step %d", stage, self.step)
        if self.notes.get("within_period"):
            self.sums = [[v.numpy() for v in metric.variables] for metric in model.metrics]
        self.started = time.monotonic() - self.notes["seconds"]
        if not self.file.is_file():
            self.save(within_period=False)  # so that a resume never starts from anything else

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.model.step.numpy())

    def save(self, within_period: bool = True) -> None:
        """Replaces the state on disk."""
        self.notes["seconds"] = time.monotonic() - self.started
        self.notes["within_period"] = within_period
        self.notes["step"] = self.step
        self.notes["images"] = self.step * self.batch_size
        backup.save(self.file, self.model, self.notes)
        if "best" in self.notes:
            for file in set(self.file.parent.glob(f"{self.stage}-best-*.npz")) - {self.best_file}:
                file.unlink()

    @property
    def best_file(self) -> Path:
        """The best networks so far.

        Its name has their step, so that the state before a kill finds the networks that it knows.
        """
        return self.run.backup_file(f"{self.stage}-best-{self.notes['best']['step']:07d}")

    def end_period(
        self, losses: dict[str, float], keep_best: Sequence[str], plateau: Plateau | None
    ) -> None:
        """Adds a row to the history, and keeps the networks if they are the best so far."""
        self.notes["history"].append(
            {
                "period": len(self.notes["history"]) + 1,
                "step": self.step,
                "images": self.step * self.batch_size,
                "seconds": round(time.monotonic() - self.started, 1),
                **losses,
            }
        )
        write_history(self.run.history_file(self.stage), self.notes["history"])
        value = sum(losses[name] for name in keep_best)
        if keep_best and value < self.notes.get("best", {"value": math.inf})["value"]:
            self.notes["best"] = {"value": value, "step": self.step}
            backup.save(self.best_file, self.model, self.notes["best"], backup.NETWORKS)
        if plateau is not None:
            for optimizer, rate in self.rates.items():
                optimizer.learning_rate = rate * plateau.scale(self._values(keep_best))

    def ended(self, keep_best: Sequence[str], plateau: Plateau | None) -> bool:
        """Whether nothing has become better for so long that the training is over."""
        return plateau is not None and plateau.ended(self._values(keep_best))

    def _values(self, keep_best: Sequence[str]) -> list[float]:
        """What is to become small, after each period."""
        return [sum(row[name] for name in keep_best) for row in self.notes["history"]]

    def restore_best(self) -> None:
        """Gives the model the best networks."""
        kept = backup.restore(self.best_file, self.model, backup.NETWORKS)
        logger.info("%s: keeps the networks of step %d, the best", self.stage, kept["step"])

    def interrupted(self) -> KeyboardInterrupt:
        """What Ctrl-C becomes once the state is saved."""
        return KeyboardInterrupt(
            f"stopped at step {self.step} of {self.stage}; go on with --resume {self.run.folder}"
        )


def _rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Its learning rate at this moment."""
    return float(tf.convert_to_tensor(optimizer.learning_rate))


def _validated(model: AdversarialModel, validation: tf.data.Dataset | None) -> dict[str, float]:
    """The quantities of `test_step` over the validation images, as `val_<name>`."""
    if validation is None:
        return {}
    measured = model.evaluate(
        validation,
        return_dict=True,
        verbose=0,  # pyright: ignore[reportArgumentType]
    )
    return {f"val_{name}": measured[name] for name in model.test_names}


def _log_period(
    stage: str, end: int, steps: int, batch_size: int, speed: float, losses: dict[str, float]
) -> None:
    """One line: step, speed in images a second, time left, losses."""
    text = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
    left = (steps - end) * batch_size / speed / 60
    logger.info(
        "%s  step %d/%d  %.0f images/s, %.0f min left  %s", stage, end, steps, speed, left, text
    )
