"""Strokes on a face: the model that comes along, and an edit in the whole photograph."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.visitors import Visitor
from common.datasets.alignment import Photo
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.errors import UserError
from common.files import ROOT
from common.kinds import Faces
from common.transfer import motion
from studio.models import Models
from studio.painting import Painting
from studio.settings import Settings
from tests.studio.conftest import Shades, served
from tests.studio.test_painting import Painter, again, decoded

PHOTO = ROOT / "examples" / "photos" / "astronaut.png"
STROKES = ROOT / "examples" / "scribbles" / "hair-darker.json"
HAIR = slice(25, 75), slice(170, 280)  # rows and columns of the photograph


def test_an_edited_face_is_put_back_where_it_is_in_the_photograph(monkeypatch):
    """The photograph is gray 100; the face is painted white to 98.5 %, and nothing moves."""
    zero = np.zeros((8, 8, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    photo = Photo(np.full((300, 400, 3), 100, np.uint8))
    settings = Settings(
        package="toy", model="shades", photo="me.png", landmarks=(180.0, 140.0, 220.0, 140.0)
    )
    painting = Painting(Shades(kind=Faces(8, WHOLE_WIDTH)), settings, photo)
    assert painting.has_photo
    stroke = {"kind": "colour", "points": [[0.5, 0.5]], "colour": [255, 255, 255]}
    painting.replay([{"do": "stroke", "stroke": stroke}, {"do": "steps", "times": 20}])
    found = painting.result(0, 1.0, True)
    assert found.shape == (300, 400, 3)
    assert found[140, 200].min() > 230
    # The square is four and a half times as wide as the eyes are apart.
    assert (found[:, :100] == 100).all()
    assert (found[:, 300:] == 100).all()


def test_without_a_face_in_a_photograph_there_is_no_place_to_put_it_back():
    settings = Settings(package="toy", model="shades")
    with pytest.raises(UserError, match="no photo"):
        Painting(Shades(kind=Faces(8, WHOLE_WIDTH)), settings).result(0, 1.0, True)


@pytest.mark.slow
def test_darker_hair_is_put_back_into_the_whole_photograph_and_replays(tmp_path):
    for needed in ("starlette", "uvicorn", "websockets", "cv2"):
        pytest.importorskip(needed)
    photo = decoded(PHOTO.read_bytes())[..., :3]
    with served(models=Models()) as address:
        visitor = Visitor(address)
        told = visitor.told("/photo", PHOTO.read_bytes(), x_name=PHOTO.name)
        assert len(told["faces"]) == 1
        with visitor.live() as socket:
            painter = Painter(visitor, socket)
            begun = painter.wish("begin", model="igan-celeba", from_picture=True)
            assert (begun["has_start"], begun["has_photo"]) == (True, True)
            for stroke in json.loads(STROKES.read_text()):
                painted = painter.act("stroke", stroke=stroke)
            best = painted["numbers"][0]
            edited = painter.saved(best, tmp_path, "&photo")
    assert edited.shape == photo.shape == (512, 512, 3)
    changed = (edited != photo).any(axis=2)
    assert not changed[300:].any()  # her suit, below the square of her face
    assert edited[HAIR].mean() < 0.85 * photo[HAIR].mean()
    np.testing.assert_array_equal(again(tmp_path, "--photo", str(PHOTO)), edited)
