"""The installed commands, which are those of `python -m`."""

from __future__ import annotations

import importlib.util
import re
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
    }


@pytest.mark.parametrize("package", ["crg", "icgan_tf", "ifcvaegan"])
@pytest.mark.parametrize("command", scripts.COMMANDS)
def test_each_command_of_each_package_is_there(package, command):
    assert importlib.util.find_spec(f"{package}.{command}") is not None


@pytest.mark.parametrize(
    ("name", "package"), [("crg", "crg"), ("icgan", "icgan_tf"), ("ifcvaegan", "ifcvaegan")]
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
        ([], "Name a command. There are train, evaluate, reconstruct, edit, export."),
        (["edt"], "'edt' is no command. .* Did you mean 'edit'"),
    ],
)
def test_another_word_is_the_users_mistake(monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["crg", *words])
    with pytest.raises(SystemExit) as ended:
        scripts.crg()
    assert ended.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_help_names_the_commands(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["crg", "--help"])
    scripts.crg()
    assert "{train,evaluate,reconstruct,edit,export}" in capsys.readouterr().out
