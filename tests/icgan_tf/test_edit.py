"""The command `python -m icgan_tf.edit` on tiny runs of digits and faces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from icgan_tf.codes import Each, Interpolate, Set, Shift, Swap
from icgan_tf.config import PAPER18
from icgan_tf.edit import main

if TYPE_CHECKING:
    from icgan_tf.editor import IcGANEditor

DIGITS = ROOT / "examples" / "digits"
PATHS = {"SEVEN": str(DIGITS / "digit-7.png"), "DIGITS": str(DIGITS)}
CHOSEN = [0, 5, 9]  # of the ten examples


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, faces) -> dict[str, Path]:
    """A folder with three digits, and one with three drawn faces."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("model", "faces_model")}
    for digit in CHOSEN:
        shutil.copy(DIGITS / f"digit-{digit}.png", folders["model"])
    for name, image in zip("abc", faces.images, strict=False):
        Image.fromarray(image).save(folders["faces_model"] / f"{name}.png")
    return folders


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the sheets: what the last one shows."""
    drawn = {}
    monkeypatch.setattr(
        "common.reporting.sheets.grid",
        lambda rows, path, **labels: drawn.update({"rows": rows, "path": path}, **labels),
    )
    return drawn


@pytest.fixture
def edited_by(tmp_path, _models_loaded_once, sheet) -> Callable[..., np.ndarray]:
    """Runs the command with these words, and returns what it wrote, in the order of the names."""

    def run(model: IcGANEditor, images: Path, *words: str) -> np.ndarray:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        main([str(images), "--out", str(out), "--run", str(model.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def split(words: str) -> list[str]:
    """The words of a command, with the paths of examples by their names."""
    return [PATHS.get(word, word) for word in words.split()]


@pytest.mark.parametrize(
    ("name", "words", "wanted"),
    [
        ("model", "--shift 1", Shift(1)),
        ("model", "--shift -13", Shift(-13)),
        ("model", "--shift 1 --no-wrap", Shift(1, wrap=False)),
        ("model", "--set 7=1 3=-1", Set({"7": 1.0, "3": -1.0})),
        ("model", "--swap SEVEN", lambda digits: Swap(digits[7])),
        ("model", "--interpolate SEVEN", lambda digits: Interpolate(digits[7], 4)),
        ("model", "--interpolate SEVEN --steps 3", lambda digits: Interpolate(digits[7], 3)),
        ("model", "--all-attributes", Each()),
        ("faces_model", "--set Smiling=-1 Male=0.5", Set({"Smiling": -1.0, "Male": 0.5})),
        ("faces_model", "--set Blond_Hair=1", Set({"Blond_Hair": 1.0})),
        (
            "faces_model",
            "--set Blond_Hair=1 Gray_Hair=1 --no-exclusive",
            Set({"Blond_Hair": 1.0, "Gray_Hair": 1.0}, exclusive=False),
        ),
        ("faces_model", "--all-attributes", Each()),
        ("faces_model", "--all-attributes --no-exclusive", Each(exclusive=False)),
    ],
)
def test_a_command_carries_out_its_request_on_each_input(
    request, edited_by, sheet, inputs, digits, faces, name, words, wanted
):
    model = request.getfixturevalue(name)
    images = digits[CHOSEN] if model.digits else faces.images[:3]
    edited = model.edit(images, wanted(digits) if callable(wanted) else wanted)
    found = edited_by(model, inputs[name], *split(words))
    expected = edited.images[..., 0] if model.digits else edited.images
    np.testing.assert_array_equal(found, expected)
    assert found.std(axis=0).max() > 5  # different inputs, different edits
    assert sheet["column_labels"] == ["input", *edited.columns]
    columns = np.stack([images, *edited.columns.values()], axis=1)
    np.testing.assert_array_equal(np.array(sheet["rows"]), columns)


@pytest.mark.usefixtures("_models_loaded_once")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--shift 1 --shift -2", {"shift=1": Shift(1), "shift=-2": Shift(-2)}),
        ("--set 3=1 --set 7=1 3=-1", {"3=1": Set({"3": 1.0}), "7=1+3=-1": Set({"7": 1, "3": -1})}),
    ],
)
def test_each_shift_or_set_is_an_edit_of_its_own(
    tmp_path, sheet, inputs, model, digits, words, wanted
):
    out = tmp_path / "out"
    main([str(inputs["model"]), "--out", str(out), "--run", str(model.folder), *words.split()])
    assert not list(out.glob("*.png"))
    for name, request in wanted.items():
        found = np.stack([np.asarray(Image.open(f)) for f in sorted((out / name).glob("*.png"))])
        np.testing.assert_array_equal(found, model.edit(digits[CHOSEN], request).images[..., 0])
    labels = [name.replace("+", "\n") for name in wanted]
    assert sheet["column_labels"] == ["input", "reconstruction", *labels]


def test_an_input_stands_on_the_sheet_with_what_e_y_reads(edited_by, sheet, inputs, model, digits):
    edited_by(model, inputs["model"], "--shift", "1")
    read = model.encode(digits[CHOSEN]).attributes.argmax(axis=1)
    labels = [f"digit-{digit} ({seen})" for digit, seen in zip(CHOSEN, read, strict=True)]
    assert sheet["row_labels"] == labels


def test_codes_are_written_beside_the_sheet(tmp_path, edited_by, inputs, model, digits):
    edited_by(model, inputs["model"], "--shift", "1")
    written = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    assert (written["model"], written["attribute_names"]) == ("mnist-32", list("0123456789"))
    assert written["images"] == ["digit-0", "digit-5", "digit-9"]
    codes = model.encode(digits[CHOSEN])
    for name in ("latent", "attributes", "read"):
        np.testing.assert_allclose(written["codes"][name], getattr(codes, name), atol=1e-4)
    assert set(written["edited_codes"]) == {"latent", "attributes"}
    np.testing.assert_allclose(written["edited_codes"]["latent"], codes.latent, atol=1e-4)
    shifted = np.roll(codes.attributes, 1, axis=1)
    assert written["edited_codes"]["attributes"] == shifted.tolist()


def test_invert_reads_dark_ink_on_light_paper_in_inputs_and_in_the_other_image(
    tmp_path, edited_by, inputs, model, digits
):
    expected = edited_by(model, inputs["model"], "--swap", PATHS["SEVEN"])
    paper = tmp_path / "paper"
    paper.mkdir()
    for digit in CHOSEN:
        Image.fromarray(255 - digits[digit, ..., 0]).save(paper / f"digit-{digit}.png")
    Image.fromarray(255 - digits[7, ..., 0]).save(tmp_path / "other.png")
    found = edited_by(model, paper, "--swap", str(tmp_path / "other.png"), "--invert")
    np.testing.assert_array_equal(found, expected)


# --- A user's mistakes ----------------------------------------------------------------------------

EDITS = {
    "--shift": "--shift 0",
    "--set": "--set Male=1",
    "--swap": "--swap x.png",
    "--interpolate": "--interpolate x.png",
    "--all-attributes": "--all-attributes",
}


@pytest.mark.usefixtures("_models_loaded_once")
@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("model", "", f"You asked for no edit; give exactly one of {', '.join(EDITS)}, "),
        *(
            ("model", f"{EDITS[other]} {EDITS[one]}", f"You asked for {one} and {other}; give")
            for i, one in enumerate(EDITS)
            for other in list(EDITS)[i + 1 :]
        ),
        ("model", "--interpolate x.png --steps 0", "--steps is 0; it must be at least 1"),
        ("model", "--shift 1 --steps 3", "--steps has no effect on --shift; leave it out"),
        ("model", "--set 7=1 --no-wrap", "--no-wrap has no effect on --set; leave it out"),
        ("model", "--all-attributes --animate a.gif", "--animate has no effect on --all-attr"),
        ("model", "--shift 1 --no-exclusive", "--no-exclusive has no effect on --shift"),
        ("faces_model", "--shift 1", "--shift adds to digits, but this model knows faces"),
        ("faces_model", "--set Male=1 --invert", "--invert is for digits"),
        ("faces_model", "--set smilng=1", f"Did you mean 'Smiling'? It has {', '.join(PAPER18)}."),
        ("faces_model", "--set Male=yes", "write Male=1 or Male=-1"),
        ("faces_model", "--set Male=3.5", "between -3 and 3"),
        (
            "faces_model",
            "--set Gray_Hair=1 Blond_Hair=1",
            "exclude each other; set one of them",
        ),
        (
            "model",
            "--set Smiling=1",
            "knows digits, not faces; name a run that was trained",
        ),
        ("model", "--shift 1 --shift 1", "The edit shift=1 is asked for 2 times; once is enough"),
        ("model", "--shift 1 --shift 2 --animate a.gif", "--animate shows one edit; give one of"),
        ("model", "--set shift=1", "the model has no attribute 'shift'"),
        ("model", "--set 3=1 7=1", "3 and 7 exclude each other"),
        ("model", "--set 3=1 --set 3=1 7=1", "3 and 7 exclude each other"),
        ("model", "--set 3=1 --set", "--set stands without an attribute"),
        *(
            ("model", f"{flag} {path}", said)
            for flag in ("--swap", "--interpolate")
            for path, said in (
                ("DIGITS", f"{DIGITS} holds 10 images; name one"),
                ("nobody.png", "nobody.png does not exist"),
            )
        ),
    ],
)
def test_an_edit_that_cannot_be_is_refused_in_one_line_before_anything_is_written(
    request, tmp_path, inputs, capsys, name, words, said
):
    out, model = tmp_path / "out", request.getfixturevalue(name)
    with pytest.raises(SystemExit) as ended:
        main([str(inputs[name]), "--out", str(out), "--run", str(model.folder), *split(words)])
    written = capsys.readouterr()
    assert (ended.value.code, written.out, out.exists()) == (2, "", False)
    (line,) = written.err.splitlines()
    assert line.startswith("error: ")
    assert said in line


@pytest.mark.parametrize("flag", ["--swap", "--interpolate"])
def test_the_other_image_is_never_overwritten(tmp_path, capsys, flag):
    others = shutil.copytree(DIGITS, tmp_path / "others")
    other = others / "digit-1.png"
    before = other.read_bytes()
    with pytest.raises(SystemExit):
        main([str(DIGITS), flag, str(other), "--out", str(others)])
    assert f"{others} holds the input images" in capsys.readouterr().err
    assert other.read_bytes() == before
