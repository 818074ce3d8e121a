"""What the run of the smoke preset leaves, and what a training refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from igan import data, editor
from igan.codes import Codes
from igan.train import main
from tests.runs import history, same, saved, weights


@pytest.fixture(scope="module")
def smoke(smoke_run) -> Path:
    return smoke_run("igan")


def test_the_kept_generator_is_the_average_of_its_weights(smoke):
    """Of ten trainable arrays each is EMA'd; the raw weights are in the saved state."""
    raw = saved(smoke, "gan", "network/generator")
    assert not same(raw, weights(smoke, "generator"))


def test_batch_statistics_are_those_of_generated_images(smoke):
    """Before the first ReLU of G each unit has mean 0 and variance 1 over new latents."""
    import keras

    model = editor.load(smoke)
    norm = next(
        layer
        for layer in model.generator.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    part = keras.Model(model.generator.input, norm.output)
    z = np.random.default_rng(9).uniform(-1, 1, (2000, 8)).astype(np.float32)
    values = (part(z, training=False).numpy() - norm.beta.numpy()) / norm.gamma.numpy()
    assert abs(values.mean()) < 0.05
    assert values.var() == pytest.approx(1.0, abs=0.15)  # two batches of 64


def test_an_image_does_not_depend_on_those_beside_it(smoke):
    model = editor.load(smoke)
    z = np.random.default_rng(1).uniform(-1, 1, (6, 8)).astype(np.float32)
    together = np.asarray(model.generator(z, training=False))
    alone = np.asarray(model.generator(z[2:3], training=False))
    np.testing.assert_allclose(together[2:3], alone, atol=1e-5)


def test_the_predictor_leaves_the_generator_as_it_was(smoke):
    assert same(weights(smoke, "generator"), saved(smoke, "predictor", "network/generator"))


def test_the_predictors_loss_falls(smoke):
    losses = [float(row["val_predictor_loss"]) for row in history(smoke, "predictor")]
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_a_model_that_is_loaded_gives_the_images_that_were_reported(smoke_run):
    smoke = smoke_run("igan", reported=True)
    report = json.loads((smoke / "report" / "report.json").read_text())
    model = editor.load(smoke)
    images = data.load(model.config, "dev").spaced(2).images
    found = model.project(images, "cnn_opt", iterations=50)
    made = model.decode(Codes(found.latent))
    mse = np.square((made.astype(float) - images) / 255).mean()
    assert mse == pytest.approx(report["metrics"]["mse"]["mean"], rel=0.02)
    (table,) = [one for one in report["tables"] if one["title"].startswith("Projection")]
    costs = {row[0]: row[1]["mean"] for row in table["rows"]}
    assert costs["cnn_opt"] <= costs["cnn"]
    assert costs["opt, 8 starts"] <= costs["opt, 1 start"]
    assert costs["cnn_opt"] == pytest.approx(found.cost.mean(), rel=1e-3)


def test_a_predictor_needs_a_generator(mistake):
    assert "--init" in mistake(main, "--preset", "smoke", "--stages", "predictor")


def test_lengths_cannot_grow_since_rates_fall_towards_their_end(smoke, mistake):
    line = mistake(main, "--resume", str(smoke), "--gan.epochs", "4")
    assert "gan.epochs is 3.0 in the run and 4.0 here" in line
    assert "  " not in line
