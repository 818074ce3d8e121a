"""`python -m ifcvaegan.train`: one real run of the smoke preset, and everything that it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import ifcvaegan
from common.datasets.records import Records
from common.errors import UserError
from common.runs.directory import Run
from common.settings.config import RunConfig, from_json
from common.settings.flags import LaunchConfig
from common.training import fit as fitting
from ifcvaegan import edit, reconstruct
from ifcvaegan.config import Config, Fidelity, LossConfig
from ifcvaegan.editor import IFcVAEGANEditor, build
from ifcvaegan.presets import PRESETS
from ifcvaegan.results import AttributeResult
from ifcvaegan.train import reestimate, train, train_vaegan
from tests.runs import METRICS, same, saved, weights

NETWORKS = ("encoder", "decoder", "discriminator", "auxiliary")


@pytest.fixture(scope="module")
def smoke(smoke_run) -> Path:
    return smoke_run("ifcvaegan")


@pytest.fixture(scope="module")
def report(smoke_run) -> dict[str, Any]:
    run = smoke_run("ifcvaegan", reported=True)
    return json.loads((run / "report" / "report.json").read_text())


# --- The run directory ----------------------------------------------------------------------------


def test_all_four_networks_are_kept_a_and_c_as_they_ended(smoke):
    assert {file.stem for file in (smoke / "networks").iterdir()} == set(NETWORKS)
    for name in ("auxiliary", "discriminator"):
        assert same(weights(smoke, name), saved(smoke, "vaegan", f"network/{name}"))


def test_the_kept_encoder_has_the_ema_of_its_weights(smoke):
    state = saved(smoke, "vaegan", "optimizer/autoencoder")
    for value in weights(smoke, "encoder"):
        assert any(np.array_equal(value, other) for other in state)
    assert not same(weights(smoke, "encoder"), saved(smoke, "vaegan", "network/encoder"))


def test_the_kept_decoder_has_the_statistics_of_reconstructions(smoke):
    from common.datasets import drawn

    model = ifcvaegan.load(smoke)
    codes = model.encode(drawn.load("train", 32, ("Smiling",), limit=256).images)
    decoder = model.decoder
    norm: Any = next(layer for layer in decoder.layers if "batch_norm" in layer.name)
    inputs = keras.Model(decoder.inputs, norm.input)
    before = inputs([codes.attributes, codes.latent], training=False)
    np.testing.assert_allclose(norm.moving_mean, np.mean(before, axis=(0, 1, 2)), atol=1e-5)


def test_the_run_edits_and_reconstructs(smoke, tmp_path):
    from PIL import Image

    from common.datasets import drawn

    Image.fromarray(drawn.load("test", 32).images[0]).save(tmp_path / "face.png")
    for command, words in ((edit.main, ["--set", "Smiling=1"]), (reconstruct.main, [])):
        out = tmp_path / command.__module__
        command([str(tmp_path / "face.png"), "--run", str(smoke), "--out", str(out), *words])
        with Image.open(out / "face.png") as image:
            assert (image.size, image.mode) == ((32, 32), "RGB")


# --- Its report -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_report_has_the_papers_table_and_what_the_paper_does_not_show(report):
    assert [table["title"] for table in report["tables"]][:5] == [
        "Table 1: Smiling",
        "What an edit leaves as it was",
        "What z tells about y",
        "Who reads the attribute how well",
        "Beside latent arithmetic on the same autoencoder",
    ]
    (sets,) = [table for table in report["tables"] if table["title"].startswith("Distance from")]
    assert [row[0] for row in sets["rows"]][::2] == ["FD-face-cnn", "KD-face-cnn"]
    assert (list(report["metrics"]), report["n"]) == (METRICS, 64)
    files = [figure["file"] for figure in report["figures"]]
    assert files == ["edits-Smiling.png", "sweep-Smiling.png", "samples.png", "losses.png"]


@pytest.mark.slow
def test_the_report_keeps_what_the_ablation_reads(report):
    found = from_json(AttributeResult, report["details"]["attributes"]["Smiling"])
    assert found.base_rate == 33 / 64  # of the drawn dev faces lack it
    assert found.protocols.every.class0.n == 64


# --- The training ---------------------------------------------------------------------------------


class CaughtError(Exception):
    """Raised in place of what it tells of."""


def optimizers(monkeypatch, faces, networks, config: Config) -> dict[str, Any]:
    """Player -> its optimizer, when the training compiles them."""

    def compile_(self, **options):
        raise CaughtError(options)

    monkeypatch.setattr("ifcvaegan.model.IFcVAEGAN.compile", compile_)
    run: Any = None
    with pytest.raises(CaughtError) as ended:
        train_vaegan(config, run, faces, faces, networks)
    return ended.value.args[0]


def test_every_player_has_the_optimizer_of_the_settings(monkeypatch, faces, networks, config):
    paper = optimizers(monkeypatch, faces, networks, config)
    players = ("autoencoder", "auxiliary", "discriminator")
    assert [paper[player].rho for player in players] == [0.99, 0.99, 0.5]
    assert [float(paper[player].learning_rate) for player in players] == pytest.approx([2e-4] * 3)
    assert not any(paper[player].momentum or paper[player].use_ema for player in players)

    train = replace(PRESETS["stable"]().train, discriminator_momentum=0.3)
    stable = optimizers(monkeypatch, faces, networks, replace(config, train=train))
    rates = [float(stable[player].learning_rate) for player in players]
    assert rates == pytest.approx([5e-4, 1e-3, 5e-4])
    assert [stable[player].use_ema for player in players] == [True, False, False]
    assert stable["autoencoder"].ema_momentum == 0.995
    assert [stable[player].momentum for player in players] == [0.0, 0.0, 0.3]


def test_learning_rates_halve_in_so_many_epochs(monkeypatch, faces, networks, config):
    train = replace(config.train, batch_size=8, halving_epochs=2.0)
    found = optimizers(monkeypatch, faces, networks, replace(config, train=train))
    steps = 2 * len(faces) // 8
    for player in ("autoencoder", "auxiliary", "discriminator"):
        optimizer = found[player]
        optimizer.build([keras.Variable([0.0])])
        optimizer.iterations.assign(2 * steps)
        assert float(optimizer.learning_rate) == pytest.approx(2e-4 / 4), player


def test_rmsprop_has_torchs_denominator_for_sums_over_32_images(
    monkeypatch, faces, networks, config
):
    optimizer = optimizers(monkeypatch, faces, networks, config)["autoencoder"]
    for gradient in (0.5, 1e-9 / 32):  # of means; their sums are far above and below 1e-8
        weight = keras.Variable([0.0])
        copy = keras.optimizers.RMSprop.from_config(optimizer.get_config())
        copy.apply([keras.ops.convert_to_tensor([gradient])], [weight])
        total = 32 * gradient
        step = 2e-4 * total / (np.sqrt(0.01 * total**2) + 1e-8)
        assert -float(weight[0]) == pytest.approx(step, rel=0.02)


def test_an_encoder_with_batch_statistics_gets_those_of_the_images(faces, config):
    sizes = replace(config.networks, encoder_normalised=True)
    config = replace(config, networks=sizes)
    nets = build(config)
    editor = IFcVAEGANEditor(Path(), config, nets["encoder"], nets["decoder"])
    reestimate(editor, faces, 1)
    norm: Any = next(layer for layer in editor.encoder.layers if "batch_norm" in layer.name)
    inputs = keras.Model(editor.encoder.input, norm.input)(faces.images / np.float32(255))
    np.testing.assert_allclose(norm.moving_mean, np.mean(inputs, axis=(0, 1, 2)), atol=1e-5)


def begun(monkeypatch, tmp_path, faces, networks, config: Config) -> tuple[Any, dict[str, Any]]:
    """The model, and how its first batches are asked for, up to where these are made."""
    real, models = fitting.fit, []

    def fit(model, *arguments, **options):
        models.append(model)
        return real(model, *arguments, **options)

    def endless_batches(records, batch_size, seed, start, **options):
        raise CaughtError({"batch_size": batch_size, "seed": seed, "start": start, **options})

    monkeypatch.setattr(fitting, "fit", fit)
    monkeypatch.setattr(fitting, "endless_batches", endless_batches)
    config = replace(config, train=replace(config.train, batch_size=8))
    with pytest.raises(CaughtError) as ended:
        train_vaegan(config, Run(tmp_path), faces, faces, networks)
    return models[0], ended.value.args[0]


def test_the_settings_reach_the_step_and_the_order_of_the_data(
    monkeypatch, tmp_path, faces, networks, config
):
    paper, batches = begun(monkeypatch, tmp_path / "a", faces, networks, config)
    assert (paper.mode, paper.fidelity, paper.ramp, paper.seed) == ("max_bce", "paper", 0, 0)
    expected = {"batch_size": 8, "seed": 0, "start": 0, "pixel_range": "unit", "flip": False}
    expected |= {"shift": 0, "jitter": 0.0}
    assert batches == expected
    np.testing.assert_allclose(paper.rates, faces.attributes.mean(axis=0))

    other = replace(
        config,
        run=RunConfig(seed=7),
        loss=LossConfig(auxiliary_mode="confuse", fidelity="release", ramp_steps=7, alpha=0.5),
        data=replace(config.data, flip=True, shift=3, jitter=0.2),
        train=replace(config.train, augmented_discriminator=True),
    )
    model, batches = begun(monkeypatch, tmp_path / "b", faces, networks, other)
    assert (model.mode, model.fidelity, model.ramp, model.seed) == ("confuse", "release", 7, 7)
    assert (paper.augmented, model.augmented) == (False, True)
    assert model.term_weights.kl == pytest.approx(0.5 / 6)  # by Z
    assert batches == expected | {"seed": 7, "flip": True, "shift": 3, "jitter": 0.2}


def test_a_period_ends_with_alarms_on_every_attribute(
    monkeypatch, tmp_path, faces, networks, config
):
    def fit(model, *_, period_end, **__):
        model.compile(**{name: keras.optimizers.SGD(0.0) for name in model.players})
        period_end("sample")

    seen = []
    monkeypatch.setattr(fitting, "fit", fit)
    monkeypatch.setattr("ifcvaegan.alarms.watch", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr("ifcvaegan.samples.grid", lambda *_, **__: None)
    monkeypatch.setattr(Run, "save_networks", lambda *_: None)
    train_vaegan(config, Run(tmp_path), faces, faces, networks)
    ((_, effects, entropy),) = seen
    assert list(effects) == list(config.data.attributes)
    assert all(0.0 < effect < 1.0 for effect in effects.values())
    rates = faces.attributes.mean(axis=0)
    assert entropy == pytest.approx(
        -np.mean(rates * np.log(rates) + (1.0 - rates) * np.log(1.0 - rates)), rel=1e-5
    )


def test_the_releases_y_head_is_detached_by_its_fidelity(config):
    def features_move(fidelity: Fidelity) -> bool:
        encoder = build(replace(config, loss=LossConfig(fidelity=fidelity)))["encoder"]
        images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.square(encoder(images)[2]))
        gradient = tape.gradient(total, encoder.trainable_variables[0])
        return gradient is not None and bool(tf.reduce_any(gradient != 0.0))

    assert features_move("paper")
    assert not features_move("release")


@pytest.mark.parametrize(
    ("split", "changed", "message"),
    [
        ("train", lambda faces: having(faces, 1.0), "^100% of the 24 training images have Smiling"),
        ("train", lambda faces: having(faces, 0.0), "^0% of the 24 training images have Smiling"),
        ("train", lambda faces: faces.take(slice(5)), "5 images is shorter than one batch of 8"),
        ("dev", lambda faces: faces.take(slice(1)), "needs at least 2 dev images"),
    ],
)
def test_data_from_which_there_is_nothing_to_learn_are_refused_and_nothing_is_written(
    monkeypatch, tmp_path, faces, config, split, changed, message
):
    splits = dict.fromkeys(("train", "dev", "test"), faces) | {split: changed(faces)}
    config = replace(config, train=replace(config.train, batch_size=8))
    monkeypatch.setattr("ifcvaegan.data.load", lambda config, split: splits[split])
    with pytest.raises(UserError, match=message):
        train(config, LaunchConfig(preset="paper", out=tmp_path / "run"), "CPU")
    assert list(tmp_path.iterdir()) == []


def having(faces: Records, value: float) -> Records:
    """The faces, all with all attributes or all without."""
    return replace(faces, attributes=np.full_like(faces.attributes, value))
