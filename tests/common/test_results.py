"""The file of results beside published figures, made of small runs whose numbers are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.files import write_json, write_text
from common.metrics.intervals import Interval
from common.reporting.document import Report, as_json
from common.reporting.tables import Published, Table
from common.results import falls_short, main, row

TABLE = "A paper, Table 1"


def published(figure="dhash", paper=0.979, better="higher", table=TABLE) -> Published:
    ours = Interval(0.9177, 0.9168, 0.9186, 10_000)
    return Published(table=table, figure=figure, paper=paper, ours=ours, n=ours.n, better=better)


def run(folder: Path, *figures: Published, part: str = "report", summary: str = "") -> Path:
    """A trained run with a report, as trainings and evaluations leave them."""
    tables = [Table("Ours", ("a",), [], published=figures)]
    report = Report(
        title="A toy", n=10_000, summary=summary, tables=tables, findings=["Too short a training."]
    )
    write_json(folder / part / "report.json", as_json(report))
    write_json(folder / "environment.json", {"device": "CPU, 2 cores", "seed": 3})
    write_json(folder / "config.json", {"stages": ["gan", "encoder"]})
    write_text(folder / "command.txt", "python -m toy.train --out /somewhere/else/run\n")
    write_text(folder / "train.log", "2026-11-30 05:52 runs/a: preset quick, 512 images\n")
    head = "period,step,images,seconds,loss\n"
    write_text(folder / "history-gan.csv", f"{head}1,10,640,900,0.5\n2,20,1280,1800,0.4\n")
    write_text(folder / "history-encoder.csv", f"{head}1,10,64000,5400,0.5\n")
    return folder


def written(tmp_path: Path, *runs: Path) -> list[str]:
    main([*map(str, runs), "--out", str(tmp_path / "RESULTS.md")])
    return (tmp_path / "RESULTS.md").read_text(encoding="utf-8").splitlines()


def test_a_published_table_has_the_papers_figure_ours_n_and_the_interval(tmp_path, capsys):
    lines = written(tmp_path, run(tmp_path / "one", published()))
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'RESULTS.md'}.\n"
    head = lines.index("## A paper, Table 1") + 2
    assert lines[head] == "| figure | paper | ours | n | 95 % interval | run |"
    assert lines[head + 2] == "| dhash | 0.979 | 0.9177 | 10,000 | 0.9168 to 0.9186 | one |"


def test_a_mean_of_0_has_the_digits_of_its_interval():
    zero = Interval(0.0, 0.0, 0.0566, 64)
    figure = Published(table=TABLE, figure="+1", paper=0.746, ours=zero, n=64, better="higher")
    assert row(figure.as_dict(), "one") == [
        "+1",
        "0.746",
        "0.0000",
        "64",
        "0.0000 to 0.0566",
        "one",
    ]


def test_a_run_is_told_by_its_own_files_and_without_the_folders_of_this_disk(tmp_path):
    lines = written(tmp_path, run(tmp_path / "one", published(), summary="10,000 test images"))
    (line,) = [line for line in lines if line.startswith("- one")]
    assert line == (
        "- one: measured on 10,000 test images; preset quick; images seen gan 1,280, encoder "
        "64,000; seed 3; hardware CPU, 2 cores; hours 2.00; `python -m toy.train --out run`"
    )


def test_the_card_of_a_run_is_linked_from_where_the_file_lies(tmp_path):
    folder = run(tmp_path / "weights" / "one", published())
    write_text(folder / "card.md", "# one\n")
    assert any(
        line.startswith("- [one](weights/one/card.md): ") for line in written(tmp_path, folder)
    )


def test_the_command_that_measured_is_told_without_the_folders_of_this_disk(tmp_path):
    file = run(tmp_path / "one", published()) / "report" / "report.json"
    report = json.loads(file.read_text())
    facts = {"command": "python -m toy.evaluate /home/a/one --seed 0", "machine": "Linux, 2 cores"}
    write_json(file, report | {"facts": facts})
    (line,) = [line for line in written(tmp_path, tmp_path / "one") if line.startswith("- one")]
    assert line.endswith("; measured by `python -m toy.evaluate one --seed 0` on Linux, 2 cores")


def test_a_file_that_is_not_what_the_reports_say_is_found_and_left(tmp_path, capsys):
    words = [str(run(tmp_path / "one", published())), "--out", str(tmp_path / "RESULTS.md")]
    main(words)
    main([*words, "--check"])
    assert capsys.readouterr().out.endswith("RESULTS.md is what the reports say.\n")
    write_text(tmp_path / "RESULTS.md", "# By hand\n")
    with pytest.raises(SystemExit):
        main([*words, "--check"])
    assert "is not what the reports say; write it again" in capsys.readouterr().err
    assert (tmp_path / "RESULTS.md").read_text() == "# By hand\n"


def test_what_falls_short_is_followed_by_the_reports_own_findings(tmp_path):
    lines = written(tmp_path, run(tmp_path / "one", published(), published("whash", 0.9)))
    told = lines.index("one falls short in dhash. Its report found:")
    assert lines[told + 2] == "- Too short a training."


def test_the_findings_of_a_run_stand_once_though_two_tables_fall_short(tmp_path):
    one = run(tmp_path / "one", published(), published(table="Another table"))
    lines = written(tmp_path, one)
    assert lines.count("- Too short a training.") == 1
    again = "one falls short in dhash. What its report found is listed above."
    assert lines.index("- Too short a training.") < lines.index(again)


def test_what_reaches_the_papers_figure_needs_no_reason(tmp_path):
    lines = written(tmp_path, run(tmp_path / "one", published(paper=0.9)))
    assert not any("falls short" in line or "Too short" in line for line in lines)


@pytest.mark.parametrize(
    ("paper", "better", "short"),
    [
        (0.979, "higher", True),
        (0.918, "higher", False),  # within the interval
        (0.9, "lower", True),
        (0.918, "lower", False),
        (0.9, "higher", False),
        (0.5, None, False),
    ],
)
def test_ours_falls_short_where_all_of_its_interval_is_worse(paper, better, short):
    assert falls_short(published(paper=paper, better=better).as_dict()) is short


def test_runs_of_one_published_table_stand_in_one_table(tmp_path):
    runs = [run(tmp_path / name, published()) for name in ("one", "two")]
    other = run(tmp_path / "three", published(table="Another"))
    lines = written(tmp_path, *runs, other)
    heads = ["## A paper, Table 1", "## Another"]
    assert [line for line in lines if line.startswith("##")] == heads
    rows = [line.rsplit("| ", 1)[1] for line in lines if line.startswith("| dhash")]
    assert rows == ["one |", "two |", "three |"]


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    lines = written(tmp_path, *(run(tmp_path / part / "run", published()) for part in "ab"))
    assert [line.rsplit("| ", 1)[1] for line in lines if line.startswith("| dhash")] == [
        "a/run |",
        "b/run |",
    ]


def test_the_report_of_test_is_read_where_there_is_one(tmp_path):
    folder = run(tmp_path / "one", published("on dev"))
    run(folder, published("on test"), part="report-test")
    lines = written(tmp_path, folder)
    assert [line[:10] for line in lines if line.startswith("| on")] == ["| on test "]


def test_a_run_without_a_published_figure_is_named_at_the_end(tmp_path):
    lines = written(tmp_path, run(tmp_path / "one", published()), run(tmp_path / "none"))
    assert lines[-1] == "In the reports of none there is none."


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda folder: None, "There is no folder"),
        (lambda folder: folder.mkdir(), "has no report/report.json"),
        (lambda folder: write_text(folder / "report" / "report.json", "{"), "is not valid JSON"),
        (run, "No report has a published figure"),
    ],
)
def test_runs_without_results_are_refused_and_nothing_is_written(tmp_path, capsys, made, said):
    made(tmp_path / "one")
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "one"), "--out", str(tmp_path / "RESULTS.md")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "RESULTS.md").exists()
