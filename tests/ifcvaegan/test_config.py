"""Presets as the paper and its code have them, and what settings are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from common.errors import UserError
from common.settings.config import differences, from_json, to_json
from ifcvaegan.config import (
    PRESETS,
    TABLE_1,
    Config,
    DataConfig,
    LossConfig,
    NetworkConfig,
    TrainConfig,
)
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
    assert TABLE_1["paper"] == (0.028, 0.8125, 1.0)  # printed as 0.813
    assert TABLE_1["high_kl"] == (0.0300, 0.5, 0.9375)
    assert TABLE_1["with_rec_class"] == (0.028, 0.9375, 0.9375)
    assert TABLE_1["no_aux"] == (0.0280, 0.1875, 0.8125)
    assert TABLE_1["no_aux_rec_class"] == (0.027, 0.0, 1.0)


def test_the_releases_scaling_is_its_sums_divided_by_a_batch_of_32():
    """Per image of the batch: 3 x mean BCE, alpha/Z x KL, delta x G; label terms are 1/32 each.

    At 32 images the loss of the release, S_rec / 64^2 + alpha S_KL / Z + rho mean BCE + ... is 32
    times this one: S_rec is 32 x 64^2 x 3 times the mean.
    """
    config = PRESETS["with_rec_class"]()
    found = weights(config)
    assert 32 * found.reconstruction == pytest.approx(32 * 64**2 * 3 / 64**2)
    assert 32 * found.kl == pytest.approx(0.2 * 32 / 200)
    assert 32 * found.gan == pytest.approx(0.1 * 32)
    assert 32 * found.label == pytest.approx(0.1)
    assert 32 * found.reconstruction_label == pytest.approx(1.0)
    assert 32 * found.auxiliary == pytest.approx(1.0)


def test_the_other_scaling_is_means_everywhere():
    config = PRESETS["with_rec_class"]()
    found = weights(replace(config, loss=replace(config.loss, scaling="mean")))
    assert (found.reconstruction, found.label, found.auxiliary) == (1.0, 0.1, 1.0)
    assert (found.reconstruction_label, found.gan) == (1.0, 0.1)
    assert found.kl == pytest.approx(0.2 / 200)


def test_stable_weighs_the_terms_of_labels_as_means():
    found = weights(PRESETS["stable"]())
    assert (found.label, found.reconstruction_label, found.auxiliary) == (0.1, 0.1, 1.0)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("dataset", ["celeba", "drawn"])
def test_settings_survive_json(preset, dataset):
    config = PRESETS[preset](dataset)
    assert config.dataset == dataset
    assert from_json(Config, to_json(config)) == config


def test_stable_differs_from_the_paper_in_what_its_docstring_says():
    changed = differences(PRESETS["paper"](), PRESETS["stable"]())
    assert set(changed) == {
        *("data.flip", "loss.beta", "loss.reference_batch", "loss.auxiliary_mode"),
        *("loss.ramp_steps", "train.epochs", "train.learning_rate"),
        *("train.auxiliary_learning_rate", "train.ema", "train.reestimate_batches"),
    }


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataConfig, {"image_size": 48}),
        (DataConfig, {"attributes": ()}),
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
    ((name, _),) = values.items()
    with pytest.raises(UserError, match=name):
        kind(**values)
