"""`python -m crg.train`: what the run of the smoke preset has of its own, and what it refuses."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.datasets import mnist
from common.datasets.records import Records
from common.files import ROOT
from common.runs.directory import Run
from common.training.fit import stage_length
from crg import edit, reconstruct
from crg.config import Config
from crg.editor import build
from crg.figures import EDITS, STRENGTHS
from crg.presets import PRESETS, paper
from crg.train import main, train_encoder, train_gan
from tests.runs import same, saved, weights
from tests.trainings import SMOKE, Fits, stand_ins

MNIST = ROOT / "common" / "datasets" / "mnist_idx"


@pytest.fixture(scope="module")
def smoke(smoke_run) -> Path:
    return smoke_run("crg")


@pytest.fixture(scope="module")
def report(smoke_run) -> dict[str, Any]:
    run = smoke_run("crg", reported=True)
    return json.loads((run / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def trained(smoke: Path) -> dict[str, list[np.ndarray]]:
    """Network -> its weights after both stages."""
    return {name: weights(smoke, name) for name in ("generator", "discriminator", "encoder")}


def table(report: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """The rows of one of a report's tables, column -> cell."""
    (found,) = [table for table in report["tables"] if table["title"] == title]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


# --- What the stages leave in the networks --------------------------------------------------------


def test_the_kept_generator_is_the_running_mean_of_its_weights(smoke, trained):
    kept, last = trained["generator"], saved(smoke, "gan", "network/generator")
    assert not any(np.array_equal(a, b) for a, b in zip(kept, last, strict=True))
    state = saved(smoke, "gan", "optimizer/generator")  # the mean is among its variables
    assert all(any(np.array_equal(weight, value) for value in state) for weight in kept)


def test_the_kept_encoder_has_the_best_weights_and_reestimated_statistics(smoke, trained):
    best = build(PRESETS["smoke"]())["encoder"]
    values = saved(smoke, "encoder-best-0000008", "network/encoder")
    for variable, value in zip(best.variables, values, strict=True):
        variable.assign(value)
    kept = trained["encoder"]
    names = [variable.path.split("/")[-1] for variable in best.weights]
    moved = {
        name
        for name, weight, value in zip(names, kept, best.get_weights(), strict=True)
        if not np.array_equal(weight, value)
    }
    assert moved == {"moving_mean", "moving_variance"}


# --- The report -----------------------------------------------------------------------------------


def test_the_report_puts_the_paper_beside_ours(report):
    rows = table(report, "Tables 3 and 4: the paper's BiGAN, LR and CRG, and ours")
    (row,) = [row for row in rows if row["metric"] == "dhash"]
    assert (row["BiGAN"], row["LR"], row["CRG"]) == (0.749, 0.823, 0.979)
    assert row["ours"] == report["metrics"]["dhash"]
    assert not any("defect" in finding for finding in report["findings"])


