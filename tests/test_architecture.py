"""Who may import whom, what no package contains, and commands that answer at once."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAPERS = {"crg", "icgan_tf", "ifcvaegan", "igan"}
ABOVE = {"studio", "benchmarks"}  # use the papers, as nothing else does
OWN = {"common"} | PAPERS | ABOVE
PACKAGES = sorted(name for name in OWN if (ROOT / name).is_dir())
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
COMMANDS = ("train", "evaluate", "edit", "reconstruct")


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(source: str) -> set[str]:
    """The top-level packages that a module imports anywhere, functions included.

    A relative import stays within its package.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


def allowed(package: str) -> set[str]:
    """The packages of this project that a module of `package` may import."""
    if package in ABOVE:
        return OWN
    return {"common", package}


def prints(source: str) -> list[int]:
    """The lines that call `print`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]


def test_imports_are_found_wherever_they_stand():
    source = """
import crg.model, os
from common.settings.config import C
from . import igan
def f():
    if f:
        from icgan_tf import networks
"""
    assert imported(source) == {"crg", "os", "common", "icgan_tf"}


def test_prints_are_found_and_not_those_in_strings():
    assert prints("def f():\n    return [print(1)]\n'print(2)'\npprint(3)\n") == [2]


def test_there_are_modules_to_look_at():
    assert {"common.run", "crg.model"} <= {dotted(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_imports_only_what_lies_below_it(path):
    package = path.relative_to(ROOT).parts[0]
    assert imported(path.read_text(encoding="utf-8")) & OWN <= allowed(package)


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_logs_and_does_not_print(path):
    assert prints(path.read_text(encoding="utf-8")) == []


def test_no_module_is_named_after_nothing():
    assert {path.stem for path in MODULES} & {"utils", "util", "misc", "helpers", "helper"} == set()


HELP = """
import runpy, sys
for module in sys.argv[1:]:
    sys.argv = [module, "--help"]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        assert not ended.code, (module, ended.code)
    else:
        raise AssertionError(f"{module} --help did not end")
heavy = {"tensorflow", "keras", "matplotlib", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("package", [name for name in PACKAGES if name in PAPERS])
def test_help_of_every_command_needs_no_heavy_library_and_little_time(package):
    found = {path.stem for path in (ROOT / package).glob("*.py")}
    modules = [f"{package}.{name}" for name in COMMANDS if name in found]
    assert modules
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", HELP, *modules],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, which other work on the machine does not lengthen as it does the waiting.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3.0
