"""What every `reconstruct` command writes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image

from common.cli.reconstructions import write_reconstructions

STEMS = [f"{number:02d}" for number in range(12)]


@pytest.fixture
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Twelve images of 28x28, and images that are lighter by 51 of 255."""
    images = np.random.default_rng(0).integers(0, 200, (12, 28, 28, 1), dtype=np.uint8)
    return images, images + np.uint8(51)


def test_each_reconstruction_has_the_name_of_its_image_and_the_sheet_a_folder_of_its_own(
    tmp_path, pairs
):
    write_reconstructions(tmp_path, STEMS, *pairs)
    assert sorted(file.name for file in tmp_path.glob("*.png")) == [f"{s}.png" for s in STEMS]
    assert [file.name for file in (tmp_path / "sheets").iterdir()] == ["reconstructions.png"]
    with Image.open(tmp_path / "07.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pairs[1][7, ..., 0])


def test_the_sheet_shows_inputs_above_their_reconstructions_ten_in_a_row(
    tmp_path, pairs, monkeypatch
):
    drawn = []
    monkeypatch.setattr(
        "common.reporting.sheets.grid", lambda rows, *_, **labels: drawn.append((rows, labels))
    )
    write_reconstructions(tmp_path, STEMS, *pairs)
    ((rows, labels),) = drawn
    assert [len(row) for row in rows] == [10, 10, 2, 2]
    assert labels["row_labels"] == ["input", "reconstruction"] * 2
    np.testing.assert_array_equal(rows[0], pairs[0][:10])
    np.testing.assert_array_equal(rows[3], pairs[1][10:])


def test_the_log_tells_the_mean_errors_on_the_unit_range(tmp_path, pairs, caplog):
    caplog.set_level(logging.INFO)
    write_reconstructions(tmp_path, STEMS, *pairs)
    assert "mean MSE 0.0400, MAE 0.2000 on [0, 1]" in caplog.text  # 51 / 255 everywhere
