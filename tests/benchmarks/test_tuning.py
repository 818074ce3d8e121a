"""The figures of the benchmark of tuning, on images whose errors are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.tuning import figures
from common.classifiers import identity as persons
from common.datasets.records import Records

CROP: Any = None
PHOTOGRAPHS = np.eye(20)


class Light:
    """Reads an attribute as there where an image is light."""

    def read(self, images: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        assert names == ("Smiling",)
        return images[:, :1, 0, 0] > 127


READER: Any = Light()


@pytest.fixture
def faces() -> Records:
    """20 grey faces; the first five smile."""
    smiles = (np.arange(20) < 5).astype(np.float32)
    labels = np.stack([1 - smiles, smiles], axis=1)
    images = np.full((20, 2, 2, 3), 51, np.uint8)
    return Records(images, labels, ("Eyeglasses", "Smiling"), "celeba", "a test")


def test_the_error_is_that_of_reconstructions_alone(faces):
    images = np.full_like(faces.images, 153)
    found = figures("reconstruction", images, faces, None, CROP, READER)
    assert found == ["0.16000", "", "", ""]  # .4 squared


def test_an_edit_is_read_as_set_where_it_is_the_opposite_of_the_label(faces):
    images = np.zeros_like(faces.images)
    images[3:15] = 255  # right are the smiles 0 to 2, dark now, and the others from 5 to 14
    assert figures("Smiling", images, faces, None, CROP, READER) == ["", "", "", "65%"]
    assert figures("Smiling", images, faces, None, CROP, None) == ["", "", "", ""]


def test_the_person_is_found_by_embeddings_of_the_photographs(faces, monkeypatch):
    # Two of 20 faces become another's, the rest stay their own: 1 of 20 is the nearest 5 %.
    made = PHOTOGRAPHS[[1, 0, *range(2, 20)]]
    monkeypatch.setattr(persons, "embeddings", lambda images, crop: made)
    _, own, nearest, _ = figures("Smiling", faces.images, faces, PHOTOGRAPHS, CROP, None)
    assert nearest.mean == 0.9
    assert own.mean == pytest.approx(0.1 * 2**0.5)
