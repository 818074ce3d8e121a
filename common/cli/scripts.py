"""The installed commands: `crg train ...` is `python -m crg.train ...`."""

from __future__ import annotations

import runpy
import sys

from common.errors import UserError, did_you_mean, exits_cleanly

COMMANDS = ("train", "evaluate", "reconstruct", "edit", "export")


@exits_cleanly
def run(package: str) -> None:
    """Runs the command of a package that the first word names, with the words after it.

    Args:
        package: such as `crg`.

    Raises:
        UserError: no word, or one that is no command.
    """
    program, *words = sys.argv
    if words[:1] in (["--help"], ["-h"]):
        sys.stdout.write(f"usage: {program} {{{','.join(COMMANDS)}}} [--help] ...\n")
        return
    if not words or words[0] not in COMMANDS:
        given = f"{words[0]!r} is no command." if words else "Name a command."
        near = did_you_mean(words[0], COMMANDS) if words else ""
        raise UserError(f"{given} There are {', '.join(COMMANDS)}.{near}")
    sys.argv = [program, *words[1:]]
    runpy.run_module(f"{package}.{words[0]}", run_name="__main__", alter_sys=True)


def crg() -> None:
    """The command `crg`."""
    run("crg")


def icgan() -> None:
    """The command `icgan`."""
    run("icgan_tf")


def ifcvaegan() -> None:
    """The command `ifcvaegan`."""
    run("ifcvaegan")
