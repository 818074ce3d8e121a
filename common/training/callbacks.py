"""What watches a training between two steps: failures, Ctrl-C, saving, progress."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from common import replicas


class NonFiniteError(Exception):
    """A loss or a weight became NaN or infinite: its name and the step after which it was so."""

    def __init__(self, name: str, value: float, step: int):
        self.name, self.value, self.step = name, value, step
        super().__init__(f"{name} became {value} at step {step}")


class StopOnNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteError` after the first step whose losses are not all finite.

    Keras' TerminateOnNaN looks for a `loss` that these models do not have.
    """

    def on_train_batch_end(self, batch, logs=None):
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise NonFiniteError(name, float(value), int(self.model.step.numpy()))


class SaveEvery(keras.callbacks.Callback):
    """Calls `save` within a period when `seconds` have passed since the last save.

    Not after a period's last step: its row of the history is still to come, and its caller saves.
    """

    def __init__(self, save: Callable[[], None], seconds: float):
        super().__init__()
        self.save, self.seconds = save, seconds
        self.last = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        ended = batch + 1 == self.params["steps"]
        if not ended and replicas.agreed(time.monotonic() - self.last >= self.seconds):
            self.save()
            self.last = time.monotonic()


class StopOnRequest(keras.callbacks.Callback):
    """Ends `fit` after the step during which Ctrl-C was pressed; a second Ctrl-C kills."""

    def __init__(self):
        super().__init__()
        self.requested = False

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = self.heard()

    def heard(self) -> bool:
        """Whether Ctrl-C was pressed, at any worker."""
        self.requested = replicas.agreed(self.requested)
        return self.requested

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Takes Ctrl-C over for the duration of the block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number, frame):
            self.requested = True
            signal.signal(number, signal.default_int_handler)

        before = signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class ProgressBar(keras.callbacks.Callback):
    """A bar with images/s, losses and time left, on a terminal; nothing elsewhere.

    Args:
        stage: its name.
        steps: of the whole stage.
        batch_size: images a step.
    """

    def __init__(self, stage: str, steps: int, batch_size: int):
        super().__init__()
        self.batch_size = batch_size
        self.console = Console(file=sys.stderr)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            _Speed(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
        )
        self.task = self.progress.add_task(
            stage, total=steps * batch_size, losses="", start=self.console.is_terminal
        )

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the bar for the duration of the block."""
        if not self.console.is_terminal:
            yield
            return
        with self.progress:
            yield

    def on_train_batch_end(self, batch, logs=None):
        if self.console.is_terminal:
            losses = " ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
            done = int(self.model.step.numpy()) * self.batch_size
            self.progress.update(self.task, completed=done, losses=losses)


class _Speed(ProgressColumn):
    """Images a second."""

    def render(self, task) -> Text:
        return Text(f"{task.speed:.0f} images/s" if task.speed else "")


class RestoreTrackers(keras.callbacks.Callback):
    """Gives the loss trackers their saved sums back, which `fit` resets when it starts.

    Only the first period after a resume has such sums: it goes on in the middle.

    Args:
        sums: the values of each metric's variables, in the order of `model.metrics`.
    """

    def __init__(self, sums):
        super().__init__()
        self.sums = sums

    def on_epoch_begin(self, epoch, logs=None):
        if self.sums is not None:
            for metric, values in zip(self.model.metrics, self.sums, strict=True):
                for variable, value in zip(metric.variables, values, strict=True):
                    variable.assign(value)
            self.sums = None
