"""Yaw of landmarks whose places are known, and of the one photograph of the tree."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.datasets import detection
from common.files import ROOT
from common.metrics import pose

found = pytest.mark.skipif(
    not detection.installed(), reason="requirements-photo.txt is not installed"
)


def marks(nose: tuple[float, float]) -> np.ndarray:
    """Eyes from 10 to 20 and from 30 to 40 across, so 20 apart with their middle at 25."""
    places = np.full((11, 2), 99.0)  # of what yaw does not look at
    places[:5] = [(10, 50), (20, 50), (30, 50), (40, 50), nose]
    return places


@pytest.mark.parametrize(("nose", "yaw"), [(25, 0.0), (31, 0.3), (19, -0.3)])
def test_yaw_is_the_nose_beside_the_middle_of_the_eyes_and_positive_to_the_right(nose, yaw):
    assert pose.yaw(marks((nose, 70))) == pytest.approx(yaw)


def test_a_tilted_and_larger_head_has_the_same_yaw():
    angle = np.radians(20)
    turn = 3 * np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    assert pose.yaw(marks((31, 70)) @ turn) == pytest.approx(0.3)


@found
def test_a_small_face_looks_to_the_right_its_mirror_image_to_the_left_and_gray_is_no_face():
    photograph = Image.open(ROOT / "examples" / "photos" / "astronaut.png").convert("RGB")
    head = np.asarray(photograph.crop((140, 20, 310, 190)))  # eyes at 63 and 107, nose at 84
    columns = np.arange(head.shape[1])
    pushed = columns - 14 * np.exp(-(((columns - 92) / 16.0) ** 2))  # the nose to the right
    turned = np.asarray(Image.fromarray(head[:, np.rint(pushed).astype(int)]).resize((64, 64)))
    faces = [turned, turned[:, ::-1], np.full_like(turned, 128)]
    one, mirrored, none = pose.yaws(np.stack(faces))
    assert one > 0.06  # 0.13; 0.02 without the push
    assert mirrored == pytest.approx(-one, abs=0.03)
    assert np.isnan(none)
