"""The model of faces in `weights/crg-celeba`, by faces of its own making: no CelebA is needed."""

from __future__ import annotations

import numpy as np
import pytest

import crg
from common.files import ROOT
from common.metrics.reconstruction import mse
from crg.editor import CRGEditor

FOLDER = ROOT / "weights" / "crg-celeba"


@pytest.fixture(scope="module")
def model() -> CRGEditor:
    return crg.load(FOLDER)


@pytest.fixture(scope="module")
def faces(model) -> np.ndarray:
    """Generated faces, uint8 `[60, 64, 64, 3]`."""
    return model.decode(model.random(60, 1))


def test_it_is_small_and_its_card_says_whose_faces_it_learnt_from():
    assert sum(file.stat().st_size for file in FOLDER.glob("*.weights.h5")) < 6.5e6
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    assert "CelebA" in card
    assert "non-commercial research" in card


@pytest.mark.slow
def test_its_faces_differ_and_are_bright_in_the_middle(faces):
    assert faces.astype(float).std(axis=0).mean() > 40
    assert faces[:, 24:44, 22:42].mean() > faces[:, :8].mean()


@pytest.mark.slow
def test_most_faces_come_back_nearer_to_themselves_than_to_another(model, faces):
    again = model.reconstruct(faces)
    assert (mse(faces, again) < mse(np.roll(faces, 1, axis=0), again)).mean() > 0.8
