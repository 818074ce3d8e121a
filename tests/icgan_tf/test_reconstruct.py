"""The command `python -m icgan_tf.reconstruct` on tiny runs of digits and faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets.celeba.faces import face
from common.files import ROOT
from icgan_tf.reconstruct import main

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture
def reconstruct(tmp_path, _models_loaded_once):
    """Runs the command, and returns the pixels of what it wrote in the order of the names."""

    def run(images: Path, using, *words: str) -> np.ndarray:
        out = tmp_path / "out"
        main([str(images), "--out", str(out), "--run", str(using.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def test_each_digit_becomes_its_reconstruction(reconstruct, model, digits):
    expected = model.reconstruct(digits)[..., 0]
    assert expected.std(axis=0).max() > 5  # the ten differ, so an exchange would be seen
    np.testing.assert_array_equal(reconstruct(DIGITS, model), expected)


def test_raw_attributes_are_those_that_e_y_reads_not_yet_binary(reconstruct, model, digits):
    found = reconstruct(DIGITS, model, "--attributes", "raw")
    codes = model.encode(digits)
    np.testing.assert_array_equal(found, model.decode(codes.with_attributes(codes.read))[..., 0])
    assert abs(found.astype(int) - model.reconstruct(digits)[..., 0]).max() > 5


def test_a_photograph_is_cropped_as_in_training(tmp_path, reconstruct, faces_model):
    levels = np.random.default_rng(0).integers(0, 256, (11, 9, 3), dtype=np.uint8)
    photograph = Image.fromarray(levels).resize((178, 218))
    photograph.save(tmp_path / "photo.png")
    seen = face(photograph, 16, (30, 40, 168, 178))[None]  # the paper's 138 pixels
    found = reconstruct(tmp_path / "photo.png", faces_model)
    np.testing.assert_array_equal(found, faces_model.reconstruct(seen))
