"""What all commands share: the order of the work, `--set`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from common import device
from common.cli import commands
from common.cli.commands import (
    carry_out,
    control_values,
    elsewhere,
    refuse_nothing,
    refuse_repetition,
)
from common.editor import Control
from common.errors import UserError
from tests.common.cli.stub import Stub

CONTROLS = Stub().controls  # Smiling from -1 to 2, off at 0; Male from -3 to 3, off at -1


def test_values_by_name():
    assert control_values(["Male=-3", "Smiling=1.5"], CONTROLS) == {"Male": -3.0, "Smiling": 1.5}
    assert control_values([], CONTROLS) == {}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["Smiling=1", "Male=-1"], []),
        (["Smiling=0.5", "Male=0"], []),
        (["Smiling=-1"], ["Smiling=-1 is an exaggeration: .* from 0 to 1, so the picture may"]),
        (["Male=3", "Smiling=1.5"], ["Male=3 .* from -1 to 1", "Smiling=1.5 .* from 0 to 1"]),
    ],
)
def test_values_beyond_absent_and_present_are_warned_of(settings, told, caplog):
    # An amount, such as a shift, has a default and no absent or present.
    amount = Control(name="shift", meaning="added", low=-9, high=9, default=0.0)
    control_values([*settings, "shift=7"], [*CONTROLS, amount])
    assert len(caplog.messages) == len(told)
    for message, pattern in zip(caplog.messages, told, strict=True):
        assert re.match(pattern, message)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["Smilling=1"], r"--set Smilling=1: the model has no attribute 'Smilling'.*'Smiling'"),
        (["Hat=1"], r"no attribute 'Hat'\. It has Smiling, Male\."),
        (["Male"], r"write Male=1 or Male=-1\."),
        (["Smiling=yes"], r"write Smiling=1 or Smiling=0\."),
        (["Male=4"], "--set Male=4: the value must be between -3 and 3"),
        (["Smiling=-1.1"], "between -1 and 2"),
        (["Male=nan"], "between -3 and 3"),
        (["Male=1", "Male=-1"], "names Male twice"),
        (["Male=1,Smiling=1"], "write spaces between several, not commas"),
    ],
)
def test_what_is_no_value_is_refused(settings, said):
    with pytest.raises(UserError, match=said):
        control_values(settings, CONTROLS)


@pytest.mark.parametrize("words", [["--with", "a", "--with", "b"], ["--with=a", "--with", "b"]])
def test_an_option_that_is_given_twice_is_refused(words):
    with pytest.raises(UserError, match=r"^--with is given 2 times; .*: --with A B\.$"):
        refuse_repetition(words, ["--set"])
    refuse_repetition(["--with", "a", "b", "--out", "x"])


def test_an_option_of_which_each_is_an_edit_may_be_given_twice():
    refuse_repetition(["--set", "A=1", "--set=B=1", "--out", "x"], ["--set"])


def test_a_set_that_sets_nothing_is_refused():
    refuse_nothing([])
    refuse_nothing([["A=1"], ["B=1", "C=0"]])
    with pytest.raises(UserError, match="--set stands without an attribute; write --set NAME=1"):
        refuse_nothing([["A=1"], []])


@dataclass(frozen=True)
class Command:
    """A command line."""

    number: int = 0


@pytest.fixture
def done(monkeypatch) -> list[object]:
    """What has been done, in order: log and device are only noted."""
    done: list[object] = []
    monkeypatch.setattr(commands, "log_to", lambda run: done.append(f"log to {run}"))
    monkeypatch.setattr(device, "choose", lambda: done.append("device"))
    return done


def test_a_command_is_checked_before_tensorflow_starts(done):
    carry_out(Command, "program", done.append, ["--number", "3"], lambda c: done.append(c.number))
    assert done == ["log to None", 3, "device", Command(3)]


def test_a_command_that_is_refused_does_nothing(done):
    with pytest.raises(UserError, match="--number is given 2 times"):
        carry_out(Command, "program", done.append, ["--number", "1", "--number=2"])
    assert done == []


def test_models_that_have_an_attribute_are_named_with_what_they_know():
    """Each is a folder in weights/."""
    told = elsewhere("Male")
    for name, images in (("celeba", "photographs"), ("drawn", "drawn faces")):
        assert f"--run weights/ifcvaegan-{name} of ifcvaegan has Male, on {images}." in told
    assert "--data.attributes Male" in told
    assert elsewhere("3") == ""
