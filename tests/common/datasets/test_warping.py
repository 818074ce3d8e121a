"""Affine maps: which way they go, and what becomes of pixels under them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.datasets.warping import inverted, moved, similarity, warped

TURNED = np.array([[0.0, -2.0, 30.0], [2.0, 0.0, 5.0]])  # (x, y) -> (30 - 2 y, 5 + 2 x)


def test_a_map_goes_from_the_result_to_the_image():
    """Pixel (x, y) of the result shows what is at (x + 3, y + 1) of the image."""
    levels = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)
    shown = warped(Image.fromarray(levels), np.array([[1.0, 0, 3], [0, 1.0, 1]]), (4, 5))
    np.testing.assert_array_equal(np.asarray(shown), levels[1:6, 3:7])


def test_a_quarter_turn_moves_whole_pixels():
    levels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    turn = np.array([[0.0, -1.0, 8.0], [1.0, 0.0, 0.0]])  # (x, y) -> (8 - y, x)
    shown = np.asarray(warped(Image.fromarray(levels), turn, (8, 8)))
    np.testing.assert_array_equal(shown, np.rot90(levels))


@pytest.mark.parametrize("shift", [-40.0, 40.0])
def test_beyond_the_edge_its_edge_goes_on(shift):
    levels = np.tile(np.arange(10, 20, dtype=np.uint8), (6, 1))
    shown = warped(Image.fromarray(levels), np.array([[1.0, 0, shift], [0, 1.0, 0]]), (4, 4))
    assert np.unique(np.asarray(shown)).tolist() == [19 if shift > 0 else 10]


def test_stripes_that_are_skipped_become_gray_and_no_moire():
    """Columns of 0 and 255 in turn, seen at an eighth of the size, are 127.5 everywhere."""
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    eighth = np.array([[8.0, 0, 0], [0, 8.0, 0]])
    shown = np.asarray(warped(Image.fromarray(stripes), eighth, (8, 8)), np.float64)
    assert np.abs(shown[:, 1:-1] - 127.5).max() < 6


def test_a_similarity_is_found_from_two_points_and_is_the_nearest_for_more():
    start = np.array([(0.0, 0.0), (10.0, 0.0), (3.0, 4.0)])
    np.testing.assert_allclose(similarity(start[:2], moved(start[:2], TURNED)), TURNED, atol=1e-9)
    # Opposite errors of both ends of a line cancel in the middle: its scale grows by 0.2 of 10.
    stretched = similarity(start[:2], np.array([(-0.1, 0.0), (10.1, 0.0)]))
    np.testing.assert_allclose(stretched, [[1.02, 0, -0.1], [0, 1.02, 0]], atol=1e-9)


def test_the_way_back_of_a_map():
    points = np.array([(1.0, 2.0), (-3.0, 7.0)])
    np.testing.assert_allclose(moved(moved(points, TURNED), inverted(TURNED)), points)
    np.testing.assert_allclose(moved(points, TURNED), [(26.0, 7.0), (16.0, -1.0)])
