"""The histories of a run: written, found and read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.errors import UserError
from common.files import write_text
from common.runs.history import (
    history_files,
    last_rows,
    length,
    read_history,
    read_run,
    write_history,
)

HEADER = "period,step,images,seconds,encoder_loss,val_encoder_loss\n"


def test_what_is_written_reads_back_in_the_columns_of_the_first_row(tmp_path):
    counters = {"step": 10, "images": 640, "seconds": 2.5}
    rows = [{"period": period, **counters, "gan_loss": 0.1 * period} for period in (1, 2, 3)]
    write_history(tmp_path / "h.csv", rows)
    read = read_history(tmp_path / "h.csv")
    assert list(read) == list(rows[0])
    assert read["gan_loss"].tolist() == [row["gan_loss"] for row in rows]


def test_stages_come_in_the_order_of_the_settings_and_others_after_them(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"stages": ["gan", "encoder", "late"]}))
    for stage in ("encoder", "b", "a", "gan"):
        write_text(tmp_path / f"history-{stage}.csv", HEADER + "1,10,640,2.5,0.5,\n")
    assert list(history_files(tmp_path)) == ["gan", "encoder", "a", "b"]
    assert list(read_run(tmp_path)) == ["gan", "encoder", "a", "b"]


def test_the_last_row_of_a_stage_is_given_as_it_is_written(tmp_path):
    write_text(tmp_path / "history-gan.csv", HEADER + "1,10,640,2.5,0.5,\n2,20,1280,5.0,0.25,\n")
    write_text(tmp_path / "history-encoder.csv", HEADER)
    row = last_rows(tmp_path)["gan"]
    assert list(row.values()) == ["2", "20", "1280", "5.0", "0.25", ""]
    assert list(last_rows(tmp_path)) == ["gan"]


def test_a_length_is_told_in_steps_images_and_minutes():
    row = {"step": "2814", "images": "180096", "seconds": "3676.0"}
    assert length(row) == "2,814 steps, 180,096 images, 61 minutes"


def test_a_history_is_read_column_by_column_with_nan_for_empty_cells(tmp_path):
    write_text(tmp_path / "h.csv", HEADER + "1,10,640,2.5,0.5,\n2,20,1280,5,-0.25,0.75\n")
    read = read_history(tmp_path / "h.csv")
    assert list(read) == ["period", "step", "images", "seconds", "encoder_loss", "val_encoder_loss"]
    assert read["images"].tolist() == [640, 1280]
    assert read["encoder_loss"].tolist() == [0.5, -0.25]
    assert np.isnan(read["val_encoder_loss"][0])
    assert read["val_encoder_loss"][1] == 0.75


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no history"),
        ("epoch,loss\n1,2\n", "is no history"),
        ("period,step,images,seconds,a,a\n1,2,3,4,5,6\n", "is no history"),
        (HEADER, "holds no period yet"),
        (HEADER + "1,10,640,2.5,0.5,1\n2,20,128", "line 3"),
        (HEADER + "1,10,640,2.5,0.5,high\n", "line 2"),
        (HEADER + "1\n", "line 2: expected 6 numbers or empty cells, received '1'"),
    ],
)
def test_a_broken_history_is_named(tmp_path, text, message):
    write_text(tmp_path / "history-gan.csv", text)
    with pytest.raises(UserError, match=message) as error:
        read_history(tmp_path / "history-gan.csv")
    assert "history-gan.csv" in str(error.value)


def test_a_missing_history_is_named(tmp_path):
    with pytest.raises(UserError, match=r"history-gan\.csv"):
        read_history(tmp_path / "history-gan.csv")


def test_a_folder_without_histories_is_no_run(tmp_path):
    with pytest.raises(UserError, match="holds no history"):
        read_run(tmp_path)
