"""Trainings of both methods from end to end, on narrow networks, and their commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.editor import editor_of
from common.files import ROOT
from comparators import bigan
from comparators.bigan import reconstruct
from comparators.bigan.config import Config
from comparators.bigan.presets import PRESETS
from comparators.bigan.train import main
from tests.runs import history, same, weights

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) for name in ("bigan", "latent_regressor")],
)
def run(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / request.param
    main(["--preset", "smoke", "--method", request.param, "--out", str(folder)])
    return folder


def test_a_run_holds_three_networks_losses_and_samples(run):
    rows = history(run, "gan")
    assert [row["step"] for row in rows] == ["8", "16", "24"]  # of 512 images in batches of 64
    assert {"discriminator_loss", "generator_loss", "val_image_mse"} <= set(rows[0])
    assert ("encoder_loss" in rows[0]) == (run.name == "latent_regressor")
    names = {file.stem for file in (run / "networks").iterdir()}
    assert names == {"generator", "encoder", "discriminator"}
    assert len(list((run / "samples").glob("gan-*.png"))) == 3
    assert (run / "plots" / "losses.png").is_file()


def test_statistics_for_inference_are_those_of_real_images_and_of_draws_of_z(run):
    # Moving averages of 24 steps with momentum .99 would keep .99^24 = 79 % of the variance 1 that
    # they start with; narrow layers of such small weights have far less.
    for name in ("encoder", "generator"):
        (variance, *_) = [v for v in weights(run, name) if v.ndim == 1][1::2]
        assert variance.max() < 0.5


def test_a_run_is_known_by_its_settings_and_reconstructs(run, digits, tmp_path):
    model = editor_of(run).load(run)
    assert model.title == {"bigan": "BiGAN", "latent_regressor": "latent regressor"}[run.name]
    assert same([model.reconstruct(digits)], [bigan.load(run).reconstruct(digits)])
    codes = model.encode(digits)
    assert codes.latent.shape == (10, 8)
    assert np.abs(codes.latent).max() < 1
    reconstruct.main([str(DIGITS), "--out", str(tmp_path / "out"), "--run", str(run)])
    written = [np.asarray(Image.open(file)) for file in sorted((tmp_path / "out").glob("*.png"))]
    np.testing.assert_array_equal(np.stack(written)[..., None], model.reconstruct(digits))


def test_without_a_run_the_command_says_that_none_comes_with_the_project(mistake, tmp_path):
    line = mistake(reconstruct.main, str(DIGITS), "--out", str(tmp_path / "out"))
    assert "name a run of your own, which `python -m comparators.bigan.train` makes" in line


def test_the_first_preset_is_the_authors_script():
    paper = PRESETS[next(iter(PRESETS))]()
    assert paper == Config()
    gan = paper.gan
    assert (gan.epochs, gan.batch_size, gan.learning_rate, gan.beta_1) == (400, 128, 2e-4, 0.5)
    assert (gan.decay, gan.last_rate, gan.reestimate_batches) == (2.5e-5, 0.01, 1000)
    assert paper.networks.latent_size == 50


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gan.last-rate", "0"], "gan.last_rate is 0.0; it must be above 0 and at most 1"),
        (["--gan.decay", "-1"], "gan.decay is -1.0"),
        (["--networks.width", "0"], "networks.width is 0"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(mistake, tmp_path, words, said):
    out = tmp_path / "run"
    assert said in mistake(main, "--preset", "smoke", "--out", str(out), *words)
    assert not out.exists()
