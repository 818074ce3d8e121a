"""The error that a user can mend, and how a command ends with it."""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class UserError(Exception):
    """A mistake in what was given: one or two sentences say what, what is allowed and what to do.

    Commands print the message on standard error and exit with status 2, without a traceback.
    """


def exits_cleanly(command: Callable[P, T]) -> Callable[P, T]:
    """Wraps a command's `main`, so that it ends with an exit status where a user expects one.

    A `UserError` becomes its message on standard error and exit status 2, and so does a place for
    which the user has no permission. Ctrl-C becomes exit status 130
    (with the message of the `KeyboardInterrupt`, where one was raised with what to do next). Every
    other exception is a defect of this program and keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            sys.stderr.write(f"error: {error}\n")
            sys.exit(2)
        except PermissionError as error:
            sys.stderr.write(
                f"error: {error.filename or 'a file'} may not be read or written by you "
                f"({error.strerror}); change its permissions, or name another place.\n"
            )
            sys.exit(2)
        except KeyboardInterrupt as interrupt:
            sys.stderr.write(f"interrupted: {interrupt}\n" if interrupt.args else "interrupted\n")
            sys.exit(130)

    return run


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that proposes the nearest known name, with a space before it; else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f" Did you mean {close[0]!r}?" if close else ""
