"""The settings: the originals' values, the presets, the file and the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.datasets import drawn
from common.datasets.celeba import loader as celeba
from common.errors import UserError
from common.files import write_json
from common.settings.config import differences, read_config, to_json
from common.settings.flags import parse_training
from icgan_tf.codes import attribute_names
from icgan_tf.config import (
    ALL,
    CROPS,
    PAPER18,
    Config,
    DataConfig,
    EncoderYConfig,
    EncoderZConfig,
    GANConfig,
    NetworkConfig,
)
from icgan_tf.presets import (
    EXTENDABLE,
    MNIST,
    PRESETS,
    baseline,
    paper,
    paper32,
    quick,
    report,
    smoke,
    stable,
)

STAGES = {"gan": GANConfig, "encoder_z": EncoderZConfig, "encoder_y": EncoderYConfig}
DATASETS = ("mnist", "celeba", "drawn")
COMBINATIONS = [
    *((name, dataset) for name in ("stable", "paper", "report", "quick", "smoke")
      for dataset in DATASETS),
    *(("baseline", "mnist"), ("paper32", "mnist")),
]  # fmt: skip


def parse(*words: str) -> Config:
    config, _ = parse_training(Config, PRESETS, "icgan", list(words), extendable=EXTENDABLE)
    return config


# --- The sources' values --------------------------------------------------------------------------


def test_the_18_attributes_are_the_authors_in_their_order():
    numbers = [celeba.ATTRIBUTES.index(name) + 1 for name in PAPER18]  # CelebA's, from 1
    assert numbers == [5, 6, 9, 10, 12, 13, 16, 18, 19, 21, 22, 23, 27, 29, 32, 33, 34, 36]


def test_the_defaults_are_the_original_on_faces_but_for_mirroring():
    assert differences(Config(), paper()) == {
        "data.split": ("official", "authors"),
        "gan.flip": (False, True),
        "report_images": (None, 2000),
    }


def test_the_original_has_the_networks_of_its_tables():
    assert to_json(paper().networks) == {
        "family": "paper",
        "latent_size": 100,
        "generator_filters": 64,
        "generator_dense": 0,
        "generator_dense_form": "vector",
        "discriminator_filters": 64,
        "generator_condition_layer": 0,
        "discriminator_condition_layer": 1,
        "discriminator_dropout": 0.0,
        "encoders": "independent",
        "encoder_filters": 32,
        "encoder_z_dense": None,
        "encoder_y_dense": 512,
    }


@pytest.mark.parametrize("config", [paper(), paper32()])
def test_the_original_is_trained_as_in_its_code(config):
    assert to_json(config.gan) == {
        "epochs": 25.0,
        "period": 1.0,
        "batch_size": 64,
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        "schedule": "constant",
        "step_epochs": 10.0,
        "step_factor": 0.1,  # unused
        "wrong_weight": 0.5,
        "fake_weight": None,
        "prior": "empirical",
        "flip": config.dataset != "mnist",
        "augmented_discriminator": False,
        "ema": None,
        "reestimate_batches": 100,
    }
    encoder = {
        "epochs": 15.0,
        "period": 1.0,
        "batch_size": 64,
        "learning_rate": 1e-4,
        "beta_1": 0.1,
        "reduction": "mean",
    }
    assert to_json(config.encoder_z) == {**encoder, "fixed_pairs": True, "real_weight": 0.0}
    assert to_json(config.encoder_y) == {**encoder, "keep": "last"}


def test_the_original_sees_64x64_faces_cropped_to_138():
    assert to_json(paper().data) == {
        "image_size": 64,
        "attributes": list(PAPER18),
        "crop": "paper138",
        "split": "authors",
        "pixel_range": "signed",
        "condition_values": "signed",
    }
    assert CROPS["paper138"] == (30, 40, 168, 178)  # 138 pixels wide


def test_paper_on_digits_is_paper32_with_padded_digits_and_no_mirroring():
    config = paper("mnist")
    assert config == paper32()
    assert (config.data.image_size, config.data.attributes) == (32, ALL)
    assert config.gan.flip is False


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_report_trains_on_equation_1(dataset):
    gan = report(dataset).gan
    assert (gan.wrong_weight, gan.fake_weight, gan.flip) == (0.0, None, False)
    assert (gan.batch_size, gan.learning_rate, gan.prior) == (64, 2e-4, "empirical")


def test_the_reports_faces_have_a_dense_layer_twice_the_filters_and_dropout():
    changed = differences(paper().networks, report("celeba").networks)
    assert changed == {
        "generator_dense": (0, 1024),
        "discriminator_filters": (64, 128),
        "discriminator_dropout": (0.0, 0.3),
    }


def test_the_report_crops_faces_to_108_has_all_attributes_and_its_own_split():
    data = report("celeba").data
    assert (data.crop, data.attributes, data.split) == ("center108", ALL, "report")
    left, top, right, bottom = CROPS["center108"]  # of 178x218, in the middle
    assert (right - left, bottom - top, left + right, top + bottom) == (108, 108, 178, 218)


def test_the_reports_digits_are_28x28_one_hot_against_a_tanh():
    config = report("mnist")
    assert (config.networks.family, config.networks.discriminator_dropout) == ("dense", 0.3)
    data = config.data
    assert (data.image_size, data.condition_values, data.pixel_range) == (28, "unit", "signed")


def test_the_baseline_is_that_of_its_code():
    config = baseline()
    assert (config.networks.family, config.networks.latent_size) == ("baseline", 64)
    data = config.data
    assert (data.image_size, data.condition_values, data.pixel_range) == (28, "unit", "unit")
    gan, z, y = config.gan, config.encoder_z, config.encoder_y
    assert (gan.epochs, gan.wrong_weight, gan.fake_weight, gan.prior) == (21.0, 0.0, None, "batch")
    assert (z.epochs, z.learning_rate, z.beta_1, z.fixed_pairs) == (21.0, 1e-2, 0.5, False)
    assert (y.epochs, y.learning_rate, y.beta_1) == (21.0, 1e-3, 0.5)


@pytest.mark.parametrize("dataset", DATASETS)
def test_stable_is_the_original_with_three_additions_and_perhaps_other_lengths(dataset):
    changed = differences(paper(dataset), stable(dataset))
    others = [name for name in changed if name.endswith((".epochs", ".period"))]
    assert not others or dataset == "mnist"
    if dataset == "celeba":  # the split that all can compare on
        assert changed["data.split"] == ("authors", "official")
        others.append("data.split")
    assert {name: change for name, change in changed.items() if name not in others} == {
        "gan.ema": (None, 0.999),
        "encoder_z.fixed_pairs": (True, False),
        "encoder_y.keep": ("last", "best"),
    }


# --- Presets --------------------------------------------------------------------------------------


def test_the_first_preset_is_the_shipped_models_and_is_of_digits():
    assert parse() == stable("mnist") == PRESETS[next(iter(PRESETS))]()


@pytest.mark.parametrize(("name", "dataset"), [("paper", "mnist"), ("report", "drawn")])
def test_the_command_line_asks_the_preset_for_its_data_set(name, dataset):
    assert parse("--preset", name, "--dataset", dataset) == PRESETS[name](dataset)


@pytest.mark.parametrize("dataset", ["celeba", "drawn"])
@pytest.mark.parametrize("preset", ["baseline", "paper32"])
def test_presets_of_digits_know_no_faces(preset, dataset):
    with pytest.raises(UserError, match=f"preset {preset} is for digits alone"):
        parse("--preset", preset, "--dataset", dataset)


@pytest.mark.parametrize(("name", "dataset"), COMBINATIONS)
def test_a_preset_is_for_the_data_set_that_it_is_asked_for_and_reads_back_equal(
    tmp_path, name, dataset
):
    config = PRESETS[name](dataset)
    assert (config.package, config.dataset) == ("icgan_tf", dataset)
    assert config.stages == ("gan", "encoder_z", "encoder_y")
    assert config.data.attributes == (ALL if dataset == "mnist" or name == "report" else PAPER18)
    write_json(tmp_path / "config.json", to_json(config))
    assert read_config(Config, tmp_path) == config
    assert len((PRESETS[name].__doc__ or "").split()) >= 7


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("dataset", DATASETS)
def test_smoke_has_at_least_three_periods_a_stage_on_few_images(dataset, stage):
    settings = getattr(smoke(dataset), stage)
    assert settings.epochs / settings.period >= 3
    assert smoke(dataset).source.limit == 256


@pytest.mark.parametrize("dataset", DATASETS)
def test_quick_keeps_the_losses_and_the_order_of_stable(dataset):
    changed = set(differences(stable(dataset), quick(dataset)))
    kept = {"wrong_weight", "fake_weight", "prior", "flip", "batch_size", "beta_1", "reduction"}
    assert not {name.split(".")[-1] for name in changed} & kept
    assert not any(name.startswith("data.") for name in changed)


@pytest.mark.parametrize(
    ("dataset", "attributes", "expected"),
    [
        ("mnist", ALL, tuple("0123456789")),
        ("celeba", ("Male", "Bald"), ("Male", "Bald")),
        ("drawn", ("Male", "Bald"), ("Male", "Bald")),
        ("celeba", ALL, celeba.ATTRIBUTES),
        ("drawn", ALL, drawn.ATTRIBUTES),
    ],
)
def test_columns_are_named_as_the_settings_say(dataset, attributes, expected):
    config = Config(dataset=dataset, data=DataConfig(image_size=32, attributes=attributes))
    assert attribute_names(config) == expected


# --- The command line -----------------------------------------------------------------------------


def test_stages_and_attributes_are_read_from_the_command_line():
    words = ("--stages", "encoder_y", "--data.attributes", "Male", "Smiling")
    config = parse("--preset", "smoke", *words)
    assert config.stages == ("encoder_y",)
    assert config.data.attributes == ("Male", "Smiling")


# --- What is refused ------------------------------------------------------------------------------


STAGE = [
    *(("epochs", 0.0), ("epochs", float("nan")), ("period", -1.0), ("batch_size", 0)),
    *(("learning_rate", 0.0), ("learning_rate", float("inf")), ("beta_1", 1.0), ("beta_1", -0.1)),
]


@pytest.mark.parametrize(
    ("group", "kind", "field", "value"),
    [
        *((f"{name}.", kind, *one) for name, kind in STAGES.items() for one in STAGE),
        *(
            ("gan.", GANConfig, field, value)
            for field, value in (
                *(("ema", 0.0), ("ema", 1.0), ("step_factor", 0.0), ("step_factor", 1.5)),
                *(("step_epochs", 0.0), ("wrong_weight", -0.5), ("fake_weight", float("inf"))),
                ("reestimate_batches", -1),
            )
        ),
        *(
            ("networks.", NetworkConfig, field, value)
            for field, value in (
                *(("latent_size", 0), ("generator_filters", 0), ("generator_dense", -1)),
                *(("discriminator_filters", -8), ("discriminator_dropout", 1.0)),
                ("discriminator_dropout", -0.1),
                *(("encoder_filters", 0), ("encoder_z_dense", 0), ("encoder_y_dense", 0)),
            )
        ),
        ("data.", DataConfig, "attributes", ()),
        *(("", Config, "stages", ()), ("", Config, "report_images", 1)),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(group, kind, field, value):
    with pytest.raises(UserError) as refused:
        kind(**{field: value})
    assert str(refused.value).startswith(f"The setting {group}{field} is {value!r}; it must be ")


@pytest.mark.parametrize("size", [0, 8, 31, 48, 100])
def test_sides_that_the_deconvolutions_do_not_reach_are_refused(size):
    with pytest.raises(UserError, match=rf"data\.image_size is {size}; it must be 16, 32, 64"):
        Config(data=DataConfig(image_size=size))


@pytest.mark.parametrize("size", [16, 64])
def test_digits_are_28_or_32_pixels_wide(size):
    with pytest.raises(UserError, match=rf"data\.image_size is {size}; it must be 28 or 32"):
        Config(dataset="mnist", data=DataConfig(image_size=size, attributes=ALL))


@pytest.mark.parametrize("family", ["dense", "baseline"])
@pytest.mark.parametrize(("dataset", "size"), [("mnist", 32), ("celeba", 64), ("drawn", 28)])
def test_the_28x28_families_are_for_such_digits_alone(family, dataset, size):
    with pytest.raises(UserError, match=rf"networks\.family is '{family}'; it must be paper"):
        Config(
            dataset=dataset,
            data=DataConfig(image_size=size),
            networks=NetworkConfig(family=family),
        )


@pytest.mark.parametrize("name", ["generator_condition_layer", "discriminator_condition_layer"])
@pytest.mark.parametrize(("size", "last"), [(16, 2), (32, 3), (64, 4)])
def test_y_enters_g_and_d_after_one_of_their_convolutions(name, size, last):
    data = DataConfig(image_size=size)
    Config(data=data, networks=NetworkConfig(**{name: last}))
    for layer in (-1, last + 1):
        with pytest.raises(UserError, match=rf"{name} is {layer}; it must be 0 to {last}"):
            Config(data=data, networks=NetworkConfig(**{name: layer}))


def test_an_even_prior_is_for_classes():
    Config(dataset="mnist", data=MNIST, gan=GANConfig(prior="uniform"))
    with pytest.raises(UserError, match=r"gan\.prior is 'uniform'; it must be empirical or batch"):
        Config(gan=GANConfig(prior="uniform"))


def test_the_report_may_try_images_in_0_to_255_with_the_gan_alone():
    config = replace(stable(), stages=("gan",))
    assert replace(config, data=replace(config.data, pixel_range="raw")).data.pixel_range == "raw"


def test_shared_encoders_have_no_stage_of_e_y_and_no_weight_of_real_images():
    shared = NetworkConfig(encoders="shared")
    with pytest.raises(UserError, match=r"stages is .*must be without encoder_y"):
        Config(networks=shared)
    stages = ("gan", "encoder_z")
    assert Config(networks=shared, stages=stages).networks.encoders == "shared"
    with pytest.raises(UserError, match=r"real_weight is 1.*no effect on shared encoders"):
        Config(networks=shared, stages=stages, encoder_z=EncoderZConfig(real_weight=1.0))


@pytest.mark.parametrize(
    ("preset", "dataset", "setting", "value", "allowed"),
    [
        ("stable", "mnist", "data.attributes", ("0", "1"), "all: digits"),
        ("stable", "mnist", "data.pixel_range", "raw", "signed or unit with enc"),
        (
            "stable",
            "mnist",
            "networks.generator_dense_form",
            "spatial",
            "vector: it has no effect on G without a dense layer",
        ),
        ("report", "mnist", "networks.generator_dense", 512, "0: it has no effect on"),
        ("report", "mnist", "networks.discriminator_condition_layer", 3, "1: it has no effe"),
        ("report", "mnist", "networks.discriminator_filters", 128, "64: it has no effect on"),
        ("baseline", "mnist", "networks.encoder_y_dense", 64, "512: it has no effect on"),
        ("baseline", "mnist", "networks.encoders", "shared", "independent: it has no effect on"),
        ("baseline", "mnist", "data.condition_values", "signed", "unit: E_y is a sigmoid"),
        ("stable", "mnist", "data.crop", "center108", "paper138: it has no effect on digits"),
        ("stable", "mnist", "data.split", "report", "official: it has no effect on digits"),
        ("stable", "mnist", "gan.flip", True, "off for digits"),
        ("stable", "drawn", "data.split", "report", "official: it has no effect on drawn faces"),
        ("stable", "drawn", "gan.step_factor", 0.5, "0.1: it has no effect on a constant schedule"),
    ],
)
def test_a_setting_that_cannot_work_or_has_no_effect_beside_the_others_is_refused(
    preset, dataset, setting, value, allowed
):
    config = PRESETS[preset](dataset)
    group, name = setting.split(".")
    changed = replace(getattr(config, group), **{name: value})
    with pytest.raises(UserError, match=rf"{group}\.{name} is .*must be {allowed}"):
        replace(config, **{group: changed})
