"""dlib's network sees the same square of a face, whatever the crop."""

import numpy as np
import pytest

from common.classifiers import identity
from common.datasets.celeba.faces import WHOLE_WIDTH, Crop

CENTER: Crop = (35, 55, 143, 163)  # of the IcGAN report


def photograph() -> np.ndarray:
    """An official image, 218x178, in which red grows to the right and green downwards."""
    rows, columns = np.mgrid[:218, :178]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("crop", [WHOLE_WIDTH, (30, 40, 168, 178)])
def test_eyes_come_to_lie_where_dlib_expects_them(crop):
    """CelebA's average eyes, at (69, 111) and (107, 111), are at (47.7, 47.1) and (100.3, 47.1)."""
    left, top, right, bottom = crop
    chip = identity._chip(photograph()[top:bottom, left:right], crop)
    assert chip.shape == (150, 150, 3)
    for x, there in ((47.7, 69), (100.3, 107)):
        assert np.allclose(chip[47, int(x), :2], (there, 111), atol=1.0)


def test_what_lies_beyond_the_crop_is_its_edge():
    left, top, right, bottom = CENTER
    chip = identity._chip(photograph()[top:bottom, left:right], CENTER)
    assert (chip[-20:, 75, 1] == 162).all()  # the last row of the crop
    assert chip[100, 75, 1] == pytest.approx(77 + 100 * 108.4 / 150, abs=1.5)


def test_one_face_has_one_embedding_at_any_size():
    pytest.importorskip("dlib", reason="requirements-identity.txt is not installed")
    pytest.importorskip("face_recognition_models")
    image = photograph()[20:198]
    one, again, other = identity.embeddings(np.stack([image, image, 255 - image]), WHOLE_WIDTH)
    assert one.shape == (128,)
    np.testing.assert_array_equal(one, again)
    assert np.linalg.norm(one - other) > 0.1
