"""The sheet of real images that every training draws."""

from __future__ import annotations

import numpy as np

from common.datasets.records import Records
from common.reporting.samples import draw_reals
from common.runs.directory import Run


def test_the_first_64_real_images_stand_in_eight_rows_of_eight(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "common.reporting.samples.grid", lambda rows, path: drawn.update({path: rows})
    )
    images = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 1), np.uint8)
    names = tuple("0123456789")
    draw_reals(Run(tmp_path), Records(images, np.eye(100, 10, dtype="f"), names, "mnist", "a test"))
    rows = np.array(drawn[tmp_path / "samples" / "reals.png"])
    assert rows[..., 0, 0, 0].tolist() == np.arange(64).reshape(8, 8).tolist()
