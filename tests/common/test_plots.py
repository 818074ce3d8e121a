"""Loss curves, and the command that draws them."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.files import write_text
from common.plots import loss_curves, main, smoothed

HEADER = "period,step,images,seconds,encoder_loss,val_encoder_loss\n"


def history(rows: int = 3, name: str = "encoder_loss") -> dict[str, np.ndarray]:
    count = np.arange(1.0, rows + 1)
    counters = {"period": count, "step": 10 * count, "images": 640 * count, "seconds": count}
    return {**counters, name: -1.0 / count}


def picture(path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def test_smoothing_weighs_the_newest_value_by_two_over_window_plus_one():
    # Window 3 halves the weight with each step back: (0.5 * 0 + 1) / 1.5, (0.5 * 1 + 4) / 1.75.
    np.testing.assert_allclose(smoothed(np.array([0.0, 1.0, 4.0]), 3), [0, 2 / 3, 4.5 / 1.75])


def test_smoothing_with_window_one_changes_nothing_and_a_constant_stays():
    assert smoothed(np.array([3.0, -1.0]), 1).tolist() == [3, -1]
    np.testing.assert_allclose(smoothed(np.full(5, 7.0), 4), np.full(5, 7.0))


def test_curves_come_with_their_numbers(tmp_path):
    loss_curves({"run": {"encoder": history(2)}}, tmp_path / "losses.png")
    assert picture(tmp_path / "losses.png").width > 1000
    lines = (tmp_path / "losses.csv").read_text().splitlines()
    assert lines == [
        "run,stage,loss,period,step,images,seconds,value,smoothed",
        "run,encoder,encoder_loss,1,10,640,1,-1,-1",
        "run,encoder,encoder_loss,2,20,1280,2,-0.5,-0.5",
    ]


def test_a_single_period_is_drawn_as_a_marker(tmp_path):
    loss_curves({"run": {"gan": history(1)}}, tmp_path / "one.svg")
    assert "#0072b2" in (tmp_path / "one.svg").read_text()


def test_a_loss_has_one_colour_in_all_stages_runs_and_in_validation(tmp_path):
    both = history() | {"val_encoder_loss": np.array([np.nan, 0.1, 0.2])}
    loss_curves({"a": {"one": both, "two": both}, "b": {"one": both}}, tmp_path / "l.svg")
    text = (tmp_path / "l.svg").read_text()
    assert "#0072b2" in text
    assert "#d55e00" not in text
    other = {"one": both, "two": history(name="gan_loss")}
    loss_curves({"a": other}, tmp_path / "m.svg")
    assert "#d55e00" in (tmp_path / "m.svg").read_text()


def test_values_that_are_not_finite_are_left_out(tmp_path):
    broken = history() | {"encoder_loss": np.array([1.0, np.inf, np.nan])}
    loss_curves({"run": {"gan": broken}}, tmp_path / "l.png")
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 2


def test_nothing_to_draw_is_an_error(tmp_path):
    empty = {name: values for name, values in history().items() if name != "encoder_loss"}
    with pytest.raises(UserError, match="no loss columns"):
        loss_curves({"run": {"gan": empty}}, tmp_path / "l.png")


def test_more_runs_than_line_styles_are_refused(tmp_path):
    with pytest.raises(UserError, match="7 runs; at most 6"):
        loss_curves({str(run): {"gan": history()} for run in range(7)}, tmp_path / "l.png")


def test_the_command_draws_into_the_run_and_says_where(tmp_path, capsys):
    run = tmp_path / "crg-mnist-001"
    write_text(run / "history-gan.csv", HEADER + "1,10,640,2.5,0.5,\n")
    main([str(run)])
    assert (run / "plots" / "losses.png").is_file()
    assert (run / "plots" / "losses.csv").is_file()
    assert "losses.png" in capsys.readouterr().out


def test_the_command_compares_several_runs_in_one_figure(tmp_path):
    runs = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for run in runs:
        write_text(run / "history-gan.csv", HEADER + "1,10,640,2.5,0.5,\n")
    main([*map(str, runs), "--out", str(tmp_path)])
    with (tmp_path / "losses-comparison.csv").open() as file:
        assert [row["run"] for row in csv.DictReader(file)] == list(map(str, runs))


@pytest.mark.parametrize("arguments", [[], ["nowhere"]])
def test_the_command_without_a_run_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_loads_neither_tensorflow_nor_matplotlib():
    code = "import sys, common.plots; sys.exit(bool({'tensorflow', 'matplotlib'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
