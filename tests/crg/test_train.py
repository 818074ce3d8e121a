"""`python -m crg.train`: one real run of the smoke preset, and everything that it leaves behind."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from common.datasets.records import Records
from common.files import ROOT
from common.runs.directory import Run
from common.settings.config import read_config, to_json
from common.training.adversarial import AdversarialModel
from common.training.fit import StageSettings, stage_length
from crg import edit, reconstruct
from crg.config import Config
from crg.editor import build
from crg.figures import PAIRS, STRENGTHS
from crg.presets import PRESETS, paper
from crg.train import lengths, main, train_encoder, train_gan
from tests.runs import history, same, saved, weights

MNIST = ROOT / "common" / "datasets" / "mnist_idx"


@pytest.fixture(scope="module")
def revision() -> str:
    """Of the code, before anything is trained: a commit may come in between."""
    words = ["git", "rev-parse", "--short=12", "HEAD"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return told.stdout.strip() if told.returncode == 0 else "unknown"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory, revision: str) -> Path:
    """The run directory of `--preset smoke`, trained and evaluated once for all tests."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    main(["--preset", "smoke", "--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def report(smoke: Path) -> dict[str, Any]:
    return json.loads((smoke / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def trained(smoke: Path) -> dict[str, list[np.ndarray]]:
    """Network -> its weights after both stages."""
    return {name: weights(smoke, name) for name in ("generator", "discriminator", "encoder")}


def table(report: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """The rows of one of a report's tables, column -> cell."""
    (found,) = [table for table in report["tables"] if table["title"] == title]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


# --- The run directory ----------------------------------------------------------------------------


def test_a_run_holds_what_the_architecture_names_and_nothing_else(smoke):
    assert sorted(path.name for path in smoke.iterdir()) == [
        *("backup", "command.txt", "config.json", "environment.json"),
        *("history-encoder.csv", "history-gan.csv", "networks", "plots", "report", "samples"),
        "train.log",
    ]


def test_settings_read_back_equal(smoke):
    assert read_config(Config, smoke) == PRESETS["smoke"]()


def test_the_command_is_kept_in_one_line(smoke):
    assert re.fullmatch(r"python .*\n", (smoke / "command.txt").read_text())


def test_the_environment_tells_what_numbers_depend_on(smoke, revision):
    environment = json.loads((smoke / "environment.json").read_text())
    assert {"tensorflow", "keras", "numpy"} <= set(environment["versions"])
    assert environment["device"].startswith("CPU")
    assert environment["seed"] == 0
    assert environment["git_revision"].removesuffix("+changes") == revision
    assert (environment["data"]["name"], environment["data"]["images"]) == ("mnist", 512)
    assert re.fullmatch("[0-9a-f]{16}", environment["data"]["fingerprint"])


def test_the_gan_reports_every_8_steps_its_two_losses(smoke):
    # 512 images in batches of 64 are 8 steps an epoch and period; 3 epochs.
    rows = history(smoke, "gan")
    assert [(row["period"], row["step"], row["images"]) for row in rows] == [
        ("1", "8", "512"),
        ("2", "16", "1024"),
        ("3", "24", "1536"),
    ]
    assert list(rows[0])[3:] == ["seconds", "discriminator_loss", "generator_loss"]


def test_the_encoder_reports_every_6_steps_its_cycles_and_their_validation(smoke):
    # 128 of 512 images are held out: 384 in batches of 64 are 6 steps an epoch and period.
    rows = history(smoke, "encoder")
    assert [row["step"] for row in rows] == ["6", "12", "18"]
    assert list(rows[0])[4:] == [
        *("latent_cycle_loss", "image_cycle_loss"),
        *("val_latent_cycle_loss", "val_image_cycle_loss", "val_image_cycle_mse"),
    ]
    assert all(float(value) > 0 for row in rows for value in list(row.values())[4:])


def test_samples_are_drawn_at_the_end_of_every_period(smoke):
    assert sorted(file.name for file in (smoke / "samples").iterdir()) == [
        *("encoder-0000006.png", "encoder-0000012.png", "encoder-0000018.png"),
        *("gan-0000008.png", "gan-0000016.png", "gan-0000024.png"),
        "reals.png",
    ]


def test_the_state_of_both_stages_and_the_best_encoder_are_kept_for_a_resume(smoke):
    assert sorted(file.name for file in (smoke / "backup").iterdir()) == [
        *("encoder-best-0000006.npz", "encoder.npz", "gan.npz"),
    ]


def test_all_three_networks_are_kept(smoke):
    assert sorted(file.name for file in (smoke / "networks").iterdir()) == [
        *("discriminator.keras", "encoder.keras", "generator.keras"),
    ]


def test_loss_curves_are_drawn(smoke):
    with Image.open(smoke / "plots" / "losses.png") as image:
        assert min(image.size) > 300


def test_the_log_tells_each_period_of_both_stages(smoke):
    text = (smoke / "train.log").read_text()
    for line in ("gan  step 8/24", "gan  step 24/24", "encoder  step 6/18", "encoder  step 18/18"):
        assert line in text


# --- What the stages leave in the networks --------------------------------------------------------


def test_the_kept_generator_is_the_running_mean_of_its_weights(smoke, trained):
    kept, last = trained["generator"], saved(smoke, "gan", "network/generator")
    assert not any(np.array_equal(a, b) for a, b in zip(kept, last, strict=True))
    state = saved(smoke, "gan", "optimizer/generator")  # the mean is among its variables
    assert all(any(np.array_equal(weight, value) for value in state) for weight in kept)


def test_the_encoder_stage_ends_with_the_generator_that_it_began_with(smoke, trained):
    assert same(trained["generator"], saved(smoke, "encoder", "network/generator"))


def test_the_best_encoder_is_that_of_the_smallest_sum_of_both_validation_losses(smoke):
    rows = history(smoke, "encoder")
    sums = [float(r["val_latent_cycle_loss"]) + float(r["val_image_cycle_loss"]) for r in rows]
    (best,) = (smoke / "backup").glob("encoder-best-*.npz")
    with np.load(best) as state:
        notes = json.loads(str(state["notes"]))
    assert notes["step"] == int(rows[int(np.argmin(sums))]["step"])


def test_the_kept_encoder_has_the_best_weights_and_reestimated_statistics(smoke, trained):
    best = build(PRESETS["smoke"]())["encoder"]
    values = saved(smoke, "encoder-best-0000006", "network/encoder")
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


def test_both_objectives_updated_the_encoder_once_an_iteration(smoke):
    # The first variable of an optimizer is its number of iterations: 3 epochs of 6 steps.
    for objective in ("latent_cycle", "image_cycle"):
        assert saved(smoke, "encoder", f"optimizer/{objective}")[0] == 18


# --- The report -----------------------------------------------------------------------------------


def test_the_report_comes_in_four_forms_with_its_figures(smoke, report):
    files = {file.name for file in (smoke / "report").iterdir()}
    figures = {figure["file"] for figure in report["figures"]}
    assert len(figures) == 10  # losses, reconstructions, ..., four directions
    assert files == figures | {f"report.{kind}" for kind in ("json", "csv", "md", "html")}
    assert report["n"] == 64


def test_a_model_that_is_no_better_than_one_mean_image_is_told(report):
    told = any("no better than one mean image" in finding for finding in report["findings"])
    rows = table(report, "Beside baselines without a model")
    ours, mean = (
        next(row["mse"] for row in rows if row["reconstruction"] == name)
        for name in ("this model", "mean image")
    )
    assert told == (ours["mean"] >= mean)
    assert told


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
    # Black scores the mean square of 64 evenly spaced test images.
    with gzip.open(MNIST / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(10_000, -1) / 255
    spaced = [int(index * 9_999 / 63) for index in range(64)]
    assert rows[1]["mse"] == pytest.approx(float((pixels[spaced] ** 2).mean()), abs=1e-6)


def test_what_is_generated_is_measured_as_a_set_beside_real_digits(report):
    rows = table(report, "Distance from the test images, as sets")
    assert [row["distance"] for row in rows][::2] == ["FD-mnist-cnn", "KD-mnist-cnn"]
    assert rows[0]["generated images"] > rows[0]["as many training images"]


def test_every_direction_is_measured_at_every_strength_and_0_keeps_every_digit(report):
    rows = table(report, "Edits along directions from one pair")
    assert len(rows) == len(PAIRS) * len(STRENGTHS)
    assert [row["direction, strength"] for row in rows[:6]] == [
        *("slant, -0.50", "slant, -0.25", "slant, 0 (reconstruction)"),
        *("slant, +0.25", "slant, +0.50", "slant, +1.00"),
    ]
    assert [row["digit kept"]["mean"] for row in rows[2::6]] == [1.0] * len(PAIRS)


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
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, int | None]]:
    """Stands in for the evaluation: (run, limit) of each call."""
    calls = []
    monkeypatch.setattr(
        "crg.evaluate.evaluate", lambda command: calls.append((command.run, command.limit))
    )
    return calls


@pytest.fixture
def digits512() -> Records:
    """512 black images: two batches of the paper's size an epoch."""
    attributes = np.eye(10, dtype=np.float32)[np.zeros(512, int)]
    images = np.zeros((512, 28, 28, 1), np.uint8)
    return Records(images, attributes, tuple("0123456789"), "mnist", "a test")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, digits512: Records) -> list[dict[str, Any]]:
    """Stands in for `fit`, on black images: nothing is trained.

    Returns:
        The arguments of each call, and `before`: network -> its weights at that moment.
    """
    calls = []

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

    monkeypatch.setattr("common.training.fit.fit", fit)
    monkeypatch.setattr("crg.train.draw_losses", lambda run: None)
    monkeypatch.setattr("common.datasets.load", lambda *_: digits512)
    return calls


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
def begun(tmp_path, smoke, evaluated, fits) -> Callable[..., tuple[Path, list[dict[str, Any]]]]:
    """Begins a run from the networks of `smoke`; it, and what its stages passed to `fit`."""

    def run(*words: str) -> tuple[Path, list[dict[str, Any]]]:
        folder = tmp_path / "run"
        own = ["--gan.ema", "None", "--encoder.reestimate-batches", "0"]
        main(["--preset", "smoke", *own, "--init", str(smoke), "--out", str(folder), *words])
        return folder, fits

    return run


def test_init_with_the_encoder_stage_trains_an_encoder_for_that_generator(
    smoke, trained, begun, evaluated
):
    run, (fit,) = begun("--stages", "encoder")
    assert (fit["stage"], set(fit["model"].players)) == ("encoder", {"latent_cycle", "image_cycle"})
    assert same(fit["before"]["generator"], trained["generator"])
    assert same(weights(run, "generator"), trained["generator"])
    assert evaluated == [(run, None)]
    start = json.loads((run / "init.json").read_text())
    assert (start["run"], list(start["stages"])) == (smoke.name, ["gan", "encoder"])


def test_a_new_generator_is_not_evaluated_with_the_encoder_of_the_old_one(begun, evaluated):
    run, _ = begun("--stages", "gan")
    assert evaluated == []
    assert not (run / "networks" / "encoder.keras").exists()


def test_both_stages_begin_with_the_networks_of_init(trained, begun):
    _, (gan, encoder) = begun()
    before = gan["before"] | encoder["before"]
    assert set(before) == set(trained)
    assert all(same(before[name], trained[name]) for name in trained)


def test_only_the_named_networks_of_init_are_taken(trained, begun):
    sizes = ["--networks.encoder-channels", "4", "8", "16", "16", "32"]  # not those of its encoder
    run, (fit,) = begun("--stages", "encoder", "--init-networks", "generator", *sizes)
    assert same(fit["before"]["generator"], trained["generator"])
    assert json.loads((run / "init.json").read_text())["networks"] == ["generator"]


def test_a_resume_starts_from_the_networks_of_init_and_not_from_exported_ones(trained, begun):
    run, fits = begun("--stages", "encoder")
    Run(run).save_networks(build(PRESETS["smoke"]()))  # what a later period might have left
    main(["--resume", str(run)])
    assert len(fits) == 2
    assert all(same(value, trained[name]) for name, value in fits[1]["before"].items())


def test_resuming_a_finished_run_changes_none_of_its_networks(smoke, trained, tmp_path, evaluated):
    run = shutil.copytree(smoke, tmp_path / "run")
    main(["--resume", str(run)])
    for name, before in trained.items():
        for weight, value in zip(weights(run, name), before, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-6, err_msg=name)
    for stage in ("gan", "encoder"):
        assert history(run, stage) == history(smoke, stage)
    assert evaluated == [(run, None)]


def test_a_longer_gan_is_welcome_before_the_encoder_has_begun(smoke, tmp_path, evaluated, fits):
    run = shutil.copytree(smoke, tmp_path / "run")
    (run / "backup" / "encoder.npz").unlink()
    (run / "environment.json").unlink()  # it names other data than those of `fits`
    main(["--resume", str(run), "--gan.epochs", "4"])
    assert [(fit["stage"], fit["settings"].epochs) for fit in fits] == [("gan", 4), ("encoder", 3)]
    assert read_config(Config, run).gan.epochs == 4.0


@pytest.mark.parametrize(
    ("settings", "words", "said"),
    [
        ({}, ["--gan.epochs", "4"], "train longer in a new run with --init"),
        (
            {"schedule": "cosine"},
            ["--encoder.epochs", "4"],
            "falls to zero at its 3 encoder epochs, so they cannot become more: train on in a new "
            "run with --stages encoder --init",
        ),
    ],
)
def test_what_a_begun_encoder_does_not_allow_is_refused(
    smoke, mistake, tmp_path, settings, words, said
):
    run = shutil.copytree(smoke, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["encoder"] |= settings
    (run / "config.json").write_text(json.dumps(config))
    before = (run / "config.json").read_bytes()
    assert f"{said} {run}" in mistake("--resume", str(run), *words)
    assert (run / "config.json").read_bytes() == before


def test_other_data_are_refused_before_anything_is_written(smoke, mistake, monkeypatch, digits512):
    monkeypatch.setattr("common.datasets.load", lambda *_: digits512)
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*")}
    line = mistake("--resume", str(smoke), "--data-dir", "elsewhere")
    assert "was trained on 512 images of mnist" in line
    assert f"--init {smoke}" in line
    assert {path: path.stat().st_mtime_ns for path in smoke.rglob("*")} == before


def test_a_training_that_cannot_start_is_refused_before_anything_is_written(
    smoke, mistake, tmp_path
):
    data, half, out = tmp_path / "data", tmp_path / "half", tmp_path / "run"
    data.mkdir()
    for file in MNIST.glob("train-*"):
        shutil.copy(file, data)
    (half / "networks").mkdir(parents=True)
    shutil.copy(smoke / "networks" / "encoder.keras", half / "networks")
    for words, said in (
        (["--stages", "encoder"], "--stages encoder needs a trained generator"),
        (["--data-dir", str(data)], "t10k-images"),
        (["--gan.batch-size", "513"], "512 images is shorter than one batch of 513"),
        (["--encoder.holdout", "512"], "encoder.holdout is 512; it must be below 512"),
        (["--encoder.batch-size", "385"], "384 images is shorter than one batch of 385"),
        (["--stages", "encoder", "--init", str(half)], f"There is no generator in {half}"),
        (
            ["--networks.latent-size", "9", "--init", str(smoke)],
            f"its own settings, in {smoke / 'config.json'}",
        ),
    ):
        assert said in mistake("--preset", "smoke", "--out", str(out), *words)
        assert not out.exists()


def test_dry_run_shows_the_settings_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["--preset", "smoke", "--seed", "3", "--out", "run", "--dry-run"])
    expected = PRESETS["smoke"]()
    expected = replace(expected, run=replace(expected.run, seed=3))
    assert (ended.value.code, json.loads(capsys.readouterr().out)) == (0, to_json(expected))
    assert list(tmp_path.iterdir()) == []


# --- How settings reach a stage -------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_networks(tiny_config: Config) -> dict[str, keras.Model]:
    return build(tiny_config)


@pytest.fixture
def fitted(tiny_config, tiny_networks, digits512, tmp_path, fits) -> Callable[..., dict[str, Any]]:
    """What a stage of a tiny CRG passes to `fit`, with some settings of the stage changed."""

    def stage(name: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
        config = replace(tiny_config, **{name: replace(getattr(tiny_config, name), **changes)})
        config = replace(config, run=replace(config.run, seed=seed, backup_seconds=7.0))
        if name == "gan":
            train_gan(config, Run(tmp_path), digits512, tiny_networks)
        else:
            train_encoder(config, Run(tmp_path), digits512, digits512, tiny_networks)
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


def test_held_out_images_neither_count_nor_train(fitted, digits512):
    digits512.images[384:] = 255
    found = fitted("encoder", holdout=128)
    assert (len(found["records"]), found["records"].images.max()) == (384, 0)
    assert (len(found["validation"]), found["validation"].images.min()) == (128, 255)
    assert lengths(replace(Config(), encoder=found["expected"]), 512) == [
        *((Config().gan, 512), (found["expected"], 384)),
    ]


def test_without_a_holdout_nothing_is_validated(fitted):
    assert fitted("encoder")["validation"] is None


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


@pytest.mark.parametrize(("shared", "updates"), [(False, 400), (True, 800)])
def test_the_cosine_schedule_ends_at_zero_with_the_last_update(fitted, shared, updates):
    # 200 epochs of two steps; a shared optimizer is updated twice a step.
    model = fitted("encoder", schedule="cosine", shared_optimizer=shared)["model"]
    rate = model.image_cycle_optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(2e-4)
    assert float(rate(updates // 2)) == pytest.approx(1e-4)
    assert float(rate(updates)) == pytest.approx(0.0, abs=1e-9)


def test_the_best_encoder_is_kept_by_both_losses_on_the_images_held_out_or_the_last(fitted):
    columns = fitted("encoder", keep="best", holdout=128)["keep_best"]
    assert tuple(columns) == ("val_latent_cycle_loss", "val_image_cycle_loss")
    assert not fitted("encoder", holdout=128)["keep_best"]


def test_clipping_bounds_the_global_norm_of_both_gradients(fitted):
    model = fitted("encoder", clip_norm=1.5)["model"]
    assert [adam.global_clipnorm for adam in model.optimizers().values()] == [1.5, 1.5]


@pytest.mark.parametrize("stage", ["gan", "encoder"])
def test_a_stage_exports_running_means_at_a_periods_end_and_goes_on_with_its_own(
    fitted, tmp_path, stage
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
    exported = keras.saving.load_model(Run(tmp_path).network_file(name))
    assert all(np.all(v.numpy() == 0.5) for v in exported.trainable_variables)
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
