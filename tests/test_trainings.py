"""What all trainings do alike: what a run holds, how it begins, what it refuses, how it goes on.

Of each package one run of the smoke preset: 3 epochs of as many periods, in batches of 64.
"""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.settings.config import differences, read_config, to_json
from tests.runs import history, same, saved, weights
from tests.trainings import ATTRIBUTES, NETWORKS, SMOKE, STAGES, Fits, main_of, stand_ins

AS_LOADED = {  # what leaves the networks of --init as they are where nothing is trained
    "crg": ["--gan.ema", "None", "--encoder.reestimate-batches", "0"],
    "icgan_tf": ["--gan.ema", "None", "--gan.reestimate-batches", "0"],
    "ifcvaegan": [],
    "igan": [
        *("--gan.ema", "None", "--gan.reestimate-batches", "0"),
        *("--predictor.reestimate-batches", "0"),
    ],
}
VAEGAN = [
    *("autoencoder_loss", "discriminator_loss", "auxiliary_loss", "reconstruction_loss"),
    *("kl_loss", "label_loss", "reconstruction_label_loss", "fooling_loss"),
    "feature_loss",
    *("val_reconstruction_loss", "val_kl_loss", "val_label_loss", "val_auxiliary_loss", "val_mse"),
]


@pytest.fixture
def smoke(request: pytest.FixtureRequest, smoke_run) -> Path:
    """The run directory of the package that is the parameter."""
    return smoke_run(request.param)


@pytest.fixture
def package(smoke) -> str:
    return smoke.parent.name


CRG_ALONE = [  # where one package tells enough, and the others are slow tests
    "crg",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("icgan_tf", "ifcvaegan", "igan")),
]


def of_each(names: str, *rows: Any):
    """A test of smoke runs: the first value of a row is the package, the others have names."""
    return pytest.mark.parametrize(("smoke", *names.split()), rows, indirect=["smoke"])


of_all = pytest.mark.parametrize("smoke", SMOKE, indirect=True)
of_two = pytest.mark.parametrize("smoke", ["crg", "icgan_tf"], indirect=True)


def presets(package: str) -> dict[str, Any]:
    return importlib.import_module(f"{package}.presets").PRESETS


def config_of(run: Path, package: str) -> Any:
    return read_config(importlib.import_module(f"{package}.config").Config, run)


