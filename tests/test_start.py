"""How commands start TensorFlow: with oneDNN, and without its chatter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from common.run import ROOT

DIGITS = "examples/digits"
COMMANDS = {
    "crg.train": ["--preset", "smoke", "--out"],
    "crg.evaluate": ["--out"],
    "crg.reconstruct": [DIGITS, "--out"],
    "crg.edit": [DIGITS, "--without", f"{DIGITS}/digit-0.png", "--with", f"{DIGITS}/digit-1.png"]
    + ["--out"],
    "icgan_tf.train": ["--preset", "smoke", "--out"],
    "icgan_tf.evaluate": ["--out"],
    "icgan_tf.reconstruct": [DIGITS, "--out"],
    "icgan_tf.edit": [DIGITS, "--shift", "1", "--out"],
    "ifcvaegan.train": ["--preset", "smoke", "--out"],
    "ifcvaegan.evaluate": ["weights/ifcvaegan-drawn", "--out"],
    "ifcvaegan.reconstruct": ["examples/drawn-faces", "--run", "weights/ifcvaegan-drawn", "--out"],
    "ifcvaegan.edit": ["examples/drawn-faces", "--run", "weights/ifcvaegan-drawn"]
    + ["--set", "Eyeglasses=1", "--out"],
    "common.report": [DIGITS, DIGITS, "--out"],
    "common.export": ["weights/crg-mnist", "--out"],
    "common.doctor": [],
}
# Ends the command where it first imports TensorFlow: what oneDNN does is settled there, and what
# TensorFlow says then goes to standard error unless `device` has put a file in its place.
FIRST_IMPORT = """
import importlib.abc, os, runpy, stat, sys

class First(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            held = stat.S_ISREG(os.fstat(2).st_mode)
            sys.stdout.write(f"onednn={os.environ.get('TF_ENABLE_ONEDNN_OPTS')} quiet={held}")
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, First())
module, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_switches_onednn_on_before_tensorflow_starts(module, tmp_path):
    words = COMMANDS[module]
    unset = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT, module, *words]
        + ([str(tmp_path / "out")] if "--out" in words else []),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=unset,
        timeout=120,
    )
    assert done.stdout.endswith("onednn=1 quiet=True"), done.stdout + done.stderr
