"""The error that a user can mend, and how a command ends with it."""

from __future__ import annotations

import contextlib
import difflib
import errno
import functools
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

from common.surroundings import settle

P = ParamSpec("P")
T = TypeVar("T")

PLACE = frozenset(  # errors of a place that cannot be read or written
    {errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
    | {errno.ENAMETOOLONG, errno.EILSEQ}  # too long, or of bytes that the file system does not take
)
_interrupted = threading.Event()


class UserError(Exception):
    """A mistake in what was given: one or two sentences say what, what is allowed and what to do.

    Commands print the message on standard error and exit with status 2, without a traceback.
    """


class PlaceError(UserError):
    """A file that cannot be written where it belongs; what was there before stays."""


def exits_cleanly(command: Callable[P, T]) -> Callable[P, T]:
    """Wraps a command's `main`: clear of its surroundings, and with an exit status at its end.

    A `UserError` becomes its message on standard error and exit status 2, and so does a place that
    cannot be read or written. Ctrl-C becomes exit status 130 (with the message of the
    `KeyboardInterrupt`, where one was raised with what to do next), also where a library swallows
    it. A reader that goes away, such as `head`, ends the command in silence. Every other exception
    is a defect of this program and keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        settle()
        try:
            with _noting_interrupts():
                try:
                    return command(*args, **kwargs)
                finally:
                    sys.stdout.flush()
        except UserError as error:
            sys.stderr.write(f"error: {error}\n")
            sys.exit(2)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
            sys.exit(128 + 13)
        except OSError as error:
            if error.errno not in PLACE:
                raise
            sys.stderr.write(
                f"error: {error.filename or 'a file'} cannot be read or written "
                f"({error.strerror}); change its permissions, make room, or name another place.\n"
            )
            sys.exit(2)
        except KeyboardInterrupt as interrupt:
            sys.stderr.write(f"interrupted: {interrupt}\n" if interrupt.args else "interrupted\n")
            sys.exit(130)

    return run


def stop_if_interrupted() -> None:
    """Raises the `KeyboardInterrupt` of a Ctrl-C that a library has swallowed."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _noting_interrupts() -> Iterator[None]:
    """Remembers Ctrl-C within the block: raised in a destructor or a callback, it gets lost."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or not _in_main_thread():
        yield
        return

    def note(number: int, frame: types.FrameType | None) -> None:
        _interrupted.set()
        raise KeyboardInterrupt

    _interrupted.clear()
    signal.signal(signal.SIGINT, note)
    try:
        yield
        stop_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
        _interrupted.clear()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that proposes the nearest known name, with a space before it; else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f" Did you mean {close[0]!r}?" if close else ""