def unchanged(folder: Path) -> dict[Path, int]:
    """When each file was last written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


# --- The run directory ----------------------------------------------------------------------------


@of_each(
    "histories",
    ("crg", ["history-encoder.csv", "history-gan.csv"]),
    ("icgan_tf", ["history-encoder_y.csv", "history-encoder_z.csv", "history-gan.csv"]),
    ("ifcvaegan", ["history-vaegan.csv"]),
    ("igan", ["history-gan.csv", "history-predictor.csv"]),
)
def test_a_run_holds_what_the_architecture_names_and_nothing_else(smoke, histories):
    found = {path.name for path in smoke.iterdir()} - {"report"}  # others may have asked for it
    assert sorted(found) == [
        *(".lock", "backup", "command.txt", "config.json", "environment.json", *histories),
        *("networks", "plots", "samples", "train.log"),
    ]


@of_each(
    "changed",
    ("crg", {}),
    ("icgan_tf", {"data.attributes": ATTRIBUTES}),
    ("ifcvaegan", {"run.seed": 3}),
    ("igan", {}),
)
def test_settings_read_back_equal_but_for_those_of_the_command(smoke, package, changed):
    found = differences(presets(package)["smoke"](), config_of(smoke, package))
    assert {name: new for name, (_, new) in found.items()} == changed


@of_each(
    "data images seed",
    ("crg", "mnist", 512, 0),
    ("icgan_tf", "drawn", 256, 0),
    ("ifcvaegan", "drawn", 256, 3),
    ("igan", "drawn", 192, 0),
)
def test_the_environment_tells_device_seed_and_training_images(smoke, data, images, seed):
    environment = json.loads((smoke / "environment.json").read_text())
    assert environment["device"].startswith("CPU")
    assert environment["seed"] == seed
    assert (environment["data"]["name"], environment["data"]["images"]) == (data, images)


@of_each(
    "stage steps low columns",
    ("crg", "gan", (8, 16, 24), 0, ["discriminator_loss", "generator_loss"]),
    (
        *("crg", "encoder", (8, 16, 24), 0),
        [
            *("latent_cycle_loss", "image_cycle_loss"),
            *("val_latent_cycle_loss", "val_image_cycle_loss", "val_image_cycle_mse"),
        ],
    ),
    (
        *("icgan_tf", "gan", (4, 8, 12), 0),
        ["discriminator_loss", "generator_loss", "real_loss", "wrong_loss", "fake_loss"],
    ),
    (
        *("icgan_tf", "encoder_z", (4, 8, 12), -1),
        ["encoder_z_loss", "pixel_loss", "val_encoder_z_loss", "val_pixel_loss"],
    ),
    (
        *("icgan_tf", "encoder_y", (4, 8, 12), 0),
        ["encoder_y_loss", "val_encoder_y_loss", "val_accuracy"],
    ),
    ("ifcvaegan", "vaegan", (4, 8, 12), -100, VAEGAN),
    ("igan", "gan", (3, 6, 9), 0, ["discriminator_loss", "generator_loss"]),
    (
        *("igan", "predictor", (3, 6, 9), 0),
        [
            *("predictor_loss", "pixel_loss", "feature_loss"),
            *("val_predictor_loss", "val_pixel_loss", "val_feature_loss"),
        ],
    ),
)
def test_each_stage_reports_its_losses_every_period(smoke, stage, steps, low, columns):
    rows = history(smoke, stage)
    counted = [(row["period"], row["step"], row["images"]) for row in rows]
    assert counted == [(str(p), str(step), str(64 * step)) for p, step in enumerate(steps, 1)]
    assert list(rows[0]) == ["period", "step", "images", "seconds", *columns]
    assert all(low < float(row[name]) < 100 for row in rows for name in columns)


@of_each(
    "stage steps",
    ("crg", "gan", (8, 16, 24)),
    ("crg", "encoder", (8, 16, 24)),
    ("icgan_tf", "gan", (4, 8, 12)),
    ("icgan_tf", "encoder_z", (4, 8, 12)),
    ("icgan_tf", "encoder_y", ()),
    ("ifcvaegan", "vaegan", (4, 8, 12)),
    ("igan", "gan", (3, 6, 9)),
    ("igan", "predictor", (3, 6, 9)),
)
def test_samples_are_drawn_at_the_end_of_every_period(smoke, stage, steps):
    files = sorted(file.name for file in (smoke / "samples").glob(f"{stage}-*"))
    assert files == [f"{stage}-{step:07d}.png" for step in steps]


@of_all
def test_all_networks_and_the_state_of_all_stages_are_kept(smoke, package):
    networks = {file.name for file in (smoke / "networks").iterdir()}
    assert networks == {f"{name}.keras" for name in NETWORKS[package]}
    states = {file.name for file in (smoke / "backup").iterdir() if "best" not in file.name}
    assert states == {f"{stage}.npz" for stage in STAGES[package]}


@of_each(
    "stage columns",
    ("crg", "encoder", ["val_latent_cycle_loss", "val_image_cycle_loss"]),
    ("icgan_tf", "encoder_y", ["val_encoder_y_loss"]),
)
def test_the_best_networks_are_those_of_the_smallest_sum_of_losses_on_dev(smoke, stage, columns):
    rows = history(smoke, stage)
    best = min(rows, key=lambda row: sum(float(row[name]) for name in columns))
    names = [file.name for file in (smoke / "backup").glob("*-best-*")]
    assert names == [f"{stage}-best-{int(best['step']):07d}.npz"]


@of_each("last", ("crg", "24/24"), ("icgan_tf", "12/12"), ("ifcvaegan", "12/12"), ("igan", "9/9"))
def test_the_log_tells_the_periods_to_the_last(smoke, last):
    assert f"  step {last}  " in (smoke / "train.log").read_text()


@of_each("stage", ("crg", "encoder"), ("icgan_tf", "encoder_z"))
def test_the_stage_that_inverts_a_generator_leaves_it_as_it_was(smoke, stage):
    assert same(weights(smoke, "generator"), saved(smoke, stage, "network/generator"))


@of_each(
    "stage player updates",
    ("crg", "encoder", "latent_cycle", 24),
    ("crg", "encoder", "image_cycle", 24),
    ("icgan_tf", "gan", "discriminator", 12),
    ("icgan_tf", "gan", "generator", 12),
    ("icgan_tf", "encoder_z", "encoder_z", 12),
    ("icgan_tf", "encoder_y", "encoder_y", 12),
    ("igan", "gan", "discriminator", 9),
    ("igan", "gan", "generator", 9),
    ("igan", "predictor", "predictor", 9),
)
def test_each_player_was_updated_once_a_step(smoke, stage, player, updates):
    # The first variable of an optimizer is its number of iterations.
    assert saved(smoke, stage, f"optimizer/{player}")[0] == updates


# --- The report -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "images", "count"),
    [
        ("crg", 64, 11),
        pytest.param("icgan_tf", 64, 10, marks=pytest.mark.slow),
        pytest.param("ifcvaegan", 64, 4, marks=pytest.mark.slow),
        pytest.param("igan", 2, 6, marks=pytest.mark.slow),
    ],
)
def test_the_report_comes_in_four_forms_with_its_figures(smoke_run, package, images, count):
    smoke = smoke_run(package, reported=True)
    report = json.loads((smoke / "report" / "report.json").read_text())
    figures = [figure["file"] for figure in report["figures"]]
    assert (report["n"], len(figures)) == (images, count)
    files = {file.name for file in (smoke / "report").iterdir()}
    assert files == {*figures, *(f"report.{kind}" for kind in ("json", "csv", "md", "html"))}


@pytest.mark.parametrize("package", ["crg", pytest.param("icgan_tf", marks=pytest.mark.slow)])
def test_a_model_that_is_no_better_than_one_mean_image_is_told(smoke_run, package):
    smoke = smoke_run(package, reported=True)
    report = json.loads((smoke / "report" / "report.json").read_text())
    assert any("no better than one mean image" in finding for finding in report["findings"])


# --- Starting from another run --------------------------------------------------------------------


@pytest.fixture(scope="module", params=CRG_ALONE)
def begun(request: pytest.FixtureRequest, smoke_run, tmp_path_factory) -> tuple[str, Path, Fits]:
    """Of each package a new run with all networks of its smoke run, and what it would have done."""
    package, run = request.param, tmp_path_factory.mktemp("begun") / "run"
    words = [*SMOKE[package], *AS_LOADED[package], "--init", str(smoke_run(package))]
    with pytest.MonkeyPatch.context() as patch:
        fits = stand_ins(patch, package)
        main_of(package)([*words, "--out", str(run)])
    return package, run, fits


def test_all_stages_begin_with_the_networks_of_init(begun, smoke_run):
    package, _, fits = begun
    assert tuple(fit["stage"] for fit in fits) == STAGES[package]
    before = {name: network for fit in fits for name, network in fit["before"].items()}
    assert tuple(sorted(before)) == NETWORKS[package]
    assert all(same(before[name], weights(smoke_run(package), name)) for name in before)


def test_a_run_with_all_networks_is_evaluated(begun):
    _, run, fits = begun
    assert fits.evaluated == [run]


def test_a_run_notes_the_networks_and_the_stages_that_it_starts_from(begun):
    package, run, _ = begun
    start = json.loads((run / "init.json").read_text())
    assert (start["run"], tuple(start["stages"])) == ("run", STAGES[package])
    assert tuple(sorted(start["networks"])) == NETWORKS[package]


# --- What is refused ------------------------------------------------------------------------------


@of_all
def test_a_resume_with_other_data_is_refused_before_anything_is_written(
    smoke, package, mistake, monkeypatch
):
    load = importlib.import_module(f"{package}.data").load

    def other(config: Any, split: str) -> Records:
        records = load(config, split)
        return replace(records, images=np.array(records.images) // 2)

    monkeypatch.setattr(f"{package}.data.load", other)
    before = unchanged(smoke)
    line = mistake(main_of(package), "--resume", str(smoke))
    assert "was trained on" in line
    assert f"--init {smoke}" in line
    assert unchanged(smoke) == before


@of_two
def test_a_longer_gan_is_refused_once_its_generator_is_being_inverted(smoke, package, mistake):
    before = unchanged(smoke)
    line = mistake(main_of(package), "--resume", str(smoke), "--gan.epochs", "4")
    assert f"train longer in a new run with --init {smoke}" in line
    assert unchanged(smoke) == before


@of_each(
    "begun_stage words epochs",
    ("crg", "encoder", ["--gan.epochs", "4", "--encoder.epochs", "5"], [4, 5]),
    pytest.param(
        *("icgan_tf", "encoder_z"),
        ["--gan.epochs", "4", "--encoder-z.epochs", "5", "--encoder-y.epochs", "6"],
        [4, 5, 6],
        marks=pytest.mark.slow,
    ),
)
def test_longer_stages_are_welcome_before(
    smoke, package, begun_stage, words, epochs, tmp_path, monkeypatch
):
    run = shutil.copytree(smoke, tmp_path / "run")
    (run / "backup" / f"{begun_stage}.npz").unlink()
    fits = stand_ins(monkeypatch, package)
    main_of(package)(["--resume", str(run), *words])
    assert [fit["settings"].epochs for fit in fits] == epochs
    assert config_of(run, package).gan.epochs == 4.0


@pytest.mark.parametrize("package", SMOKE)
def test_dry_run_shows_the_settings_and_writes_nothing(package, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main_of(package)(["--preset", "smoke", "--seed", "3", "--out", "run", "--dry-run"])
    expected = presets(package)["smoke"]()
    expected = replace(expected, run=replace(expected.run, seed=3))
    assert (ended.value.code, json.loads(capsys.readouterr().out)) == (0, to_json(expected))
    assert list(tmp_path.iterdir()) == []


# --- Resumed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoke", CRG_ALONE, indirect=True)
def test_resuming_a_finished_run_changes_none_of_its_networks(
    smoke, package, tmp_path, monkeypatch
):
    evaluated = []
    monkeypatch.setattr(f"{package}.evaluate.evaluate", lambda asked: evaluated.append(asked.run))
    run = shutil.copytree(smoke, tmp_path / "run")
    main_of(package)(["--resume", str(run)])
    for name in NETWORKS[package]:
        for weight, value in zip(weights(run, name), weights(smoke, name), strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-6, err_msg=name)
    assert all(history(run, stage) == history(smoke, stage) for stage in STAGES[package])
    assert evaluated == [run]
