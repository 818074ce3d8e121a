"""Names of any kind, wherever one is read, shown or written."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image

from common.datasets.compared import paired_images
from common.datasets.folder import image_files, write_images
from common.errors import UserError, exits_cleanly
from common.files import called, shown, write_json, write_text
from common.reporting.curves import loss_curves
from common.reporting.document import Report
from common.reporting.publish import publish
from common.reporting.sheets import grid
from common.reporting.tables import Table
from common.runs.directory import create_run, output_folder
from common.runs.log import log_to
from common.runs.weights import default_weights, load_networks
from common.settings.paths import PATHS, given
from tests.common.toys import Toy

NAMES = [
    *(os.fsdecode(b"caf\xe9"), os.fsdecode(b"\x80\xfe\xff"), "x" * 255, "ü" * 127, "語" * 84),
    *(r"$\frac{$", "$a$ $b", r"\$", "one\ntwo", "\x1b[31mred\x1b[0m", "a\u202eb", "-x", "--out"),
    *(
        " both ",
        "end.",
        "...",
        "%",
        "%(asctime)s %s %d",
        ":smile: 😀",
        "[bold]",
        "a\\",
        "<b>&|`_*",
    ),
]
EACH = pytest.mark.parametrize("name", NAMES, ids=ascii)
STEPS = {"period": np.arange(3.0), "step": np.arange(3.0), "loss": np.arange(3.0)}
BLACK = np.zeros((1, 8, 8, 1), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    folder: str


@EACH
def test_a_run_of_any_name_is_begun_logged_and_loaded(tmp_path, name, capsys):
    run = create_run(tmp_path / name, "toy", "toy", Config(folder=name))
    toy = Toy()
    run.save_networks({"maker": toy.maker})
    assert load_networks(run.folder, {"maker": toy.maker}) == ["maker"]
    assert json.loads((run.folder / "config.json").read_text("utf-8")) == {"folder": name}
    log_to(run)
    logging.getLogger("toy").info("%s: %s", run.folder.name, name)
    told = f"{shown(name)}: {shown(name)}\n"
    assert (run.folder / "train.log").read_text("utf-8").endswith(told)
    captured = capsys.readouterr()
    assert captured.err.endswith(told)
    assert captured.out == ""  # where logging tells its own errors


@EACH
def test_any_name_stands_beside_images(tmp_path, name):
    """Warnings are errors here, also those of characters that the font lacks."""
    grid([BLACK], tmp_path / "sheet.png", row_labels=[name], column_labels=[name])
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width < 2_000


@pytest.mark.parametrize("name", NAMES[::3], ids=ascii)  # the legends below have them all
def test_a_name_stands_above_curves(tmp_path, name):
    loss_curves({called(tmp_path / name): {"gan": STEPS}}, tmp_path / "losses.png")
    with Image.open(tmp_path / "losses.png") as image:
        assert image.width < 2_000


@pytest.mark.parametrize("start", range(0, len(NAMES), 6))
def test_any_names_stand_in_the_legend_of_several_runs(tmp_path, start):
    runs = {called(tmp_path / name): {"gan": STEPS} for name in NAMES[start : start + 6]}
    loss_curves(runs, tmp_path / "losses.png")
    with Image.open(tmp_path / "losses.png") as image:
        assert image.width < 2_000


@EACH
def test_a_report_tells_any_name(tmp_path, name, capsys):
    table = Table(name, ("a", name), [[name, 1.0]])
    report = Report(title=name, n=1, tables=[table], facts=[("model", name)], findings=[name])
    publish(report, tmp_path / name)
    assert json.loads((tmp_path / name / "report.json").read_text("utf-8"))["title"] == name
    out = capsys.readouterr().out
    assert out.isprintable() == ("\n" not in out)
    assert all(character in "\n" or character.isprintable() for character in out)
    assert shown(name).strip()[:10] in out


@EACH
def test_an_image_of_any_name_is_written_and_found_again(tmp_path, name):
    stem = os.fsdecode(os.fsencode(name)[:251]) if len(os.fsencode(name)) > 251 else name
    (path,) = write_images(tmp_path / "out", [stem], BLACK)
    if stem.startswith("."):  # hidden
        assert path.is_file()
    else:
        assert [file.stem for file in image_files(tmp_path / "out")] == [stem]


@pytest.mark.parametrize("long", ["x" * 256, "ü" * 128, "語" * 90])
def test_a_name_that_is_too_long_for_the_disk_is_the_users_to_mend(tmp_path, capsys, long):
    @exits_cleanly
    def command() -> None:
        create_run(tmp_path / long, "toy", "toy", Config(folder=""))

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2
    assert "(File name too long); " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [".", "../here", "", "sub/..", "../here/."])
def test_a_run_is_called_by_its_name_from_wherever_it_is_named(tmp_path, monkeypatch, path):
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert called(Path(path)) == "here"
    assert called(Path("/")) == "/"


@pytest.mark.parametrize("path", [".", "../crg-mnist", "../../weights/crg-mnist/"])
def test_what_is_made_of_weights_is_named_after_them_from_within(monkeypatch, path):
    monkeypatch.chdir(default_weights("crg-mnist"))
    assert output_folder(Path(path), "report") == Path("runs/crg-mnist-report")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u00e9", "e\u0301"),
        ("A\u030a", "\u00c5"),
        ("\u30ac", "\u30ab\u3099"),
        ("\u212b", "\u00c5"),
    ],
    ids=ascii,
)
def test_names_that_look_equal_pair_and_are_not_told_apart_in_one_folder(tmp_path, one, other):
    assert one != other
    for folder, names in (("a", [one, "z"]), ("b", ["z", other]), ("c", [one, other])):
        images = np.stack([np.full((8, 8, 1), 9 * (name == "z"), np.uint8) for name in names])
        write_images(tmp_path / folder, names, images)
    _, first, second = paired_images(tmp_path / "a", tmp_path / "b")
    assert (first == second).all()
    assert called(tmp_path / one) == called(tmp_path / other)
    with pytest.raises(UserError, match="have the same name"):
        image_files(tmp_path / "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    out: Path | None = None
    runs: tuple[Path, ...] = ()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("~/x", "{home}/x"),
        ("~", "{home}"),
        ("~/a b/~", "{home}/a b/~"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x"),
        ("x~/y", "x~/y"),
        ("-x", "-x"),
        (os.fsdecode(b"\xff"), os.fsdecode(b"\xff")),
    ],
)
def test_a_tilde_that_the_shell_has_left_alone_means_the_home_folder(
    tmp_path, monkeypatch, typed, meant
):
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = Path(meant.format(home=tmp_path))
    words = [f"--out={typed}", *([] if typed[0] == "-" else ["--runs", typed, "b"])]
    command = tyro.cli(Command, args=words, registry=PATHS)
    assert command.out == given(typed) == expected
    assert command.runs == ((expected, Path("b")) if len(words) > 1 else ())


def test_an_empty_path_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        tyro.cli(Command, args=["--out="], registry=PATHS)
    assert ended.value.code == 2
    assert "the path is empty" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["50%", "%(default)s", "100 %s"])
def test_help_shows_a_default_of_any_name(capsys, name):
    with pytest.raises(SystemExit) as ended:
        tyro.cli(Command, args=["--help"], default=Command(out=Path(name)), registry=PATHS)
    assert ended.value.code == 0
    assert name in capsys.readouterr().out


@EACH
def test_files_hold_any_text_and_json_gives_it_back(tmp_path, name):
    write_text(tmp_path / "a.txt", name)
    assert (tmp_path / "a.txt").read_text("utf-8").isprintable() >= name.isprintable()
    write_json(tmp_path / "a.json", {name: name})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {name: name}
