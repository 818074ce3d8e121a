"""Edits of an aligned face, put back into its photograph by every way there is."""

from __future__ import annotations

import numpy as np
import pytest

from common.datasets.alignment import EYES, Alignment, Photo, align
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.datasets.warping import moved
from common.kinds import Faces
from common.transfer import flow
from common.transfer.pasting import Paste, changes, pasted

FACES = Faces(64, WHOLE_WIDTH)
EYES_GIVEN = (150.0, 120.0, 200.0, 140.0)
NEEDS_FLOW = pytest.mark.skipif(
    not (flow.installed("cv2") or flow.installed("skimage")),
    reason="requirements-photo.txt is not installed",
)
TRANSFER = pytest.param("transfer", marks=NEEDS_FLOW)


def edited(
    photo: Photo,
    alignment: Alignment,
    before: np.ndarray,
    after: np.ndarray,
    how: Paste = "difference",
) -> np.ndarray:
    return pasted(photo, alignment, FACES, changes(np.stack([before, after]), how)[-1])


def aligned() -> tuple[Photo, Alignment]:
    photo = Photo(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    return photo, align(photo, landmarks=EYES_GIVEN)


@pytest.mark.parametrize("how", ["difference", TRANSFER])
def test_an_edit_of_nothing_changes_nothing(how):
    photo, alignment = aligned()
    face = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    result = edited(photo, alignment, face, face, how)
    assert np.abs(result.astype(int) - photo.pixels).max() <= (1 if how == "transfer" else 0)


@pytest.mark.parametrize("how", ["difference", "feather", TRANSFER])
def test_what_lies_outside_the_square_is_bit_identical(how):
    photo, alignment = aligned()
    before, after = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 99, np.uint8)
    result = edited(photo, alignment, before, after, how)
    changed = (result != photo.pixels).any(axis=-1)
    rows, columns = np.nonzero(changed)
    corners = moved(np.array([(0, 20), (178, 20), (0, 198), (178, 198)]), alignment.matrix)
    assert columns.min() >= np.floor(corners[:, 0].min())
    assert columns.max() < np.ceil(corners[:, 0].max())
    assert rows.min() >= max(0, np.floor(corners[:, 1].min()))
    assert changed.mean() > 0.2


def test_a_difference_is_added_where_the_edit_has_it():
    """99 brighter in the middle of the face, whatever the reconstruction was."""
    photo, alignment = Photo(np.full((300, 400, 3), 100, np.uint8)), aligned()[1]
    before, after = np.full((64, 64, 3), 7, np.uint8), np.full((64, 64, 3), 106, np.uint8)
    result = edited(photo, alignment, before, after)
    column, row = np.rint(moved(np.array([(89.0, 109.0)]), alignment.matrix)[0]).astype(int)
    assert result[row, column].tolist() == [199, 199, 199]


def test_feathering_puts_the_face_itself_there():
    photo, alignment = Photo(np.full((300, 400, 3), 100, np.uint8)), aligned()[1]
    before, after = np.full((64, 64, 3), 7, np.uint8), np.full((64, 64, 3), 206, np.uint8)
    result = edited(photo, alignment, before, after, "feather")
    column, row = np.rint(moved(np.array([(89.0, 109.0)]), alignment.matrix)[0]).astype(int)
    assert result[row, column].tolist() == [206, 206, 206]


def test_an_edit_lands_on_its_side_of_a_turned_face():
    """Brighter in the left half of the square: towards the left eye, not towards the right one."""
    photo, alignment = Photo(np.full((300, 400, 3), 100, np.uint8)), aligned()[1]
    before, after = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    after[:, :24] = 80
    result = edited(photo, alignment, before, after)
    (left, top), (right, bottom) = np.rint(moved(EYES, alignment.matrix)).astype(int)
    assert result[top, left - 10, 0] > 170
    assert result[bottom, right, 0] == 100


@pytest.mark.parametrize("how", ["difference", "feather"])
def test_an_edit_has_no_edge_where_the_square_ends(how):
    """A change of 99 fades over 0.18 of some 210 pixels: at most 4 levels from pixel to pixel."""
    photo, alignment = Photo(np.full((300, 400, 3), 100, np.uint8)), aligned()[1]
    before, after = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 199, np.uint8)
    result = edited(photo, alignment, before, after, how).astype(int)
    assert result.max() == 199
    assert max(np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)) <= 6


def test_transparency_is_not_edited():
    pixels = np.full((300, 400, 4), 40, np.uint8)
    alignment = aligned()[1]
    after = np.full((64, 64, 3), 90, np.uint8)
    result = edited(Photo(pixels), alignment, np.zeros_like(after), after)
    assert (result[..., 3] == 40).all()
    assert (result[..., :3] != 40).any()
