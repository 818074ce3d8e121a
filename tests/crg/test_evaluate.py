"""Where a report goes and what it says of its origin, and what the command refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from common.run import ROOT
from crg import evaluate
from crg.evaluate import EvaluateCommand

# --- Where the report goes ------------------------------------------------------------------------


def test_a_runs_report_lies_in_the_run(tmp_path):
    assert evaluate.report_folder(None, tmp_path / "run") == tmp_path / "run" / "report"


def test_a_report_never_goes_into_weights(monkeypatch):
    expected = Path("runs") / "crg-mnist-report"
    assert evaluate.report_folder(None, ROOT / "weights" / "crg-mnist") == expected
    monkeypatch.chdir(ROOT)
    assert evaluate.report_folder(None, Path("weights/crg-mnist")) == expected
    assert evaluate.report_folder(None, Path("crg/../weights/crg-mnist")) == expected


def test_a_named_folder_is_taken(tmp_path):
    assert evaluate.report_folder(tmp_path, ROOT / "weights" / "crg-mnist") == tmp_path


# --- Facts ----------------------------------------------------------------------------------------


def test_facts_tell_the_command_and_how_the_model_was_trained(model, tmp_path):
    (tmp_path / "command.txt").write_text("python -m crg.train --preset smoke\n")
    (tmp_path / "environment.json").write_text(json.dumps({"device": "CPU, 2 cores"}))
    (tmp_path / "history-gan.csv").write_text("period,step,images,seconds\n1,8,512,90.0\n")
    trained = replace(model, folder=tmp_path)
    facts = dict(evaluate.run_facts(trained, EvaluateCommand(run=tmp_path, limit=5, seed=3)))
    assert facts == {
        "command": f"python -m crg.evaluate {tmp_path} --limit 5 --seed 3",
        "model": tmp_path.name,
        "seed of the training": "0",
        "training": "python -m crg.train --preset smoke",
        "training device": "CPU, 2 cores",
        "stage gan": "8 steps, 512 images, 2 minutes",
    }


def test_the_command_of_the_facts_names_all_that_it_was_given(model):
    command = EvaluateCommand(out=Path("my report"), data_dir=Path("digits"))
    assert dict(evaluate.run_facts(model, command))["command"] == (
        "python -m crg.evaluate --out 'my report' --data-dir digits --seed 0"
    )


# --- A user's mistakes ----------------------------------------------------------------------------


def mistake(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Runs the command, which must refuse; returns its one line on standard error."""
    with pytest.raises(SystemExit) as ended:
        evaluate.main(list(words))
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_run_is_named(capsys, tmp_path):
    assert f"{tmp_path} is not a run: it has no config.json" in mistake(capsys, str(tmp_path))


def test_an_unfinished_run_is_refused_with_how_to_finish_it(capsys, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator", "discriminator")
    line = mistake(capsys, str(run))
    assert f"{run} has no trained encoder yet" in line
    assert f"--resume {run}" in line


def test_a_limit_below_two_images_is_refused(capsys):
    assert "limit is 0; it must be at least 2" in mistake(capsys, "--limit", "0")
