"""Presets as the paper and its code have them, and what settings are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from common.errors import UserError
from common.settings.config import differences, from_json, to_json
from ifcvaegan.config import Config, DataConfig, LossConfig, NetworkConfig, TrainConfig
from ifcvaegan.presets import PRESETS, TABLE_1
from ifcvaegan.train import weights


@pytest.mark.parametrize(
    ("preset", "alpha", "beta", "gamma"),
    [
        ("paper", 0.2, 0.0, 1.0),
        ("high_kl", 0.5, 0.0, 1.0),
        ("with_rec_class", 0.2, 1.0, 1.0),
        ("no_aux", 0.2, 0.0, 0.0),
        ("no_aux_rec_class", 0.2, 1.0, 0.0),
        ("naive_fig3", 1.0, 0.0, 0.0),
        ("if_fig2", 0.5, 1.0, 1.0),
    ],
)
def test_rows_and_figures_differ_from_the_best_model_in_three_weights_alone(
    preset, alpha, beta, gamma
):
    expected = LossConfig(alpha=alpha, beta=beta, gamma=gamma, delta=0.1, rho=0.1)
    assert PRESETS[preset]() == replace(PRESETS["paper"](), loss=expected)


def test_the_paper_has_the_sizes_and_the_optimizer_of_its_code():
    config = PRESETS["paper"]()
    assert config.networks == NetworkConfig(
        latent_size=200, filters=64, auxiliary_width=1000, padding="torch"
    )
    assert config.data == DataConfig(
        image_size=64, attributes=("Smiling",), crop="center178", split="official", flip=False
    )
    train = config.train
    assert (train.epochs, train.batch_size, train.learning_rate) == (8.0, 32, 2e-4)
    assert (train.smoothing, train.discriminator_smoothing) == (0.99, 0.5)
    assert (train.discriminator_momentum, train.ema) == (0.0, None)
    assert (config.loss.scaling, config.loss.fidelity) == ("release", "paper")
    assert config.loss.auxiliary_mode == "max_bce"


def test_every_share_of_table_1_is_of_sixteen_faces():
    assert TABLE_1 == {
        "paper": (0.028, 0.8125, 1.0),  # printed as 0.813
        "high_kl": (0.0300, 0.5, 0.9375),
        "with_rec_class": (0.028, 0.9375, 0.9375),
        "no_aux": (0.0280, 0.1875, 0.8125),
        "no_aux_rec_class": (0.027, 0.0, 1.0),
    }


@pytest.mark.parametrize(
    ("preset", "scaling", "expected"),
    [
        ("with_rec_class", "release", (3.0, 0.001, 0.1 / 32, 1 / 32, 1 / 32, 0.1)),
        ("with_rec_class", "mean", (1.0, 0.001, 0.1, 1.0, 1.0, 0.1)),
        ("stable", "release", (3.0, 0.001, 0.1, 0.1, 1.0, 0.1)),
    ],
)
def test_the_releases_scaling_is_its_sums_divided_by_a_batch_of_32(preset, scaling, expected):
    """Its loss at 32 images is S_rec / 64^2 + alpha S_KL / Z + rho mean BCE + ..., all by 32 here:

    S_rec is 32 x 64^2 x 3 times the mean, alpha / Z is 0.2 / 200, means of labels become 1/32.
    """
    config = PRESETS[preset]()
    found = weights(replace(config, loss=replace(config.loss, scaling=scaling)))
    names = ("reconstruction", "kl", "label", "reconstruction_label", "auxiliary", "gan")
    assert [getattr(found, name) for name in names] == pytest.approx(expected)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("dataset", ["celeba", "drawn"])
def test_settings_survive_json(preset, dataset):
    config = PRESETS[preset](dataset)
    assert config.dataset == dataset
    assert from_json(Config, to_json(config)) == config


def test_stable_differs_from_the_paper_in_what_its_docstring_says():
    assert differences(PRESETS["paper"](), PRESETS["stable"]()) == {
        "data.flip": (False, True),
        "loss.beta": (0.0, 0.1),
        "loss.reference_batch": (32, 1),
        "loss.auxiliary_mode": ("max_bce", "confuse"),
        "loss.ramp_steps": (0, 500),
        "train.epochs": (8.0, 15.0),
        "train.learning_rate": (2e-4, 5e-4),
        "train.auxiliary_learning_rate": (None, 1e-3),
        "train.ema": (None, 0.995),
        "train.reestimate_batches": (0, 40),
    }


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataConfig, {"image_size": 48}),
        (DataConfig, {"attributes": ()}),
        (DataConfig, {"attributes": ("Male", "Male")}),
        (DataConfig, {"attributes": ("Male,Smiling",)}),
        (NetworkConfig, {"filters": 0}),
        (LossConfig, {"alpha": -0.1}),
        (LossConfig, {"gamma": math.inf}),
        (LossConfig, {"reference_batch": 0}),
        (LossConfig, {"ramp_steps": -1}),
        (TrainConfig, {"epochs": 0.0}),
        (TrainConfig, {"learning_rate": math.inf}),
        (TrainConfig, {"smoothing": 1.0}),
        (TrainConfig, {"ema": 1.0}),
        (Config, {"report_images": 1}),
        (Config, {"stages": ()}),
    ],
)
def test_settings_that_nothing_can_be_done_with_are_refused_by_name(kind, values):
    (name,) = values
    with pytest.raises(UserError, match=rf"The setting (\w+\.)?{name} is .*; it must be"):
        kind(**values)
