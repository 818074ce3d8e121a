"""Other systems beside the rows of an ablation, on editors whose edits are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.editor import Control, Edited
from common.errors import UserError
from common.kinds import Faces
from common.metrics.intervals import proportion_interval
from common.runs.history import minutes, write_history
from ifcvaegan import others
from ifcvaegan.config import CROPS, Config

NAMES = ("Male", "Smiling", "Black_Hair")
KIND = Faces(64, CROPS["center178"])


@dataclass(frozen=True)
class Marking:
    """Writes an attribute into one pixel as 200 or 0; the pixels of others it may spoil.

    Attributes:
        spoilt: the pixel that y = 1 sets to 0.
    """

    spoilt: int | None = None
    folder: Path = Path("run-5")
    title: str = "CVAE-GAN"
    kind: Faces = KIND
    controls: tuple[Control, ...] = (Control(name="Smiling", meaning="", low=0.0, high=1.0),)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return images

    def request(self, values: dict[str, float]) -> dict[str, float]:
        return values

    def edit(self, images: np.ndarray, request: dict[str, float]) -> Edited:
        edited = images.copy()
        edited[:, NAMES.index("Smiling"), 0, 0] = 200 * request["Smiling"]
        if self.spoilt is not None and request["Smiling"]:
            edited[:, self.spoilt, 0, 0] = 0
        return Edited(edited, None, None)


class Reader:
    """Reads each attribute in its pixel."""

    names = NAMES

    def read(self, images: np.ndarray) -> np.ndarray:
        return images[:, : len(NAMES), 0, 0] > 100


def faces() -> Records:
    """Four: three are Male, two smile, two have black hair."""
    attributes = np.array([[1, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 0]], np.float32)
    images = np.zeros((4, 4, 4, 3), np.uint8)
    images[:, :3, 0, 0] = 200 * attributes
    images[:, 3, 3, 2] = [0, 80, 160, 240]  # so that another face is farther than an edit
    return Records(images, attributes, NAMES, "toy", "memory")


def means(found: others.Values) -> dict[str, Any]:
    return {title: getattr(cell, "mean", cell) for title, cell in found.items()}


def test_an_edit_that_does_all_and_nothing_else_has_the_best_of_all_figures():
    found = means(others.values(Marking(), faces(), "Smiling", Reader(), 0))  # pyright: ignore[reportArgumentType]
    assert found.pop("edit effect") == pytest.approx(200 / 255 / 48)  # one of 4x4x3 values
    assert found.pop("MSE") == 0.0
    assert found.pop("sum") == 2.0
    assert found.pop("nearer, y = 0") >= 0.5
    assert found.pop("nearer, y = 1") >= 0.5
    assert found == dict.fromkeys(
        [
            *("Class0", "Class1", "classifier, rebuilt"),
            *(f"{what} kept, y = {value}" for value in (0, 1) for what in ("Male", "hair")),
        ],
        1.0,
    )


@pytest.mark.parametrize(("spoilt", "what", "share"), [(0, "Male", 0.25), (2, "hair", 0.5)])
def test_what_an_edit_changes_besides_is_told_of_the_value_that_does(spoilt, what, share):
    found = means(others.values(Marking(spoilt), faces(), "Smiling", Reader(), 0))  # pyright: ignore[reportArgumentType]
    assert found[f"{what} kept, y = 1"] == share
    assert found[f"{what} kept, y = 0"] == 1.0
    assert found["Class1"] == 1.0


def test_the_leak_is_read_in_the_means_of_z(monkeypatch):
    class Telling:
        def encode(self, images: np.ndarray) -> Any:
            return SimpleNamespace(latent=images[:, :3, 0, 0].astype(np.float32))

    def read(train, dev, codes, kind, *, sampled, seed) -> np.ndarray:
        assert (kind, sampled, seed) == ("network", False, 7)
        np.testing.assert_array_equal(train[1], [False, True, True, False])
        return codes.latent[None, :, 2] - 100.0  # takes hair for a smile: right of two

    monkeypatch.setattr("ifcvaegan.probes.read", read)
    model: Any = Telling()
    assert others.leak(model, faces(), faces(), faces(), "Smiling", 7).mean == 0.5


@pytest.fixture
def known(monkeypatch) -> dict[Path, Marking]:
    """Runs by their folders."""
    runs = {Path("run-5"): Marking(), Path("run-6"): Marking(0, Path("run-6"), "mine")}
    module = SimpleNamespace(load=runs.__getitem__, outline=runs.__getitem__)
    monkeypatch.setattr(others, "editor_of", lambda run: module)
    monkeypatch.setattr("common.classifiers.faces.load_classifier", lambda *_: Reader())
    monkeypatch.setattr("ifcvaegan.data.load", lambda config, split: faces())
    return runs


def test_every_run_is_a_row_with_what_is_known_of_it(known, monkeypatch):
    monkeypatch.setattr(others, "minutes", {Path("run-5"): 90.0, Path("run-6"): None}.__getitem__)
    runs = {"paper: best, seed 0": Path("run-6"), **others.labelled([Path("run-5")])}
    leaks = {"paper: best, seed 0": proportion_interval(3, 4)}
    table = others.table(runs, leaks, Config(), "Smiling", "dev")
    first, second = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert [first["model"], second["model"]] == ["paper: best, seed 0", "CVAE-GAN: run-5"]
    assert (first["n"], second["minutes of training"]) == (4, 90.0)
    assert (first["z tells y"], second["z tells y"]) == (leaks["paper: best, seed 0"], None)
    assert (first["Male kept, y = 1"].mean, second["Male kept, y = 1"].mean) == (0.25, 1.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": Faces(32, KIND.crop)}, "run-5 is a model of .*32x32"),
        ({"controls": ()}, "run-5 has no control 'Smiling'; it has none"),
    ],
)
def test_a_run_that_cannot_be_compared_is_refused(known, changes, said):
    others.check([Path("run-5")], Config(), "Smiling")
    known[Path("run-5")] = replace(known[Path("run-5")], **changes)
    with pytest.raises(UserError, match=said):
        others.check([Path("run-5")], Config(), "Smiling")


def test_minutes_are_those_of_all_stages(tmp_path):
    assert minutes(tmp_path) is None
    for stage, seconds in (("gan", 90.0), ("encoder", 30.0)):
        row = {"period": 1, "step": 1, "images": 1, "seconds": seconds}
        write_history(tmp_path / f"history-{stage}.csv", [row])
    assert minutes(tmp_path) == 2.0


def test_runs_of_one_name_are_all_in_the_table(monkeypatch):
    same = SimpleNamespace(outline=lambda run: SimpleNamespace(title="Toy", folder=run))
    monkeypatch.setattr(others, "editor_of", lambda run: same)
    runs = [Path("one/run"), Path("two/run")]
    assert others.labelled(runs) == {"Toy: one/run": runs[0], "Toy: two/run": runs[1]}
