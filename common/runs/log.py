"""The log of a command: to the terminal, and to a run's `train.log`."""

from __future__ import annotations

import logging
import sys

from common.errors import stop_if_interrupted
from common.files import shown
from common.runs.directory import Run


def log_to(run: Run | None) -> None:
    """Sends the log to the terminal and, with a run, to its `train.log` as well."""
    terminal = _Terminal()
    terminal.setFormatter(logging.Formatter("%(message)s"))
    terminal.addFilter(lambda record: not getattr(record, "file_only", False))
    handlers: list[logging.Handler] = [terminal]
    if run is not None:
        file = _File(run.folder / "train.log", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(file)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it tells of its list of fonts
    for handler in handlers:
        handler.addFilter(_on_one_line)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


def _on_one_line(record: logging.LogRecord) -> bool:
    """Shows whatever a message names, such as a file, on its line; nothing is left out."""
    record.msg, record.args = shown(record.getMessage()), None
    return True


class _File(logging.FileHandler):
    """A log that a full disk cuts short, without a word: the terminal has all of it.

    Whoever writes something that matters is told by an error of its own.
    """

    def handleError(self, record):  # noqa: N802
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


class _Terminal(logging.StreamHandler):
    """Writes to what standard error is at that moment, so that lines pass above a progress bar."""

    def emit(self, record):
        stop_if_interrupted()
        super().emit(record)

    @property
    def stream(self):
        return sys.stderr

    @stream.setter
    def stream(self, value):
        pass
