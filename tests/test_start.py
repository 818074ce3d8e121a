"""How commands start TensorFlow: with oneDNN, and without its chatter."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from common.files import ROOT
from common.settings.config import to_json
from common.transfer import flow
from igan.presets import smoke
from tests.trainings import NETWORKS

PACKAGES = ("common", "crg", "icgan_tf", "ifcvaegan", "igan")
COMMANDS = {  # OUT stands for a new folder
    "crg.train": "--preset smoke --out OUT",
    "crg.evaluate": "--out OUT",
    "crg.reconstruct": "examples/digits --out OUT",
    "crg.edit": "examples/digits --without examples/pairs/thin.png --with examples/pairs/thick.png"
    " --out OUT",
    "crg.directions": "--without examples/pairs/thin.png --with examples/pairs/thick.png"
    " --out JSON",
    "crg.invert": "examples/digits --out OUT",
    "icgan_tf.train": "--preset smoke --out OUT",
    "icgan_tf.evaluate": "--out OUT",
    "icgan_tf.reconstruct": "examples/digits --out OUT",
    "icgan_tf.edit": "examples/digits --shift 1 --out OUT",
    "ifcvaegan.train": "--preset smoke --out OUT",
    "ifcvaegan.evaluate": "weights/ifcvaegan-drawn --out OUT",
    "ifcvaegan.reconstruct": "examples/drawn-faces --run weights/ifcvaegan-drawn --out OUT",
    "ifcvaegan.edit": "examples/drawn-faces --run weights/ifcvaegan-drawn --set Eyeglasses=1"
    " --out OUT",
    "common.report": "examples/digits examples/digits --out OUT",
    "crg.export": "--out OUT",
    "icgan_tf.export": "--out OUT",
    "ifcvaegan.export": "weights/ifcvaegan-drawn --out OUT",
    "ifcvaegan.ablation": "--dataset drawn --out OUT",
    "igan.train": "--preset smoke --out OUT",
    "igan.evaluate": "IGAN --out OUT",
    "igan.reconstruct": "examples/drawn-faces --run IGAN --out OUT",
    "igan.edit": "examples/drawn-faces --sketch examples/digits/digit-0.png --run IGAN --out OUT",
    "igan.project": "examples/drawn-faces --run IGAN --out OUT",
    "igan.export": "IGAN --out OUT",
    "common.directions": "--run weights/ifcvaegan-drawn --sefa --out JSON",
    "common.doctor": "",
    "common.classifiers": "--dataset drawn --out OUT",
    "common.weights": "RUN --out OUT --networks generator",
}
WITHOUT = {"common.plots", "common.datasets", *PACKAGES}  # need no TensorFlow
if flow.installed("cv2") or flow.installed("skimage"):
    COMMANDS["igan.transfer"] = (
        "examples/drawn-faces/face-0.png --sketch examples/digits/digit-0.png --run IGAN --out OUT"
    )
else:
    WITHOUT.add("igan.transfer")  # is refused before
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


def test_every_command_is_among_these():
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    commands = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        for file in files
        if '\nif __name__ == "__main__":' in file.read_text(encoding="utf-8")
    }
    assert commands == COMMANDS.keys() | WITHOUT


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_switches_onednn_on_before_tensorflow_starts(module, tmp_path):
    (tmp_path / "run" / "networks").mkdir(parents=True)
    (tmp_path / "run" / "networks" / "generator.keras").touch()
    (tmp_path / "igan" / "networks").mkdir(parents=True)
    (tmp_path / "igan" / "config.json").write_text(json.dumps(to_json(smoke())))
    for name in NETWORKS["igan"]:
        (tmp_path / "igan" / "networks" / f"{name}.keras").touch()
    places = {name: str(tmp_path / name.lower()) for name in ("OUT", "RUN", "IGAN")}
    places["JSON"] = str(tmp_path / "smile.json")
    words = [places.get(word, word) for word in COMMANDS[module].split()]
    unset = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT, module, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=unset,
        timeout=120,
    )
    assert done.stdout.endswith("onednn=1 quiet=True"), done.stdout + done.stderr


# Imports every light module where Unix' own modules are missing, as on Windows.
ELSEWHERE = """
import importlib, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
from common.datasets.celeba import faces
from pathlib import Path
faces.sweep(Path("."))
"""


def test_commands_can_be_imported_on_systems_that_are_no_unix():
    modules = ["common.datasets.celeba.loader", "common.runs.directory", *COMMANDS, *WITHOUT]
    subprocess.run([sys.executable, "-c", ELSEWHERE, *modules], cwd=ROOT, check=True, timeout=120)
