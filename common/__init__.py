"""What the four papers share: data, training base, metrics, reports. It imports no paper."""

from __future__ import annotations

import importlib.util
import sys


def check_installed() -> None:
    """Ends a command that starts without its requirements with a sentence, not a traceback.

    A command: while Python looks for the module of `-m`, `sys.argv` begins with `-m`.
    """
    if sys.argv[:1] == ["-m"] and importlib.util.find_spec("tyro") is None:
        sys.stderr.write(
            f"error: The requirements are not installed for {sys.executable}. Run `make "
            ".venv/run.done` once, then `source .venv/bin/activate`, or `pip install -r "
            "requirements.txt`.\n"
        )
        sys.exit(2)


check_installed()
