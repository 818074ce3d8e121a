"""What a report says of its origin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from common.reporting.provenance import command_line, facts


@dataclass
class Command:
    run: Path | None = None
    out: Path | None = None
    limit: int | None = None
    data_dir: Path | None = None
    seed: int = 0
    beside: tuple[Path, ...] = ()
    comparators: tuple[Path, ...] | None = None
    pose: bool = False
    shared: bool = True


def test_facts_tell_the_command_and_how_the_model_was_trained(tmp_path):
    (tmp_path / "command.txt").write_text("python -m crg.train --preset smoke\n")
    (tmp_path / "environment.json").write_text(json.dumps({"device": "CPU, 2 cores"}))
    (tmp_path / "history-gan.csv").write_text("period,step,images,seconds\n1,8,512,90.0\n")
    command = command_line("crg.evaluate", Command(run=tmp_path, limit=5, seed=3))
    found = dict(facts(tmp_path, 7, command))
    assert list(found.items())[:6] == [
        ("command", f"python -m crg.evaluate {tmp_path} --limit 5 --seed 3"),
        ("model", tmp_path.name),
        ("seed of the training", "7"),
        ("training", "python -m crg.train --preset smoke"),
        ("training device", "CPU, 2 cores"),
        ("stage gan", "8 steps, 512 images, 2 minutes"),
    ]
    assert found["keras"] == metadata.version("keras")
    assert "cores" in found["machine"]


def test_what_a_folder_of_weights_does_not_tell_is_left_out(tmp_path):
    assert not {"command", "training", "training device"} & set(dict(facts(tmp_path, 0)))


def test_the_command_names_all_that_it_was_given():
    command = Command(out=Path("my report"), data_dir=Path("digits"), beside=(Path("a"), Path("b")))
    assert command_line("crg.evaluate", command) == (
        "python -m crg.evaluate --out 'my report' --data-dir digits --seed 0 --beside a b"
    )


def test_an_option_that_is_given_without_a_value_is_named():
    command = Command(comparators=(), limit=5)
    assert command_line("crg.evaluate", command) == (
        "python -m crg.evaluate --limit 5 --seed 0 --comparators"
    )


def test_a_switch_is_named_where_it_is_not_as_by_default():
    assert command_line("crg.evaluate", Command(pose=True)) == (
        "python -m crg.evaluate --seed 0 --pose"
    )
    assert command_line("crg.evaluate", Command(shared=False)).endswith(" --seed 0 --no-shared")
