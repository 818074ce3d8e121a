"""The command that draws loss curves; the curves themselves: `reporting/test_curves.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import plots
from common.files import write_text
from common.plots import main


@pytest.fixture
def drawn(monkeypatch) -> list[tuple[list[str], Path]]:
    """The labels of the runs that are drawn, and where."""
    calls: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(plots, "loss_curves", lambda runs, path: calls.append((list(runs), path)))
    return calls


def run(folder: Path) -> Path:
    write_text(folder / "history-gan.csv", "period,step,images,seconds,loss\n1,10,640,2.5,0.5\n")
    return folder


def test_the_command_draws_into_the_run_and_says_where(tmp_path, capsys):
    folder = run(tmp_path / "crg-mnist-001")
    main([str(folder)])
    assert [path.name for path in (folder / "plots").iterdir()] == ["losses.png"]
    assert capsys.readouterr().out == f"Wrote {folder / 'plots' / 'losses.png'}.\n"


@pytest.mark.parametrize(
    ("out", "path"), [("a-folder", "a-folder/losses.png"), ("curves.svg", "curves.svg")]
)
def test_the_curves_go_where_they_are_told(tmp_path, drawn, out, path):
    main([str(run(tmp_path / "one")), "--out", out])
    assert drawn == [(["one"], Path(path))]


@pytest.mark.parametrize(
    ("folders", "labels"),
    [(("one", "two"), ["one", "two"]), (("a/run", "b/run"), ["a/run", "b/run"])],
)
def test_several_runs_are_one_figure_and_have_labels_of_their_own(tmp_path, drawn, folders, labels):
    main([str(run(tmp_path / name)) for name in folders])
    assert drawn == [(labels, Path("runs/plots/losses-comparison.png"))]


@pytest.mark.parametrize("arguments", [[], ["nowhere"]])
def test_the_command_without_a_run_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
