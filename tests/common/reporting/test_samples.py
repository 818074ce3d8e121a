"""What every training draws: real images, and its losses."""

from __future__ import annotations

import numpy as np

from common.datasets.records import Records
from common.reporting import samples
from common.reporting.samples import draw_losses, draw_reals
from common.runs.directory import Run


def test_the_first_64_real_images_stand_in_eight_rows_of_eight(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(samples, "grid", lambda rows, path: drawn.update({path: rows}))
    images = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 1), np.uint8)
    draw_reals(Run(tmp_path), Records(images, np.zeros((100, 0), "f"), (), "mnist", "a test"))
    rows = np.array(drawn[tmp_path / "samples" / "reals.png"])
    assert rows[..., 0, 0, 0].tolist() == np.arange(64).reshape(8, 8).tolist()


def test_the_losses_are_those_of_all_stages_of_the_run(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(samples, "loss_curves", lambda runs, path: drawn.update({path: runs}))
    for stage, loss in (("gan", 0.5), ("encoder", 2.0)):
        text = f"period,step,images,seconds,loss\n1,8,512,1.0,{loss}\n"
        (tmp_path / f"history-{stage}.csv").write_text(text)
    draw_losses(Run(tmp_path))
    ((path, runs),) = drawn.items()
    assert path == tmp_path / "plots" / "losses.png"
    assert {stage: one["loss"].tolist() for stage, one in runs[tmp_path.name].items()} == {
        "gan": [0.5],
        "encoder": [2.0],
    }
