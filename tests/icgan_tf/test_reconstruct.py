"""The command `python -m icgan_tf.reconstruct` on tiny runs of digits and faces."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from common.datasets.celeba.faces import face
from common.files import ROOT
from icgan_tf.codes import binary, decode, encode
from icgan_tf.reconstruct import main

if TYPE_CHECKING:
    from icgan_tf.trained import Trained

DIGITS = ROOT / "examples" / "digits"


def reconstructed(model: Trained, images: np.ndarray) -> np.ndarray:
    """G(E_z(x), E_y(x)), the latter binary; digits without their last axis."""
    latents, answers = encode(model, images)
    found = decode(model, latents, binary(answers, model.digits))
    return found[..., 0] if model.digits else found


@pytest.fixture
def reconstruct(tmp_path, model, _models_loaded_once) -> Callable[..., dict[str, np.ndarray]]:
    """Runs the command, and returns the pixels of what it wrote by the names of the files."""

    def run(images: Path, *words: str, using: Trained = model) -> dict[str, np.ndarray]:
        out = tmp_path / "out"
        main([str(images), "--out", str(out), "--run", str(using.folder), *words])
        return {file.name: np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))}

    return run


def test_each_input_becomes_its_reconstruction_under_its_own_name(reconstruct, model, digits):
    written = reconstruct(DIGITS)
    assert list(written) == [f"digit-{digit}.png" for digit in range(10)]
    expected = reconstructed(model, digits)
    assert expected.std(axis=0).max() > 5  # the ten differ, so an exchange would be seen
    np.testing.assert_array_equal(np.stack(list(written.values())), expected)


def test_raw_attributes_are_those_that_e_y_reads_not_yet_binary(reconstruct, model, digits):
    written = reconstruct(DIGITS, "--attributes", "raw")
    found = np.stack(list(written.values()))
    np.testing.assert_array_equal(found, decode(model, *encode(model, digits))[..., 0])
    assert abs(found.astype(int) - reconstructed(model, digits)).max() > 5


def test_reconstructions_of_digits_are_gray_images_of_28x28(tmp_path, reconstruct):
    reconstruct(DIGITS / "digit-0.png")
    with Image.open(tmp_path / "out" / "digit-0.png") as image:
        assert (image.size, image.mode) == ((28, 28), "L")


def test_reconstructions_of_faces_are_rgb_images_of_the_models_size(
    tmp_path, reconstruct, faces_model, faces
):
    Image.fromarray(faces.images[0]).save(tmp_path / "face.png")
    written = reconstruct(tmp_path / "face.png", using=faces_model)
    np.testing.assert_array_equal(
        written["face.png"], reconstructed(faces_model, faces.images[:1])[0]
    )
    with Image.open(tmp_path / "out" / "face.png") as image:
        assert (image.size, image.mode) == ((16, 16), "RGB")


def test_a_photograph_is_cropped_as_in_training(tmp_path, reconstruct, faces_model):
    levels = np.random.default_rng(0).integers(0, 256, (11, 9, 3), dtype=np.uint8)
    photograph = Image.fromarray(levels).resize((178, 218))
    photograph.save(tmp_path / "photo.png")
    seen = face(photograph, 16, "paper138")[None]
    written = reconstruct(tmp_path / "photo.png", using=faces_model)
    np.testing.assert_array_equal(written["photo.png"], reconstructed(faces_model, seen)[0])


def test_invert_reads_dark_ink_on_light_paper(tmp_path, reconstruct, model, digits):
    Image.fromarray(255 - digits[3, ..., 0]).save(tmp_path / "paper.png")
    written = reconstruct(tmp_path / "paper.png", "--invert")
    np.testing.assert_array_equal(written["paper.png"], reconstructed(model, digits[3:4])[0])


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


@pytest.mark.usefixtures("_models_loaded_once")
def test_a_missing_image_is_named(mistake, model, tmp_path):
    line = mistake(tmp_path / "nobody.png", "--run", str(model.folder))
    assert f"{tmp_path / 'nobody.png'} does not exist" in line


@pytest.mark.usefixtures("_models_loaded_once")
@pytest.mark.parametrize("name", ["model", "faces_model"])
def test_two_inputs_of_one_stem_are_refused(request, mistake, tmp_path, name):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for suffix in (".png", ".bmp"):
        Image.new("L", (28, 28)).save(inputs / f"seven{suffix}")
    folder = request.getfixturevalue(name).folder
    assert "have the same name" in mistake(inputs, "--run", str(folder))


@pytest.mark.usefixtures("_models_loaded_once")
def test_invert_of_faces_is_refused(mistake, faces_model):
    line = mistake(DIGITS, "--run", str(faces_model.folder), "--invert")
    assert "--invert is for digits" in line


def test_a_missing_run_is_named(mistake, tmp_path):
    line = mistake(DIGITS, "--run", str(tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'} is not a run" in line


@pytest.mark.usefixtures("_digits_built_once")
def test_an_unfinished_run_is_refused_with_how_to_finish_it(mistake, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator", "encoder_y")
    line = mistake(DIGITS, "--run", str(run))
    assert f"{run} has no trained encoder_z yet" in line
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
