"""Commands by their first word: `crg train ...`, as installed, and `python -m crg train ...`."""

from __future__ import annotations

import runpy
import sys

from common.errors import UserError, did_you_mean, exits_cleanly

COMMANDS = {
    "train": "trains a model, then reports on it",
    "evaluate": "measures a trained model on images of dev or test, beside the published numbers",
    "reconstruct": "encodes images and decodes the codes",
    "edit": "edits images",
    "export": "writes trained networks as SavedModel and ONNX",
}
OWN = {  # package -> commands that it has instead of these, or beside them
    "common": {
        "doctor": "says what a training finds on this machine",
        "directions": "finds directions in the latent space of any trained model",
        "datasets": "shows, prepares and downloads data sets",
        "report": "measures any two folders of images",
        "plots": "draws the losses of runs",
        "results": "writes what runs reached beside the published figures",
        "classifiers": "trains the classifiers that read edits",
        "weights": "makes a folder of weights and their card from a run",
    },
    "comparators.age": {name: COMMANDS[name] for name in ("train", "reconstruct")},
    "comparators.bigan": {name: COMMANDS[name] for name in ("train", "reconstruct")},
    "comparators.cvaegan": {name: COMMANDS[name] for name in ("train", "reconstruct")},
    "comparators.pioneer": {name: COMMANDS[name] for name in ("train", "reconstruct")},
    "crg": {
        **COMMANDS,
        "directions": "finds directions, with the norm of the paper's Eq. 3",
        "invert": "finds latents of images by encoder, gradient descent or both",
    },
    "ifcvaegan": {**COMMANDS, "ablation": "trains and compares the rows of the paper's Table 1"},
    "igan": {
        **COMMANDS,
        "edit": "edits images by strokes, or generates them from scribbles",
        "project": "finds the latents of images, of any generator",
        "transfer": "does an edit to a photo at its own resolution",
    },
}


@exits_cleanly
def run(package: str, program: str | None = None) -> None:
    """Runs the command of a package that the first word names; lists them all where none does.

    Args:
        package: such as `crg`.
        program: what to call it in messages; by default as the process is called.

    Raises:
        UserError: a word that is no command.
    """
    called, *words = sys.argv
    commands = OWN.get(package, COMMANDS)
    if not words or words[0] in ("--help", "-h"):
        lines = [f"  {name:<12} {about}" for name, about in commands.items()]
        used = f"usage: {program or called} COMMAND ..., with --help for what a command takes"
        sys.stdout.write("\n".join([used, "", *lines, ""]))
        return
    if words[0] not in commands:
        near = did_you_mean(words[0], commands)
        raise UserError(f"{words[0]!r} is no command. There are {', '.join(commands)}.{near}")
    sys.argv = [called, *words[1:]]
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


def igan() -> None:
    """The command `igan`."""
    run("igan")
