"""Strokes as vectors become images and masks."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import UserError
from igan.strokes import Stroke, drawn, rasterised


def test_a_later_colour_lies_above_and_masks_add_up(stroke):
    red = stroke(points=((0.25, 0.5), (0.5, 0.5)), colour=(255, 0, 0))
    blue = stroke(points=((0.5, 0.5), (0.75, 0.5)), colour=(0, 0, 255))
    found = drawn([red, blue], 32)
    assert found.colour[16, 10].tolist() == [255, 0, 0]
    assert found.colour[16, 16].tolist() == [0, 0, 255]
    assert found.colour_mask[16, 8:25].all()
    assert not found.colour_mask[12].any()


def test_black_counts_where_it_is_painted(stroke):
    found = drawn([stroke(colour=(0, 0, 0))], 32)
    assert found.colour.sum() == 0
    assert found.colour_mask.sum() > 0


def test_an_eraser_takes_back_what_it_touches(stroke):
    line = ((0.1, 0.5), (0.9, 0.5))
    strokes = [stroke(kind, points=line) for kind in ("colour", "sketch", "keep")]
    erased = drawn([*strokes, stroke("erase", points=((0.5, 0.5),), width=8)], 32)
    assert not erased.colour_mask[16, 14:18].any()
    assert not erased.sketch[16, 14:18].any()
    assert not erased.keep_mask[16, 14:18].any()
    assert erased.colour_mask[16, 4]
    assert erased.sketch[16, 4] == 255


def test_a_sketch_is_one_pixel_wide_and_not_blurred():
    found = drawn([Stroke(kind="sketch", points=((0.0, 0.5), (0.99, 0.5)))], 32)
    assert found.sketch.sum(axis=0).tolist() == [255] * 32
    assert set(np.unique(found.sketch)) == {0, 255}


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_a_point_is_as_wide_as_the_brush(width):
    found = rasterised(((0.5, 0.5),), width, 32)
    assert found.any(axis=0).sum() == width
    assert found.any(axis=1).sum() == width


def test_a_warp_is_cut_to_what_is_inside_at_both_ends():
    """A square of 8 around (0, 16) to around (16, 16): its left half is outside the image."""
    warp = Stroke(kind="warp", points=((0.0, 0.5), (0.5, 0.5)), width=8)
    assert drawn([warp], 32).warps == ((12, 0, 12, 16, 8, 4),)


def test_a_warp_that_comes_from_outside_moves_nothing():
    warp = Stroke(kind="warp", points=((2.5, 0.5), (0.5, 0.5)), width=8)
    assert drawn([warp], 32).warps[0][4:] == (8, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "warpp"}, "no brush 'warpp'"),
        ({"points": ()}, "needs some"),
        ({"points": ((float("nan"), 0.0),)}, "needs some"),
        ({"colour": (256, 0, 0)}, "0 to 255"),
    ],
)
def test_what_is_no_stroke_is_refused(options, said):
    with pytest.raises(UserError, match=said):
        Stroke(**{"kind": "colour", "points": ((0.5, 0.5),), **options})
