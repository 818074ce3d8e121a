"""Who may import whom, what no package contains, and commands that answer at once."""

from __future__ import annotations

import ast
import functools
import graphlib
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from common.files import ROOT

PAPERS = {"crg", "icgan_tf", "ifcvaegan", "igan"}
ABOVE = {"studio", "benchmarks"}  # use the papers, as nothing else does
ALONE = {"common", "comparators"}  # the latter as papers: on `common`, and no paper on them
PACKAGES = sorted(name for name in ALONE | PAPERS | ABOVE if (ROOT / name).is_dir())
FLOORS = (  # of `common`, from the ground up; every `__main__` stands on the last one
    ("surroundings", "errors", "files", "images", "replicas", "device"),
    ("settings",),
    ("datasets",),
    ("runs",),
    ("training", "metrics"),
    ("classifiers",),
    ("editor", "strokes", "kinds", "tuning", "directions"),
    ("transfer",),
    ("reporting",),
    ("cli",),
    ("report", "plots", "doctor", "weights", "results"),
)
APART = {"training", "metrics"}  # on one floor, but neither needs the other
FILE_LINES, FUNCTION_LINES = 320, 70
COMMANDS = (
    *("train", "evaluate", "edit", "reconstruct", "export", "ablation", "directions", "invert"),
    *("project", "transfer"),
)


def dotted(parts: tuple[str, ...]) -> str:
    """The module of a file: `a.b` of a/b.py, `a` of a/__init__.py."""
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    path.relative_to(ROOT).with_suffix("").parts: path.read_text(encoding="utf-8")
    for name in PACKAGES
    for path in sorted((ROOT / name).rglob("*.py"))
}
SOURCES = {dotted(parts): text for parts, text in FILES.items()}


@functools.cache
def nodes(source: str) -> list[ast.AST]:
    """All nodes of a module, read once for all tests."""
    return list(ast.walk(ast.parse(source)))


# Imports


def imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> the modules among `sources` that it imports anywhere.

    Also within functions and for the type checker alone. A package that is imported to get at its
    modules does not count.
    """
    found: dict[str, set[str]] = {}
    for module, source in sources.items():
        names = []
        for node in nodes(source):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module}: a relative import"
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    names.append(whole if whole in sources else str(node.module))
        found[module] = {name for name in names if name in sources}
    return found


def above(module: str) -> set[str]:
    """The packages that a module may not import."""
    package = module.split(".")[0]
    return set() if package in ABOVE else set(PACKAGES) - {"common", package}


def floor(module: str) -> int:
    """The floor of `common` on which a module stands."""
    room = "report" if module.endswith("__main__") else module.split(".")[1]
    (number,) = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return number


def goes_up(module: str, other: str) -> bool:
    """Whether an import within `common` does not go down, nor to a neighbour."""
    rooms = {module.split(".")[1], other.split(".")[1]}
    return floor(other) > floor(module) or rooms == APART


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle; none if there is no such circle."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


@functools.cache
def graph() -> dict[str, set[str]]:
    """Module -> the modules that it imports, of all files."""
    return imports(SOURCES)


def pairs() -> list[tuple[str, str]]:
    return sorted((module, other) for module, others in graph().items() for other in others)


def test_there_are_modules_and_imports_to_look_at():
    assert {"common.runs.directory", "common.datasets", "crg.model"} <= SOURCES.keys()
    assert {"common.errors", "common.datasets.records"} <= graph()["common.datasets"]
    assert len(pairs()) > 300


def test_imports_are_found_wherever_they_stand():
    source = """
import a.one, os
from common.settings import config, other
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from a.two import Three
def f():
    if f:
        from a import four
