"""The command `python -m icgan_tf.edit` on tiny runs of digits and faces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from icgan_tf import reconstruct
from icgan_tf.codes import binary, decode, encode
from icgan_tf.config import PAPER18
from icgan_tf.edit import main

if TYPE_CHECKING:
    from icgan_tf.trained import Trained

DIGITS = ROOT / "examples" / "digits"
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
CHOSEN = [0, 5, 9]  # of the ten examples; the tiny E_y reads the last one as a 9


def one_hot(*classes: int) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[list(classes)]


# --- The command on digits ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three digits."""
    folder = tmp_path_factory.mktemp("digits")
    for digit in CHOSEN:
        shutil.copy(DIGITS / f"digit-{digit}.png", folder)
    return folder


@pytest.fixture(scope="module")
def z(model: Trained, digits: np.ndarray) -> np.ndarray:
    """The latents of the three digits `[3, Z]`."""
    return encode(model, digits[CHOSEN])[0]


@pytest.fixture(scope="module")
def y(model: Trained, digits: np.ndarray) -> np.ndarray:
    """What E_y reads them as, one-hot `[3, 10]`."""
    found = binary(encode(model, digits[CHOSEN])[1], one_hot=True)
    assert found.argmax(axis=1).tolist()[2] == 9
    assert len(np.unique(found.argmax(axis=1))) == 3
    return found


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Stands in for the sheets: what the last one shows."""
    drawn = {}

    def grid(rows, path, **labels):
        drawn.update({"rows": rows, "path": path}, **labels)

    monkeypatch.setattr("common.reporting.sheets.grid", grid)
    return drawn


@pytest.fixture
def edited_by(tmp_path, model, inputs, sheet, _models_loaded_once) -> Callable[..., np.ndarray]:
    """Runs the command with these words, and returns what it wrote, in the order of the names."""

    def run(*words: str, images: Path = inputs, using: Trained = model) -> np.ndarray:
        out = tmp_path / "out"
        main([str(images), "--out", str(out), "--run", str(using.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def shows(images: np.ndarray, expected: np.ndarray) -> bool:
    """Whether images are the expected ones, up to one gray level: sums of another order round."""
    expected = expected.squeeze(-1) if expected.shape[-1] == 1 else expected
    assert len(expected) == 1 or expected.std(axis=0).max() > 5  # different codes, different images
    return images.shape == expected.shape and abs(images.astype(int) - expected).max() <= 1


def test_edit_writes_one_gray_digit_for_each_input(tmp_path, edited_by):
    edited_by("--shift", "1")
    written = sorted((tmp_path / "out").glob("*.png"))
    assert [file.name for file in written] == ["digit-0.png", "digit-5.png", "digit-9.png"]
    for file in written:
        with Image.open(file) as image:
            assert (image.size, image.mode) == ((28, 28), "L")


@pytest.mark.usefixtures("_models_loaded_once")
def test_edit_writes_its_sheet_and_codes_into_a_folder_of_their_own(tmp_path, inputs, model):
    out = tmp_path / "out"
    main([str(inputs), "--out", str(out), "--run", str(model.folder), "--shift", "1"])
    assert sorted(file.name for file in (out / "sheets").iterdir()) == ["edits.json", "edits.png"]


def test_edit_of_a_single_file_writes_a_single_image(tmp_path, edited_by):
    edited_by("--shift", "1", images=DIGITS / "digit-7.png")
    assert [file.name for file in (tmp_path / "out").glob("*.png")] == ["digit-7.png"]


@pytest.mark.parametrize("k", [1, -13])
def test_shift_generates_from_the_latents_and_the_class_plus_k(edited_by, model, z, y, k):
    found = edited_by("--shift", str(k))
    classes = (y.argmax(axis=1) + k) % 10
    assert shows(found, decode(model, z, one_hot(*classes)))
    assert not shows(found, decode(model, z, y))


def test_shift_0_is_the_reconstruction(tmp_path, edited_by, inputs, model):
    found = edited_by("--shift", "0")
    again = tmp_path / "again"
    reconstruct.main([str(inputs), "--out", str(again), "--run", str(model.folder)])
    for image, file in zip(found, sorted(again.glob("*.png")), strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(file)))


def test_no_wrap_asks_for_no_digit_past_nine(tmp_path, edited_by, model, z, y):
    found = edited_by("--shift", "1", "--no-wrap")
    wanted = np.roll(y, 1, axis=1)
    wanted[2] = 0.0  # read as a 9
    assert shows(found, decode(model, z, wanted))
    codes = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    assert codes["edited_attributes"][2] == [0.0] * 10


@pytest.mark.parametrize(
    ("words", "value"), [(["7=1"], 1.0), (["7=1", "3=-1"], 1.0), (["7=2"], 1.5)]
)
def test_set_of_a_digit_says_which_digit_to_make(edited_by, model, z, words, value):
    found = edited_by("--set", *words)
    assert shows(found, decode(model, z, value * one_hot(7, 7, 7)))


def test_swap_takes_the_attributes_of_the_other_image(edited_by, model, digits, z):
    theirs = binary(encode(model, digits[7:8])[1], one_hot=True)
    found = edited_by("--swap", str(DIGITS / "digit-7.png"))
    assert shows(found, decode(model, z, np.repeat(theirs, 3, axis=0)))


def test_swap_shows_the_other_image_with_each_inputs_attributes(edited_by, sheet, model, digits, y):
    latents, answers = encode(model, digits[7:8])
    edited_by("--swap", str(DIGITS / "digit-7.png"))
    assert sheet["column_labels"] == [
        *("input", "reconstruction", "attributes of the other"),
        *("the other", "its reconstruction", "with these attributes"),
    ]
    for row, attributes in zip(sheet["rows"], y, strict=True):
        np.testing.assert_array_equal(row[3], digits[7])
        theirs = decode(model, latents, binary(answers, one_hot=True))
        assert shows(row[4][None, :, :, 0], theirs)
        assert shows(row[5][None, :, :, 0], decode(model, latents, attributes[None]))


def test_swapping_twice_gives_each_image_its_own_attributes_back(tmp_path, edited_by):
    read = {}
    for one, other in (("digit-0", "digit-5"), ("digit-5", "digit-0")):
        edited_by("--swap", str(DIGITS / f"{other}.png"), images=DIGITS / f"{one}.png")
        codes = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
        read[one] = (codes["attributes"], codes["edited_attributes"])
        shutil.rmtree(tmp_path / "out")
    assert read["digit-0"] == read["digit-5"][::-1]
    assert read["digit-0"][0] != read["digit-0"][1]


def test_swap_with_itself_is_the_reconstruction(edited_by, model, z, y):
    found = edited_by("--swap", str(DIGITS / "digit-5.png"), images=DIGITS / "digit-5.png")
    assert shows(found, decode(model, z[1:2], y[1:2]))


def test_interpolate_goes_from_one_reconstruction_to_the_other(
    edited_by, sheet, model, digits, z, y
):
    latents, answers = encode(model, digits[7:8])
    edited_by("--interpolate", str(DIGITS / "digit-7.png"), "--steps", "3")
    assert sheet["column_labels"] == [
        *("input", "reconstruction", "25%", "50%", "75%", "100%", "the other"),
    ]
    images = np.array(sheet["rows"])[..., 0]
    assert shows(images[:, 1], decode(model, z, y))
    end = decode(model, latents, binary(answers, one_hot=True))
    assert shows(images[:1, 5], end)
    assert np.array_equal(images[0, 5], images[2, 5])
    assert np.array_equal(images[1, 6], digits[7, :, :, 0])


def test_interpolate_writes_the_image_half_way(edited_by, sheet, model, digits, z, y):
    latents, answers = encode(model, digits[7:8])
    found = edited_by("--interpolate", str(DIGITS / "digit-7.png"), "--steps", "3")
    middle = (y + binary(answers, one_hot=True)) / 2
    assert shows(found, decode(model, (z + latents) / 2, middle))
    np.testing.assert_array_equal(found, np.array(sheet["rows"])[:, 3, :, :, 0])


def test_all_attributes_shows_each_input_as_every_digit(edited_by, sheet, model, z, y):
    found = edited_by("--all-attributes")
    assert shows(found, decode(model, z, y))  # the images themselves are reconstructions
    assert sheet["column_labels"] == ["input", "reconstruction", *"0123456789"]
    images = np.array(sheet["rows"])[..., 0]
    assert images.shape == (3, 12, 28, 28)
    assert shows(images[:, 2 + 6], decode(model, z, one_hot(6, 6, 6)))


def test_a_row_of_the_sheet_is_an_input_with_the_digit_that_e_y_reads(edited_by, sheet, digits, y):
    found = edited_by("--shift", "1")
    assert sheet["row_labels"] == [
        f"digit-{digit} ({row.argmax()})" for digit, row in zip(CHOSEN, y, strict=True)
    ]
    assert sheet["column_labels"] == ["input", "reconstruction", "digit +1"]
    images = np.array(sheet["rows"])[..., 0]
    np.testing.assert_array_equal(images[:, 0], digits[CHOSEN, ..., 0])
    np.testing.assert_array_equal(images[:, 2], found)


def test_a_long_sheet_shows_the_first_inputs_only(edited_by, sheet, monkeypatch):
    monkeypatch.setattr("icgan_tf.edit.SHEET_ROWS", 2)
    assert len(edited_by("--shift", "1")) == 3
    assert (len(sheet["rows"]), len(sheet["row_labels"])) == (2, 2)


def test_codes_are_written_beside_the_sheet(tmp_path, edited_by, model, digits, z, y):
    edited_by("--shift", "1")
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    assert (written["model"], written["attribute_names"]) == ("mnist-32", list("0123456789"))
    assert written["images"] == ["digit-0", "digit-5", "digit-9"]
    np.testing.assert_allclose(written["latents"], z, atol=1e-4)
    np.testing.assert_allclose(written["encoder_y"], encode(model, digits[CHOSEN])[1], atol=1e-4)
    assert written["attributes"] == y.tolist()
    assert written["edited_attributes"] == np.roll(y, 1, axis=1).tolist()


def test_invert_reads_dark_ink_on_light_paper_in_inputs_and_in_the_other_image(
    tmp_path, edited_by, digits
):
    expected = edited_by("--swap", str(DIGITS / "digit-7.png"))
    shutil.rmtree(tmp_path / "out")
    paper = tmp_path / "paper"
    paper.mkdir()
    for digit in CHOSEN:
        Image.fromarray(255 - digits[digit, ..., 0]).save(paper / f"digit-{digit}.png")
    Image.fromarray(255 - digits[7, ..., 0]).save(tmp_path / "other.png")
    found = edited_by("--swap", str(tmp_path / "other.png"), "--invert", images=paper)
    np.testing.assert_array_equal(found, expected)


# --- The command on faces -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, faces) -> Path:
    """A folder with three drawn faces."""
    folder = tmp_path_factory.mktemp("faces")
    for name, image in zip("abc", faces.images, strict=False):
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def face_codes(faces_model: Trained, faces) -> tuple[np.ndarray, np.ndarray]:
    """Latents `[3, Z]` and binary attributes `[3, 18]` of the three faces."""
    latents, answers = encode(faces_model, faces.images[:3])
    return latents, binary(answers, one_hot=False)


@pytest.fixture
def face_edited_by(edited_by, faces_model, photographs) -> Callable[..., np.ndarray]:
    return lambda *words: edited_by(*words, images=photographs, using=faces_model)


def test_edited_faces_are_rgb_images_of_the_models_size(tmp_path, face_edited_by):
    face_edited_by("--set", "Smiling=1")
    written = sorted((tmp_path / "out").glob("*.png"))
    assert [file.name for file in written] == ["a.png", "b.png", "c.png"]
    for file in written:
        with Image.open(file) as image:
            assert (image.size, image.mode) == ((16, 16), "RGB")


@pytest.mark.parametrize("words", [["Smiling=1"], ["Smiling=-1", "Male=0.5"]])
def test_set_changes_the_named_attributes_of_faces(face_edited_by, faces_model, face_codes, words):
    latents, attributes = face_codes
    wanted = attributes.copy()
    for word in words:
        name, value = word.split("=")
        wanted[:, PAPER18.index(name)] = (float(value) + 1) / 2
    found = face_edited_by("--set", *words)
    assert shows(found, decode(faces_model, latents, wanted))
    assert not shows(found, decode(faces_model, latents, attributes))


@pytest.mark.parametrize("flags", [[], ["--no-exclusive"]])
def test_a_hair_colour_takes_the_place_of_the_others_unless_told_otherwise(
    tmp_path, face_edited_by, face_codes, flags
):
    face_edited_by("--set", "Blond_Hair=1", *flags)
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    wanted = face_codes[1].copy()
    columns = [PAPER18.index(name) for name in HAIR]
    assert wanted[:, columns].sum() > 0
    if not flags:
        wanted[:, columns] = 0.0
    wanted[:, PAPER18.index("Blond_Hair")] = 1.0
    assert written["edited_attributes"] == wanted.tolist()


def test_no_exclusive_lets_attributes_of_a_group_be_set_together(tmp_path, face_edited_by):
    face_edited_by("--set", "Blond_Hair=1", "Gray_Hair=1", "--no-exclusive")
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    columns = [PAPER18.index(name) for name in ("Blond_Hair", "Gray_Hair")]
    assert (np.array(written["edited_attributes"])[:, columns] == 1.0).all()


def test_all_attributes_shows_each_face_with_every_attribute(face_edited_by, sheet):
    face_edited_by("--all-attributes")
    expected = [f"{name} toggled" if name == "Male" else name for name in PAPER18]
    assert sheet["column_labels"] == ["input", "reconstruction", *expected]
    assert sheet["row_labels"] == ["a", "b", "c"]


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


@pytest.fixture
def digit_mistake(mistake, model, _models_loaded_once) -> Callable[..., str]:
    return lambda *words, **options: mistake(*words, "--run", str(model.folder), **options)


@pytest.fixture
def face_mistake(mistake, faces_model, photographs, _models_loaded_once) -> Callable[..., str]:
    folder = str(faces_model.folder)
    return lambda *words: mistake(*words, "--run", folder, images=photographs)


EDITS = {
    "--shift": ["--shift", "0"],
    "--set": ["--set", "Male=1"],
    "--swap": ["--swap", "x.png"],
    "--interpolate": ["--interpolate", "x.png"],
    "--all-attributes": ["--all-attributes"],
}


def test_no_edit_is_refused_with_all_there_are(mistake):
    line = mistake()
    assert "You asked for no edit" in line
    assert all(flag in line for flag in EDITS)


@pytest.mark.parametrize(
    ("one", "other"), [(one, other) for one in EDITS for other in EDITS if one < other]
)
def test_two_edits_are_refused_by_name(mistake, one, other):
    line = mistake(*EDITS[other], *EDITS[one])
    said = line.removeprefix("error: You asked for ").split(";")[0]
    assert sorted(said.split(" and ")) == [one, other]


def test_a_line_without_steps_is_refused(mistake):
    assert "--steps is 0" in mistake("--interpolate", "x.png", "--steps", "0")


@pytest.mark.parametrize(
    ("edit", "option"),
    [
        (["--shift", "1"], ["--steps", "3"]),
        (["--set", "7=1"], ["--no-wrap"]),
        (["--shift", "1"], ["--no-exclusive"]),
    ],
)
def test_options_of_another_edit_are_refused(mistake, edit, option):
    assert f"{option[0]} has no effect on {edit[0]}; leave it out" in mistake(*edit, *option)


def test_shift_of_faces_is_refused(face_mistake):
    assert "--shift adds to digits, but this model knows faces" in face_mistake("--shift", "1")


def test_invert_of_faces_is_refused(face_mistake):
    assert "--invert is for digits" in face_mistake("--set", "Male=1", "--invert")


def test_an_attribute_of_faces_needs_a_model_of_faces(digit_mistake):
    line = digit_mistake("--set", "Smiling=1")
    assert "knows digits, not faces; name a run that was trained on faces by --run" in line


def test_an_unknown_attribute_is_answered_with_the_nearest_one(face_mistake):
    line = face_mistake("--set", "smilng=1")
    assert "no attribute 'smilng'. Did you mean 'Smiling'?" in line
    assert all(name in line for name in PAPER18)


def test_an_unknown_attribute_like_no_other_is_answered_with_all(face_mistake):
    line = face_mistake("--set", "qqqqq=1")
    assert "Did you mean" not in line
    assert all(name in line for name in PAPER18)


@pytest.mark.parametrize("word", ["Male", "Male=", "Male=yes", "Male=1=1"])
def test_a_value_that_is_no_number_is_refused(face_mistake, word):
    assert "write Male=1 or Male=-1" in face_mistake("--set", word)


@pytest.mark.parametrize("value", ["3.5", "-4", "nan", "inf"])
def test_a_value_that_leads_nowhere_is_refused(face_mistake, value):
    assert "between -3 and 3" in face_mistake("--set", f"Male={value}")


def test_attributes_that_exclude_each_other_are_refused(face_mistake):
    line = face_mistake("--set", "Gray_Hair=1", "Male=1", "Blond_Hair=1")
    assert "Gray_Hair and Blond_Hair exclude each other" in line
    assert "--no-exclusive" in line


def test_two_digits_at_once_are_refused(digit_mistake):
    line = digit_mistake("--set", "3=1", "7=1")
    assert "3 and 7 exclude each other" in line
    assert "--no-exclusive" not in line


def test_a_digit_that_is_only_not_something_is_refused(digit_mistake):
    assert "says which digit to make" in digit_mistake("--set", "3=-1")


@pytest.mark.parametrize("flag", ["--swap", "--interpolate"])
def test_a_folder_as_the_other_image_is_refused(digit_mistake, flag):
    assert f"{DIGITS} holds 10 images; name one" in digit_mistake(flag, str(DIGITS))


@pytest.mark.parametrize("flag", ["--swap", "--interpolate"])
def test_a_missing_other_image_is_named(digit_mistake, tmp_path, flag):
    missing = tmp_path / "nobody.png"
    assert f"{missing} does not exist" in digit_mistake(flag, str(missing))


def test_a_missing_input_is_named(digit_mistake, tmp_path):
    missing = tmp_path / "nobody.png"
    assert f"{missing} does not exist" in digit_mistake("--shift", "1", images=missing)


def test_two_inputs_of_one_stem_are_refused(digit_mistake, tmp_path):
    for suffix in (".png", ".bmp"):
        Image.new("L", (28, 28)).save(tmp_path / f"seven{suffix}")
    assert "have the same name" in digit_mistake("--shift", "1", images=tmp_path)


def test_a_missing_run_is_named(mistake, tmp_path):
    line = mistake("--shift", "1", "--run", str(tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'} is not a run: it has no config.json" in line


@pytest.mark.usefixtures("_digits_built_once")
def test_an_unfinished_run_is_refused_with_how_to_finish_it(mistake, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator", "encoder_z")
    line = mistake("--shift", "1", "--run", str(run))
    assert f"{run} has no trained encoder_y yet" in line
    assert f"--resume {run}" in line


@pytest.mark.parametrize("one", [False, True])
def test_inputs_are_never_overwritten(tmp_path, capsys, one):
    inputs = shutil.copytree(DIGITS, tmp_path / "inputs")
    before = (inputs / "digit-1.png").read_bytes()
    images = inputs / "digit-1.png" if one else inputs
    with pytest.raises(SystemExit) as ended:
        main([str(images), "--out", str(inputs), "--shift", "1"])
    assert ended.value.code == 2
    assert f"{inputs} holds the input images" in capsys.readouterr().err
    assert (inputs / "digit-1.png").read_bytes() == before


@pytest.mark.parametrize("flag", ["--swap", "--interpolate"])
def test_the_other_image_is_never_overwritten(tmp_path, capsys, flag):
    others = shutil.copytree(DIGITS, tmp_path / "others")
    other = others / "digit-1.png"
    before = other.read_bytes()
    with pytest.raises(SystemExit):
        main([str(DIGITS), flag, str(other), "--out", str(others)])
    assert f"{others} holds the input images" in capsys.readouterr().err
    assert other.read_bytes() == before
