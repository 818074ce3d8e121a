"""The table of faces with every system in it, on systems whose errors are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.errors import UserError
from common.kinds import Faces
from common.metrics.intervals import Interval
from common.reporting.tables import Table
from crg import evaluate
from crg.evaluate import EvaluateCommand
from crg.faces import comparison
from crg.faces.config import CROPS

METRICS = ("mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash")
BASELINES = Table(
    "Baselines",
    ("reconstruction", *METRICS),
    [["this model", *[0.5] * 8], ["PCA-32", 0.03, 0.005, 0.07, 23.0, 0.9, 0.85, 0.82, 0.92]],
)


class System:
    """Darkens faces to a share."""

    def __init__(self, title: str, folder: str, share: float, size: int = 16):
        self.title, self.folder, self.share = title, Path(folder), share
        self.kind = Faces(size, CROPS["center178"])

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return (images * self.share).astype(np.uint8)


@pytest.fixture
def systems(monkeypatch) -> dict[str, System]:
    known = {
        "run-1": System("CRG", "run-1", 1.0),
        "run-2": System("AGE", "run-2", 0.5),
        "run-3": System("PIONEER", "run-3", 0.9),
        "a/run": System("AGE", "a/run", 0.5),
        "b/run": System("AGE", "b/run", 0.9),
    }
    module = SimpleNamespace(load=lambda run: known[str(run)], outline=lambda run: known[str(run)])
    monkeypatch.setattr(comparison, "editor_of", lambda run: module)
    monkeypatch.setattr(evaluate, "editor_of", lambda run: module)
    monkeypatch.setattr("crg.editor.outline", lambda run: known["run-1"])
    return known


def test_all_systems_stand_in_one_table_and_one_figure(systems, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    real = Records(images, np.zeros((12, 0), np.float32), (), "noise", "memory")
    own: Any = systems["run-1"]
    found = comparison.compare(own, real, BASELINES, [Path("run-2"), Path("run-3")], tmp_path)
    (table,) = found.tables
    rows = {str(row[0]): dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert list(rows) == [
        *("PIONEER, published", "CRG, published", "CRG: run-1", "AGE: run-2", "PIONEER: run-3"),
        "PCA-32",
    ]
    published = rows["PIONEER, published"]
    assert [published[name] for name in ("dhash", "phash", "whash")] == [0.852, 0.804, 0.864]
    assert (published["n"], published["MSE [0, 1]"]) == (None, None)
    age = rows["AGE: run-2"]
    halves = (images - (images * 0.5).astype(np.uint8).astype(float)) / 255
    assert (age["n"], age["MSE [0, 1]"].mean) == (12, pytest.approx(np.square(halves).mean()))
    assert age["seconds an image"] > 0
    assert rows["CRG: run-1"]["dhash"].mean == 1.0
    assert rows["PCA-32"]["whash"] == 0.92
    assert "the same faces" in found.figures[0].title.lower()
    assert found.figures[0].file.is_file()
    assert "mse AGE: run-2 < PIONEER: run-3 < CRG: run-1" in found.findings[0]


def test_runs_of_one_name_are_told_apart_by_their_folders(systems, tmp_path):
    real = Records(np.zeros((12, 16, 16, 3), np.uint8), np.zeros((12, 0), np.float32), (), "", "")
    own: Any = systems["run-1"]
    runs = [Path("a/run"), Path("b/run")]
    rows = comparison.compare(own, real, BASELINES, runs, tmp_path).tables[0].rows
    assert [row[0] for row in rows[2:5]] == ["CRG: run-1", "AGE: a/run", "AGE: b/run"]


def test_systems_are_ordered_from_worst_to_best_in_errors_and_in_hashes():
    def exact(mse: float, share: float) -> dict[str, Interval]:
        one = Interval(share, share, share, 9)
        return {"mse": Interval(mse, mse, mse, 9), "dhash": one, "phash": one, "whash": one}

    told = comparison.order({"good": exact(0.1, 0.9), "bad": exact(0.2, 0.8)})
    assert told.startswith("From worst to best by the means: mse bad < good; dhash bad < good; ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comparators": ()}, "names runs of other systems"),
        ({"inverted": 9}, "there is no inversion in its table"),
    ],
)
def test_inversion_of_faces_is_refused(systems, changes, said):
    command = EvaluateCommand(run=Path("run-1"), comparators=(Path("run-2"),))
    evaluate.check_comparators(command)
    with pytest.raises(UserError, match=said):
        evaluate.check_comparators(replace(command, **changes))


def test_faces_of_another_size_are_refused(systems):
    systems["run-2"].kind = Faces(32, CROPS["center178"])
    with pytest.raises(UserError, match=r"run-2 is a model of .*32x32.* 16x16"):
        evaluate.check_comparators(EvaluateCommand(comparators=(Path("run-2"),)))
