"""Turned heads, on images whose first pixel is the yaw and whose second one hides the face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.errors import UserError
from crg import evaluate
from crg.codes import Direction
from crg.editor import Codes
from crg.faces import turns
from crg.faces.turns import STRENGTHS

SIDE = 4


class Showing:
    """Z of two numbers in [-1, 1] are the first two pixels."""

    def encode(self, images: np.ndarray) -> Codes:
        return Codes(images[:, 0, :2, 0].astype(np.float32) / 127.5 - 1)

    def decode(self, codes: Codes) -> np.ndarray:
        images = np.zeros((len(codes.latent), SIDE, SIDE, 3), np.uint8)
        values = np.rint((np.clip(codes.latent, -1, 1) + 1) * 127.5)
        images[:, 0, :2] = values[..., None].astype(np.uint8)
        return images

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(images))


class Hidden:
    """Reads one attribute: whether the second pixel is light."""

    def read(self, images: np.ndarray) -> np.ndarray:
        return images[:, 0, 1:2, 0] > 127


MODEL: Any = Showing()
READER: Any = Hidden()


def faces(latents: list[tuple[float, float]]) -> Records:
    images = MODEL.decode(Codes(np.array(latents, np.float32)))
    return Records(images, np.zeros((len(images), 0), np.float32), (), "celeba", "a test")


@pytest.fixture(autouse=True)
def landmarks(monkeypatch):
    """The first pixel is the yaw; a face whose second pixel is white has no landmarks."""

    def yaws(images: np.ndarray) -> np.ndarray:
        yaw = images[:, 0, 0, 0] / 127.5 - 1
        return np.where(images[:, 0, 1, 0] == 255, np.nan, yaw)

    monkeypatch.setattr(turns, "yaws", yaws)


def towards(*step: float) -> Direction:
    return Direction(np.zeros(2, np.float32), np.array(step, np.float32))


def test_pairs_look_left_and_right_and_the_first_is_not_the_most_extreme():
    yaw = np.roll(np.arange(101) / 100 - 0.5, 7)  # row (rank + 7) % 101 has the rank
    rows = turns.pairs(yaw, 3)
    assert yaw[rows].round(2).tolist() == [[-0.45, 0.45], [-0.46, 0.46], [-0.44, 0.44]]


def test_every_direction_leads_to_the_right():
    yaw = np.linspace(-1, 1, 80)
    found = turns.directions(np.stack([yaw, 0 * yaw], axis=1), yaw)
    assert list(found) == ["one pair", "20 pairs", "left and right quarter"]
    # Rank 4 of 0..79 is -1 + 8 / 79, and 2 - 16 / 79 from its counterpart.
    assert found["one pair"].step == pytest.approx([2 - 16 / 79, 0])
    # Means of 20 at either end: ranks 0 to 19, so 9.5 / 79 * 2 from the ends.
    assert found["left and right quarter"].step == pytest.approx([2 - 2 * 19 / 79, 0])


def test_turning_either_way_is_measured_as_wanted_by_the_sign_of_the_strength():
    still = faces([(0.0, -1.0), (0.0, -1.0)])
    one = turns.curve(MODEL, towards(0.15, 0.0), still, np.zeros(2), READER)
    means = dict(zip(STRENGTHS, (value.mean for value in one.change if value), strict=True))
    assert means[2.0] == pytest.approx(0.3, abs=0.01)
    assert means[-1.0] == pytest.approx(-0.15, abs=0.01)
    # .15 s is more than .1 from a strength of 1 on, not at .5, and to the left for those below 0.
    assert [value.mean for value in one.turned] == [1, 1, 1, 0, 0, 0, 1, 1, 1]
    back = turns.curve(MODEL, towards(-0.15, 0.0), still, np.zeros(2), READER)
    assert [value.mean for value in back.turned] == [0] * len(STRENGTHS)


def test_an_edited_face_without_landmarks_is_counted_as_not_turned_and_not_in_the_mean():
    two = faces([(0.0, 0.0), (0.5, -1.0)])  # the first one's second pixel is white from s = 1 on
    one = turns.curve(MODEL, towards(0.2, 1.0), two, np.array([0.0, 0.5]), READER)
    right = STRENGTHS.index(1.0)
    assert (one.lost[right], one.turned[right].mean) == (1, 0.5)
    change = one.change[right]
    assert change is not None
    assert change.n == 1
    assert one.kept[right].mean == 0.5  # the first was read at 128 already, the second is now


def test_faces_without_landmarks_are_left_out_and_counted(tmp_path):
    yaw = np.linspace(-0.5, 0.5, 60)
    train = faces([(one, -1.0) for one in yaw] + [(0.9, 1.0)] * 3)
    real = faces([(0.0, -1.0)] * 4 + [(0.0, 1.0)])
    found = turns.turns(MODEL, train, real, READER, tmp_path)
    (table,) = found.tables
    assert table.note.startswith(
        "Landmarks are found in 60 of 63 training faces, and in 4 of 5 reconstructions"
    )
    assert table.rows[STRENGTHS.index(1.0)][-1] == 0
    assert found.figures[0].file.is_file()
    assert found.findings[0].startswith("Pose at strengths -1 and 1: turned the wanted way")


def test_where_nearly_no_face_has_landmarks_there_is_no_direction(tmp_path):
    hidden = faces([(0.0, 1.0)] * 50)
    found = turns.turns(MODEL, hidden, hidden, READER, tmp_path)
    assert (found.tables, found.figures) == ([], [])
    assert "too few faces" in found.findings[0]


def test_the_pose_of_digits_is_refused_and_so_are_landmarks_that_nothing_finds(monkeypatch):
    with pytest.raises(UserError, match="digits have none"):
        evaluate.check_pose(evaluate.EvaluateCommand(pose=True))
    faces_only: Any = type("Outline", (), {"kind": type("Kind", (), {"noun": "face"})})
    monkeypatch.setattr("crg.editor.outline", lambda _: faces_only)
    monkeypatch.setattr("common.datasets.detection.installed", lambda: False)
    with pytest.raises(UserError, match=r"requirements-photo\.txt"):
        evaluate.check_pose(evaluate.EvaluateCommand(pose=True))
    evaluate.check_pose(evaluate.EvaluateCommand())
