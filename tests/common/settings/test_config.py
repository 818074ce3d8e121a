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
from crg.config import Config, EncoderConfig, GANConfig, NetworkConfig
from crg.presets import EXTENDABLE, PRESETS

POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
SHARES = st.floats(min_value=0, max_value=1, exclude_max=True)
STAGES = st.lists(st.sampled_from(["gan", "encoder"]), min_size=1, max_size=2, unique=True)
CONFIGS = st.builds(
    Config,
    stages=STAGES.map(tuple),
    run=st.builds(
        RunConfig,
        seed=st.integers(0, 2**31 - 1),
        device=st.sampled_from(["auto", "cpu", "gpu"]),
        deterministic=st.booleans(),
        backup_seconds=POSITIVE,
    ),
    source=st.builds(
        Source,
        data_dir=st.none() | st.text().map(Path),
        source=st.none() | st.just("tfds"),
        cache_dir=st.none() | st.text().map(Path),
        limit=st.none() | st.integers(1),
    ),
    networks=st.builds(
        NetworkConfig,
        latent_size=st.integers(1),
        generator_channels=st.tuples(*[st.integers(1)] * 3),
        output_activation=st.sampled_from(["tanh", "lrelu"]),
        encoder_dropout=st.tuples(*[SHARES] * 5),
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
@hypothesis.settings(max_examples=15, deadline=None)
def test_any_settings_come_back_equal_from_json(config):
    assert through_json(config) == config


@pytest.mark.parametrize("name", PRESETS)
def test_presets_come_back_equal_and_of_the_same_types_from_json(name):
    config = PRESETS[name]()
    assert repr(through_json(config)) == repr(config)  # 250 and 250.0 are equal


def test_json_is_nested_as_the_settings_are():
    values = to_json(Config(source=Source(data_dir=Path("/a/b"))))
    assert values["package"] == "crg"
    assert values["source"] == {
        "data_dir": "/a/b",
        "source": None,
        "cache_dir": None,
        "limit": None,
    }
    assert values["run"] == {
        "seed": 0,
        "device": "auto",
        "precision": "float32",
        "deterministic": False,
        "xla": False,
        "backup_seconds": 300.0,
    }


def test_whole_numbers_become_real_ones_where_these_belong():
    assert repr(from_json(GANConfig, {"epochs": 3}).epochs) == "3.0"


def test_fields_that_are_left_out_have_their_defaults():
    assert from_json(Config, {"gan": {"batch_size": 3}}) == Config(gan=GANConfig(batch_size=3))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, r"config\.json does.* unknown fields \['epoch'\], known .*another version"),
        ({"gan": {"epoch": 3}}, r"unknown fields \['epoch'\], known are \['epochs'.*@ \$\.gan"),
        ({"gan": []}, r"does not describe a Config: .* @ \$\.gan"),
        ([], r"holds \[\] where the fields of a Config belong"),
        ({"gan": {"epochs": "3"}}, r"'3' where a value of type float belongs @ \$\.gan\.epochs"),
        ({"gan": {"epochs": True}}, r"True where a value of type float belongs"),
        ({"gan": {"epochs": None}}, r"None where a value of type float belongs"),
        ({"gan": {"ema": "0.9"}}, r"'0.9' where a value of type float belongs"),
        ({"gan": {"batch_size": 3.0}}, r"3.0 where a value of type int belongs"),
        ({"gan": {"batch_size": False}}, r"False where a value of type int belongs"),
        ({"run": {"xla": 1}}, r"1 where a value of type bool belongs"),
        ({"source": {"data_dir": 5}}, r"5 where a value of type str .*@ \$\.source\.data_dir"),
        ({"networks": {"encoder_channels": 5}}, r"not iterable @ \$\.networks\.encoder_channels"),
        ({"networks": {"encoder_channels": ["8"]}}, r"'8' where a value of type int .*\[0\]"),
        ({"run": {"device": "tpu"}}, r"tpu not in literal .*\['auto', 'cpu', 'gpu'\]"),
        ({"stages": ["gan", "vae"]}, r"vae not in literal .*\['gan', 'encoder'\]"),
        ({"gan": {"epochs": -1}}, r"gan\.epochs is -1\.0; it must be above 0 and finite @"),
    ],
)
def test_what_is_not_the_settings_is_a_user_error_that_says_what_belongs_there(values, message):
    with pytest.raises(UserError, match=message):
        from_json(Config, values)


