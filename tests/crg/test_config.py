"""The settings: the paper's values, the presets, the file and the command line."""

from __future__ import annotations

import pytest

from common.errors import UserError
from common.files import write_json
from common.settings.config import differences, read_config, to_json
from common.settings.flags import parse_training
from crg.config import Config, EncoderConfig, GANConfig, NetworkConfig
from crg.presets import EXTENDABLE, PRESETS, paper


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


@pytest.mark.parametrize(
    ("stage", "epochs", "own_additions"),
    [  # both "with the same parameters", Sec. 3.2.1; none of our own additions
        ("gan", 250.0, {"ema": None}),
        (
            "encoder",
            200.0,
            {
                "objectives": "both",
                "schedule": "constant",
                "reduction": "mean",
                "shared_optimizer": False,
                "clip_norm": None,
                "ema": None,
                "reestimate_batches": 0,
                "keep": "last",
            },
        ),
    ],
)
def test_the_stages_are_trained_as_in_section_3_2_1(stage, epochs, own_additions):
    assert to_json(getattr(paper(), stage)) == {
        "epochs": epochs,
        "period": 1.0,
        "batch_size": 256,
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        **own_additions,
    }
    assert paper().source.limit is None


def test_recommended_keeps_the_papers_networks_and_objectives():
    recommended = PRESETS["recommended"]()
    assert set(differences(paper().networks, recommended.networks)) == {"encoder_dropout"}
    for stage in ("gan", "encoder"):
        changed = set(differences(getattr(paper(), stage), getattr(recommended, stage)))
        assert not changed & {"beta_1", "reduction", "shared_optimizer"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_reads_back_equal_trains_its_stages_and_says_what_it_is_for(tmp_path, name):
    config = PRESETS[name]()
    write_json(tmp_path / "config.json", to_json(config))
    assert read_config(Config, tmp_path) == config
    alone = {"latent-only": ("encoder",), "image-only": ("encoder",)}
    assert (config.package, config.stages) == ("crg", alone.get(name, ("gan", "encoder")))
    assert len((PRESETS[name].__doc__ or "").split()) >= 10


def test_an_encoder_of_one_objective_is_else_the_recommended_one():
    for name, objective in (("latent-only", "latent_cycle"), ("image-only", "image_cycle")):
        found = differences(PRESETS["recommended"](), PRESETS[name]())
        assert found == {
            "stages": (("gan", "encoder"), ("encoder",)),
            "encoder.objectives": ("both", objective),
        }


def test_stages_and_tuples_are_read_from_the_command_line():
    config = parse("--stages", "encoder", "--networks.generator-channels", "8", "8", "4")
    assert config.stages == ("encoder",)
    assert config.networks.generator_channels == (8, 8, 4)


STAGE = [
    *({"epochs": 0.0}, {"period": -1.0}, {"learning_rate": 0.0}),
    *({"batch_size": 0}, {"beta_1": 1.0}, {"ema": 1.0}),
]


@pytest.mark.parametrize(
    ("group", "kind", "values"),
    [
        *(
            ("networks.", NetworkConfig, values)
            for values in (
                {"generator_channels": (8, 8, 8, 8)},  # another doubling: images of 56x56
                {"generator_channels": (8, -1, 8)},
                {"discriminator_channels": ()},
                {"discriminator_dropout": 1.0},
                {"encoder_channels": (8, 8)},
                {"encoder_dropout": (0.3,)},
                {"encoder_dropout": (0.3, 0.3, 0.3, 0.3, -0.1)},
                {"latent_size": 0},
            )
        ),
        *(("gan.", GANConfig, values) for values in STAGE),
        *(("encoder.", EncoderConfig, values) for values in STAGE),
        ("encoder.", EncoderConfig, {"clip_norm": 0.0}),
        ("encoder.", EncoderConfig, {"reestimate_batches": -1}),
        ("encoder.", EncoderConfig, {"keep": "best", "ema": 0.9}),
        ("encoder.", EncoderConfig, {"shared_optimizer": True, "objectives": "image_cycle"}),
        ("", Config, {"report_images": 1}),  # no random other image
        ("", Config, {"stages": ()}),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(group, kind, values):
    (name, value), *_ = values.items()
    with pytest.raises(UserError) as refused:
        kind(**values)
    assert str(refused.value).startswith(f"The setting {group}{name} is {value!r}; it must be ")


def test_a_wrong_setting_on_the_command_line_is_a_users_mistake():
    with pytest.raises(UserError, match=r"encoder_channels is \(8, 8\); it must be 5 numbers"):
        parse("--networks.encoder-channels", "8", "8")
