"""The installed commands, which are those of `python -m`."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
import tomllib

import pytest

from common.cli import scripts
from common.files import ROOT

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def test_each_package_has_a_command_of_its_name():
    assert SCRIPTS == {
        "crg": "common.cli.scripts:crg",
        "icgan": "common.cli.scripts:icgan",
        "ifcvaegan": "common.cli.scripts:ifcvaegan",
        "igan": "common.cli.scripts:igan",
    }


@pytest.mark.parametrize("package", ["crg", "icgan_tf", "ifcvaegan", "igan"])
@pytest.mark.parametrize("command", scripts.COMMANDS)
def test_each_command_of_each_package_is_there(package, command):
    assert importlib.util.find_spec(f"{package}.{command}") is not None


@pytest.mark.parametrize(
    ("name", "package"),
    [("crg", "crg"), ("icgan", "icgan_tf"), ("ifcvaegan", "ifcvaegan"), ("igan", "igan")],
)
def test_the_first_word_names_the_command_and_the_others_are_its_own(monkeypatch, name, package):
    ran = []
    monkeypatch.setattr(
        "runpy.run_module", lambda module, **options: ran.append((module, sys.argv, options))
    )
    monkeypatch.setattr(sys, "argv", [f"bin/{name}", "edit", "x.png", "--out", "y"])
    getattr(scripts, name)()
    as_main = {"run_name": "__main__", "alter_sys": True}
    assert ran == [(f"{package}.edit", [f"bin/{name}", "x.png", "--out", "y"], as_main)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["edt"], "'edt' is no command. There are train, .* Did you mean 'edit'"),
        (["Train"], "'Train' is no command. .* Did you mean 'train'"),
        (["--out", "x"], "'--out' is no command"),
    ],
)
def test_another_word_is_the_users_mistake(monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["crg", *words])
    with pytest.raises(SystemExit) as ended:
        scripts.crg()
    assert ended.value.code == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("package", ["crg", "icgan_tf", "ifcvaegan", "igan", "common"])
@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_each_package_lists_all_its_commands_with_a_line_each(monkeypatch, capsys, package, words):
    monkeypatch.setattr(sys, "argv", ["__main__.py", *words])
    runpy.run_module(package, run_name="__main__")
    usage, *lines = filter(None, capsys.readouterr().out.split("\n"))
    assert usage.startswith(f"usage: python -m {package} COMMAND")
    about = dict(line.strip().split(maxsplit=1) for line in lines)
    commands = {
        ".".join(file.relative_to(ROOT / package).with_suffix("").parts).removesuffix(".__main__")
        for file in (ROOT / package).rglob("*.py")
        if "def main(arguments" in (text := file.read_text()) or "def main() ->" in text
    }
    assert about.keys() == commands
    assert all(len(told) > 10 for told in about.values())
