"""The settings: the paper's values, the presets, the file and the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from common.errors import UserError
from common.files import ROOT, write_json
from common.settings.config import differences, read_config, to_json
from common.settings.flags import parse_training
from crg.config import (
    EXTENDABLE,
    PRESETS,
    Config,
    EncoderConfig,
    GANConfig,
    NetworkConfig,
    paper,
)


def parse(*words: str) -> Config:
    config, _ = parse_training(Config, PRESETS, "crg", list(words), extendable=EXTENDABLE)
    return config


def test_the_default_is_the_paper():
    assert next(iter(PRESETS)) == "paper"
    assert parse() == Config() == paper()


def test_networks_have_the_sizes_of_table_1():
    assert to_json(paper().networks) == {
        "latent_size": 100,
        "generator_channels": [128, 128, 64],
        "output_activation": "tanh",
        "discriminator_channels": [64, 128],
        "discriminator_dropout": 0.3,
        "encoder_channels": [32, 64, 128, 256, 512],
        "encoder_dropout": [0.3, 0.3, 0.3, 0.3, 0.3],
    }


def test_the_gan_is_trained_as_in_section_3_2_1():
    gan = paper().gan
    assert (gan.epochs, gan.batch_size) == (250.0, 256)
    assert (gan.learning_rate, gan.beta_1, gan.ema) == (2e-4, 0.5, None)


def test_the_encoder_is_trained_as_in_section_3_2_1_with_the_parameters_of_the_gan():
    encoder = paper().encoder
    assert (encoder.epochs, encoder.batch_size) == (200.0, 256)
    assert (encoder.learning_rate, encoder.beta_1) == (2e-4, 0.5)


def test_the_paper_has_none_of_our_own_additions():
    encoder = paper().encoder
    assert (encoder.schedule, encoder.reduction, encoder.shared_optimizer) == (
        "constant",
        "mean",
        False,
    )
    assert (encoder.clip_norm, encoder.ema, encoder.reestimate_batches) == (None, None, 0)
    assert (encoder.holdout, encoder.keep) == (0, "last")
    assert paper().source.limit is None


def test_recommended_keeps_the_papers_networks_and_objectives():
    recommended = PRESETS["recommended"]()
    assert set(differences(paper().networks, recommended.networks)) == {"encoder_dropout"}
    for stage in ("gan", "encoder"):
        changed = set(differences(getattr(paper(), stage), getattr(recommended, stage)))
        assert not changed & {"beta_1", "reduction", "shared_optimizer"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_reads_back_equal_from_its_file(tmp_path, name):
    write_json(tmp_path / "config.json", to_json(PRESETS[name]()))
    assert read_config(Config, tmp_path) == PRESETS[name]()


def test_smoke_has_three_periods_a_stage():
    smoke = PRESETS["smoke"]()
    assert smoke.gan.epochs / smoke.gan.period == 3
    assert smoke.encoder.epochs / smoke.encoder.period == 3


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_both_stages_and_says_what_it_is_for(name):
    assert PRESETS[name]().stages == ("gan", "encoder")
    assert len((PRESETS[name].__doc__ or "").split()) >= 10


def test_a_flag_overrides_its_preset_and_nothing_else():
    words = ("--preset", "smoke", "--encoder.learning-rate", "1e-3", "--seed", "7")
    found = differences(PRESETS["smoke"](), parse(*words))
    assert found == {"run.seed": (0, 7), "encoder.learning_rate": (2e-4, 1e-3)}


def test_stages_and_tuples_are_read_from_the_command_line():
    config = parse("--stages", "encoder", "--networks.generator-channels", "8", "8", "4")
    assert config.stages == ("encoder",)
    assert config.networks.generator_channels == (8, 8, 4)


def test_a_misspelt_preset_is_answered_with_the_nearest_one():
    with pytest.raises(UserError, match=r"no preset 'quik'.*Did you mean 'quick'"):
        parse("--preset", "quik")


@pytest.mark.parametrize("field", ["gan.epochs", "encoder.epochs"])
def test_a_resumed_run_may_train_each_stage_longer(tmp_path, field):
    smoke = PRESETS["smoke"]()
    write_json(tmp_path / "config.json", to_json(smoke))
    stage, _ = field.split(".")
    longer = replace(smoke, **{stage: replace(getattr(smoke, stage), epochs=4.0)})
    assert parse("--resume", str(tmp_path), f"--{field}", "4") == longer


def test_a_resumed_run_keeps_everything_else(tmp_path):
    write_json(tmp_path / "config.json", to_json(PRESETS["smoke"]()))
    with pytest.raises(UserError, match=r"gan\.batch_size is 64 in the run and 32 here"):
        parse("--resume", str(tmp_path), "--gan.batch-size", "32")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generator_channels", (8, 8, 8, 8)),  # another doubling: images of 56x56
        ("generator_channels", (8, -1, 8)),
        ("discriminator_channels", ()),
        ("encoder_channels", (8, 8)),
        ("encoder_dropout", (0.3,)),
        ("encoder_dropout", (0.3, 0.3, 0.3, 0.3, -0.1)),
        ("latent_size", 0),
    ],
)
def test_networks_that_cannot_be_built_are_refused_by_name(field, value):
    with pytest.raises(UserError, match=rf"networks\.{field} is .*; it must be"):
        NetworkConfig(**{field: value})


@pytest.mark.parametrize("stage", ["gan", "encoder"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0.0),
        ("period", -1.0),
        ("learning_rate", 0.0),
        ("batch_size", 0),
        ("beta_1", 1.0),
        ("ema", 1.0),
    ],
)
def test_a_stage_that_cannot_be_trained_is_refused_by_name(stage, field, value):
    with pytest.raises(UserError, match=rf"{stage}\.{field} is .*; it must be"):
        {"gan": GANConfig, "encoder": EncoderConfig}[stage](**{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("clip_norm", 0.0), ("reestimate_batches", -1), ("holdout", -1)]
)
def test_impossible_additions_to_the_encoder_stage_are_refused_by_name(field, value):
    with pytest.raises(UserError, match=rf"encoder\.{field} is .*; it must be"):
        EncoderConfig(**{field: value})


def test_the_best_encoder_can_only_be_kept_with_images_held_out():
    with pytest.raises(UserError, match=r"encoder\.keep is 'best'"):
        EncoderConfig(keep="best")


def test_the_best_encoder_cannot_be_a_running_mean():
    with pytest.raises(UserError, match=r"encoder\.keep is 'best'"):
        EncoderConfig(keep="best", holdout=128, ema=0.9)


def test_a_report_needs_two_images_for_its_random_baseline():
    with pytest.raises(UserError, match="report_images is 1; it must be at least 2"):
        Config(report_images=1)


def test_a_wrong_setting_on_the_command_line_is_a_users_mistake():
    with pytest.raises(UserError, match=r"encoder_channels is \(8, 8\); it must be 5 numbers"):
        parse("--networks.encoder-channels", "8", "8")


def test_help_does_not_wait_for_tensorflow():
    modules = "crg.train, crg.edit, crg.reconstruct, crg.evaluate"
    code = f"import sys, {modules}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
