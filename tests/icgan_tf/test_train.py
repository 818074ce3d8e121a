"""`python -m icgan_tf.train`: what the run of the smoke preset has of its own, what it refuses."""

from __future__ import annotations

import json
import shutil
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
from common.runs.directory import Run
from common.settings.config import read_config
from common.training.fit import stage_length
from icgan_tf import edit, reconstruct
from icgan_tf.conditions import Conditions
from icgan_tf.config import PAPER18, Config
from icgan_tf.editor import build
from icgan_tf.presets import PRESETS
from icgan_tf.stages import Images, train_encoder_y, train_encoder_z, train_gan
from icgan_tf.train import kept_networks, main
from tests.runs import history, same, saved, weights
from tests.trainings import ATTRIBUTES, SMOKE, Fits, stand_ins

STAGES = ("gan", "encoder_z", "encoder_y")
NETWORKS = ("generator", "discriminator", "encoder_z", "encoder_y")


@pytest.fixture(scope="module")
def smoke(smoke_run) -> Path:
    return smoke_run("icgan_tf")


@pytest.fixture(scope="module")
def report(smoke_run) -> dict[str, Any]:
    run = smoke_run("icgan_tf", reported=True)
    return json.loads((run / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def trained(smoke: Path) -> dict[str, list[np.ndarray]]:
    """Network -> its weights after all stages."""
    return {name: weights(smoke, name) for name in NETWORKS}


def table(report: dict[str, Any], title: str) -> list[list[Any]]:
    """The rows of one of a report's tables."""
    (found,) = [table for table in report["tables"] if table["title"] == title]
    return found["rows"]


# --- What the stages leave in the networks --------------------------------------------------------


def test_ds_loss_is_that_of_reals_and_half_of_the_two_others(smoke):
    for row in history(smoke, "gan"):
        real, wrong, fake = (float(row[f"{kind}_loss"]) for kind in ("real", "wrong", "fake"))
        assert float(row["discriminator_loss"]) == pytest.approx(real + 0.5 * wrong + 0.5 * fake)


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


def test_the_kept_e_y_is_that_of_the_smallest_loss_on_dev(smoke, trained):
    (best,) = (smoke / "backup").glob("encoder_y-best-*.npz")
    assert same(trained["encoder_y"], saved(smoke, best.stem, "network/encoder_y"))


# --- The report -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_black_scores_the_mean_square_of_the_dev_faces(report):
    rows = {row[0]: row[2] for row in table(report, "Beside baselines without a model")}
    faces = drawn.load("dev", 32, crop=(30, 40, 168, 178)).images
    spaced = [int(index * 127 / 63) for index in range(64)]
    assert rows["black"] == pytest.approx(float(((faces[spaced] / 255) ** 2).mean()), abs=1e-6)
    assert rows["this model"] == report["metrics"]["mse"]


@pytest.mark.slow
def test_the_report_has_edits_readings_encoders_and_baselines(report):
    assert [table["title"] for table in report["tables"]] == [
        "Attributes set and cleared, as a classifier of real faces reads them",
        "Attributes read: accuracy and F1",
        "The encoders",
        "Distance from the real images, as sets",
        "Beside baselines without a model",
        "Hashes against chance",
    ]
    sets = table(report, "Distance from the real images, as sets")
    assert [row[0] for row in sets][::2] == ["FD-face-cnn", "KD-face-cnn"]
    for title in [table["title"] for table in report["tables"]][:2]:
        assert [row[0] for row in table(report, title)] == [*ATTRIBUTES, "mean"]
    assert [row[0] for row in table(report, "Beside baselines without a model")] == [
        *("this model", "black", "mean image", "random other face", "PCA-50", "PCA-100"),
    ]


@pytest.mark.slow
def test_the_majority_is_that_of_the_dev_faces(report):
    rows = table(report, "Attributes read: accuracy and F1")
    spaced = [int(index * 127 / 63) for index in range(64)]
    numbers = [drawn.FIRST["dev"] + index for index in spaced]
    share = np.mean([drawn.random_attributes(number)["Male"] for number in numbers])
    assert rows[3][1:3] == [pytest.approx(share), pytest.approx(max(share, 1 - share))]


@pytest.mark.slow
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


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, _built_once: None) -> Fits:
    """Nothing is trained, drawn, saved or evaluated, on made-up faces."""
    monkeypatch.setattr("icgan_tf.data.load", lambda config, split: made_up(split))
    calls = stand_ins(monkeypatch, "icgan_tf")
    monkeypatch.setattr(
        "icgan_tf.tables.report_training", lambda run, _: calls.reported.append(run)
    )
    return calls


@pytest.fixture
def started(tmp_path, smoke, fits) -> Callable[..., Path]:
    """Begins a run of some stages from the networks of `smoke`."""

    def run(*words: str) -> Path:
        folder = tmp_path / "run"
        main([*SMOKE["icgan_tf"], "--init", str(smoke), "--out", str(folder), "--stages", *words])
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


def test_shared_encoders_are_trained_together(faces_config):
    sizes = replace(faces_config.networks, encoders="shared")
    config = replace(faces_config, networks=sizes, stages=("encoder_z",))
    assert set(kept_networks(config, NETWORKS)) == {"generator", "discriminator"}


@pytest.mark.parametrize(("encoders", "stages"), [("conditional", STAGES), ("shared", STAGES[:2])])
def test_other_encoders_are_trained_and_the_run_edits(encoders, stages, tmp_path):
    run, edited = tmp_path / "run", tmp_path / "edited"
    words = ["--limit", "64", "--report-images", "8", "--networks.encoders", encoders]
    for stage in stages:
        words += [f"--{stage.replace('_', '-')}.epochs", "1"]
    main([*SMOKE["icgan_tf"], *words, "--stages", *stages, "--out", str(run)])
    assert {one.stem for one in (run / "networks").glob("*.keras")} == set(NETWORKS)
    faces = Path("examples/drawn-faces")
    edit.main([str(faces), "--set", "Smiling=1", "--run", str(run), "--out", str(edited)])
    assert {one.name for one in edited.glob("*.png")} == {one.name for one in faces.glob("*.png")}


def test_a_new_e_y_completes_the_run_that_it_starts_from(started, fits):
    assert set(fits.kept[started("encoder_y")]) == set(NETWORKS)


def test_only_the_named_networks_of_init_are_taken_and_noted(smoke, trained, started, fits):
    run = started("encoder_y", "--init-networks", "generator")
    assert not same(fits[0]["before"]["encoder_y"], trained["encoder_y"])
    start = json.loads((run / "init.json").read_text())
    assert (start["run"], tuple(start["stages"])) == (smoke.name, STAGES)
    assert start["networks"] == ["generator"]


def test_conditions_are_training_labels_alone(started, fits):
    started(*STAGES)
    assert len(fits) == 3
    for fit in fits:
        rows = fit["model"].conditions.rows
        np.testing.assert_array_equal(rows, 2 * made_up("train").attributes - 1)


def test_of_a_generator_without_encoders_the_training_alone_is_reported(smoke, tmp_path, fits):
    words = ["--stages", "gan", "--gan.ema", "None", "--out", str(tmp_path / "run")]
    main([*SMOKE["icgan_tf"], *words])
    assert set(fits.kept[tmp_path / "run"]) == {"generator", "discriminator"}
    assert (fits.evaluated, fits.reported) == ([], [tmp_path / "run"])


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
    assert said in mistake(main, *SMOKE["icgan_tf"], "--out", str(out), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("split", "rows", "said"),
    [
        ("dev", slice(1), "at least 2 dev images; the data have 1"),
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
    assert said in mistake(main, *SMOKE["icgan_tf"], "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


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


@pytest.mark.parametrize(("pixels", "span"), [("signed", 2.0), ("unit", 1.0)])
def test_d_sees_images_changed_within_their_range_where_it_is_asked_for(fitted, pixels, span):
    assert fitted("gan", pixels=pixels)["model"].augmented_span == 0.0
    model = fitted("gan", pixels=pixels, augmented_discriminator=True)["model"]
    assert model.augmented_span == span


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
    encoder_z = fitted("encoder_z", pixels=pixels)
    assert all(one["pixel_range"] == pixels for one in (gan, encoder_z, encoder_y))
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
