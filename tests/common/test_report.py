"""Reports, their tables and pages, and the comparison of two folders."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from common.datasets.folder import write_images
from common.errors import UserError
from common.metrics.intervals import Interval, proportion_interval
from common.report import main
from common.reporting.document import Figure, Report
from common.reporting.publish import write
from common.reporting.sheets import grid
from common.reporting.tables import Table, number, text, texts
from tests.runs import METRICS


def images(n: int = 8, seed: int = 0) -> np.ndarray:
    """Different images with something at every scale, uint8 `[n, 16, 16, 1]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A folder of originals `a`, of reconstructions `b` that are 51 levels off, and the report."""
    folder = tmp_path_factory.mktemp("compared")
    stems = [f"{index:02d}" for index in range(8)]
    write_images(folder / "a", stems, images())
    off = np.where(images() > 127, images() - 51, images() + 51)
    write_images(folder / "b", stems, off.astype(np.uint8))
    main([str(folder / "a"), str(folder / "b")])
    return folder


def report(**changes) -> Report:
    values = {
        "title": "T",
        "n": 2,
        "metrics": {"mse": Interval(0.5, 0.25, 0.75, 2)},
        "tables": [
            Table("Both | sides", ("method", "MAE"), [["CRG", 0.25], ["none", None]], "n=2")
        ],
        "findings": ["It works."],
        "facts": [("seed", "0")],
        "details": {"note": 1},
    } | changes
    return Report(**values)


def test_json_holds_n_metrics_and_everything_else_as_plain_values(tmp_path):
    write(report(), tmp_path)
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["n"] == 2
    assert read["metrics"]["mse"] == {"mean": 0.5, "low": 0.25, "high": 0.75}
    assert read["tables"][0]["rows"] == [["CRG", 0.25], ["none", None]]
    assert read["findings"] == ["It works."]
    assert read["facts"] == {"seed": "0"}
    assert read["details"] == {"note": 1}


def test_what_is_not_finite_becomes_null(tmp_path):
    write(report(tables=[Table("t", ("a", "b"), [["x", np.float32("nan")]])]), tmp_path)
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["tables"][0]["rows"] == [["x", None]]


def test_csv_holds_each_number_on_a_line(tmp_path):
    write(report(), tmp_path)
    assert (tmp_path / "report.csv").read_text().splitlines() == [
        "table,row,column,value,low,high",
        "metrics,mse,mean,0.5,0.25,0.75",
        "Both | sides,CRG,MAE,0.25,,",
        "Both | sides,none,MAE,,,",
    ]


def test_markdown_tables_survive_bars_and_stars_in_texts(tmp_path):
    table = Table("t", ("a|b", "n"), [["*x*", 1]])
    write(report(tables=[table]), tmp_path)
    markdown = (tmp_path / "report.md").read_text()
    assert "| a\\|b | n |\n| --- | ---: |\n| \\*x\\* | 1 |" in markdown


class Page(HTMLParser):
    """Collects tags and the values of attributes that could load something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset", "data", "style")
        ]


def test_the_page_needs_no_other_file_and_no_script(tmp_path):
    grid(images()[None], tmp_path / "sheet.png")
    html = write(report(figures=[Figure("Sheet", tmp_path / "sheet.png")]), tmp_path).read_text()
    page = Page(html)
    assert len(page.references) == 1
    assert page.references[0].startswith("data:image/png;base64,iVBORw0KGgo")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?:|url\(|@import", html)
    assert str(tmp_path) not in html


def test_every_text_of_the_page_is_escaped(tmp_path):
    evil = "<script>alert('&\"')</script>"
    grid(images()[None], tmp_path / "sheet.png")
    everywhere = report(
        title=evil,
        summary=evil,
        metrics={evil: Interval(0.5, 0.25, 0.75, 2)},
        findings=[evil],
        facts=[(evil, evil)],
        tables=[Table(evil, (evil, evil), [[evil, evil]], evil)],
        figures=[Figure(evil, tmp_path / "sheet.png", evil)],
    )
    html = write(everywhere, tmp_path).read_text()
    assert "script" not in Page(html).tags
    # Title twice, summary, metric, finding, fact twice, table's title, heads, cells and note, and
    # figure's title twice and caption.
    assert html.count("&lt;script&gt;") == 2 + 1 + 1 + 1 + 2 + 1 + 2 + 2 + 1 + 2 + 1


def test_figures_from_elsewhere_are_copied_beside_the_report(tmp_path):
    grid(images()[None], tmp_path / "plots" / "losses.png")
    write(report(figures=[Figure("L", tmp_path / "plots" / "losses.png")]), tmp_path / "report")
    copied = (tmp_path / "report" / "losses.png").read_bytes()
    assert copied == (tmp_path / "plots" / "losses.png").read_bytes()
    assert "(<losses.png>)" in (tmp_path / "report" / "report.md").read_text()


def test_figures_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        grid(images()[None], tmp_path / folder / "sheet.png")
    twice = [Figure(folder, tmp_path / folder / "sheet.png") for folder in ("a", "b")]
    with pytest.raises(ValueError, match="share a file name"):
        write(report(figures=twice), tmp_path)


def test_a_row_must_have_a_cell_for_each_column():
    with pytest.raises(ValueError, match="2 columns"):
        Table("t", ("a", "b"), [["x"]])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (10000, "10,000"),
        (0.979, "0.9790"),
        (0.004123, "0.00412"),
        (21.7341, "21.73"),
        (-5.0, "-5.000"),
        (1234.56, "1,235"),
        (0.0, "0"),
        (float("nan"), "–"),
    ],
)
def test_numbers_are_written_for_people(value, written):
    assert number(value) == written


def test_an_interval_is_its_mean_and_half_width_or_both_ends():
    assert text(Interval(0.5, 0.48, 0.52, 9)) == "0.5000 ± 0.0200"
    assert text(Interval(1.0, 0.9, 1.0, 9)) == "1.000 [0.900, 1.000]"
    assert text(None) == "–"


def test_published_values_keep_their_digits():
    table = Table("t", ("method", "paper"), [["BiGAN", 0.187], ["CRG", 0.006]])
    assert texts(table) == [["BiGAN", "0.187"], ["CRG", "0.006"]]


def test_shares_of_nothing_and_of_all_keep_the_digits_of_their_intervals():
    shares = [proportion_interval(count, 36) for count in (0, 36)]
    table = Table("shares", ("of", "share"), [["none", shares[0]], ["all", shares[1]]])
    assert [row[1] for row in texts(table)] == ["0.000 [0.000, 0.096]", "1.000 [0.904, 1.000]"]
    assert text(shares[0]) == "0.0000 [0.0000, 0.0964]"


def test_the_comparison_writes_its_files_into_the_reconstructions_folder(compared):
    written = {path.name for path in (compared / "b" / "report").iterdir()}
    assert written == {
        "pairs.csv",
        "pairs.png",
        "report.csv",
        "report.html",
        "report.json",
        "report.md",
    }


def test_the_comparison_reports_the_metrics_of_the_pairs(compared):
    read = json.loads((compared / "b" / "report" / "report.json").read_text())
    assert read["n"] == 8
    assert list(read["metrics"]) == METRICS
    for name, value in (("mae", 0.2), ("mse", 0.04), ("rmse", 0.2), ("psnr", 13.9794)):  # 51 / 255
        ends = {"mean": value, "low": value, "high": value}
        assert read["metrics"][name] == pytest.approx(ends, rel=1e-5), name


def test_a_second_run_over_the_same_folders_gives_the_same_numbers(compared):
    files = [compared / "b" / "report" / name for name in ("report.json", "pairs.csv", "pairs.png")]
    before = [file.read_bytes() for file in files]
    main([str(compared / "a"), str(compared / "b")])
    assert [file.read_bytes() for file in files] == before


def test_the_command_says_what_it_found(compared, capsys):
    stems = [f"{index:02d}" for index in range(8)]
    write_images(compared / "same", stems, images()[:1].repeat(8, axis=0))
    main([str(compared / "a"), str(compared / "same"), "--out", str(compared / "collapsed")])
    findings = json.loads((compared / "collapsed" / "report.json").read_text())["findings"]
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"- {finding}" in said for finding in findings)
    assert "became alike: 12%" in findings[-1]  # 1 of 8


def test_images_must_pair_by_name(compared, capsys):
    write_images(compared / "fewer", ["00", "stranger"], images(2))
    with pytest.raises(SystemExit) as ended:
        main([str(compared / "a"), str(compared / "fewer")])
    assert ended.value.code == 2
    assert "stranger" in capsys.readouterr().err


def test_the_report_may_not_lie_among_the_images(compared):
    with pytest.raises(SystemExit):
        main([str(compared / "a"), str(compared / "b"), "--out", str(compared / "b")])
    assert not (compared / "b" / "pairs.png").exists()


def test_a_missing_folder_is_one_line_on_standard_error_and_status_2(tmp_path):
    command = [sys.executable, "-m", "common.report", str(tmp_path / "x"), str(tmp_path / "y")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert str(tmp_path / "x") in ended.stderr


def test_an_unwritable_place_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Cannot make the folder"):
        write(report(), tmp_path / "file")


def test_reports_load_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, common.report; sys.exit(bool({'tensorflow', 'matplotlib'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- Two sets that do not pair --------------------------------------------------------------------


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> tuple[Path, Path]:
    """Two folders of 40 and 30 digits, other ones."""
    from common.datasets import mnist
    from common.datasets.folder import write_images

    folder = tmp_path_factory.mktemp("sets")
    images = mnist.load("test").images
    for name, rows in (("real", range(40)), ("made", range(100, 130))):
        write_images(folder / name, [f"{name}-{row}" for row in rows], images[list(rows)])
    return folder / "real", folder / "made"


def test_unpaired_digits_get_their_distance_under_its_own_name(sets, tmp_path):
    real, made = sets
    main([str(real), str(made), "--unpaired", "--out", str(tmp_path / "report")])
    stored = json.loads((tmp_path / "report" / "report.json").read_text())
    assert stored["details"]["real"] == 40
    assert stored["details"]["generated"] == 30
    rows = {row[0]: row[1:] for row in stored["tables"][0]["rows"]}
    assert list(rows) == [
        "FD-mnist-cnn",
        "FD-mnist-cnn, extrapolated to infinitely many",
        "KD-mnist-cnn",
    ]
    assert all(row[-1] == "40 and 30" for row in rows.values())
    assert "FID" not in json.dumps(stored)
    assert any("no more images (30) than features (64)" in said for said in stored["findings"])
    assert "--unpaired" in str(stored["facts"])


def test_unpaired_sets_are_shown_and_named_as_what_they_are(sets, tmp_path):
    from PIL import Image

    real, made = sets
    main([str(real), str(made), "--unpaired", "--out", str(tmp_path)])
    stored = json.loads((tmp_path / "report.json").read_text())
    facts = dict(stored["facts"])
    assert {"real", "generated", "tensorflow", "keras"} <= facts.keys()
    assert "imagehash" not in facts
    assert json.dumps(stored).count("There are no more images") == 1
    with Image.open(tmp_path / "sets.png") as sheet:
        assert sheet.width > 12 * 28


def test_sets_of_two_kinds_are_refused_before_anything_is_measured(sets, tmp_path, capsys):
    from PIL import Image

    real, _ = sets
    for i in range(9):
        (tmp_path / "colour").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), (i, 0, 0)).save(tmp_path / "colour" / f"{i}.png")
    with pytest.raises(SystemExit):
        main([str(real), str(tmp_path / "colour"), "--unpaired"])
    said = " ".join(capsys.readouterr().err.split())
    assert "are 28x28 in 3 channels, those of" in said
    assert "colour 32x32 in 3 channels; without --inception all must be of one kind" in said


def test_gray_digits_saved_as_colour_are_digits(sets, tmp_path):
    from PIL import Image

    real, made = sets
    found = []
    for name, sides in (("gray", [made]), ("colour", [made]), ("both", [real, made])):
        folders = {real: real, made: made}
        for which, side in enumerate(sides if name != "gray" else []):
            folders[side] = tmp_path / f"{name}-{which}"
            folders[side].mkdir()
            for file in side.iterdir():
                Image.open(file).convert("RGB").save(folders[side] / file.name)
        out = tmp_path / f"report-{name}"
        main([str(folders[real]), str(folders[made]), "--unpaired", "--out", str(out)])
        found.append(json.loads((out / "report.json").read_text())["details"]["FD-mnist-cnn"])
    assert found[0] == found[1] == found[2]


def test_images_without_features_say_what_is_needed(sets, tmp_path, capsys):
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(9):
            Image.new("RGB", (20, 20), (i, 0, 0)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "a"), str(tmp_path / "b"), "--unpaired"])
    said = " ".join(capsys.readouterr().err.split())
    assert "images of 20x20 with 3 channels there are no features at hand" in said
    assert not (tmp_path / "b" / "report").exists()


def test_options_of_sets_are_refused_for_pairs(sets, capsys):
    real, made = sets
    with pytest.raises(SystemExit):
        main([str(real), str(made), "--inception", "graph.pb"])
    assert "are for --unpaired" in capsys.readouterr().err
