"""A training whose disk becomes read-only at a given moment, as systems do after an error.

    python -m tests.faults FILE PACKAGE WORDS...

Tests may run as root, for whom permissions mean nothing: from the moment when FILE is there, what
Python opens to be written, renames, makes or deletes in the run's folder fails as it would then.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.truncate", "os.link")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def make_read_only(folder: Path, moment: Path) -> None:
    """Refuses every change in a folder from the moment when a file is there."""

    def refuse(event: str, values: tuple) -> None:
        if event not in (*CHANGES, "open"):
            return
        path, *_, flags = values
        changes = event != "open" or bool(isinstance(flags, int) and flags & WRITES)
        if not changes or not isinstance(path, str | os.PathLike):
            return
        if folder in Path(path).absolute().parents and os.access(moment, os.F_OK):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    sys.addaudithook(refuse)


if __name__ == "__main__":
    moment, package, *words = sys.argv[1:]
    option = "--out" if "--out" in words else "--resume"
    make_read_only(Path(words[words.index(option) + 1]).absolute(), Path(moment))
    importlib.import_module(f"{package}.train").main(words)
