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
from PIL import Image

from common.datasets import mnist
from common.datasets.folder import write_images
from common.errors import UserError
from common.files import ROOT
from common.metrics.intervals import Interval, proportion_interval
from common.report import main
from common.reporting.document import Figure, Report
from common.reporting.publish import write
from common.reporting.sheets import grid
from common.reporting.tables import Table, number, text, texts
from tests.common.toys import blocks
from tests.runs import METRICS


def images() -> np.ndarray:
    """Eight different images."""
    return blocks(8)


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


def test_json_holds_everything_as_plain_values_and_what_is_not_finite_as_null(tmp_path):
    odd = Table("t", ("a", "b"), [["x", np.float32("nan")], ["y", np.float32(0.5)]])
    write(report(tables=[*report().tables, odd]), tmp_path)
    read = json.loads((tmp_path / "report.json").read_text())
    assert (read["n"], read["findings"]) == (2, ["It works."])
    assert read["metrics"] == {"mse": {"mean": 0.5, "low": 0.25, "high": 0.75}}
    assert [table["rows"] for table in read["tables"]] == [
        [["CRG", 0.25], ["none", None]],
        [["x", None], ["y", 0.5]],
    ]
    assert (read["facts"], read["details"]) == ({"seed": "0"}, {"note": 1})


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
    """Collects tags, ids, and the values of attributes that could load something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [value for name, value in attributes if name == "id"]
        self.references += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset", "data", "style")
        ]


def figures(folder: Path, *names: str) -> list[Figure]:
    """A picture a name."""
    for name in names:
        grid(images()[None], folder / f"{name}.png")
    return [Figure(name, folder / f"{name}.png") for name in names]


def test_the_page_needs_no_other_file_and_no_script(tmp_path):
    html = write(report(figures=figures(tmp_path, "Sheet")), tmp_path).read_text()
    page = Page(html)
    loaded = [reference for reference in page.references if not reference.startswith("#")]
    assert len(loaded) == 1
    assert loaded[0].startswith("data:image/png;base64,iVBORw0KGgo")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?:|url\(|@import", html)
    assert str(tmp_path) not in html


def test_findings_and_one_picture_come_first_then_contents_numbers_and_other_pictures(tmp_path):
    html = write(report(figures=figures(tmp_path, "Lead", "Other")), tmp_path).read_text()
    parts = ["Findings", "Lead", "Contents", "Metrics", "Both | sides", "Other"]
    heads = re.findall("<h2[^>]*>(.*?)</h2>", html)
    assert heads[: len(parts) + 1] == [*parts, "Where this comes from"]


def test_the_contents_lead_to_every_part_also_to_two_of_one_title(tmp_path):
    tables = [Table("Same", ("a", "b"), [["x", 1]])] * 2
    page = Page(write(report(tables=tables), tmp_path).read_text())
    assert sorted(page.references) == sorted(f"#{anchor}" for anchor in page.ids)
    assert len(set(page.ids)) == 5  # metrics, both tables, facts, what the figures mean


def test_a_page_holds_what_its_figures_mean(tmp_path):
    html = write(report(), tmp_path).read_text()
    guide = html[html.index('id="guide"') :]
    lines = (ROOT / "docs" / "evaluation.md").read_text().splitlines()
    parts = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert re.findall("<h2>(.*?)</h2>", guide) == ["How the figures are meant", *parts]
    assert guide.count("<table>") == 2


@pytest.mark.parametrize(("rows", "folded"), [(12, 0), (13, 1)])
def test_long_tables_are_folded(tmp_path, rows, folded):
    tables = [Table("t", ("a", "b"), [["x", 1]] * rows)]
    html = write(report(tables=tables), tmp_path).read_text()
    assert Page(html).tags.count("details") == folded + 1  # what the figures mean
    assert html.count("13 rows") == folded


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
    # Title twice, summary, metric, finding, fact twice, table's title, heads, cells and note,
    # figure's title twice and caption, and both titles in the contents.
    assert html.count("&lt;script&gt;") == 2 + 1 + 1 + 1 + 2 + 1 + 2 + 2 + 1 + 2 + 1 + 2


def test_figures_from_elsewhere_are_copied_beside_the_report(tmp_path):
    grid(images()[None], tmp_path / "plots" / "losses.png")
    write(report(figures=[Figure("L", tmp_path / "plots" / "losses.png")]), tmp_path / "report")
    copied = (tmp_path / "report" / "losses.png").read_bytes()
    assert copied == (tmp_path / "plots" / "losses.png").read_bytes()
    assert "(<losses.png>)" in (tmp_path / "report" / "report.md").read_text()


def test_figures_of_one_name_and_rows_of_another_length_are_refused(tmp_path):
    for folder in ("a", "b"):
        grid(images()[None], tmp_path / folder / "sheet.png")
    twice = [Figure(folder, tmp_path / folder / "sheet.png") for folder in ("a", "b")]
    with pytest.raises(ValueError, match="share a file name"):
        write(report(figures=twice), tmp_path)
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


def test_the_comparison_writes_the_metrics_of_the_pairs_into_the_reconstructions_folder(compared):
    written = {path.name for path in (compared / "b" / "report").iterdir()}
    assert written == {
        *("pairs.csv", "pairs.png"),
        *("report.csv", "report.html", "report.json", "report.md"),
    }
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


def test_images_must_pair_by_name_and_the_report_may_not_lie_among_them(compared, capsys):
    write_images(compared / "fewer", ["00", "stranger"], images()[:2])
    for words, said in (
        (["fewer"], "stranger"),
        (["b", "--out", "b"], "holds the input images"),
    ):
        paths = [str(compared / word) if word in ("fewer", "b") else word for word in words]
        with pytest.raises(SystemExit) as ended:
            main([str(compared / "a"), *paths])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
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


# --- Two sets that do not pair --------------------------------------------------------------------


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> tuple[Path, Path]:
    """Two folders of 40 and 30 digits, other ones."""
    folder, digits = tmp_path_factory.mktemp("sets"), mnist.load("test").images
    for name, rows in (("real", range(40)), ("made", range(100, 130))):
        write_images(folder / name, [f"{name}-{row}" for row in rows], digits[list(rows)])
    return folder / "real", folder / "made"


def test_unpaired_digits_get_their_distance_under_its_own_name_and_are_shown(sets, tmp_path):
    real, made = sets
    main([str(real), str(made), "--unpaired", "--out", str(tmp_path)])
    stored = json.loads((tmp_path / "report.json").read_text())
    assert (stored["details"]["real"], stored["details"]["generated"]) == (40, 30)
    rows = {row[0]: row[1:] for row in stored["tables"][0]["rows"]}
    assert list(rows) == [
        *("FD-mnist-cnn", "FD-mnist-cnn, extrapolated to infinitely many", "KD-mnist-cnn"),
    ]
    assert all(row[-1] == "40 and 30" for row in rows.values())
    assert "FID" not in json.dumps(stored)
    (finding,) = stored["findings"]
    assert "no more images (30) than features (64)" in finding
    assert {"real", "generated", "tensorflow", "keras"} <= stored["facts"].keys()
    assert "imagehash" not in stored["facts"]
    assert "--unpaired" in stored["facts"]["command"]
    with Image.open(tmp_path / "sets.png") as sheet:
        assert sheet.width > 12 * 28


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ((28, 32), "are 28x28 in 3 channels, those of .* 32x32 in 3 channels; without "),
        ((20, 20), "images of 20x20 with 3 channels there are no features at hand"),
    ],
)
def test_unpaired_images_of_two_kinds_or_without_features_are_refused(
    tmp_path, capsys, sides, said
):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, side in zip(folders, sides, strict=True):
        folder.mkdir()
        for i in range(9):
            Image.new("RGB", (side, side), (i, 0, 0)).save(folder / f"{i}.png")
    with pytest.raises(SystemExit):
        main([*map(str, folders), "--unpaired"])
    assert re.search(said, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "b" / "report").exists()


def test_gray_digits_saved_as_colour_are_digits(sets, tmp_path):
    coloured = []
    for folder in sets:
        coloured.append(tmp_path / folder.name)
        coloured[-1].mkdir()
        for file in folder.iterdir():
            Image.open(file).convert("RGB").save(coloured[-1] / file.name)
    found = set()
    for place, (real, made) in enumerate((sets, (sets[0], coloured[1]), coloured)):
        out = tmp_path / str(place)
        main([str(real), str(made), "--unpaired", "--out", str(out)])
        details = json.loads((out / "report.json").read_text())["details"]
        found.add(details["FD-mnist-cnn"])
    assert len(found) == 1


def test_options_of_sets_are_refused_for_pairs(sets, capsys):
    real, made = sets
    with pytest.raises(SystemExit):
        main([str(real), str(made), "--inception", "graph.pb"])
    assert "are for --unpaired" in capsys.readouterr().err
