"""The models that come with the project: small, and they edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.files import ROOT
from common.runs.weights import default_weights
from ifcvaegan import trained
from ifcvaegan.trained import SHIPPED

REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba"


@pytest.fixture(scope="module")
def model() -> trained.Trained:
    return trained.load(None)


def test_it_is_smaller_than_six_megabytes():
    files = default_weights(SHIPPED).glob("*.weights.h5")
    assert sum(file.stat().st_size for file in files) < 6e6


def test_its_card_says_whose_faces_it_learnt_from():
    card = (default_weights(SHIPPED) / "card.md").read_text(encoding="utf-8")
    assert "CelebA" in card
    assert "non-commercial research" in card


def test_it_changes_the_lower_half_of_a_face_the_most(model):
    from ifcvaegan.codes import decode

    z = np.zeros((1, model.config.networks.latent_size), np.float32)
    y = [np.full((1, 1), value, np.float32) for value in (0.0, 1.0)]
    without, with_ = (decode(model, value, z)[0].astype(float) for value in y)
    change = np.abs(with_ - without).mean(axis=2)  # [64, 64]
    assert change.mean() > 255 * 0.02
    mouth = change[38:52, 20:44]
    assert mouth.mean() > 2 * change.mean()


def test_what_it_decodes_as_smiling_its_encoder_reads_as_smiling(model):
    """The sign: 1 is with the attribute, 0 without."""
    from ifcvaegan.codes import decode, encode

    z = np.random.default_rng(0).standard_normal((8, model.config.networks.latent_size))
    for value in (0.0, 1.0):
        faces = decode(model, np.full((8, 1), value, np.float32), z.astype(np.float32))
        read = encode(model, faces)[2]
        assert np.mean(read > 0.5) == value


def test_that_of_drawn_faces_puts_glasses_around_the_eyes():
    from ifcvaegan.codes import decode, encode, with_values
    from ifcvaegan.edit import read

    drawn = trained.load(ROOT / "weights" / "ifcvaegan-drawn")
    _, images = read(ROOT / "examples" / "drawn-faces", drawn)
    means, _, answers = encode(drawn, images)
    without, with_ = (
        decode(drawn, with_values(answers, drawn.attribute_names, {"Eyeglasses": y}), means)
        for y in (0.0, 1.0)
    )
    change = np.abs(with_.astype(float) - without).mean(axis=3)  # [8, 64, 64]
    eyes = change[:, 26:36, 18:46].mean(axis=(1, 2))
    assert (eyes > 3 * change.mean(axis=(1, 2))).all()
    assert (eyes > 255 * 0.05).all()
    column = drawn.attribute_names.index("Eyeglasses")
    read = [encode(drawn, faces)[2][:, column] > 0.5 for faces in (without, with_)]
    assert (read[0].mean(), read[1].mean()) == (0.0, 1.0)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"there is no CelebA in {REAL}")
def test_real_faces_smile_and_stop_as_the_judge_reads_them():
    """By a judge that trains for minutes where it is not kept from before."""
    from common.classifiers.faces import faces_judge
    from common.cli.commands import EvaluateCommand, moved
    from ifcvaegan import data
    from ifcvaegan.judged import Codes, Judged

    some = trained.load(None)
    config = moved(some.config, EvaluateCommand(data_dir=REAL))
    judge, names, _ = faces_judge(config, data.load)
    test = data.load(config, "test")
    judged = Judged(Codes(some, test, 0), 0, judge, names.index("Smiling"))
    assert min(judged.right(0).mean(), judged.right(1).mean()) >= 0.85
    assert judged.errors.mean() < 0.028  # the paper's
