"""The command `python -m crg.edit` on a tiny run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tyro
from PIL import Image

from common.files import ROOT
from crg.codes import decode, encode
from crg.edit import EditCommand, amount_label, main, read

if TYPE_CHECKING:
    from crg.trained import Trained

DIGITS = ROOT / "examples" / "digits"
PAIRS = ROOT / "examples" / "pairs"


# --- The command ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codes(model: Trained) -> dict[str, np.ndarray]:
    """The codes `[Z]` of all examples, by the stems of their files."""
    from common.datasets.folder import read_images

    found = {}
    for folder in (DIGITS, PAIRS):
        stems, images = read_images(folder, (28, 28), "L")
        found |= dict(zip(stems, encode(model.encoder, images), strict=True))
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three digits."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("digit-2.png", "digit-3.png", "digit-7.png"):
        shutil.copy(DIGITS / name, folder)
    return folder


@pytest.fixture(scope="module")
def z(codes: dict[str, np.ndarray]) -> np.ndarray:
    """The codes of the three digits `[3, Z]`."""
    return np.stack([codes[name] for name in ("digit-2", "digit-3", "digit-7")])


@pytest.fixture
def edited_by(tmp_path, model, inputs, _model_loaded_once) -> Callable[..., np.ndarray]:
    """Runs the command with these words, and returns what it wrote, in the order of the names."""

    def run(*words: str, images: Path = inputs) -> np.ndarray:
        out = tmp_path / "out"
        main([str(images), "--out", str(out), "--run", str(model.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def pair(*names: str) -> list[str]:
    """`--without A [C] --with B [D]` for the examples A, B, C, D."""
    files = [str(PAIRS / f"{name}.png") for name in names]
    return ["--without", *files[::2], "--with", *files[1::2]]


def shows(images: np.ndarray, model: Trained, latents: np.ndarray) -> bool:
    """Whether images are g(z), up to one gray level: sums of another order may round."""
    expected = decode(model.generator, latents)[..., 0].astype(int)
    assert expected.std(axis=0).max() > 5  # so that images of different codes differ
    return images.shape == expected.shape and int(abs(images - expected).max()) <= 1


def test_edit_writes_one_gray_digit_for_each_input(tmp_path, edited_by):
    edited_by(*pair("upright", "slanted"))
    written = sorted((tmp_path / "out").glob("*.png"))
    assert [file.name for file in written] == ["digit-2.png", "digit-3.png", "digit-7.png"]
    for file in written:
        with Image.open(file) as image:
            assert (image.size, image.mode) == ((28, 28), "L")


def test_edit_writes_its_sheet_and_codes_into_a_folder_of_their_own(tmp_path, edited_by):
    edited_by(*pair("upright", "slanted"))
    sheets = sorted(file.name for file in (tmp_path / "out" / "sheets").iterdir())
    assert sheets == ["edits.json", "edits.png"]


def test_edit_of_a_single_file_writes_a_single_image(tmp_path, edited_by):
    edited_by(*pair("upright", "slanted"), images=DIGITS / "digit-7.png")
    assert [file.name for file in (tmp_path / "out").glob("*.png")] == ["digit-7.png"]


@pytest.mark.parametrize("strength", [1.0, -1.0, 0.5])
def test_strength_is_the_share_of_the_step_from_without_to_with(
    edited_by, model, codes, z, strength
):
    step = np.float32(strength) * (codes["slanted"] - codes["upright"])
    found = edited_by(*pair("upright", "slanted"), "--strength", str(strength))
    assert shows(found, model, z + step)
    assert not shows(found, model, z - step)


@pytest.mark.parametrize("norm", ["unit", "none"])
def test_strength_means_the_same_step_for_every_norm(edited_by, model, codes, z, norm):
    found = edited_by(*pair("upright", "slanted"), "--strength", "0.5", "--norm", norm)
    assert shows(found, model, z + np.float32(0.5) * (codes["slanted"] - codes["upright"]))


def test_strength_is_1_by_default(edited_by, model, codes, z):
    found = edited_by(*pair("upright", "slanted"))
    assert shows(found, model, z + codes["slanted"] - codes["upright"])


def test_strength_1_turns_the_first_image_of_the_pair_into_the_second_ones_reconstruction(
    edited_by, model, codes
):
    found = edited_by(*pair("upright", "thick"), images=PAIRS / "upright.png")
    both = np.stack([codes["thick"], codes["upright"]])
    assert shows(np.concatenate([found, decode(model.generator, both[1:])[..., 0]]), model, both)


def test_strength_0_gives_the_reconstruction_exactly(edited_by, model, z):
    found = edited_by(*pair("upright", "slanted"), "--strength", "0")
    np.testing.assert_array_equal(found, decode(model.generator, z)[..., 0])


@pytest.mark.parametrize(("norm", "power"), [("squared", 2), ("unit", 1), ("none", 0)])
def test_k_multiplies_the_direction_of_that_norm(edited_by, model, codes, z, norm, power):
    difference = codes["upright"] - codes["slanted"]
    assert abs(np.linalg.norm(difference) - 1.0) > 0.05  # or the three norms would agree
    z_f = difference / np.linalg.norm(difference) ** power
    found = edited_by(*pair("upright", "slanted"), "--k", "-0.7", "--norm", norm)
    assert shows(found, model, z - np.float32(0.7) * z_f)


def test_directions_with_a_strength_each_add_up(edited_by, model, codes, z):
    slant = np.float32(0.5) * (codes["slanted"] - codes["upright"])
    stroke = np.float32(-1.5) * (codes["thick"] - codes["thin"])
    words = pair("upright", "slanted", "thin", "thick")
    found = edited_by(*words, "--strength", "0.5", "-1.5")
    assert shows(found, model, z + slant + stroke)


def test_one_strength_counts_for_all_directions(edited_by, model, codes, z):
    step = codes["slanted"] - codes["upright"] + codes["thick"] - codes["thin"]
    found = edited_by(*pair("upright", "slanted", "thin", "thick"), "--strength", "0.5")
    assert shows(found, model, z + np.float32(0.5) * step)


def test_codes_and_k_are_written_beside_the_sheet(tmp_path, edited_by, codes, z):
    edited_by(*pair("upright", "slanted"))
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    step = codes["slanted"] - codes["upright"]
    assert written["images"] == ["digit-2", "digit-3", "digit-7"]
    assert written["directions"][0]["k"] == pytest.approx(-float(step @ step), rel=1e-4)
    np.testing.assert_allclose(written["codes"], z, atol=1e-5)
    np.testing.assert_allclose(written["edited_codes"], z + step, atol=1e-5)


def test_clip_keeps_edited_codes_in_the_cube(tmp_path, edited_by, model, codes, z):
    edited = z + 4 * (codes["slanted"] - codes["upright"])
    found = edited_by(*pair("upright", "slanted"), "--strength", "4", "--clip")
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    assert np.abs(edited).max() > 1.0
    np.testing.assert_allclose(written["edited_codes"], np.clip(edited, -1, 1), atol=1e-5)
    assert written["share_outside_cube"] == 0.0
    assert shows(found, model, np.clip(edited, -1, 1))


def test_the_share_of_codes_outside_the_cube_is_told(tmp_path, edited_by, codes, z):
    edited_by(*pair("upright", "slanted"), "--strength", "20")
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    outside = np.mean(np.abs(z + 20 * (codes["slanted"] - codes["upright"])) > 1.0)
    assert 0 < outside == pytest.approx(written["share_outside_cube"])


def test_invert_reads_dark_ink_on_light_paper(tmp_path, edited_by, inputs):
    paper = tmp_path / "paper"
    paper.mkdir()
    for file in [*inputs.iterdir(), PAIRS / "upright.png", PAIRS / "slanted.png"]:
        Image.fromarray(255 - np.asarray(Image.open(file))).save(paper / file.name)
    light = ["--without", str(paper / "upright.png"), "--with", str(paper / "slanted.png")]
    found = []
    for words, digit in (
        (pair("upright", "slanted"), inputs),
        ([*pair("upright", "slanted"), "--invert"], paper),
        ([*light, "--invert-pairs"], inputs),
        ([*light, "--invert", "--invert-pairs"], paper),
    ):
        found.append(edited_by(*words, images=digit / "digit-7.png"))
        (tmp_path / "out").rename(tmp_path / f"out-{len(found)}")
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["--strength", "0.5"], "strength 0.25"),
        (["--k", "-12"], "k -6"),
        ([], "strength 0.5"),
    ],
)
def test_columns_of_a_sheet_say_how_much(words, label):
    command = tyro.cli(EditCommand, args=["x", "--out", "y", *pair("thin", "thick"), *words])
    assert amount_label(command, 0.5) == label


def test_columns_of_several_directions_say_shares():
    pairs = ["--without", "a", "b", "--with", "c", "d", "--strength", "1", "2"]
    command = tyro.cli(EditCommand, args=["x", "--out", "y", *pairs])
    assert amount_label(command, 0.25) == "25% of each"


@pytest.mark.parametrize(("invert", "said"), [(False, "say so by --invert"), (True, "leave out")])
def test_images_of_the_other_polarity_are_pointed_out(tmp_path, caplog, invert, said):
    shade = 20 if invert else 235
    Image.fromarray(np.full((28, 28), shade, np.uint8)).save(tmp_path / "paper.png")
    Image.fromarray(np.full((28, 28), 255 - shade, np.uint8)).save(tmp_path / "black.png")
    read(tmp_path, invert)
    (message,) = caplog.messages
    assert message.startswith("paper: mostly white")
    assert said in message


# --- A user's mistakes ----------------------------------------------------------------------------


@pytest.fixture
def mistake(tmp_path, inputs, capsys) -> Callable[..., str]:
    """Runs the command, which must refuse; returns its one line on standard error."""

    def run(*words: str, images: Path = inputs) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(images), "--out", str(tmp_path / "out"), *words])
        assert ended.value.code == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert not (tmp_path / "out").exists()
        (line,) = written.err.splitlines()
        assert line.startswith("error: ")
        return line

    return run


def test_a_pair_without_its_second_image_is_refused(mistake):
    line = mistake(*pair("upright", "slanted"), str(PAIRS / "thick.png"))
    assert "Images in --without: 1, in --with: 2, amounts: 1" in line


def test_another_number_of_strengths_than_directions_is_refused(mistake):
    line = mistake(*pair("upright", "slanted"), "--strength", "1", "2")
    assert "Images in --without: 1, in --with: 1, amounts: 2" in line


def test_no_direction_at_all_is_refused(mistake):
    assert "Images in --without: 0, in --with: 0" in mistake("--without", "--with")


@pytest.mark.parametrize("flag", ["--k", "--strength"])
def test_a_flag_without_its_amounts_is_refused(mistake, flag):
    line = mistake(*pair("upright", "slanted"), flag)
    assert "Images in --without: 1, in --with: 1, amounts: 0" in line


def test_k_and_strength_together_are_refused(mistake):
    line = mistake(*pair("upright", "slanted"), "--k", "1", "--strength", "1")
    assert "--k and --strength are two ways to say the same" in line


@pytest.mark.parametrize("amount", ["nan", "inf", "1e39"])
@pytest.mark.usefixtures("_model_loaded_once")
def test_amounts_that_lead_nowhere_are_refused_before_anything_is_written(mistake, model, amount):
    line = mistake(*pair("upright", "slanted"), "--strength", amount, "--run", str(model.folder))
    assert "lead to codes that are not finite" in line


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_folder_as_one_side_of_a_pair_is_refused(mistake, model):
    words = ["--without", str(PAIRS), "--with", str(PAIRS / "thick.png")]
    assert "holds 8 images; a direction needs one" in mistake(*words, "--run", str(model.folder))


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_pair_of_one_image_is_refused(mistake, model):
    line = mistake(*pair("upright", "upright"), "--run", str(model.folder))
    assert "choose two different images" in line


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_missing_input_is_named(mistake, model, tmp_path):
    missing = tmp_path / "nobody.png"
    line = mistake(*pair("thin", "thick"), "--run", str(model.folder), images=missing)
    assert f"{missing} does not exist" in line


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_missing_image_of_a_pair_is_named(mistake, model, tmp_path):
    missing = str(tmp_path / "nobody.png")
    words = ["--without", missing, "--with", str(PAIRS / "thick.png")]
    assert f"{missing} does not exist" in mistake(*words, "--run", str(model.folder))


def test_a_missing_run_is_named(mistake, tmp_path):
    line = mistake(*pair("thin", "thick"), "--run", str(tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'} is not a run: it has no config.json" in line


def test_an_unfinished_run_is_refused_with_how_to_finish_it(mistake, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator")
    line = mistake(*pair("thin", "thick"), "--run", str(run))
    assert f"{run} has no trained encoder yet" in line
    assert f"--resume {run}" in line


@pytest.mark.parametrize("one", [False, True])
def test_inputs_are_never_overwritten(tmp_path, capsys, one):
    inputs = shutil.copytree(DIGITS, tmp_path / "inputs")
    before = (inputs / "digit-1.png").read_bytes()
    images = inputs / "digit-1.png" if one else inputs
    with pytest.raises(SystemExit) as ended:
        main([str(images), "--out", str(inputs), *pair("thin", "thick")])
    assert ended.value.code == 2
    assert f"{inputs} holds the input images" in capsys.readouterr().err
    assert (inputs / "digit-1.png").read_bytes() == before
