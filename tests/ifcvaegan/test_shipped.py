"""The models that come with the project: small, and they edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ifcvaegan
from common.files import ROOT
from common.runs.weights import default_weights
from ifcvaegan.codes import Set
from ifcvaegan.editor import SHIPPED, IFcVAEGANEditor

REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba"


@pytest.fixture(scope="module")
def model() -> IFcVAEGANEditor:
    return ifcvaegan.load()


def test_it_is_the_one_of_celeba_and_smaller_than_ten_megabytes(model):
    assert model.folder == default_weights(SHIPPED) == ROOT / "weights" / "ifcvaegan-celeba"
    assert sum(file.stat().st_size for file in model.folder.glob("*.weights.h5")) < 10e6


def test_its_card_says_whose_faces_it_learnt_from(model):
    card = (model.folder / "card.md").read_text(encoding="utf-8")
    assert "CelebA" in card
    assert "non-commercial research" in card


@pytest.fixture(scope="module")
def smiles(model) -> dict[float, np.ndarray]:
    """Generated faces, which no person has, with the smile set to 0 and to 1."""
    _, images = model.kind.read(ROOT / "examples" / "generated-faces")
    return {value: model.edit(images, Set({"Smiling": value})).images for value in (0.0, 1.0)}


def test_a_smile_changes_the_mouth_the_most(smiles):
    change = np.abs(smiles[1.0].astype(float) - smiles[0.0]).mean(axis=(0, 3))  # [64, 64]
    assert change.mean() > 255 * 0.02
    mouth = change[38:52, 20:44]
    assert mouth.mean() > 2 * change.mean()


def test_what_it_decodes_as_smiling_its_encoder_reads_as_smiling(model, smiles):
    """The sign: 1 is with the attribute, 0 without."""
    column = model.attribute_names.index("Smiling")
    for value, images in smiles.items():
        assert np.mean(model.encode(images).attributes[:, column] > 0.5) == value


def test_that_of_drawn_faces_puts_glasses_around_the_eyes():
    drawn = ifcvaegan.load(ROOT / "weights" / "ifcvaegan-drawn")
    _, images = drawn.kind.read(ROOT / "examples" / "drawn-faces")
    without, with_ = (drawn.edit(images, Set({"Eyeglasses": y})).images for y in (0.0, 1.0))
    change = np.abs(with_.astype(float) - without).mean(axis=3)  # [8, 64, 64]
    eyes = change[:, 26:36, 18:46].mean(axis=(1, 2))
    assert (eyes > 3 * change.mean(axis=(1, 2))).all()
    assert (eyes > 255 * 0.05).all()
    column = drawn.attribute_names.index("Eyeglasses")
    for faces, value in ((without, 0.0), (with_, 1.0)):
        assert (drawn.encode(faces).attributes[:, column] > 0.5).mean() == value


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"there is no CelebA in {REAL}")
def test_real_faces_smile_and_stop_as_the_classifier_reads_them(model):
    """By a classifier that trains for minutes where it is not kept from before."""
    from common.classifiers.faces import load_classifier
    from common.cli.evaluation import EvaluateCommand, with_folders
    from ifcvaegan import data
    from ifcvaegan.readings import Encoded, Readings

    config = with_folders(model.config, EvaluateCommand(data_dir=REAL))
    classifier = load_classifier(config.dataset, config.source)
    readings = Readings(Encoded(model, data.load(config, "test"), 0), 0, classifier)
    assert min(readings.right(0).mean(), readings.right(1).mean()) >= 0.85
    assert readings.errors.mean() < 0.028  # the paper's