def test_a_field_without_a_default_must_be_there():
    with pytest.raises(UserError, match=r"does not describe a LaunchConfig: missing 'preset'"):
        from_json(LaunchConfig, {})


def test_settings_are_read_from_a_run(tmp_path):
    write_json(tmp_path / "config.json", to_json(PRESETS["quick"]()))
    assert read_config(Config, tmp_path) == PRESETS["quick"]()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("note.txt", "", r"is not a run: it has no config\.json"),
        ("command.txt", "", "run .* was cut off before there was anything to keep: delete"),
        ("config.json", '{"gan": ', r"config\.json is not valid JSON .*line 1"),
        (
            "config.json",
            '{"epoch": 3}',
            r"/config\.json does not describe .*unknown fields \['epoch'\]",
        ),
        (
            *("config.json", '{"package": "ifcvaegan"}'),
            r"was trained by ifcvaegan, not by crg: use python -m ifcvaegan\.evaluate",
        ),
    ],
)
def test_a_folder_without_such_settings_is_a_user_error_that_names_it(
    tmp_path, file, text, message
):
    (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_config(Config, tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        *(
            (RunConfig, {"backup_seconds": seconds}, "backup-seconds is .*above 0 and finite")
            for seconds in (0.0, -1.0, float("nan"), float("inf"))
        ),
        *((RunConfig, {"seed": s}, f"seed is {s}; it must be between 0") for s in (-1, 2**31)),
        (RunConfig, {"xla": True, "deterministic": True}, "xla is True; it must be off with --det"),
        (Source, {"limit": 0}, "limit is 0; it must be at least 1"),
    ],
)
def test_settings_that_nothing_can_be_done_with_are_refused_by_name(kind, values, message):
    with pytest.raises(UserError, match=f"The setting {message}"):
        kind(**values)


@pytest.mark.parametrize("name", ["data_dir", "cache_dir"])
def test_folders_are_kept_absolute(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert getattr(Source(**{name: Path("d")}), name) == tmp_path / "d"
    assert getattr(Source(**{name: Path("/a/b")}), name) == Path("/a/b")


def test_differences_name_each_changed_field_with_both_values():
    old = Config(gan=GANConfig(epochs=2.0))
    new = Config(gan=GANConfig(epochs=3.0), report_images=5, source=Source(limit=7))
    assert differences(old, new) == {
        "gan.epochs": (2.0, 3.0),
        "report_images": (None, 5),
        "source.limit": (None, 7),
    }
    assert differences(old, old) == {}


# The command line


def parse(line: str = "") -> tuple[Config, LaunchConfig]:
    return parse_training(Config, PRESETS, "train", line.split(), extendable=EXTENDABLE)


@pytest.mark.parametrize(
    ("line", "name"), [("", "paper"), ("--preset smoke", "smoke"), ("--preset=smoke", "smoke")]
)
def test_a_preset_is_chosen_by_name_and_the_first_by_default(line, name):
    assert parse(line) == (PRESETS[name](), LaunchConfig(preset=name))


def test_flags_override_single_values_of_the_preset():
    config, launch = parse(
        "--preset smoke --gan.epochs 7 --seed 3 --deterministic --data-dir d --out run --stages gan"
        " --networks.encoder-channels 1 2 3 4 5 --encoder.clip-norm 2 --dry-run"
    )
    assert differences(PRESETS["smoke"](), config) == {
        "gan.epochs": (3.0, 7.0),
        "run.seed": (0, 3),
        "run.deterministic": (False, True),
        "source.data_dir": (None, Path("d").absolute()),
        "stages": (("gan", "encoder"), ("gan",)),
        "networks.encoder_channels": ((8, 8, 16, 16, 32), (1, 2, 3, 4, 5)),
        "encoder.clip_norm": (None, 2.0),
    }
    assert (launch.out, launch.dry_run) == (Path("run"), True)


@pytest.mark.parametrize(
    ("name", "told"), [("smok", r"smoke\. Did you mean 'smoke'\?$"), ("zzz", r"smoke\.$")]
)
def test_an_unknown_preset_is_a_user_error_with_the_nearest_name_if_one_is_near(name, told):
    presets = "paper, recommended, latent-only, image-only, quick"
    message = rf"There is no preset '{name}'; choose one of {presets}, {told}"
    with pytest.raises(UserError, match=message):
        parse(f"--preset {name}")


def test_networks_of_no_init_are_refused():
    with pytest.raises(UserError, match="--init-networks says what to take of --init RUN, which"):
        parse("--init-networks encoder")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--gan.epoch 3", "--gan.epochs"),  # the nearest name
        ("--gan.epochs many", "many"),
        ("--package icgan_tf", "--package"),
    ],
)
def test_an_unknown_flag_or_value_ends_with_status_2_and_names_it(capsys, line, told):
    with pytest.raises(SystemExit) as ended:
        parse(line)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


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
    return parse_training(Small, {"either": either, "one": one}, "train", line.split())[0]


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