def test_the_report_has_the_trivial_baselines(report):
    rows = table(report, "Beside baselines without a model")
    assert [row["reconstruction"] for row in rows] == [
        *("this model", "black", "mean image", "random other digit", "PCA-50", "PCA-100"),
    ]
    assert rows[0]["mse"] == report["metrics"]["mse"]
    # Black scores the mean square of 64 evenly spaced ones of the first 512 dev images.
    with gzip.open(MNIST / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(60_000, -1)[55_000:] / 255
    spaced = [int(index * 511 / 63) for index in range(64)]
    assert rows[1]["mse"] == pytest.approx(float((pixels[spaced] ** 2).mean()), abs=1e-6)


def test_what_is_generated_is_measured_as_a_set_beside_real_digits(report):
    rows = table(report, "Distance from the real images, as sets")
    assert [row["distance"] for row in rows][::2] == ["FD-mnist-cnn", "KD-mnist-cnn"]
    assert rows[0]["generated images"] > rows[0]["as many training images"]


def test_every_direction_is_measured_at_every_strength_and_0_keeps_every_digit(report):
    rows = table(report, "Edits along directions from one pair")
    assert len(rows) == len(EDITS) * len(STRENGTHS)
    assert [row["direction, strength"] for row in rows[:6]] == [
        *("slant, -0.50", "slant, -0.25", "slant, 0 (reconstruction)"),
        *("slant, +0.25", "slant, +0.50", "slant, +1.00"),
    ]
    assert [row["digit kept"]["mean"] for row in rows[2::6]] == [1.0] * len(EDITS)


# --- What the run is for --------------------------------------------------------------------------


def test_the_run_edits_and_reconstructs(smoke, tmp_path):
    digit, pairs = ROOT / "examples" / "digits" / "digit-2.png", ROOT / "examples" / "pairs"
    words = ["--without", str(pairs / "thin.png"), "--with", str(pairs / "thick.png")]
    words += ["--strength", "0", "--out", str(tmp_path / "edited")]
    edit.main([str(digit), "--run", str(smoke), *words])
    reconstruct.main([str(digit), "--run", str(smoke), "--out", str(tmp_path / "again")])
    (again,) = (tmp_path / "again").glob("*.png")
    assert (tmp_path / "edited" / "digit-2.png").read_bytes() == again.read_bytes()


# --- Starting, and refusing to start --------------------------------------------------------------


@pytest.fixture
def digits512() -> Records:
    """512 black images: two batches of the paper's size an epoch."""
    attributes = np.eye(10, dtype=np.float32)[np.zeros(512, int)]
    images = np.zeros((512, 28, 28, 1), np.uint8)
    return Records(images, attributes, tuple("0123456789"), "mnist", "a test")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, digits512: Records) -> Fits:
    """Nothing is trained, drawn, saved or evaluated, on black images."""
    monkeypatch.setattr("common.datasets.load", lambda *_: digits512)
    return stand_ins(monkeypatch, "crg")


@pytest.fixture
def begun(tmp_path, smoke, fits) -> Callable[..., Path]:
    """Begins a run from the networks of `smoke`."""

    def run(*words: str) -> Path:
        own = ["--gan.ema", "None", "--encoder.reestimate-batches", "0", "--init", str(smoke)]
        main([*SMOKE["crg"], *own, "--out", str(tmp_path / "run"), *words])
        return tmp_path / "run"

    return run


def test_init_with_the_encoder_stage_trains_an_encoder_for_that_generator(trained, begun, fits):
    run = begun("--stages", "encoder")
    (fit,) = fits
    assert (fit["stage"], set(fit["model"].players)) == ("encoder", {"latent_cycle", "image_cycle"})
    assert same(fit["before"]["generator"], trained["generator"])
    assert same(fits.kept[run]["generator"], trained["generator"])
    assert fits.evaluated == [run]


def test_a_new_generator_is_not_evaluated_with_the_encoder_of_the_old_one(begun, fits):
    run = begun("--stages", "gan")
    assert fits.evaluated == []
    assert not (run / "networks" / "encoder.keras").exists()


def test_only_the_named_networks_of_init_are_taken(trained, begun, fits):
    sizes = ["--networks.encoder-channels", "4", "8", "16", "16", "32"]  # not those of its encoder
    run = begun("--stages", "encoder", "--init-networks", "generator", *sizes)
    assert same(fits[0]["before"]["generator"], trained["generator"])
    assert json.loads((run / "init.json").read_text())["networks"] == ["generator"]


