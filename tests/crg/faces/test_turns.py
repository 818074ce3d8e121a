"""Turned heads, on images that show a yaw and whether the face is hidden, and are mirrored so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.errors import UserError
from crg import evaluate
from crg.codes import Direction
from crg.editor import Codes
from crg.faces import turns
from crg.faces.edits import Edits
from crg.faces.evaluate import all_edits
from crg.faces.turns import STRENGTHS

SIDE = 4


class Showing:
    """Z is a yaw, half the first pixel less the last, and the two pixels between; in [-1, 1]."""

    def encode(self, images: np.ndarray) -> Codes:
        pixels = images[:, 0, :, 0].astype(np.float32) / 127.5 - 1
        return Codes(np.stack([(pixels[:, 0] - pixels[:, 3]) / 2, pixels[:, 1]], axis=1))

    def decode(self, codes: Codes) -> np.ndarray:
        yaw, hidden = np.clip(codes.latent, -1, 1).T
        pixels = np.stack([yaw, hidden, hidden, -yaw], axis=1)
        images = np.zeros((len(pixels), SIDE, SIDE, 3), np.uint8)
        images[:, 0] = np.rint((pixels + 1) * 127.5)[..., None].astype(np.uint8)
        return images

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(images))


class Hidden:
    """Reads one attribute: whether the second pixel is light."""

    def read(self, images: np.ndarray) -> np.ndarray:
        return images[:, 0, 1:2, 0] > 127


class Softening(Showing):
    """Its reconstructions turn half as far as the images, and hide less."""

    def encode(self, images: np.ndarray) -> Codes:
        return Codes(super().encode(images).latent * (0.5, 1.0) - (0.0, 0.3))


MODEL: Any = Showing()
SOFT: Any = Softening()
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


def test_pairs_are_of_faces_that_look_far_to_a_side_and_the_first_not_furthest():
    yaw = np.roll(np.arange(101) / 100 * np.where(np.arange(101) % 2, -1, 1), 7)
    assert yaw[turns.paired(yaw, 3)].tolist() == [0.9, -0.89, -0.91]


def test_every_direction_leads_to_the_right_whichever_way_the_faces_of_the_pairs_look():
    yaw = np.linspace(-1, 1, 80)
    latents = np.stack([yaw, 0 * yaw], axis=1)
    rows = np.array([8, 75])  # -1 + 16 / 79 and -1 + 150 / 79
    found = turns.directions(latents, yaw, rows, latents[rows] * (-1, 1))
    assert list(found) == ["one pair", "2 pairs", "left and right quarter"]
    assert found["one pair"].step == pytest.approx([2 * (1 - 16 / 79), 0])
    assert found["2 pairs"].step == pytest.approx([(1 - 16 / 79) + (150 / 79 - 1), 0])
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


def test_a_pair_is_a_face_and_its_mirror_image_and_faces_without_landmarks_are_counted(
    tmp_path,
):
    yaw = np.linspace(-0.5, 0.5, 60)
    train = faces([(one, -1.0) for one in yaw] + [(0.9, 1.0)] * 3)
    real = faces([(0.0, -1.0)] * 4 + [(0.0, 1.0)])
    found = turns.turns(MODEL, train, real, READER, tmp_path)
    (table,) = found.tables
    assert table.note.startswith(
        "Landmarks are found in the reconstructions of 60 of 63 training faces, and of 4 of 5 faces"
    )
    origin, change, *_, lost = table.rows[STRENGTHS.index(1.0)]
    assert (origin, lost) == ("one pair, +1.0", 0)
    # Of 60 yaws from -.5 to .5, that of the quantile .9 is .449: from its mirror image twice that.
    assert getattr(change, "mean", 0) == pytest.approx(0.9, abs=0.02)
    assert found.figures[0].file.is_file()
    assert found.findings[0].startswith("Pose at strengths -1 and 1: turned the wanted way")


def test_yaw_landmarks_and_attributes_before_an_edit_are_those_of_the_reconstructions(tmp_path):
    # Training faces of yaw -1 to 1, one in three without landmarks, which its reconstruction has.
    train = faces(
        [(yaw, 1.0 if not n % 3 else 0.2) for n, yaw in enumerate(np.linspace(-1, 1, 60))]
    )
    real = faces([(0.0, 1.0), (0.4, 0.2)])  # light, and dark in the reconstruction of the second
    found = turns.turns(SOFT, train, real, READER, tmp_path)
    (table,) = found.tables
    assert "of 60 of 60 training faces, and of 2 of 2 faces" in table.note
    _, change, turned, kept, lost = table.rows[STRENGTHS.index(0.5)]
    # Half of a pair's step, which is the yaw of the image of quantile .9.
    assert getattr(change, "mean", 0) == pytest.approx(0.45, abs=0.02)
    assert (getattr(turned, "mean", 0), getattr(kept, "mean", 0), lost) == (1.0, 1.0, 0)


def test_faces_without_landmarks_are_neither_edited_nor_part_of_a_direction(tmp_path):
    yaw = np.linspace(-0.5, 0.5, 60)
    train = faces([(-0.9, 1.0)] * 3 + [(one, -1.0) for one in yaw])
    real = faces([(-0.5, 1.0), (0.4, -1.0)])
    found = turns.turns(MODEL, train, real, READER, tmp_path)
    _, change, turned, *_ = found.tables[0].rows[STRENGTHS.index(0.5)]
    assert (getattr(change, "n", 0), getattr(turned, "n", 0)) == (1, 1)
    assert getattr(change, "mean", 0) == pytest.approx(0.45, abs=0.02)
    assert found.findings[0].endswith("of 1 faces.")


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


@pytest.mark.parametrize(("pose", "findings"), [(False, ["smile"]), (True, ["smile", "pose"])])
def test_the_report_has_pose_where_it_is_asked_for(monkeypatch, pose, findings):
    monkeypatch.setattr("crg.faces.edits.edits", lambda *_: Edits([], [], ["smile"]))
    monkeypatch.setattr(turns, "turns", lambda *_: Edits([], [], ["pose"]))
    work: Any = SimpleNamespace(editor=MODEL, out=None, seed=0)
    some = faces([(0.0, 0.0)])
    assert all_edits(work, some, some, READER, pose).findings == findings