def test_resume_takes_the_data_set_of_the_run_and_no_other(tmp_path):
    write_json(tmp_path / "config.json", to_json(either("celeba")))
    assert parse_small(f"--resume {tmp_path}") == either("celeba")
    assert parse_small(f"--resume {tmp_path} --dataset celeba") == either("celeba")
    with pytest.raises(UserError, match="but dataset is celeba in the run and mnist here"):
        parse_small(f"--resume {tmp_path} --dataset mnist")


# Resuming


@pytest.fixture
def run(tmp_path) -> Path:
    """A run of the smoke preset with a seed and a data folder of its own."""
    config = dataclasses.replace(
        PRESETS["smoke"](), run=RunConfig(seed=5), source=Source(limit=512, data_dir=Path("d"))
    )
    write_json(tmp_path / "config.json", to_json(config))
    return tmp_path


def test_resume_takes_everything_from_the_run(run):
    config, launch = parse(f"--resume {run}")
    assert config == read_config(Config, run)
    assert (config.run.seed, config.source.limit, launch.resume) == (5, 512, run)


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (
            "--device cpu --gan.epochs 3.5 --encoder.epochs 9",
            {
                "run.device": ("auto", "cpu"),
                "gan.epochs": (3.0, 3.5),
                "encoder.epochs": (3.0, 9.0),
            },
        ),
        ("--data-dir e", {"source.data_dir": (Path("d").absolute(), Path("e").absolute())}),
        ("--cache-dir e", {"source.cache_dir": (None, Path("e").absolute())}),
        ("--source tfds", {"source.source": (None, "tfds")}),
    ],
)
def test_resume_may_change_the_device_the_folders_and_longer_stages(run, line, changed):
    config, _ = parse(f"--resume {run} {line}")
    assert differences(read_config(Config, run), config) == changed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--gan.epochs 2", r"but gan\.epochs is 3\.0 in the run and 2\.0 here\. Only"),
        ("--limit 513", r"but source\.limit is 512 in the run and 513 here\. Only"),
        (
            "--seed 6 --gan.batch-size 32 --gan.epochs 4",
            r"but run\.seed is 5 in the run and 6 here; gan\.batch_size is 64 in the run and 32 "
            r"here\. Only the device, the folders of the data and of the cache and a larger "
            r"gan\.epochs, a larger encoder\.epochs may change",
        ),
        *(
            (f"{flag} smoke", "--resume RUN takes everything from the run: leave out")
            for flag in ("--preset", "--out", "--init")
        ),
    ],
)
def test_resume_refuses_other_settings_and_names_them_all(run, line, message):
    with pytest.raises(UserError, match=message):
        parse(f"--resume {run} {line}")


def test_equal_settings_are_never_refused():
    refuse_changes(PRESETS["smoke"](), PRESETS["smoke"](), ())


def test_exported_weights_cannot_be_resumed():
    folder = default_weights("crg-mnist")
    with pytest.raises(UserError, match=rf"exported weights.*--init {re.escape(str(folder))}"):
        parse(f"--resume {folder}")
