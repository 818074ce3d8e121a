"""Where the numbers of a report come from: command, model, training, versions, machine."""

from __future__ import annotations

import dataclasses
import platform
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any

from common import device
from common.files import called
from common.metrics.hashes import library_versions
from common.runs.directory import read_command
from common.runs.environment import read_environment
from common.runs.history import last_rows, length


def facts(model: Path, training_seed: int, command: str = "") -> list[tuple[str, str]]:
    """Label and text of everything that a report's numbers depend on.

    Args:
        model: the run or the folder of weights that was evaluated.
        training_seed: of that run.
        command: the `command_line` of the evaluation; empty where the training itself reports.
    """
    trained_on = read_environment(model).get("device", "")
    texts = {"training": read_command(model), "training device": trained_on}
    return [
        *([("command", command)] if command else []),
        ("model", called(model)),
        ("seed of the training", str(training_seed)),
        *((name, text) for name, text in texts.items() if text),
        *((f"stage {stage}", length(row)) for stage, row in last_rows(model).items()),
        *((name, metadata.version(name)) for name in ("tensorflow", "keras")),
        ("machine", f"{platform.system()} {platform.machine()}, {device.cores()} cores"),
        *library_versions().items(),
    ]


def command_line(program: str, command: Any) -> str:
    """The command as people type it, with every option that is set.

    Switches are named where they differ from their defaults.

    Args:
        program: `crg.evaluate`.
        command: the dataclass of its command line; `run`, if it has one, is its positional
            argument.
    """
    run = getattr(command, "run", None)
    words = [*("python", "-m"), *program.split(), *([str(run)] if run else [])]
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        absent = value is None or (value == () and field.default == ())
        name = field.name.replace("_", "-")
        if isinstance(value, bool):
            if value != field.default:
                words.append(f"--{name}" if value else f"--no-{name}")
        elif field.name != "run" and not absent:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{name}", *(str(each) for each in values)]
    return shlex.join(words)