def test_a_cosine_schedule_that_has_begun_cannot_become_longer(smoke, mistake, tmp_path):
    run = shutil.copytree(smoke, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["encoder"]["schedule"] = "cosine"
    (run / "config.json").write_text(json.dumps(config))
    before = (run / "config.json").read_bytes()
    line = mistake(main, "--resume", str(run), "--encoder.epochs", "4")
    assert "falls to zero at its 3 encoder epochs, so they cannot become more: train on" in line
    assert f"in a new run with --stages encoder --init {run}" in line
    assert (run / "config.json").read_bytes() == before


def test_a_training_that_cannot_start_is_refused_before_anything_is_written(
    smoke, mistake, tmp_path
):
    data, half, out = tmp_path / "data", tmp_path / "half", tmp_path / "run"
    data.mkdir()
    for file in MNIST.glob("t10k-*"):
        shutil.copy(file, data)
    (half / "networks").mkdir(parents=True)
    shutil.copy(smoke / "networks" / "encoder.keras", half / "networks")
    for words, said in (
        (["--stages", "encoder"], "--stages encoder needs a trained generator"),
        (["--data-dir", str(data)], "train-images"),
        (["--gan.batch-size", "513"], "512 images is shorter than one batch of 513"),
        (["--encoder.batch-size", "513"], "512 images is shorter than one batch of 513"),
        (["--stages", "encoder", "--init", str(half)], f"There is no generator in {half}"),
        (
            ["--networks.latent-size", "9", "--init", str(smoke)],
            f"its own settings, in {smoke / 'config.json'}",
        ),
    ):
        assert said in mistake(main, *SMOKE["crg"], "--out", str(out), *words)
        assert not out.exists()


# --- How settings reach a stage -------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_networks(tiny_config: Config) -> dict[str, keras.Model]:
    return build(tiny_config)


@pytest.fixture(scope="module")
def dev() -> Records:
    return mnist.load("train-tail").take(slice(64))


@pytest.fixture
def fitted(
    tiny_config, tiny_networks, digits512, dev, tmp_path, fits
) -> Callable[..., dict[str, Any]]:
    """What a stage of a tiny CRG passes to `fit`, with some settings of the stage changed."""

    def stage(name: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
        config = replace(tiny_config, **{name: replace(getattr(tiny_config, name), **changes)})
        config = replace(config, run=replace(config.run, seed=seed, backup_seconds=7.0))
        if name == "gan":
            train_gan(config, Run(tmp_path), digits512, tiny_networks)
        else:
            train_encoder(config, Run(tmp_path), digits512, dev, tiny_networks)
        return fits[-1] | {"expected": getattr(config, name)}

    return stage


@pytest.mark.parametrize("stage", ["gan", "encoder"])
def test_a_stage_is_trained_with_its_own_settings_and_the_runs_seed(fitted, digits512, stage):
    found = fitted(stage, seed=7, epochs=3.0, period=0.5, batch_size=100)
    assert found["settings"] == found["expected"]
    np.testing.assert_array_equal(found["records"].images, digits512.images)
    assert (found["model"].seed, found["backup_seconds"]) == (7, 7.0)
    assert found.get("flip", False) is False  # a mirrored 3 is no digit
    assert found.get("pixel_range", "signed") == "signed"


def test_the_papers_epoch_has_235_steps():
    assert stage_length(paper().gan, 60_000) == (250 * 235, 235)


def test_the_encoder_is_validated_on_dev(fitted, digits512, dev):
    found = fitted("encoder")
    assert len(found["records"]) == 512
    np.testing.assert_array_equal(found["validation"].images, dev.images)


@pytest.mark.parametrize(
    ("stage", "optimizers"),
    [("gan", ("discriminator", "generator")), ("encoder", ("latent_cycle", "image_cycle"))],
)
def test_both_optimizers_of_a_stage_are_the_papers_adam(fitted, stage, optimizers):
    model = fitted(stage)["model"]
    assert set(model.optimizers()) == set(optimizers)
    one, other = model.optimizers().values()
    assert one is not other
    for adam in (one, other):
        assert isinstance(adam, keras.optimizers.Adam)
        assert float(adam.learning_rate) == pytest.approx(2e-4)
        assert (adam.beta_1, adam.beta_2) == (0.5, 0.999)
        assert (adam.use_ema, adam.global_clipnorm) == (False, None)


def test_a_shared_optimizer_is_one_object_for_both_objectives(fitted):
    one, other = fitted("encoder", shared_optimizer=True)["model"].optimizers().values()
    assert one is other


@pytest.mark.parametrize("objective", ["latent_cycle", "image_cycle"])
def test_one_objective_has_one_optimizer_whose_running_mean_is_kept(fitted, objective):
    found = fitted("encoder", objectives=objective, schedule="cosine", ema=0.9, clip_norm=1.0)
    ((player, adam),) = found["model"].optimizers().items()
    assert player == objective
    assert (adam.use_ema, adam.global_clipnorm) == (True, 1.0)
    assert float(adam._learning_rate(400)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("shared", "updates"), [(False, 400), (True, 800)])
def test_the_cosine_schedule_ends_at_zero_with_the_last_update(fitted, shared, updates):
    # 200 epochs of two steps; a shared optimizer is updated twice a step.
    model = fitted("encoder", schedule="cosine", shared_optimizer=shared)["model"]
    rate = model.image_cycle_optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(2e-4)
    assert float(rate(updates // 2)) == pytest.approx(1e-4)
    assert float(rate(updates)) == pytest.approx(0.0, abs=1e-9)


def test_the_best_encoder_is_kept_by_both_losses_on_dev_or_the_last(fitted):
    columns = fitted("encoder", keep="best")["keep_best"]
    assert tuple(columns) == ("val_latent_cycle_loss", "val_image_cycle_loss")
    assert not fitted("encoder")["keep_best"]


def test_clipping_bounds_the_global_norm_of_both_gradients(fitted):
    model = fitted("encoder", clip_norm=1.5)["model"]
    assert [adam.global_clipnorm for adam in model.optimizers().values()] == [1.5, 1.5]


@pytest.mark.parametrize("stage", ["gan", "encoder"])
def test_a_stage_exports_running_means_at_a_periods_end_and_goes_on_with_its_own(
    fitted, fits, tmp_path, stage
):
    found = fitted(stage, ema=0.9)
    name, optimizer = {
        "gan": ("generator", "generator_optimizer"),
        "encoder": ("encoder", "image_cycle_optimizer"),
    }[stage]
    network = getattr(found["model"], name)
    network.trainable_variables[0].assign_add(tf.ones_like(network.trainable_variables[0]))
    for mean in getattr(found["model"], optimizer)._model_variables_moving_average:
        mean.assign(tf.fill(mean.shape, 0.5))
    before = network.get_weights()
    found["period_end"]("period")
    exported = zip(network.weights, fits.kept[tmp_path][name], strict=True)
    assert all(np.all(value == 0.5) for variable, value in exported if variable.trainable)
    assert same(network.get_weights(), before)
    assert (tmp_path / "samples" / "period.png").is_file()


def test_the_reduction_reaches_the_encoder_stage(fitted):
    assert fitted("encoder", reduction="sum")["model"].reduce([[1.0, 2.0], [3.0, 4.0]]) == 5.0
    assert fitted("encoder")["model"].reduce([[1.0, 2.0], [3.0, 4.0]]) == 2.5


# --- A short real training ------------------------------------------------------------------------


@pytest.mark.slow
def test_minutes_of_training_beat_the_mean_image_and_make_most_digits(tmp_path):
    main(["--preset", "quick", "--out", str(tmp_path / "run")])
    report = json.loads((tmp_path / "run" / "report" / "report.json").read_text())
    # The mean training image in place of every test image: MSE 0.0675, dhash 0.669 (measured).
    assert report["metrics"]["mse"]["high"] < 0.0675
    assert report["metrics"]["dhash"]["low"] > 0.669
    digits = table(report, "Digits, as a classifier of real digits reads them")[:10]
    assert sum(digit["share of generated"]["mean"] >= 0.01 for digit in digits) >= 8
