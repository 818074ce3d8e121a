"""The command `python -m crg.invert` on a tiny run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from crg.editor import Codes
from crg.faces.config import Config as FacesConfig
from crg.inversion import Descent
from crg.invert import descent_of, latents_of, main

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two digits."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("digit-3", "digit-8"):
        shutil.copy(DIGITS / f"{name}.png", folder)
    return folder


@pytest.fixture
def inverted(tmp_path, model, inputs, _model_loaded_once) -> Callable[..., np.ndarray]:
    """Runs the command with these words, and returns the images that it wrote."""

    def run(*words: str) -> np.ndarray:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        main([str(inputs), "--out", str(out), "--run", str(model.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def errors(images: np.ndarray, made: np.ndarray) -> np.ndarray:
    return np.square(images.astype(float) - made).mean(axis=(1, 2, 3))


def test_the_encoder_alone_is_the_reconstruction(inverted, model, digits):
    images = digits[[3, 8]]
    np.testing.assert_array_equal(
        inverted("--method", "encoder")[..., None], model.reconstruct(images)
    )


def test_latents_are_written_with_how_they_were_found(inverted, model, tmp_path):
    made = inverted("--steps", "3", "--restarts", "2", "--clip", "hard")
    assert made.shape == (2, 28, 28)
    found = json.loads((tmp_path / "out" / "sheets" / "codes.json").read_text())
    latent = np.array(found.pop("latent"), np.float32)
    assert found.pop("seconds_per_image") > 0
    assert found == {
        "model": "run",
        "method": "hybrid",
        "steps": 3,
        "restarts": 2,
        "loss": "cross_entropy",
        "clip": "hard",
    }
    shown = model.decode(Codes(latent))[..., 0].astype(int)
    assert int(abs(shown - made).max()) <= 1
    assert (tmp_path / "out" / "sheets" / "reconstructions.png").is_file()


def test_the_hybrid_begins_at_the_encoders_code_and_gets_better(model, digits):
    images = digits[[3, 8]]
    steps = [latents_of(model, images, "hybrid", 1, Descent(steps=n)) for n in (1, 60)]
    encoded = model.reconstruct(images)
    short, long = (errors(images, model.decode(Codes(z))) for z in steps)
    assert (short <= errors(images, encoded) + 1).all()  # but for rounding to 8 bits
    assert (long < errors(images, encoded)).all()
    assert np.abs(steps[0] - model.encode(images).latent).max() <= 0.0501  # one step of Adam


def test_a_descent_from_random_latents_needs_no_encoder(model, digits):
    without = replace(model, encoder=None)
    steps = [latents_of(without, digits[[3]], "optimise", 2, Descent(steps=n)) for n in (1, 40)]
    short, long = (errors(digits[[3]], model.decode(Codes(z))) for z in steps)
    assert long < short


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "0"], "The setting steps is 0; it must be at least 1"),
        (["--restarts", "0"], "The setting restarts is 0; it must be at least 1"),
        (["--seed", "-1"], "The setting seed is -1"),
        (["--run", "nowhere"], "nowhere is not a run"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, mistake, words, said):
    out = tmp_path / "out"
    assert said in mistake(main, str(DIGITS), "--out", str(out), *words)
    assert not out.exists()


def test_latents_of_faces_have_no_edge_at_which_to_be_clipped(
    mistake, monkeypatch, model, tmp_path
):
    faces = replace(model, config=FacesConfig())
    monkeypatch.setattr("crg.editor.outline", lambda run: faces)
    line = mistake(main, str(DIGITS), "--out", str(tmp_path / "out"), "--clip", "hard")
    assert "--clip hard is for digits: the z of faces is normal" in line


def test_digits_descend_by_cross_entropy_unless_told_and_faces_by_squared_error(model):
    faces = replace(model, config=FacesConfig())
    assert (descent_of(model, 7).loss, descent_of(model, 7).steps) == ("cross_entropy", 7)
    assert descent_of(model, 7, "absolute").loss == "absolute"
    assert (descent_of(faces, 7).loss, descent_of(faces, 7).prior) == ("squared", "normal")
