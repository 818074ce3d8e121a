"""The detector on the one photograph of the tree, turned, shrunk and repeated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets import detection
from common.datasets.alignment import EYES
from common.files import ROOT

pytestmark = pytest.mark.skipif(
    not detection.installed(), reason="requirements-photo.txt is not installed"
)
# Where a person sees the eyes of examples/photos/astronaut.png, in pixels.
SEEN = np.array([(204.0, 102.0), (246.0, 103.0)])
CELEBA = Path(os.environ.get("CELEBA", ROOT.parent / "shared" / "data" / "celeba"))


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return Image.open(ROOT / "examples" / "photos" / "astronaut.png").convert("RGB")


def test_the_eyes_are_where_a_person_sees_them(astronaut):
    (face,) = detection.find_faces(astronaut)
    assert np.abs(face.eyes - SEEN).max() < 3
    assert face.score > 0.9


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_photograph_on_its_side_or_upside_down_has_its_face_the_right_way_round(astronaut, turn):
    """The left eye of the face is that of the upright picture, wherever it lies."""
    (face,) = detection.find_faces(astronaut.rotate(turn, expand=True))
    x, y = SEEN.T
    lies = {90: (y, 512 - x), 180: (512 - x, 512 - y), 270: (512 - y, x)}[turn]
    assert np.abs(face.eyes - np.stack(lies, axis=1)).max() < 4


def test_ten_faces_are_found_the_largest_first(astronaut):
    head = astronaut.crop((120, 0, 330, 210))
    crowd = Image.new("RGB", (1000, 460), "gray")
    for number in range(10):
        side = 170 if number == 7 else 150
        crowd.paste(head.resize((side, side)), (200 * (number % 5), 220 * (number // 5)))
    faces = detection.find_faces(crowd)
    assert len(faces) == 10
    assert np.abs(faces[0].eyes.mean(axis=0) - (400 + 85 * 1.0, 220 + 83)).max() < 12


def test_there_is_no_face_in_a_gradient():
    ramp = np.tile(np.linspace(0, 255, 400).astype(np.uint8)[:, None, None], (1, 400, 3))
    assert detection.find_faces(Image.fromarray(ramp)) == []


def test_a_small_face_in_a_large_photograph_is_found_in_tiles(astronaut):
    wide = Image.new("RGB", (3000, 2000), "white")
    wide.paste(astronaut.resize((400, 400)), (2300, 1300))
    (face,) = detection.find_faces(wide)
    assert np.abs(face.eyes - (SEEN * 400 / 512 + (2300, 1300))).max() < 4


@pytest.mark.data
def test_faces_of_celeba_are_aligned_within_two_percent_of_their_eye_distance():
    """Median over the first 200 test images, against CelebA's own alignment; 1.9 % measured."""
    from common.datasets.celeba.faces import HEIGHT, WIDTH
    from common.datasets.warping import inverted, moved, similarity

    lines = (CELEBA / "list_eval_partition.txt").read_text().split("\n")
    names = [line.split()[0] for line in lines if line.endswith(" 2")]
    errors = []
    for name in names[:200]:
        with Image.open(CELEBA / "img_align_celeba" / name) as image:
            whole = image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        for face in detection.find_faces(whole)[:1]:
            off = moved(EYES, inverted(similarity(EYES, face.eyes))) - EYES
            errors.append(np.linalg.norm(off, axis=1).mean() / 39.0)
    assert len(errors) >= 196
    assert np.median(errors) < 0.02
