"""The square of a photo that is edited, and what is put in its place."""

from __future__ import annotations

import numpy as np
import pytest

from common.transfer import motion
from common.transfer.photo import transferred
from igan import photo


def test_the_naive_difference_adds_the_upsampled_change():
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    before = np.full((32, 32, 3), 100, np.uint8)
    found = photo.naive(image, before, before + np.uint8(20))
    np.testing.assert_array_equal(found, np.minimum(image.astype(int) + 20, 255))


@pytest.mark.parametrize(
    ("shape", "box"),
    [((40, 60), (10, 0, 50, 40)), ((61, 40), (0, 10, 40, 50)), ((8, 8), (0, 0, 8, 8))],
)
def test_the_square_is_the_middle(shape, box):
    assert photo.middle_square(np.zeros((*shape, 3))) == box


def test_around_the_square_the_photo_stays_and_inside_it_fades_in():
    wide = np.full((64, 128, 3), 100, np.uint8)
    found = photo.pasted(wide, np.full((64, 64, 3), 200, np.uint8), (32, 0, 96, 64))
    assert (found[:, :32] == 100).all()
    assert (found[:, 96:] == 100).all()
    assert (found[:, 40:88] == 200).all()  # 4 of 64 pixels fade, and not at the photo's own border
    assert found[0, 32:37, 0].tolist() == [112, 138, 162, 188, 200]
    assert (found[0, 64] == 200).all()


def test_the_way_from_one_generated_image_to_another_is_done_to_the_first(manifold, monkeypatch):
    """Colours alone, without any flow, bring it nearer than the naive baseline of doing nothing."""
    zero = np.zeros((32, 32, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    start, end = np.full(12, -0.3), np.full(12, -0.3)
    start[[0, 4]], end[[1, 5]] = 0.8, 0.8  # red above and green below, the other way round
    path = np.linspace(start, end, 8).astype(np.float32)
    frames = np.uint8(np.rint((manifold.rendered(path) + 1) * 127.5))
    found = transferred(frames[0], frames)[-1]

    def error(image: np.ndarray) -> float:
        return float(np.square(image.astype(float) - frames[-1]).mean())

    assert error(found) < 0.5 * error(frames[0])
