"""What `python -m crg.evaluate` refuses."""

from __future__ import annotations

import pytest

from crg import evaluate

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
