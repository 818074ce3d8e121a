"""What the four papers share: data, training base, metrics, reports. It imports no paper.

Every package imports it first, so that a command without the requirements ends with a sentence. The
modules of commands import them, and would end with a traceback.
"""

from __future__ import annotations

import importlib.util
import sys

# While Python looks for the module of `-m`, `sys.argv` begins with `-m`: a program is left alone.
if sys.argv[:1] == ["-m"] and importlib.util.find_spec("tyro") is None:
    sys.stderr.write(
        f"error: The requirements are not installed for {sys.executable}. Run `make "
        ".venv/run.done` once, then `source .venv/bin/activate`, or `pip install -r "
        "requirements.txt`.\n"
    )
    sys.exit(2)
