"""What the packages' commands share: `--set`, `evaluate`'s options, the order of the work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from common import device
from common.cli import commands
from common.cli.commands import (
    EvaluateCommand,
    attribute_values,
    carry_out,
    check_evaluation,
    moved,
    refuse_repetition,
)
from common.errors import UserError
from ifcvaegan.config import PRESETS

NAMES = ("Smiling", "Male")


def test_values_by_name():
    found = attribute_values(["Male=0", "Smiling=1.5"], NAMES, 0, -1.0, 2.0)
    assert found == {"Male": 0.0, "Smiling": 1.5}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["Smilling=1"], r"--set Smilling=1: the model has no attribute 'Smilling'.*'Smiling'"),
        (["Male"], r"--set Male: write Male=1 or Male=-1\."),
        (["Male=yes"], r"write Male=1 or Male=-1\."),
        (["Male=4"], "between -3 and 3"),
        (["Male=nan"], "between -3 and 3"),
        (["Male=1", "Male=-1"], "names Male twice"),
        (["Male=1,Smiling=1"], "write spaces between several, not commas"),
    ],
)
def test_what_is_no_value_is_refused(settings, said):
    with pytest.raises(UserError, match=said):
        attribute_values(settings, NAMES, -1, -3.0, 3.0)


@pytest.mark.parametrize("words", [["--set", "A=1", "--set", "B=1"], ["--set=A=1", "--set", "B"]])
def test_an_option_that_is_given_twice_is_refused(words):
    with pytest.raises(UserError, match=r"^--set is given 2 times; give it once, .*: --set A B\.$"):
        refuse_repetition(words)
    refuse_repetition(["--set", "A=1", "B=1", "--out", "x"])


@pytest.mark.parametrize(("limit", "seed"), [(1, 0), (0, 0), (None, -1), (None, 2**32)])
def test_an_evaluation_that_cannot_be_is_refused(limit, seed):
    with pytest.raises(UserError, match=r"limit|seed"):
        check_evaluation(EvaluateCommand(limit=limit, seed=seed))
    check_evaluation(EvaluateCommand(limit=2, seed=7))


def test_folders_of_the_command_take_the_place_of_the_runs():
    config = PRESETS["smoke"]()
    config = replace(
        config, source=replace(config.source, data_dir=Path("/a"), cache_dir=Path("/b"))
    )
    assert moved(config, EvaluateCommand()) == config
    found = moved(config, EvaluateCommand(data_dir=Path("/c")))
    assert (found.source.data_dir, found.source.cache_dir) == (Path("/c"), Path("/b"))


@dataclass(frozen=True)
class Command:
    """A command line."""

    number: int = 0


def test_a_command_is_checked_before_tensorflow_starts(monkeypatch):
    done = []
    monkeypatch.setattr(commands.runs, "log_to", lambda run: done.append("log"))
    monkeypatch.setattr(device, "choose", lambda: done.append("device"))
    carry_out(Command, "program", done.append, ["--number", "3"], lambda _: done.append("check"))
    assert done == ["log", "check", "device", Command(3)]
