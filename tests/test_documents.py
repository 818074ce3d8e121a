"""The READMEs and the demo: their commands parse, their Python runs, nothing is left to fill in."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import crg
from common.cli import export

ROOT = Path(__file__).resolve().parents[1]
READMES = [
    *sorted(ROOT.glob("README.md")),
    *sorted(ROOT.glob("*/README.md")),
    *(ROOT / "docs" / f"{name}.md" for name in ("data", "photos", "training")),
]
PAPERS = ("crg", "icgan_tf", "ifcvaegan", "igan")
WORK = {  # what a command calls once its words are read
    f"{package}.{command}": work.format(package)
    for package in PAPERS
    for command, work in (
        ("train", "{}.train.check_launch"),
        ("evaluate", "{}.evaluate.check_before"),
        ("reconstruct", "common.cli.images.check_inputs"),
    )
} | {
    "crg.train": "common.datasets.check",
    "crg.edit": "crg.edit.check_edits",
    "crg.invert": "crg.invert.check_images",
    **{
        f"comparators.{name}.{command}": work
        for name in ("age", "bigan", "cvaegan", "pioneer")
        for command, work in (
            ("train", "common.datasets.check"),
            ("reconstruct", "common.cli.images.check_inputs"),
        )
    },
    "crg.directions": "common.cli.directions.check",
    "icgan_tf.edit": "icgan_tf.edit.check",
    "ifcvaegan.train": "common.datasets.check",
    "ifcvaegan.edit": "ifcvaegan.edit.check",
    "igan.train": "common.datasets.check",
    "igan.edit": "igan.edit.check",
    "igan.project": "igan.project.check",
    "igan.transfer": "igan.transfer.check",
    "common.report": "common.report.image_files",
    "common.plots": "common.plots.plot_runs",
    "common.results": "common.results.collect",
    "common.doctor": "common.doctor.diagnose",
    "common.datasets": "common.datasets.__main__.carried_out",
    "common.directions": "common.directions.__main__.check",
    "crg.export": "common.cli.export.check_folder",
    "ifcvaegan.export": "common.cli.export.check_folder",
    "ifcvaegan.ablation": "ifcvaegan.ablation.check_row",
    "benchmarks.train_steps": "benchmarks.train_steps.measure",
    "benchmarks.celeba_loader": "benchmarks.celeba_loader.measure",
    "benchmarks.alignment": "benchmarks.alignment.measure",
    "benchmarks.studio": "benchmarks.studio.measure",
    "benchmarks.tuning": "benchmarks.tuning.measure",
    "studio": "studio.__main__.check",
    "studio.replay": "studio.replay.check",
}


class ReadError(Exception):
    """Raised in place of the work."""


def blocks(readme: Path, language: str) -> list[str]:
    text = readme.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def commands(readme: Path) -> list[str]:
    """Each `python -m ...` of the blocks without a language, and of the text where it is whole."""
    text = readme.read_text(encoding="utf-8")
    found = re.findall(r"`(?:\.venv/bin/)?(python -m [^`…]+)`", text)
    for block in blocks(readme, ""):
        lines = block.replace("\\\n", " ").splitlines()
        found += [line for line in lines if line.startswith("python -m ")]
    return found


MAKEFILE = ROOT / "Makefile"
DEMO = re.findall(r"^\t\$\(PY\) (-m (?!common)\w+\.\w+ .*)$", MAKEFILE.read_text(), re.MULTILINE)
FOUND = [(readme, command) for readme in READMES for command in commands(readme)]
FOUND += [(MAKEFILE, f"python {words}") for words in DEMO]
EXPORTED = "crg-exported"  # the conversion to ONNX takes seconds
SNIPPETS = [
    pytest.param(
        readme,
        block,
        id=f"{readme.parent.name}-{number}",
        marks=[pytest.mark.slow] if EXPORTED in block else [],
    )
    for readme in READMES
    for number, block in enumerate(blocks(readme, "python"))
]


def test_there_are_commands_to_read():
    assert {re.split(r"\s+", command)[2] for _, command in FOUND} >= set(WORK)
    assert {words.split(".")[0] for words in DEMO} == {f"-m {package}" for package in PAPERS}


@pytest.mark.parametrize(
    ("readme", "command"), FOUND, ids=[f"{r.parent.name}: {c[10:50]}" for r, c in FOUND]
)
def test_a_command_of_a_readme_is_understood(readme, command, tmp_path, monkeypatch):
    def read(*_: object) -> None:
        raise ReadError

    for child in ROOT.iterdir():  # a place like this one, in which nobody has trained yet
        if child.name not in ("runs", "out"):
            (tmp_path / child.name).symlink_to(child)
    monkeypatch.chdir(tmp_path)
    module, *words = shlex.split(command, comments=True)[2:]
    monkeypatch.setattr(WORK[module], read)
    package = module.split(".")[0]
    if package in PAPERS:
        smoke = importlib.import_module(f"{package}.presets").PRESETS["smoke"]
        monkeypatch.setattr("common.settings.flags.read_config", lambda *_: smoke())
    words = ["a-run" if word.strip("[].") == "RUN" else word for word in words]
    for word in words:
        if word.startswith("examples/"):
            assert (ROOT / word).exists(), word
    monkeypatch.setattr("sys.argv", [module, *words])
    program = importlib.import_module(module)
    if hasattr(program, "__path__"):  # a package, as `python -m` runs it
        program = importlib.import_module(f"{module}.__main__")
    with pytest.raises((ReadError, SystemExit)) as ended:
        program.main()
    assert ended.type is ReadError or (words == ["--help"] and ended.value.code == 0)


@pytest.mark.parametrize(("readme", "block"), SNIPPETS)
def test_the_python_of_a_readme_runs(readme, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    if EXPORTED in block:  # by the command above it
        command = export.ExportCommand(out=Path("out", EXPORTED), formats=("onnx",))
        export.export(command, crg.load())
    exec(compile(block, str(readme), "exec"), {})


TOUR = ROOT / "examples" / "tour.ipynb"
INLINE = "module://matplotlib_inline.backend_inline"  # what Jupyter sets


def test_the_notebook_is_small():
    assert TOUR.stat().st_size < 200_000


@pytest.mark.slow
def test_the_notebooks_cells_run_one_after_the_other_as_jupyter_starts_them():
    cells = json.loads(TOUR.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 6
    program = "\n".join([*code, "assert (edited.images != drawn).any()"])
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=TOUR.parent,
        check=True,
        env={**os.environ, "MPLBACKEND": INLINE},
        timeout=600,
    )


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_a_readme_has_no_gap(readme):
    assert not re.findall(r"TODO|TBD|XXX|FIXME|[A-Z]+_MINUTES|RESULTS_", readme.read_text())


def anchors(page: Path) -> set[str]:
    """The names of its headings, as a forge makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", one).strip().lower() for one in headings)
    return {one.replace(" ", "-") for one in plain}


PAGES = sorted({*READMES, *ROOT.glob("docs/*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/*/card.md")})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for link in (one for one in links if "://" not in one):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
