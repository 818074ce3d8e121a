"""Each paper's controls, as the page turns them: what is read, and which request comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from common.datasets.digits import centred
from common.errors import UserError


def test_icgans_controls_become_a_shift_or_attributes():
    from icgan_tf.codes import Set, Shift, turned

    assert turned({"shift": 3.0}, digits=True) == Shift(3)
    assert turned({"7": 1.0}, digits=True) == Set({"7": 1.0})
    assert turned({}, digits=True) == Set({})
    assert turned({"Smiling": -1.0}, digits=False) == Set({"Smiling": -1.0})
    with pytest.raises(UserError, match="shift and 7 both say"):
        turned({"shift": 1.0, "7": 1.0}, digits=True)


def test_crgs_strength_needs_a_pair_and_is_its_own_step():
    """Strength 1 along a pair leads from the code of the one image to that of the other."""
    from crg.codes import moved
    from crg.editor import outline

    model = outline(None)
    assert (model.controls[0].pair, model.readings(None)) == (True, {})  # pyright: ignore[reportArgumentType]
    with pytest.raises(UserError, match="choose two images"):
        model.request({"strength": 1.0})
    assert moved(np.ones((1, 3), np.float32), model.request({})).tolist() == [[1.0, 1.0, 1.0]]


def test_ifcvaegans_values_are_read_on_the_scale_of_their_controls():
    from ifcvaegan.codes import Set
    from ifcvaegan.editor import Codes, outline

    model = outline(None)
    codes = Codes(np.zeros((2, 4)), np.array([[0.25, 0.5, 0.0], [0.75, 1.0, 0.125]]))
    assert {name: value.tolist() for name, value in model.readings(codes).items()} == {
        "Smiling": [0.25, 0.75],
        "Male": [0.5, 1.0],
        "Eyeglasses": [0.0, 0.125],
    }
    assert model.request({"Smiling": 0.5}) == Set({"Smiling": 0.5})


def test_a_drawing_is_scaled_to_twenty_pixels_around_its_centre_of_mass():
    """A bar of 10 x 40, wherever it is drawn, becomes one of 5 x 20 in the middle of 28."""
    for left, top in ((0, 0), (50, 9)):
        drawn = np.zeros((60, 80, 1), np.uint8)
        drawn[top : top + 40, left : left + 10] = 255
        rows, columns, _ = np.nonzero(centred(drawn))
        assert (rows.min(), rows.max()) == (4, 23)
        assert (columns.min(), columns.max()) in ((11, 15), (12, 16))


def test_a_heavy_side_is_nearer_to_the_middle():
    """An L of equal height: its foot pulls the centre of mass down, so it lies higher."""
    drawn = np.zeros((40, 40, 1), np.uint8)
    drawn[:, :6] = 255
    drawn[30:, :30] = 255
    rows = np.nonzero(centred(drawn))[0]
    assert rows.min() < 4
