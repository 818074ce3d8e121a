"""What a shell, a notebook, a container or a batch system sets, and how commands stay clear of it.

The networks are Keras' on TensorFlow, in float32 with channels last, and pictures are drawn into
files. A command says so before Keras and matplotlib are imported, whatever the user's files and
variables say for other programs; `python -m common.doctor` tells what it set aside.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

KERAS = Path(__file__).parent / "keras"  # its `keras.json` says what the networks compute with
NEEDED = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}
ASIDE = ("KERAS_", "MPLBACKEND", "MATPLOTLIBRC", "GIT_DIR", "GIT_WORK_TREE", "PYTHONWARNINGS")
QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)  # Python's
set_aside: dict[str, str] = {}  # variable -> what it said when the command began


def settle() -> None:
    """Makes this process independent of its surroundings; each command begins with it."""
    ours = {"KERAS_HOME": str(KERAS), "MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    for name in [name for name in os.environ if name.startswith(ASIDE)]:
        said = os.environ.pop(name)
        if ours.get(name) != said:
            set_aside[name] = said
            if name == "PYTHONWARNINGS":  # `error` there would end a training at a library's hint
                warnings.resetwarnings()
                for kind in QUIET:
                    warnings.simplefilter("ignore", kind)
    os.environ.update(ours)
    _open_streams()


def _open_streams() -> None:
    """Gives closed streams a place, and lets the others show every character in some way.

    Where a stream is closed, the next file that is opened takes its number, and all that TensorFlow
    says goes into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def keras_settings() -> tuple[Path, dict[str, str]]:
    """The user's `keras.json`, and what it says otherwise than the models need it."""
    home = set_aside.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    file = Path(home) / "keras.json"
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return file, {name: str(said[name]) for name in NEEDED if said[name] != NEEDED[name]}
    except (OSError, ValueError, TypeError, KeyError):  # missing, or not as Keras writes it
        return file, {}
