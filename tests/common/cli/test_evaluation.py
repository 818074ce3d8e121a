"""How every evaluation begins: its options, its folders, its images, and how it tells of them."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from common.cli import evaluation
from common.cli.evaluation import (
    EvaluateCommand,
    Evaluation,
    begin_evaluation,
    check_evaluation,
    finish_evaluation,
)
from common.datasets.records import Records
from common.errors import UserError
from common.files import write_text
from common.reporting.document import Report
from common.reporting.tables import Table
from common.runs.looks import read_looks
from common.settings.config import RunConfig, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    run: RunConfig = field(default_factory=lambda: RunConfig(seed=7))
    source: Source = field(
        default_factory=lambda: Source(data_dir=Path("/a"), cache_dir=Path("/b"), limit=5)
    )
    report_images: int | None = None


NOTHING = Records(np.zeros((0, 1, 1, 1), np.uint8), np.zeros((0, 0), np.float32), (), "toy", "")


@dataclass(frozen=True)
class Editor:
    config: Config
    folder: Path = Path("runs/toy-001")


def begun(command: EvaluateCommand, **config) -> Any:
    """An evaluation of 4 training and 12 test images, whose values are their numbers."""

    def images(config: Config, split: str) -> Records:
        asked.append((split, config.source))
        count = {"train": 4, "dev": 12, "test": 12}[split]
        numbers = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
        return Records(numbers, np.zeros((count, 0), np.float32), (), "toy", "memory")

    asked: list[tuple[str, Source]] = []
    editor = Editor(Config(**config))
    work = begin_evaluation(command, "toy", {command.run: editor}.__getitem__, images)
    measured = ["dev", "test"] if command.split == "both" else [command.split]
    assert asked == [(split, work.config.source) for split in ("train", *measured)]
    assert work.editor is editor
    return work


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"limit": 1}, "limit"),
        ({"limit": 0}, "limit"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(options, name):
    with pytest.raises(UserError, match=f"The setting {name} is"):
        check_evaluation(EvaluateCommand(**options))
    with pytest.raises(UserError, match=f"The setting {name} is"):
        begun(EvaluateCommand(**options))
    check_evaluation(EvaluateCommand(limit=2, seed=2**31 - 1))


def test_folders_of_the_command_take_the_place_of_the_runs_and_its_limit_stays():
    assert begun(EvaluateCommand()).config == Config()
    found = begun(EvaluateCommand(data_dir=Path("/c"), source="tfds")).config
    expected = Source(data_dir=Path("/c"), source="tfds", cache_dir=Path("/b"), limit=5)
    assert found == Config(source=expected)
    assert begun(EvaluateCommand(cache_dir=Path("/d"))).config.source.cache_dir == Path("/d")


@pytest.mark.parametrize(
    ("limit", "report_images", "numbers", "summary"),
    [
        (None, None, list(range(12)), "12 real dev images, seen"),
        (None, 3, [0, 5, 11], "3 real dev images, evenly spaced of 12, seen"),
        (6, 3, [0, 2, 4, 6, 8, 11], "6 real dev images, evenly spaced of 12, seen"),
        (90, None, list(range(12)), "12 real dev images, seen"),
    ],
)
def test_images_are_those_of_the_command_or_of_the_runs_report(
    limit, report_images, numbers, summary
):
    """Evenly spaced from the first to the last: steps of 11 / 2 and of 11 / 5, cut to numbers."""
    work = begun(EvaluateCommand(limit=limit), report_images=report_images)
    assert work.real.images.ravel().tolist() == numbers
    assert (work.total, len(work.train), work.summary("seen")) == (12, 4, summary)


def test_both_splits_are_measured_together_and_count_as_a_look():
    work = begun(EvaluateCommand(split="both"))
    assert work.real.images.ravel().tolist() == [*range(12), *range(12)]
    assert len(work.real.attributes) == 24
    assert work.summary("seen") == "24 real dev and test images, seen"


def test_an_evaluation_knows_its_folder_its_seed_and_its_command():
    assert begun(EvaluateCommand()).out == Path("runs/toy-001/report")
    assert begun(EvaluateCommand(split="test")).out == Path("runs/toy-001/report-test")
    run = Path("runs/toy-001")
    work = begun(EvaluateCommand(run=run, out=Path("elsewhere"), seed=3, limit=2))
    assert (work.out, work.seed) == (Path("elsewhere"), 3)
    facts = dict(work.facts)
    assert facts["model"] == "toy-001"
    assert facts["seed of the training"] == "7"
    assert shlex.split(facts["command"]) == [
        *("python", "-m", "toy.evaluate", "runs/toy-001"),
        *("--split", "dev", "--out", "elsewhere", "--limit", "2", "--seed", "3"),
    ]


def finished(folder: Path, split: str, out: Path) -> dict[str, str]:
    """The facts of a report on such an evaluation."""
    work = Evaluation(
        editor=Editor(Config(), folder),
        config=Config(),
        train=NOTHING,
        split=split,
        real=NOTHING,
        total=0,
        out=out,
        seed=0,
        facts=[("command", f"evaluate --split {split} --data-dir /home/a/faces")],
    )
    page = finish_evaluation(
        work, Report(title="A toy", n=0, tables=[Table("", (), ())], facts=work.facts)
    )
    assert page == out / "report.html"
    return json.loads((out / "report.json").read_text())["facts"]


def test_each_look_at_test_is_noted_in_the_run_and_told_by_every_later_report(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("common.runs.looks.git_revision", lambda: "abc123")
    monkeypatch.setattr("common.runs.looks.time.strftime", lambda _: "2026-11-29")
    run = tmp_path / "run"
    assert "looks at test" not in finished(run, "dev", tmp_path / "report")
    assert not (run / "looks.csv").exists()
    first = finished(run, "test", tmp_path / "report-test")
    assert first["looks at test"] == "1: 2026-11-29 (0 images, abc123)"
    finished(run, "both", tmp_path / "report-both")
    again = finished(run, "dev", tmp_path / "report")["looks at test"]
    assert again == "2: " + ", ".join(["2026-11-29 (0 images, abc123)"] * 2)
    assert read_looks(run)[1]["command"] == "evaluate --split both --data-dir faces"


def test_shared_weights_keep_the_looks_of_their_run_and_get_no_more(tmp_path):
    write_text(tmp_path / "encoder.weights.h5", "")
    finished(tmp_path, "test", tmp_path / "report")
    assert not read_looks(tmp_path)
    write_text(tmp_path / "looks.csv", "date,revision,images,command\n2026-01-01,r,5,c\n")
    facts = finished(tmp_path, "test", tmp_path / "report")
    assert facts["looks at test"] == "1: 2026-01-01 (5 images, r)"


@pytest.mark.parametrize(("count", "said"), [(2_000, False), (2_001, True)])
def test_many_images_are_said_to_take_minutes(monkeypatch, caplog, count, said):
    caplog.set_level("INFO")
    many = Records(
        np.zeros((count, 1, 1, 1), np.uint8), np.zeros((count, 0), np.float32), (), "toy", "memory"
    )
    editor = Editor(Config())
    evaluation.begin_evaluation(EvaluateCommand(), "toy", lambda _: editor, lambda *_: many)
    assert ("this takes minutes" in caplog.text) == said


def test_networks_are_loaded_in_float32_after_a_bfloat16_training_too():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        begun(EvaluateCommand())
        assert keras.config.dtype_policy().name == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
