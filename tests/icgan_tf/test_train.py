"""`python -m icgan_tf.train`: one real run of the smoke preset, and everything that it leaves."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from common.datasets import drawn
from common.datasets.records import Records
from common.files import ROOT
from common.runs.directory import Run
from common.settings.config import differences, read_config, to_json
from common.training.adversarial import AdversarialModel
from common.training.fit import StageSettings, stage_length
from icgan_tf import edit, reconstruct
from icgan_tf.conditions import Conditions
from icgan_tf.config import PAPER18, Config
from icgan_tf.editor import build
from icgan_tf.presets import PRESETS
from icgan_tf.train import (
    Images,
    kept_networks,
    main,
    train_encoder_y,
    train_encoder_z,
    train_gan,
)
from tests.runs import history, same, saved, weights

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Eyeglasses", "Male", "Smiling")
SMOKE = ["--preset", "smoke", "--data.attributes", *ATTRIBUTES]
STAGES = ("gan", "encoder_z", "encoder_y")
NETWORKS = ("generator", "discriminator", "encoder_z", "encoder_y")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of `--preset smoke`, trained and evaluated once for all tests.

    With five attributes instead of eighteen, and sheets that show each pixel as one.
    """
    folder = tmp_path_factory.mktemp("smoke") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.reporting.sheets.CELL", 32)
        main([*SMOKE, "--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def report(smoke: Path) -> dict[str, Any]:
    return json.loads((smoke / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def trained(smoke: Path) -> dict[str, list[np.ndarray]]:
    """Network -> its weights after all stages."""
    return {name: weights(smoke, name) for name in NETWORKS}


def table(report: dict[str, Any], title: str) -> list[list[Any]]:
    """The rows of one of a report's tables."""
    (found,) = [table for table in report["tables"] if table["title"] == title]
    return found["rows"]


# --- The run directory ----------------------------------------------------------------------------


def test_a_run_holds_what_the_architecture_names_and_nothing_else(smoke):
    assert sorted(path.name for path in smoke.iterdir()) == [
        *("backup", "command.txt", "config.json", "environment.json"),
        *("history-encoder_y.csv", "history-encoder_z.csv", "history-gan.csv"),
        *("networks", "plots", "report", "samples", "train.log"),
    ]


def test_settings_read_back_equal(smoke):
    changed = differences(PRESETS["smoke"](), read_config(Config, smoke))
    assert {name: new for name, (_, new) in changed.items()} == {"data.attributes": ATTRIBUTES}


def test_the_command_is_kept_in_one_line(smoke):
    assert re.fullmatch(r"python .*\n", (smoke / "command.txt").read_text())


def test_the_environment_tells_what_numbers_depend_on(smoke):
    environment = json.loads((smoke / "environment.json").read_text())
    assert {"tensorflow", "keras", "numpy"} <= set(environment["versions"])
    assert environment["device"].startswith("CPU")
    assert environment["seed"] == 0
    assert (environment["data"]["name"], environment["data"]["images"]) == ("drawn", 256)
    assert re.fullmatch("[0-9a-f]{16}", environment["data"]["fingerprint"])


@pytest.mark.parametrize(
    ("stage", "columns"),
    [
        (
            "gan",
            [
                *("discriminator_loss", "generator_loss"),
                *("real_loss", "wrong_loss", "fake_loss"),
            ],
        ),
        ("encoder_z", ["encoder_z_loss", "val_encoder_z_loss"]),
        ("encoder_y", ["encoder_y_loss", "val_encoder_y_loss", "val_accuracy"]),
    ],
)
def test_each_stage_reports_its_losses_every_four_steps(smoke, stage, columns):
    # 256 images in batches of 64 are 4 steps an epoch and period; 3 epochs.
    rows = history(smoke, stage)
    assert [(row["period"], row["step"], row["images"]) for row in rows] == [
        *(("1", "4", "256"), ("2", "8", "512"), ("3", "12", "768")),
    ]
    assert list(rows[0]) == ["period", "step", "images", "seconds", *columns]
    assert all(0 < float(row[name]) < 10 for row in rows for name in columns)


def test_ds_loss_is_that_of_reals_and_half_of_the_two_others(smoke):
    for row in history(smoke, "gan"):
        real, wrong, fake = (float(row[f"{kind}_loss"]) for kind in ("real", "wrong", "fake"))
        assert float(row["discriminator_loss"]) == pytest.approx(real + 0.5 * wrong + 0.5 * fake)


def test_samples_are_drawn_at_the_end_of_every_period_of_the_gan_and_of_e_z(smoke):
    assert sorted(file.name for file in (smoke / "samples").iterdir()) == [
        *("encoder_z-0000004.png", "encoder_z-0000008.png", "encoder_z-0000012.png"),
        *("gan-0000004.png", "gan-0000008.png", "gan-0000012.png"),
        "reals.png",
    ]


def test_the_state_of_all_stages_and_the_best_e_y_are_kept_for_a_resume(smoke):
    losses = [float(row["val_encoder_y_loss"]) for row in history(smoke, "encoder_y")]
    best = 4 * (1 + int(np.argmin(losses)))
    assert sorted(file.name for file in (smoke / "backup").iterdir()) == [
        *(f"encoder_y-best-{best:07d}.npz", "encoder_y.npz", "encoder_z.npz", "gan.npz"),
    ]


def test_all_four_networks_are_kept(smoke):
    kept = {file.name for file in (smoke / "networks").iterdir()}
    assert kept == {f"{name}.keras" for name in NETWORKS}


def test_loss_curves_are_drawn(smoke):
    with Image.open(smoke / "plots" / "losses.png") as image:
        assert min(image.size) > 300


def test_the_log_tells_each_period_of_all_stages(smoke):
    text = (smoke / "train.log").read_text()
    for stage in STAGES:
        assert f"{stage}  step 4/12" in text
        assert f"{stage}  step 12/12" in text


# --- What the stages leave in the networks --------------------------------------------------------


def test_the_kept_generator_has_running_means_of_its_weights_and_reestimated_statistics(
    smoke, trained
):
    # A run keeps no order of trainable and other variables, but their shapes and values tell.
    last = saved(smoke, "gan", "network/generator")
    state = saved(smoke, "gan", "optimizer/generator")  # the means are among its variables
    network = keras.saving.load_model(smoke / "networks" / "generator.keras")
    assert isinstance(network, keras.Model)
    for variable, value, before in zip(network.weights, trained["generator"], last, strict=True):
        averaged = any(np.array_equal(value, other) for other in state)
        assert averaged == ("moving" not in variable.path)
        assert not np.array_equal(value, before)


def test_the_kept_discriminator_is_that_of_the_last_step(smoke, trained):
    last = saved(smoke, "gan", "network/discriminator")
    assert all(any(np.array_equal(weight, v) for v in last) for weight in trained["discriminator"])


def test_e_zs_stage_ends_with_the_generator_that_it_began_with(smoke, trained):
    assert same(trained["generator"], saved(smoke, "encoder_z", "network/generator"))


def test_the_kept_e_y_is_that_of_the_smallest_loss_on_dev(smoke, trained):
    (best,) = (smoke / "backup").glob("encoder_y-best-*.npz")
    assert same(trained["encoder_y"], saved(smoke, best.stem, "network/encoder_y"))


def test_each_player_was_updated_once_a_step(smoke):
    # The first variable of an optimizer is its number of iterations: 3 epochs of 4 steps.
    for stage, player in zip(
        ("gan", "gan", "encoder_z", "encoder_y"),
        ("discriminator", "generator", "encoder_z", "encoder_y"),
        strict=True,
    ):
        assert saved(smoke, stage, f"optimizer/{player}")[0] == 12


# --- The report -----------------------------------------------------------------------------------


def test_the_report_comes_in_four_forms_with_its_figures(smoke, report):
    files = {file.name for file in (smoke / "report").iterdir()}
    figures = {figure["file"] for figure in report["figures"]}
    assert figures == {
        *("figure-3.png", "losses.png", "reconstructions.png", "all-attributes.png"),
        *("edit-Eyeglasses.png", "edit-Smiling.png", "edit-Male.png", "edit-Blond_Hair.png"),
        *("samples.png", "interpolations.png"),
    }
    assert files == figures | {f"report.{kind}" for kind in ("json", "csv", "md", "html")}
    assert report["n"] == 64
    assert "evenly spaced of 128" in report["summary"]


def test_a_model_that_is_no_better_than_one_mean_image_is_told(report):
    told = any("no better than one mean image" in finding for finding in report["findings"])
    rows = table(report, "Beside baselines without a model")
    ours, mean = (
        next(row[2] for row in rows if row[0] == name) for name in ("this model", "mean image")
    )
    assert told == (ours["mean"] >= mean)
    assert told  # after a dozen steps


def test_black_scores_the_mean_square_of_the_test_faces(report):
    rows = {row[0]: row[2] for row in table(report, "Beside baselines without a model")}
    faces = drawn.load("test", 32, crop=(30, 40, 168, 178)).images
    spaced = [int(index * 127 / 63) for index in range(64)]
    assert rows["black"] == pytest.approx(float(((faces[spaced] / 255) ** 2).mean()), abs=1e-6)
    assert rows["this model"] == report["metrics"]["mse"]


def test_the_report_has_edits_readings_encoders_and_baselines(report):
    assert [table["title"] for table in report["tables"]] == [
        "Attributes set and cleared, as a classifier of real faces reads them",
        "Attributes read: accuracy and F1",
        "The encoders",
        "Distance from the test images, as sets",
        "Beside baselines without a model",
        "Hashes against chance",
    ]
    sets = table(report, "Distance from the test images, as sets")
    assert [row[0] for row in sets][::2] == ["FD-face-cnn", "KD-face-cnn"]
    for title in [table["title"] for table in report["tables"]][:2]:
        assert [row[0] for row in table(report, title)] == [*ATTRIBUTES, "mean"]
    assert [row[0] for row in table(report, "Beside baselines without a model")] == [
        *("this model", "black", "mean image", "random other face", "PCA-50", "PCA-100"),
    ]


def test_the_majority_is_that_of_the_test_faces(report):
    rows = table(report, "Attributes read: accuracy and F1")
    spaced = [int(index * 127 / 63) for index in range(64)]
    numbers = [drawn.FIRST["test"] + index for index in spaced]
    share = np.mean([drawn.random_attributes(number)["Male"] for number in numbers])
    assert rows[3][1:3] == [pytest.approx(share), pytest.approx(max(share, 1 - share))]


def test_the_classifier_of_drawn_faces_reads_what_can_be_seen_in_32x32(report):
    rows = table(report, "Attributes read: accuracy and F1")
    right = {row[0]: row[3]["mean"] for row in rows[:-1]}
    assert min(right[name] for name in ("Black_Hair", "Blond_Hair", "Male")) > 0.95


# --- What the run is for --------------------------------------------------------------------------


def test_the_run_edits_and_reconstructs(smoke, tmp_path):
    face = tmp_path / "face.png"
    drawn.draw(5, {"Smiling": True}).save(face)
    words = [str(face), "--run", str(smoke), "--out"]
    edit.main([*words, str(tmp_path / "edited"), "--swap", str(face)])
    reconstruct.main([*words, str(tmp_path / "again")])
    (again,) = (tmp_path / "again").glob("*.png")
    edited, again = (np.asarray(Image.open(f)) for f in (tmp_path / "edited" / "face.png", again))
    np.testing.assert_array_equal(edited, again)


# --- Starting, and refusing to start --------------------------------------------------------------


def made_up(split: str, size: int = 32, names: tuple[str, ...] = ATTRIBUTES) -> Records:
    """128 flat faces, of the levels 0 to 127 in `train` and of 128 to 255 elsewhere.

    In `train` each other face has the first attribute and no other; elsewhere all have all.
    """
    levels = np.arange(128, dtype=np.uint8) + (0 if split == "train" else 128)
    images = levels[:, None, None, None] * np.ones((size, size, 3), np.uint8)
    attributes = np.zeros((128, len(names)), np.float32)
    attributes[::2, 0] = 1.0
    if split != "train":
        attributes[:] = 1.0
    return Records(images, attributes, names, "drawn", f"a test, {split}")


@pytest.fixture(scope="module")
def bare_networks(smoke: Path) -> dict[str, keras.Model]:
    return build(read_config(Config, smoke))


@pytest.fixture
def _built_once(bare_networks: dict[str, keras.Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for new networks of the smoke preset: always the same ones, of ones."""

    def build(config: Config) -> dict[str, keras.Model]:
        for network in bare_networks.values():
            network.set_weights([np.ones_like(weight) for weight in network.get_weights()])
        return dict(bare_networks)

    monkeypatch.setattr("icgan_tf.editor.build", build)


class Fits(list):
    """The arguments of each call of `fit`, and `before`: network -> its weights at that moment.

    Attributes:
        kept: folder of a run -> network -> the weights that were last saved there.
        evaluated: run of each evaluation.
        reported: run of each report on a training alone.
    """

    def __init__(self):
        super().__init__()
        self.kept: dict[Path, dict[str, list[np.ndarray]]] = {}
        self.evaluated: list[Path | None] = []
        self.reported: list[Path] = []


def stand_ins(patch: pytest.MonkeyPatch) -> Fits:
    """Puts made-up faces in place of data, and takes notes in place of what takes long."""
    calls = Fits()

    def fit(
        model: AdversarialModel,
        run: Run,
        stage: str,
        records: Records,
        settings: StageSettings,
        **options: Any,
    ) -> None:
        before = {name: network.get_weights() for name, network in model.networks().items()}
        call = {"model": model, "stage": stage, "records": records, "settings": settings}
        calls.append({**call, "before": before, **options})

    def save_networks(run: Run, networks: dict[str, keras.Model]) -> None:
        kept = calls.kept.setdefault(run.folder, {})
        kept |= {name: network.get_weights() for name, network in networks.items()}
        for name in networks:  # for those who look whether a network is there
            run.network_file(name).parent.mkdir(parents=True, exist_ok=True)
            run.network_file(name).touch()

    patch.setattr("common.training.fit.fit", fit)
    patch.setattr("common.runs.directory.Run.save_networks", save_networks)
    patch.setattr("icgan_tf.train.draw_losses", lambda run: None)
    patch.setattr("common.cli.training.draw_reals", lambda run, records: None)
    patch.setattr("icgan_tf.data.load", lambda config, split: made_up(split))
    patch.setattr("icgan_tf.evaluate.evaluate", lambda command: calls.evaluated.append(command.run))
    patch.setattr("icgan_tf.tables.report_training", lambda run, _: calls.reported.append(run))
    return calls


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, _built_once: None) -> Fits:
    """Nothing is trained, drawn, saved or evaluated."""
    return stand_ins(monkeypatch)


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command, which must refuse; returns its one line on standard error."""

    def run(*words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        assert ended.value.code == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("error: ")
        return line

    return run


@pytest.fixture
def started(tmp_path, smoke, fits) -> Callable[..., Path]:
    """Begins a run of some stages from the networks of `smoke`."""

    def run(*words: str) -> Path:
        folder = tmp_path / "run"
        main([*SMOKE, "--init", str(smoke), "--out", str(folder), "--stages", *words])
        return folder

    return run


def test_init_with_the_stage_of_e_z_inverts_that_generator(trained, started, fits):
    none = ["--gan.reestimate-batches", "0"]
    run = started("encoder_z", "--init-networks", "generator", *none)
    (fit,) = fits
    assert (fit["stage"], set(fit["model"].players)) == ("encoder_z", {"encoder_z"})
    assert same(fit["before"]["generator"], trained["generator"])
    assert same(fits.kept[run]["generator"], trained["generator"])


def test_the_statistics_of_a_generator_of_init_are_estimated_anew(trained, started, fits):
    started("encoder_z", "--init-networks", "generator")
    pairs = list(zip(fits[0]["before"]["generator"], trained["generator"], strict=True))
    moved = [not np.array_equal(a, b) for a, b in pairs]
    # Of each of the three normalisations scale and offset stay, mean and variance move.
    assert sum(moved) == 2 * 3
    assert all(a.ndim == 1 for (a, _), changed in zip(pairs, moved, strict=True) if changed)


@pytest.mark.parametrize(
    ("stages", "kept"),
    [
        (["gan"], {"encoder_y"}),  # the generator changes, so E_z does not fit any more
        (["encoder_z"], {"generator", "discriminator", "encoder_y"}),
        (["encoder_y"], {"generator", "discriminator", "encoder_z"}),
    ],
)
def test_networks_of_init_that_no_stage_trains_stay_in_the_run(faces_config, stages, kept):
    config = replace(faces_config, stages=tuple(stages))
    assert set(kept_networks(config, NETWORKS)) == kept


def test_a_new_e_y_completes_the_run_that_it_starts_from(started, fits):
    assert set(fits.kept[started("encoder_y")]) == set(NETWORKS)


def test_only_the_named_networks_of_init_are_taken_and_noted(smoke, trained, started, fits):
    run = started("encoder_y", "--init-networks", "generator")
    assert not same(fits[0]["before"]["encoder_y"], trained["encoder_y"])
    start = json.loads((run / "init.json").read_text())
    assert (start["run"], tuple(start["stages"])) == (smoke.name, STAGES)
    assert start["networks"] == ["generator"]


@pytest.fixture(scope="module")
def begun(smoke, bare_networks, tmp_path_factory) -> tuple[Path, Fits]:
    """A new run with all networks of the smoke run, and what it would have done."""
    run = tmp_path_factory.mktemp("begun") / "run"
    words = ["--gan.ema", "None", "--gan.reestimate-batches", "0", "--init", str(smoke)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("icgan_tf.editor.build", lambda config: dict(bare_networks))
        fits = stand_ins(patch)
        main([*SMOKE, *words, "--out", str(run)])
    return run, fits


def test_all_stages_begin_with_the_networks_of_init(begun, trained):
    _, fits = begun
    assert [fit["stage"] for fit in fits] == list(STAGES)
    before = fits[0]["before"] | fits[1]["before"] | fits[2]["before"]
    assert set(before) == set(NETWORKS)
    assert all(same(before[name], trained[name]) for name in NETWORKS)


def test_conditions_are_training_labels_alone(begun):
    for fit in begun[1]:
        rows = fit["model"].conditions.rows
        np.testing.assert_array_equal(rows, 2 * made_up("train").attributes - 1)


def test_a_run_with_all_networks_is_evaluated(begun):
    run, fits = begun
    assert fits.evaluated == [run]


def test_of_a_generator_without_encoders_the_training_alone_is_reported(smoke, tmp_path, fits):
    words = ["--stages", "gan", "--gan.ema", "None", "--out", str(tmp_path / "run")]
    main([*SMOKE, *words])
    assert set(fits.kept[tmp_path / "run"]) == {"generator", "discriminator"}
    assert (fits.evaluated, fits.reported) == ([], [tmp_path / "run"])


def test_a_longer_gan_is_refused_once_e_z_has_begun(smoke, mistake):
    before = (smoke / "config.json").read_bytes()
    line = mistake("--resume", str(smoke), "--gan.epochs", "4")
    assert f"train longer in a new run with --init {smoke}" in line
    assert (smoke / "config.json").read_bytes() == before


def test_longer_stages_are_welcome_before(smoke, tmp_path, fits):
    run = shutil.copytree(smoke, tmp_path / "run")
    (run / "backup" / "encoder_z.npz").unlink()
    (run / "environment.json").unlink()  # it names other data than the made-up ones
    words = ["--gan.epochs", "4", "--encoder-z.epochs", "5", "--encoder-y.epochs", "6"]
    main(["--resume", str(run), *words])
    assert [fit["settings"].epochs for fit in fits] == [4, 5, 6]
    assert read_config(Config, run).gan.epochs == 4.0


def test_other_data_are_refused_before_anything_is_written(smoke, mistake, fits):
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*")}
    line = mistake("--resume", str(smoke))
    assert "was trained on 256 images of drawn" in line
    assert f"--init {smoke}" in line
    assert {path: path.stat().st_mtime_ns for path in smoke.rglob("*")} == before
    assert fits == []


@pytest.mark.usefixtures("_built_once")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        *(
            (f"--stages {stages}", "--stages encoder_z needs a trained generator")
            for stages in ("encoder_z", "encoder_y encoder_z")
        ),
        ("--stages encoder_z --init HALF", "There is no generator in"),
        *(
            (f"--init SMOKE --data.{name} {value}", f"give it the same --data.{name}")
            for name, value in (  # to which y or a pixel means something else
                ("attributes", " ".join(ATTRIBUTES[::-1])),
                ("condition-values", "unit"),
                ("pixel-range", "unit"),
            )
        ),
        *(
            (f"--{stage}.batch-size 129", "128 images is shorter than one batch of 129")
            for stage in ("gan", "encoder-z", "encoder-y")
        ),
    ],
)
def test_a_training_that_cannot_start_is_refused_before_anything_is_written(
    mistake, fits, smoke, tmp_path, words, said
):
    half, out = tmp_path / "half", tmp_path / "run"
    (half / "networks").mkdir(parents=True)
    shutil.copy(smoke / "networks" / "encoder_z.keras", half / "networks")
    paths = {"SMOKE": str(smoke), "HALF": str(half)}
    words = [paths.get(word, word) for word in words.split()]
    assert said in mistake(*SMOKE, "--out", str(out), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("split", "rows", "said"),
    [
        ("test", slice(1), "at least 2 test images; the data have 1"),
        ("train", slice(0, None, 2), "All 64 training images have the same attributes"),
    ],
)
def test_data_that_no_run_can_be_made_of_are_refused_before_anything_is_written(
    mistake, fits, monkeypatch, tmp_path, split, rows, said
):
    monkeypatch.setattr(
        "icgan_tf.data.load",
        lambda config, name: made_up(name).take(rows if name == split else slice(None)),
    )
    assert said in mistake(*SMOKE, "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("stages", [["encoder_y"], ["gan", "encoder_z"], ["encoder_z", "gan"]])
def test_dry_run_shows_the_settings_and_writes_nothing(tmp_path, monkeypatch, capsys, stages):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["--preset", "smoke", "--seed", "3", "--out", "run", "--stages", *stages, "--dry-run"])
    expected = PRESETS["smoke"]()
    expected = replace(expected, run=replace(expected.run, seed=3), stages=tuple(stages))
    assert (ended.value.code, json.loads(capsys.readouterr().out)) == (0, to_json(expected))
    assert list(tmp_path.iterdir()) == []


# --- How settings reach a stage -------------------------------------------------------------------


@pytest.fixture
def fitted(faces_config, face_networks, tmp_path, fits) -> Iterator[Callable[..., dict[str, Any]]]:
    """What a stage of a tiny IcGAN passes to `fit`, with some settings of the stage changed."""
    before = {name: network.get_weights() for name, network in face_networks.items()}

    def stage(name: str, seed: int = 0, pixels: str = "signed", **changes: Any) -> dict[str, Any]:
        changes = {"reestimate_batches": 0, **changes} if name == "gan" else changes
        config = replace(
            faces_config,
            data=replace(faces_config.data, pixel_range=pixels),
            run=replace(faces_config.run, seed=seed, backup_seconds=7.0),
            **{name: replace(getattr(faces_config, name), **changes)},
        )
        train, dev = (made_up(split, 16, PAPER18) for split in ("train", "dev"))
        images = Images(train, dev, Conditions(train.attributes))
        stages = {"gan": train_gan, "encoder_z": train_encoder_z, "encoder_y": train_encoder_y}
        stages[name](config, Run(tmp_path), images, face_networks)
        return fits[-1] | {"expected": getattr(config, name)}

    yield stage
    for name, network in face_networks.items():
        network.set_weights(before[name])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_trained_with_its_own_settings_and_the_runs_seed(fitted, stage):
    found = fitted(stage, seed=7, epochs=3.0, period=0.5, batch_size=30)
    assert found["settings"] == found["expected"]
    assert (found["model"].seed, found["backup_seconds"]) == (7, 7.0)
    assert found["records"].source == "a test, train"


def test_an_epoch_of_the_reports_faces_has_3072_steps():
    settings = replace(PRESETS["report"]("celeba").gan, epochs=3.0)
    assert stage_length(settings, 196_608) == (3 * 3072, 3072)


@pytest.mark.parametrize(
    ("stage", "players", "rate", "beta_1"),
    [
        ("gan", ("discriminator", "generator"), 2e-4, 0.5),
        ("encoder_z", ("encoder_z",), 1e-4, 0.1),
        ("encoder_y", ("encoder_y",), 1e-4, 0.1),
    ],
)
def test_each_player_has_the_authors_adam(fitted, stage, players, rate, beta_1):
    optimizers = fitted(stage)["model"].optimizers()
    assert tuple(optimizers) == players
    assert len({id(adam) for adam in optimizers.values()}) == len(players)
    for adam in optimizers.values():
        assert isinstance(adam, keras.optimizers.Adam)
        assert float(adam.learning_rate) == pytest.approx(rate)
        assert (adam.beta_1, adam.beta_2, adam.epsilon) == (beta_1, 0.999, 1e-8)
        assert not adam.use_ema


def test_the_step_schedule_falls_by_its_factor_every_so_many_epochs(fitted):
    model = fitted("gan", schedule="step", step_epochs=10.0, step_factor=0.1)["model"]
    for adam in model.optimizers().values():  # 10 epochs of 128 images are 20 steps of 64
        rates = [float(adam._learning_rate(step)) for step in (0, 19, 20, 40)]
        assert rates == pytest.approx([2e-4, 2e-4, 2e-5, 2e-6])


def test_the_weights_of_ds_terms_reach_the_gan(fitted):
    for given, expected in (
        ({"wrong_weight": 0.25, "fake_weight": 0.75}, (0.25, 0.75)),
        ({}, (0.5, 0.5)),  # the authors' code
        ({"wrong_weight": 0.0}, (0.0, 1.0)),  # Eq. 1
    ):
        model = fitted("gan", **given)["model"]
        assert (model.wrong_weight, model.fake_weight) == expected


def test_only_g_has_a_running_mean(fitted):
    optimizers = fitted("gan", ema=0.9)["model"].optimizers()
    assert not optimizers["discriminator"].use_ema
    assert (optimizers["generator"].use_ema, optimizers["generator"].ema_momentum) == (True, 0.9)


@pytest.mark.parametrize("stage", ["encoder_z", "encoder_y"])
def test_encoders_are_validated_on_dev(fitted, stage):
    assert fitted(stage)["validation"].source == "a test, dev"


@pytest.mark.parametrize("pixels", ["signed", "unit"])
@pytest.mark.parametrize("flip", [False, True])
def test_real_images_are_in_the_range_of_the_settings_and_those_of_the_gan_mirrored_as_they_say(
    fitted, pixels, flip
):
    gan, encoder_y = fitted("gan", pixels=pixels, flip=flip), fitted("encoder_y", pixels=pixels)
    assert (gan["pixel_range"], encoder_y["pixel_range"]) == (pixels, pixels)
    assert (gan["flip"], encoder_y.get("flip", False)) == (flip, False)


def test_e_z_has_as_many_pairs_as_images_or_new_ones_in_each_step(fitted):
    assert fitted("encoder_z", fixed_pairs=True)["model"].latent_set.shape == (128, 4)
    assert fitted("encoder_z", fixed_pairs=False)["model"].latent_set is None


@pytest.mark.parametrize("stage", ["encoder_z", "encoder_y"])
def test_the_reduction_reaches_the_encoders(fitted, stage):
    assert fitted(stage)["model"].reduction == "mean"
    assert fitted(stage, reduction="sum")["model"].reduction == "sum"


def test_e_y_is_the_last_or_the_one_with_the_smallest_loss_on_dev(fitted):
    assert not fitted("encoder_y")["keep_best"]
    assert tuple(fitted("encoder_y", keep="best")["keep_best"]) == ("val_encoder_y_loss",)


@pytest.mark.parametrize("batches", [0, 2])
def test_the_gan_exports_running_means_at_a_periods_end_and_goes_on_with_its_own(
    fitted, fits, tmp_path, monkeypatch, batches
):
    watched = []
    monkeypatch.setattr("icgan_tf.collapse.watch", lambda run, *_: watched.append(run))
    monkeypatch.setattr("common.runs.history.read_history", lambda file: {})
    found = fitted("gan", ema=0.9, reestimate_batches=batches)
    generator = found["model"].generator
    for mean in found["model"].generator_optimizer._model_variables_moving_average:
        mean.assign(tf.fill(mean.shape, 0.5))
    generator.trainable_variables[0].assign_add(tf.ones_like(generator.trainable_variables[0]))
    before = generator.get_weights()
    found["period_end"]("period")
    exported = list(zip(generator.weights, fits.kept[tmp_path]["generator"], before, strict=True))
    assert all(np.all(value == 0.5) for variable, value, _ in exported if variable.trainable)
    statistics = [(value, own) for variable, value, own in exported if not variable.trainable]
    assert all(np.array_equal(value, own) == (batches == 0) for value, own in statistics)
    assert same(generator.get_weights(), before)
    assert (tmp_path / "samples" / "period.png").is_file()
    assert watched == [Run(tmp_path)]


def test_gs_batch_statistics_are_reestimated_at_the_end_and_nothing_else_of_it(
    fitted, fits, tmp_path
):
    found = fitted("gan", reestimate_batches=2)
    after = fits.kept[tmp_path]["generator"]
    before = found["before"]["generator"]
    for variable, old, new in zip(found["model"].generator.weights, before, after, strict=True):
        assert variable.trainable == np.array_equal(old, new)


def test_reestimation_does_not_move_when_it_is_repeated(fitted, fits, tmp_path):
    fitted("gan", reestimate_batches=2)
    once = fits.kept[tmp_path]["generator"]
    fitted("gan", reestimate_batches=2)
    for one, other in zip(once, fits.kept[tmp_path]["generator"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# --- Killed and resumed ---------------------------------------------------------------------------


def command(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "icgan_tf.train", *words], cwd=ROOT)


def killed_at(process: subprocess.Popen, run: Run, stage: str, step: int) -> None:
    """Kills the process when the state of that step is saved."""
    deadline, reached = time.monotonic() + 300, -1
    try:
        while reached < step:
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline, "the training hangs"
            time.sleep(0.02)
            if run.backup_file(stage).is_file():
                with np.load(run.backup_file(stage)) as state:
                    reached = int(state["step"])
    finally:
        process.kill()
    assert process.wait(60) == -signal.SIGKILL, "the training ended by itself"


@pytest.mark.slow
def test_a_run_killed_within_each_stage_ends_as_if_it_had_not_been(tmp_path):
    straight, parts = Run(tmp_path / "straight"), Run(tmp_path / "parts")
    # 64 images in batches of 4: periods of 16 steps, three a stage; each kill comes in the second.
    words = [*SMOKE, "--deterministic", "--backup-seconds=0.001", "--limit=64"]
    words += [f"--{stage.replace('_', '-')}.batch-size=4" for stage in STAGES]
    words += ["--report-images=8"]
    assert command(*words, "--out", str(straight.folder)).wait(300) == 0
    killed_at(command(*words, "--out", str(parts.folder)), parts, "gan", 20)
    killed_at(command("--resume", str(parts.folder)), parts, "encoder_z", 18)
    killed_at(command("--resume", str(parts.folder)), parts, "encoder_y", 18)
    assert command("--resume", str(parts.folder)).wait(300) == 0
    for stage in STAGES:
        with np.load(straight.backup_file(stage)) as a, np.load(parts.backup_file(stage)) as b:
            assert a.files == b.files
            for name in set(a.files) - {"notes"}:
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        one, other = (history(run.folder, stage) for run in (straight, parts))
        assert [row | {"seconds": ""} for row in one] == [row | {"seconds": ""} for row in other]
    for name in NETWORKS:
        assert same(weights(straight.folder, name), weights(parts.folder, name)), name


@pytest.mark.slow
def test_resuming_a_finished_run_changes_none_of_its_networks(smoke, trained, tmp_path):
    run = shutil.copytree(smoke, tmp_path / "run")
    main(["--resume", str(run)])
    for name, before in trained.items():
        for weight, value in zip(weights(run, name), before, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-6, err_msg=name)
    for stage in STAGES:
        assert history(run, stage) == history(smoke, stage)


# --- A short real training ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some minutes of training on 8,000 digits: 504 steps of the GAN, 256 of each encoder."""
    folder = tmp_path_factory.mktemp("quick") / "run"
    words = ["--gan.epochs", "4", "--encoder-z.epochs", "2", "--encoder-y.epochs", "2"]
    main(["--preset", "quick", "--limit", "8000", *words, "--out", str(folder)])
    return folder


@pytest.mark.slow
def test_d_prefers_true_labels_to_wrong_ones(quick):
    from common.images import to_range
    from icgan_tf import data

    test = data.load(read_config(Config, quick), "test").take(slice(500))
    network = keras.saving.load_model(quick / "networks" / "discriminator.keras")
    assert isinstance(network, keras.Model)
    x = np.asarray(to_range(test.images))
    logits = [
        np.asarray(network([x, 2 * np.roll(test.attributes, shift, axis=1) - 1], training=False))
        for shift in range(10)  # 0 for the true labels
    ]
    assert np.mean(logits[0] > np.mean(logits[1:], axis=0)) > 0.9


@pytest.mark.slow
def test_e_z_finds_more_of_z_than_its_mean(quick):
    assert float(history(quick, "encoder_z")[-1]["val_encoder_z_loss"]) < 0.97


@pytest.mark.slow
def test_edits_and_reconstructions_are_far_better_than_chance(quick):
    report = json.loads((quick / "report" / "report.json").read_text())
    rows = {row[0]: row for row in table(report, "Edits as a classifier of real digits reads them")}
    for name in ("+1", "+0, reconstruction", "random z, y of the images"):
        assert rows[name][1]["low"] > 0.8, name
    # The mean training image in place of every test image: MSE 0.0675 (measured).
    assert report["metrics"]["mse"]["high"] < 0.0675
