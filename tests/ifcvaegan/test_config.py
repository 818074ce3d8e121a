"""Presets as the paper and its code have them, and what settings are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from common.errors import UserError
from common.settings.config import differences, from_json, to_json
from ifcvaegan.config import Config, DataConfig, LossConfig, NetworkConfig, TrainConfig
from ifcvaegan.presets import PRESETS, TABLE_1, as_row
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
    assert config.loss.auxiliary_mode == "max_bce"


def test_every_share_of_table_1_is_of_sixteen_faces():
    assert TABLE_1 == {
        "best": (0.028, 0.8125, 1.0),  # printed as 0.813
        "high_kl": (0.0300, 0.5, 0.9375),
        "with_rec_class": (0.028, 0.9375, 0.9375),
        "no_aux": (0.0280, 0.1875, 0.8125),
        "no_aux_rec_class": (0.027, 0.0, 1.0),
    }


@pytest.mark.parametrize(
    ("preset", "pixels", "expected"),
    [
        ("with_rec_class", "mean", (1.0, 0.001, 0.1, 1.0, 1.0, 0.1)),
        ("with_rec_class", "sum", (12288.0, 0.2, 0.1, 1.0, 1.0, 0.1)),
        ("release", "release", (3.0, 0.001, 0.1 / 32, 0.0, 1 / 32, 0.1)),
        ("stable", "release", (3.0, 0.001, 0.1, 0.1, 1.0, 0.1)),
    ],
)
def test_terms_weigh_what_section_3_1_or_the_authors_code_says(preset, pixels, expected):
    """Sec. 3.1: means over the batch; pixels and latents summed (3 x 64^2 of them) or averaged.

    The code's loss at 32 images is S_rec / 64^2 + alpha S_KL / Z + rho mean BCE + ..., all by 32
    here: S_rec is 32 x 64^2 x 3 times the mean, alpha / Z is 0.2 / 200, means of labels are 1/32.
    """
    config = PRESETS[preset]()
    found = weights(replace(config, loss=replace(config.loss, pixels=pixels)))
    names = ("reconstruction", "kl", "label", "reconstruction_label", "auxiliary", "gan")
    assert [getattr(found, name) for name in names] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("preset", "row", "expected"),
    [
        ("paper", "naive_fig3", (1.0, 0.0, 0.0)),
        ("release", "no_aux_rec_class", (0.2, 1.0, 0.0)),
        ("stable", "no_aux_rec_class", (0.2, 0.1, 0.0)),
        ("stable_eq12", "with_rec_class", (0.2, 0.1, 1.0)),
        ("stable", "high_kl", (0.5, 0.0, 1.0)),
    ],
)
def test_a_row_switches_the_terms_of_its_base(preset, row, expected):
    base = PRESETS[preset]()
    found = as_row(base, row)
    assert (found.loss.alpha, found.loss.beta, found.loss.gamma) == expected
    assert set(differences(base, found)) <= {"loss.alpha", "loss.beta", "loss.gamma"}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("dataset", ["celeba", "drawn"])
def test_settings_survive_json(preset, dataset):
    config = PRESETS[preset](dataset)
    assert config.dataset == dataset
    assert from_json(Config, to_json(config)) == config


@pytest.mark.parametrize(
    ("preset", "base", "expected"),
    [
        (
            "release",
            "paper",
            {
                "loss.pixels": ("mean", "release"),
                "loss.reference_batch": (1, 32),
                "loss.fidelity": ("paper", "release"),
            },
        ),
        (
            "stable",
            "paper",
            {
                "data.flip": (False, True),
                "loss.pixels": ("mean", "release"),
                "loss.beta": (0.0, 0.1),
                "loss.auxiliary_mode": ("max_bce", "confuse"),
                "loss.ramp_steps": (0, 500),
                "train.epochs": (8.0, 15.0),
                "train.learning_rate": (2e-4, 5e-4),
                "train.auxiliary_learning_rate": (None, 1e-3),
                "train.ema": (None, 0.995),
                "train.reestimate_batches": (0, 40),
            },
        ),
        ("stable_eq12", "stable", {"loss.auxiliary_mode": ("confuse", "max_bce")}),
        (
            "recommended",
            "stable",
            {
                "data.attributes": (("Smiling",), ("Smiling", "Male", "Eyeglasses")),
                "data.shift": (0, 2),
                "data.jitter": (0.0, 0.1),
                "networks.filters": (64, 32),
                "networks.decoder_filters": (None, 48),
                "networks.upsampling": ("transposed3", "resize"),
                "loss.alpha": (0.2, 0.02),
                "train.epochs": (15.0, 90.0),
                "train.period": (1.0, 3.0),
                "train.augmented_discriminator": (False, True),
                "train.halving_epochs": (None, 22.0),
            },
        ),
    ],
)
def test_a_bundle_differs_from_its_base_in_what_its_docstring_says(preset, base, expected):
    assert differences(PRESETS[base](), PRESETS[preset]()) == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataConfig, {"image_size": 48}),
        (DataConfig, {"attributes": ()}),
        (DataConfig, {"attributes": ("Male", "Male")}),
        (DataConfig, {"attributes": ("Male,Smiling",)}),
        (NetworkConfig, {"filters": 0}),
        (DataConfig, {"shift": 64}),
        (DataConfig, {"jitter": 1.0}),
        (NetworkConfig, {"decoder_filters": 0}),
        (LossConfig, {"features": -1.0}),
        (TrainConfig, {"halving_epochs": 0.0}),
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