"""
    known = ["a", "a.one", "a.two", "a.four", "common.settings", "common.settings.config"]
    assert imports({"x": source} | dict.fromkeys(known, ""))["x"] == {
        *("a.one", "common.settings.config", "common.settings", "a.two", "a.four"),
    }


def test_packages_import_only_what_lies_below_them():
    assert above("crg.model") >= {"icgan_tf", "ifcvaegan", "benchmarks"}
    assert above("common.report") >= {"crg", "benchmarks"}
    assert not {"crg", "common"} & above("crg.model")
    assert [pair for pair in pairs() if pair[1].split(".")[0] in above(pair[0])] == []


@pytest.mark.parametrize(
    ("module", "other", "up"),
    [
        ("common.runs.log", "common.datasets.records", False),
        ("common.datasets.records", "common.runs.log", True),
        ("common.runs.log", "common.runs.directory", False),
        ("common.files", "common.errors", False),
        ("common.training.fit", "common.metrics.pairs", True),  # one floor, but apart
        ("common.metrics.pairs", "common.training.fit", True),
        ("common.datasets.__main__", "common.cli.commands", False),
        ("common.cli.commands", "common.datasets.__main__", True),
        ("common.kinds", "common.reporting.sheets", True),
    ],
)
def test_the_floors_are_told_apart(module, other, up):
    assert goes_up(module, other) is up


def test_imports_within_common_go_down():
    rooms = {module.split(".")[1] for module in SOURCES if module.startswith("common.")}
    rooms.remove("__main__")
    assert rooms == {room for rooms in FLOORS for room in rooms}
    inner = [pair for pair in pairs() if all(one.startswith("common.") for one in pair)]
    assert len(inner) > 200
    assert [pair for pair in inner if goes_up(*pair)] == []


def test_no_imports_make_a_circle():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) in (
        *(["a", "b", "c", "a"], ["b", "c", "a", "b"], ["c", "a", "b", "c"]),
        *(["a", "c", "b", "a"], ["b", "a", "c", "b"], ["c", "b", "a", "c"]),
    )
    assert circle(graph()) == []


# What no package contains


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Each function with its lines, without those of its docstring."""
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None:
                lines -= (first.end_lineno or 0) - first.lineno + 1
            yield node.name, lines


def prints(source: str) -> list[int]:
    """The lines that call `print`."""
    return [
        node.lineno
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def test_no_file_is_longer_than_a_reader_can_hold():
    assert [module for module, text in SOURCES.items() if text.count("\n") > FILE_LINES] == []


def test_no_function_but_a_training_step_is_longer_than_a_screen():
    """Its docstring does not count."""
    source = 'def f(\n    x,\n):\n    """One.\n\n    Two.\n    """\n    def g():\n        pass\n'
    assert list(functions(source)) == [("f", 5), ("g", 2)]
    assert [
        (module, name, lines)
        for module, text in SOURCES.items()
        for name, lines in functions(text)
        if lines > FUNCTION_LINES and name != "train_step"
    ] == []


def test_modules_log_and_do_not_print():
    assert prints("def f():\n    return [print(1)]\n'print(2)'\npprint(3)\n") == [2]
    assert {module: found for module, text in SOURCES.items() if (found := prints(text))} == {}


def test_no_module_is_named_after_nothing():
    stems = {module.split(".")[-1] for module in SOURCES}
    assert stems & {"utils", "util", "misc", "helpers", "helper"} == set()


# Commands

LIGHT = {  # what answers before TensorFlow starts, or runs in worker processes
    "tensorflow": ("common.metrics.hashes", "common.datasets.pipeline", "common.datasets.drawn"),
    "matplotlib": (
        "common.report",
        "common.plots",
        "common.results",
        "common.datasets.celeba.loader",
    ),
}


@pytest.mark.parametrize("module", [module for modules in LIGHT.values() for module in modules])
def test_light_modules_import_no_heavy_library(module):
    code = f"import sys, {module}; sys.exit(bool({{*{list(LIGHT)}}} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


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
    modules = [f"{package}.{name}" for name in COMMANDS if f"{package}.{name}" in SOURCES]
    assert len(modules) >= 5
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
