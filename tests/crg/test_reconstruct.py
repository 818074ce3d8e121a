"""The command `python -m crg.reconstruct` on a tiny run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from crg.codes import decode, encode
from crg.reconstruct import main

if TYPE_CHECKING:
    from crg.trained import Trained

DIGITS = ROOT / "examples" / "digits"


def reconstructed(model: Trained, images: np.ndarray) -> np.ndarray:
    """g(e(x)), uint8 `[N, 28, 28]`."""
    return decode(model.generator, encode(model.encoder, images))[..., 0]


@pytest.fixture
def reconstruct(tmp_path, model, _model_loaded_once) -> Callable[..., dict[str, np.ndarray]]:
    """Runs the command, and returns the pixels of what it wrote by the names of the files."""

    def run(images: Path, *words: str) -> dict[str, np.ndarray]:
        out = tmp_path / "out"
        main([str(images), "--out", str(out), "--run", str(model.folder), *words])
        return {file.name: np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))}

    return run


def test_each_input_becomes_its_reconstruction_under_its_own_name(reconstruct, model, digits):
    written = reconstruct(DIGITS)
    assert list(written) == [f"digit-{digit}.png" for digit in range(10)]
    expected = reconstructed(model, digits)
    assert expected.std(axis=0).max() > 5  # the ten differ, so an exchange would be seen
    np.testing.assert_array_equal(np.stack(list(written.values())), expected)


def test_reconstructions_are_gray_images_of_28x28(tmp_path, reconstruct):
    reconstruct(DIGITS / "digit-0.png")
    with Image.open(tmp_path / "out" / "digit-0.png") as image:
        assert (image.size, image.mode) == ((28, 28), "L")


def test_invert_reads_dark_ink_on_light_paper(tmp_path, reconstruct, model, digits):
    Image.fromarray(255 - digits[3, ..., 0]).save(tmp_path / "paper.png")
    written = reconstruct(tmp_path / "paper.png", "--invert")
    np.testing.assert_array_equal(written["paper.png"], reconstructed(model, digits[3:4])[0])


def test_a_picture_of_another_size_is_scaled_to_28x28(tmp_path, reconstruct, capsys):
    Image.new("RGB", (56, 40), "white").save(tmp_path / "large.png")
    assert reconstruct(tmp_path / "large.png")["large.png"].shape == (28, 28)
    assert "Resized 1 of 1 images to 28x28: large.png (56 wide, 40 high)" in capsys.readouterr().err


# --- A user's mistakes ----------------------------------------------------------------------------


@pytest.fixture
def mistake(tmp_path, capsys) -> Callable[..., str]:
    """Runs the command, which must refuse; returns its one line on standard error."""

    def run(images: Path, *words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(images), "--out", str(tmp_path / "out"), *words])
        assert ended.value.code == 2
        written = capsys.readouterr()
        assert (written.out, (tmp_path / "out").exists()) == ("", False)
        (line,) = written.err.splitlines()
        assert line.startswith("error: ")
        return line

    return run


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_missing_image_is_named(mistake, model, tmp_path):
    line = mistake(tmp_path / "nobody.png", "--run", str(model.folder))
    assert f"{tmp_path / 'nobody.png'} does not exist" in line


@pytest.mark.usefixtures("_model_loaded_once")
def test_two_inputs_of_one_stem_are_refused(mistake, model, tmp_path):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for suffix in (".png", ".bmp"):
        Image.new("L", (28, 28)).save(inputs / f"seven{suffix}")
    assert "have the same name" in mistake(inputs, "--run", str(model.folder))


def test_a_missing_run_is_named(mistake, tmp_path):
    line = mistake(DIGITS, "--run", str(tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'} is not a run" in line


def test_an_unfinished_run_is_refused_with_how_to_finish_it(mistake, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator", "discriminator")
    line = mistake(DIGITS, "--run", str(run))
    assert f"{run} has no trained encoder yet" in line
    assert f"--resume {run}" in line


@pytest.mark.parametrize("one", [False, True])
def test_inputs_are_never_overwritten(tmp_path, capsys, one):
    inputs = shutil.copytree(DIGITS, tmp_path / "inputs")
    before = (inputs / "digit-1.png").read_bytes()
    images = inputs / "digit-1.png" if one else inputs
    with pytest.raises(SystemExit) as ended:
        main([str(images), "--out", str(inputs)])
    assert ended.value.code == 2
    assert f"{inputs} holds the input images" in capsys.readouterr().err
    assert (inputs / "digit-1.png").read_bytes() == before
