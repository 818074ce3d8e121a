"""How commands start TensorFlow: with oneDNN, and without its chatter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

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
}
WITHOUT = {
    "common.plots",
    "common.results",
    "common.datasets",
    "common.weights",
    *PACKAGES,
}  # need no TensorFlow
if flow.installed("cv2") or flow.installed("skimage"):
    COMMANDS["igan.transfer"] = (
        "examples/drawn-faces/face-0.png --sketch examples/digits/digit-0.png --run IGAN --out OUT"
    )
else:
    WITHOUT.add("igan.transfer")  # is refused before
# Runs each command in a process of its own, a fork of one that has read what all of them need, and
# ends it where it first imports TensorFlow: what oneDNN does is settled there, and what TensorFlow
# says then goes to standard error unless `device` has put a file in its place.
FIRST_IMPORT = """
import importlib.abc, json, os, runpy, stat, sys
import numpy, tyro, PIL.Image

class First(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            held = stat.S_ISREG(os.fstat(2).st_mode)
            told.write(f"onednn={os.environ.get('TF_ENABLE_ONEDNN_OPTS')} quiet={held}")
            told.flush()
            os._exit(0)

sys.meta_path.insert(0, First())
for module, words, file in json.loads(sys.argv[1]):
    if (child := os.fork()) == 0:
        told = open(file, "w")
        for number in (1, 2):
            os.dup2(os.open(file + ".said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.argv[1:] = words
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_command_is_among_these():
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    commands = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        for file in files
        if '\nif __name__ == "__main__":' in file.read_text(encoding="utf-8")
    }
    assert commands == COMMANDS.keys() | WITHOUT


@pytest.fixture(scope="module")
def at_first_import(tmp_path_factory) -> Callable[[str], str]:
    """Command -> oneDNN's switch, and whether standard error is quiet, as TensorFlow begins."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "igan" / "networks").mkdir(parents=True)
    (folder / "igan" / "config.json").write_text(json.dumps(to_json(smoke())))
    for name in NETWORKS["igan"]:
        (folder / "igan" / "networks" / f"{name}.keras").touch()
    calls = []
    for module, words in COMMANDS.items():
        places = {
            "IGAN": folder / "igan",
            "OUT": folder / f"{module}.out",
            "JSON": folder / f"{module}.json",
        }
        calls.append(
            [module, [str(places.get(word, word)) for word in words.split()], str(folder / module)]
        )
    unset = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT, json.dumps(calls)],
        cwd=ROOT,
        check=True,
        env=unset,
        timeout=300,
    )
    return lambda module: (
        (folder / module).read_text() or (folder / f"{module}.said").read_text()[-2_000:]
    )


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_switches_onednn_on_before_tensorflow_starts(module, at_first_import):
    assert at_first_import(module) == "onednn=1 quiet=True"


# Runs a command to its end, and lists what it has imported.
IMPORTED = """
import runpy, sys
module, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
print(*sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["crg.edit", "icgan_tf.edit", "ifcvaegan.edit"])
def test_an_edit_imports_no_library_that_it_does_not_need(module, tmp_path):
    """Each of these takes at least a twentieth of a second, matplotlib and SciPy's filters more."""
    words = COMMANDS[module].replace("OUT", str(tmp_path / "out")).split()
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, module, *words],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    unneeded = {"cv2", "matplotlib", "pandas", "pyarrow", "scipy.ndimage", "scipy.sparse"}
    imported = set(ended.stdout.split())
    assert imported & {*unneeded, "skimage", "tensorflow_datasets"} == set()
    assert "keras" in imported


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


@pytest.mark.parametrize(
    "module",
    [
        *("crg.edit", "icgan_tf.train", "ifcvaegan", "igan.evaluate", "common.doctor", "studio"),
        *("comparators.bigan.train", "benchmarks.tuning"),
    ],
)
def test_a_python_without_the_requirements_says_how_to_install_them(module):
    command = [sys.executable, "-S", "-m", module]  # -S: without the installed packages
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert line.startswith("error: The requirements are not installed for ")
    assert "`make .venv/run.done`" in line
