"""Settings: to JSON and back, from the command line, and what a resumed run may change."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Annotated, Literal

import hypothesis
import hypothesis.strategies as st
import pytest
import tyro

from common.errors import UserError
from common.files import write_json
from common.runs.weights import default_weights
from common.settings.config import RunConfig, Source, differences, from_json, read_config, to_json
from common.settings.flags import LaunchConfig, parse_training, refuse_changes
from crg.config import EXTENDABLE, PRESETS, Config, EncoderConfig, GANConfig, NetworkConfig

POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
SHARES = st.floats(min_value=0, max_value=1, exclude_max=True)


def tuples(values, count: int):
    return st.tuples(*[values] * count)


CONFIGS = st.builds(
    Config,
    stages=st.lists(st.sampled_from(["gan", "encoder"]), min_size=1, max_size=2, unique=True).map(
        tuple
    ),
    run=st.builds(
        RunConfig,
        seed=st.integers(0, 2**31 - 1),
        data_dir=st.none() | st.text().map(Path),
        cache_dir=st.none() | st.text().map(Path),
        limit=st.none() | st.integers(1),
        device=st.sampled_from(["auto", "cpu", "gpu"]),
        deterministic=st.booleans(),
        backup_seconds=POSITIVE,
    ),
    networks=st.builds(
        NetworkConfig,
        latent_size=st.integers(1),
        generator_channels=tuples(st.integers(1), 3),
        output_activation=st.sampled_from(["tanh", "lrelu"]),
        encoder_dropout=tuples(SHARES, 5),
    ),
    gan=st.builds(
        GANConfig, epochs=POSITIVE | st.integers(1, 9), ema=st.none() | SHARES.filter(bool)
    ),
    encoder=st.builds(
        EncoderConfig, shared_optimizer=st.booleans(), clip_norm=st.none() | POSITIVE
    ),
    report_images=st.none() | st.integers(2),
)


def through_json(config: Config) -> Config:
    return from_json(Config, json.loads(json.dumps(to_json(config))))


# JSON


@hypothesis.given(CONFIGS)
@hypothesis.settings(max_examples=60, deadline=None)
def test_any_settings_come_back_equal_from_json(config):
    assert through_json(config) == config


@pytest.mark.parametrize("name", PRESETS)
def test_presets_come_back_equal_and_of_the_same_types_from_json(name):
    config = PRESETS[name]()
    assert through_json(config) == config
    assert repr(through_json(config)) == repr(config)  # 250 and 250.0 are equal


def test_json_is_nested_as_the_settings_are():
    assert to_json(Config(source=Source(data_dir=Path("/a/b"))))["run"] == {
        "seed": 0,
        "data_dir": "/a/b",
        "source": None,
        "cache_dir": None,
        "limit": None,
        "device": "auto",
        "precision": "float32",
        "deterministic": False,
        "xla": False,
        "backup_seconds": 300.0,
    }


def test_whole_numbers_become_real_ones_where_these_belong():
    epochs = from_json(GANConfig, {"epochs": 3}).epochs
    assert epochs == 3.0
    assert isinstance(epochs, float)


def test_fields_that_are_left_out_have_their_defaults():
    assert from_json(Config, {"gan": {"batch_size": 3}}) == Config(gan=GANConfig(batch_size=3))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, r"config\.json has the unknown fields \['epoch'\].*another version"),
        ({"gan": {"epoch": 3}}, r"unknown fields \['epoch'\]; GANConfig has \['batch_size', "),
        ({"gan": []}, r"holds \[\] where the fields of a GANConfig belong"),
        ([], r"holds \[\] where the fields of a Config belong"),
        ({"gan": {"epochs": "3"}}, r"holds '3' where a value of type float belongs"),
        ({"gan": {"epochs": True}}, r"holds True where a value of type float belongs"),
        ({"gan": {"epochs": None}}, r"holds None where a value of type float belongs"),
        ({"gan": {"ema": "0.9"}}, r"holds '0.9' where a value of type float belongs"),
        ({"gan": {"batch_size": 3.0}}, r"holds 3.0 where a value of type int belongs"),
        ({"gan": {"batch_size": False}}, r"holds False where a value of type int belongs"),
        ({"run": {"xla": 1}}, r"holds 1 where a value of type bool belongs"),
        ({"run": {"data_dir": 5}}, r"config\.json does not describe a RunConfig"),
        ({"networks": {"encoder_channels": 5}}, r"does not describe a NetworkConfig"),
        ({"networks": {"encoder_channels": ["8"]}}, r"holds '8' where a value of type int belongs"),
        ({"run": {"device": "tpu"}}, r"holds 'tpu' where one of \['auto', 'cpu', 'gpu'\]"),
        ({"stages": ["gan", "vae"]}, r"holds 'vae' where one of \['gan', 'encoder'\]"),
    ],
)
def test_what_is_not_the_settings_is_a_user_error_that_says_what_belongs_there(values, message):
    with pytest.raises(UserError, match=message):
        from_json(Config, values)


def test_a_field_without_a_default_must_be_there():
    with pytest.raises(UserError, match=r"does not describe a LaunchConfig: .*'preset'"):
        from_json(LaunchConfig, {})


def test_settings_are_read_from_a_run(tmp_path):
    write_json(tmp_path / "config.json", to_json(PRESETS["quick"]()))
    assert read_config(Config, tmp_path) == PRESETS["quick"]()


def test_a_folder_that_is_no_run_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"is not a run: it has no config\.json"):
        read_config(Config, tmp_path / "nowhere")


def test_broken_json_is_a_user_error_that_names_the_file(tmp_path):
    (tmp_path / "config.json").write_text('{"gan": ')
    with pytest.raises(UserError, match=r"config\.json is not valid JSON .*line 1"):
        read_config(Config, tmp_path)


def test_an_error_in_a_run_names_its_file(tmp_path):
    write_json(tmp_path / "config.json", {"epoch": 3})
    with pytest.raises(UserError, match=str(tmp_path / "config.json")):
        read_config(Config, tmp_path)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_seconds_that_json_or_time_cannot_hold_are_refused(seconds):
    with pytest.raises(UserError, match=r"The setting backup-seconds is .*above 0 and finite"):
        RunConfig(backup_seconds=seconds)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_that_not_every_generator_takes_are_refused(seed):
    with pytest.raises(UserError, match=rf"The setting seed is {seed}; it must be between 0 and"):
        RunConfig(seed=seed)


@pytest.mark.parametrize("name", ["data_dir", "cache_dir"])
def test_folders_are_kept_absolute(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert getattr(RunConfig(**{name: Path("d")}), name) == tmp_path / "d"
    assert getattr(RunConfig(**{name: Path("/a/b")}), name) == Path("/a/b")


# Differences


def test_differences_name_each_changed_field_with_both_values():
    old = Config(gan=GANConfig(epochs=2.0))
    new = Config(gan=GANConfig(epochs=3.0), report_images=5, source=Source(limit=7))
    assert differences(old, new) == {
        "gan.epochs": (2.0, 3.0),
        "report_images": (None, 5),
        "source.limit": (None, 7),
    }


def test_equal_settings_have_no_differences():
    assert differences(PRESETS["smoke"](), PRESETS["smoke"]()) == {}


# The command line


def words(line: str) -> list[str]:
    return line.split()


def parse(*arguments: str) -> tuple[Config, LaunchConfig]:
    return parse_training(Config, PRESETS, "train", arguments, extendable=EXTENDABLE)


def test_the_first_preset_is_the_default():
    config, launch = parse()
    assert config == PRESETS["paper"]()
    assert launch == LaunchConfig(preset="paper")


@pytest.mark.parametrize("chosen", [("--preset", "smoke"), ("--preset=smoke",)])
def test_a_preset_is_chosen_by_name(chosen):
    config, launch = parse(*chosen)
    assert config == PRESETS["smoke"]()
    assert launch.preset == "smoke"


def test_flags_override_single_values_of_the_preset():
    config, launch = parse(
        *words("--preset smoke --gan.epochs 7 --seed 3 --deterministic --data-dir d --out run"),
        *words("--stages gan --networks.encoder-channels 1 2 3 4 5 --encoder.clip-norm 2"),
        "--dry-run",
    )
    smoke = PRESETS["smoke"]()
    assert differences(smoke, config) == {
        "gan.epochs": (3.0, 7.0),
        "run.seed": (0, 3),
        "run.deterministic": (False, True),
        "source.data_dir": (None, Path("d").absolute()),
        "stages": (("gan", "encoder"), ("gan",)),
        "networks.encoder_channels": ((8, 8, 16, 16, 32), (1, 2, 3, 4, 5)),
        "encoder.clip_norm": (None, 2.0),
    }
    assert (launch.out, launch.dry_run) == (Path("run"), True)


def test_an_unknown_preset_is_a_user_error_with_the_nearest_name():
    message = (
        r"There is no preset 'smok'; choose one of paper, recommended, quick, smoke\. "
        r"Did you mean 'smoke'\?"
    )
    with pytest.raises(UserError, match=message):
        parse("--preset", "smok")


def test_a_preset_like_no_other_gets_no_suggestion():
    with pytest.raises(UserError, match=r"one of paper, recommended, quick, smoke\.$"):
        parse("--preset", "zzz")


def test_an_unknown_flag_ends_with_status_2_and_the_nearest_name(capsys):
    with pytest.raises(SystemExit) as ended:
        parse("--gan.epoch", "3")
    assert ended.value.code == 2
    assert "--gan.epochs" in capsys.readouterr().err


def test_a_value_of_the_wrong_type_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        parse("--gan.epochs", "many")
    assert ended.value.code == 2
    assert "many" in capsys.readouterr().err


def test_help_describes_the_presets(capsys):
    with pytest.raises(SystemExit) as ended:
        parse("--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for name, preset in PRESETS.items():
        assert f"{name}: {preset.__doc__.split()[0]}" in shown


# Presets of several data sets


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    dataset: Literal["mnist", "celeba", "drawn"] = "mnist"
    size: int = 28
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = dataclasses.field(default_factory=RunConfig)


def either(dataset: Literal["mnist", "celeba"] = "mnist") -> Small:
    """Digits or faces."""
    return Small(dataset=dataset, size=28 if dataset == "mnist" else 64)


def one() -> Small:
    """Whatever the data."""
    return Small(size=5)


def parse_small(line: str) -> Small:
    return parse_training(Small, {"either": either, "one": one}, "train", words(line))[0]


@pytest.mark.parametrize(
    ("line", "dataset", "size"),
    [
        ("", "mnist", 28),
        ("--dataset celeba", "celeba", 64),
        ("--dataset=celeba", "celeba", 64),
        ("--preset either --dataset mnist", "mnist", 28),
        ("--dataset celeba --size 7", "celeba", 7),
        ("--dataset drawn", "drawn", 28),  # not one that the preset knows: a setting like any other
        ("--preset one --dataset celeba", "celeba", 5),
    ],
)
def test_a_preset_is_asked_for_the_data_set(line, dataset, size):
    assert parse_small(line) == Small(dataset=dataset, size=size)


def test_an_unknown_data_set_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        parse_small("--dataset cifar")
    assert ended.value.code == 2
    assert "cifar" in capsys.readouterr().err


def test_resume_takes_the_data_set_of_the_run(tmp_path):
    write_json(tmp_path / "config.json", to_json(either("celeba")))
    assert parse_small(f"--resume {tmp_path}") == either("celeba")
    assert parse_small(f"--resume {tmp_path} --dataset celeba") == either("celeba")


def test_resume_refuses_another_data_set(tmp_path):
    write_json(tmp_path / "config.json", to_json(either("celeba")))
    with pytest.raises(UserError, match="but dataset is celeba in the run and mnist here"):
        parse_small(f"--resume {tmp_path} --dataset mnist")


# Resuming


@pytest.fixture
def run(tmp_path) -> str:
    """A run of the smoke preset with a seed and a data folder of its own."""
    smoke = PRESETS["smoke"]()
    write_json(
        tmp_path / "config.json",
        to_json(dataclasses.replace(smoke, run=RunConfig(seed=5, limit=512, data_dir=Path("d")))),
    )
    return str(tmp_path)


def test_resume_takes_everything_from_the_run(run):
    config, launch = parse("--resume", run)
    assert config == read_config(Config, Path(run))
    assert config.run.seed == 5
    assert launch.resume == Path(run)


def test_resume_may_change_the_device_and_lengthen_the_stages(run):
    changes = words("--device cpu --gan.epochs 3.5 --encoder.epochs 9")
    config, _ = parse("--resume", run, *changes)
    assert differences(read_config(Config, Path(run)), config) == {
        "run.device": ("auto", "cpu"),
        "gan.epochs": (3.0, 3.5),
        "encoder.epochs": (3.0, 9.0),
    }


@pytest.mark.parametrize("name", ["data_dir", "cache_dir"])
def test_resume_finds_its_folders_elsewhere(run, name):
    config, _ = parse("--resume", run, f"--{name.replace('_', '-')}", "elsewhere")
    saved = read_config(Config, Path(run))
    assert differences(saved, config) == {
        f"run.{name}": (getattr(saved.run, name), Path("elsewhere").absolute())
    }


def test_resume_refuses_a_shorter_stage(run):
    with pytest.raises(UserError, match=r"but gan\.epochs is 3\.0 in the run and 2\.0 here\. Only"):
        parse("--resume", run, "--gan.epochs", "2")


def test_resume_refuses_other_settings_and_names_them_all(run):
    message = (
        r"but run\.seed is 5 in the run and 6 here; gan\.batch_size is 64 in the run and 32 here\. "
        r"Only the device, the folders of the data and of the cache and a larger gan\.epochs, "
        r"a larger encoder\.epochs may change"
    )
    with pytest.raises(UserError, match=message):
        parse("--resume", run, "--seed", "6", "--gan.batch-size", "32", "--gan.epochs", "4")


@pytest.mark.parametrize("flag", [("--preset", "smoke"), ("--out", "new"), ("--init", "old")])
def test_resume_refuses_what_starts_a_run(run, flag):
    with pytest.raises(UserError, match="--resume RUN takes everything from the run: leave out"):
        parse("--resume", run, *flag)


def test_resume_of_what_is_no_run_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"is not a run: it has no config\.json"):
        parse("--resume", str(tmp_path / "nowhere"))


def test_equal_settings_are_never_refused():
    refuse_changes(PRESETS["smoke"](), PRESETS["smoke"](), ())


def test_xla_and_determinism_together_are_refused():
    with pytest.raises(UserError, match="xla is True; it must be off with --deterministic"):
        RunConfig(xla=True, deterministic=True)


def test_exported_weights_cannot_be_resumed():
    folder = default_weights("crg-mnist")
    with pytest.raises(UserError, match=rf"exported weights.*--init {re.escape(str(folder))}"):
        parse_training(Config, PRESETS, "train", ["--resume", str(folder)], extendable=EXTENDABLE)
