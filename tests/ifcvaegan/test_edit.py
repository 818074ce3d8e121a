"""`python -m ifcvaegan.edit`: from words to a request, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ifcvaegan.codes import Set, Sweep
from ifcvaegan.edit import main


@pytest.fixture
def edited_by(tmp_path, model, faces, monkeypatch) -> Callable[..., np.ndarray]:
    """Runs the command on three faces; what it wrote, in the order of the names."""
    for how in ("load", "outline"):
        monkeypatch.setattr(f"ifcvaegan.editor.{how}", {model.folder: model}.__getitem__)
    (tmp_path / "in").mkdir()
    for name, image in zip("abc", faces.images, strict=False):
        Image.fromarray(image).save(tmp_path / "in" / f"{name}.png")

    def run(*words: str) -> np.ndarray:
        out = tmp_path / "out"
        main([str(tmp_path / "in"), "--out", str(out), "--run", str(model.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (["--set", "Smiling=1", "Male=-1"], Set({"Smiling": 1.0, "Male": -1.0})),
        (["--sweep", "Eyeglasses"], Sweep("Eyeglasses", 5)),
        (["--sweep", "Eyeglasses", "--steps", "40"], Sweep("Eyeglasses", 40)),
    ],
)
def test_words_become_a_request_and_its_images_and_codes_files(
    edited_by, model, faces, monkeypatch, tmp_path, words, request_
):
    sheets = []
    monkeypatch.setattr(
        "common.reporting.sheets.grid", lambda *_, column_labels, **__: sheets.append(column_labels)
    )
    expected = model.edit(faces.images[:3], request_)
    np.testing.assert_array_equal(edited_by(*words), expected.images)
    assert sheets == [["input", *expected.columns]]
    stored = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    assert (stored["images"], stored["model"]) == (["a", "b", "c"], "faces")
    assert stored["attribute_names"] == ["Smiling", "Male", "Eyeglasses"]
    for key, codes in (("codes", expected.inputs), ("edited_codes", expected.codes)):
        np.testing.assert_allclose(stored[key]["latent"], codes.latent, rtol=1e-6)
        np.testing.assert_allclose(stored[key]["attributes"], codes.attributes, rtol=1e-6)


def test_each_set_is_an_edit_of_its_own(edited_by, model, faces, tmp_path):
    (tmp_path / "out").mkdir()
    Image.new("L", (1, 1)).save(tmp_path / "out" / "none.png")  # OUT itself gets no image
    assert edited_by("--set", "Smiling=1", "Male=0", "--set", "Smiling=0").shape == (1, 1, 1)
    wanted = {"Smiling=1+Male=0": {"Smiling": 1.0, "Male": 0.0}, "Smiling=0": {"Smiling": 0.0}}
    for name, values in wanted.items():
        expected = model.edit(faces.images[:3], Set(values)).images
        files = sorted((tmp_path / "out" / name).glob("*.png"))
        found = np.stack([np.asarray(Image.open(file)) for file in files])
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "exactly one of --set NAME=1 and --sweep NAME"),
        (["--set", "Smiling=1", "--sweep", "Smiling"], "exactly one"),
        (["--set", "Smilling=1"], "Did you mean 'Smiling'?"),
        (["--set", "Smiling=5"], "between -1 and 2"),
        (["--set", "Male=1", "--set", "Smilling=1"], "Did you mean 'Smiling'?"),
        (["--set", "Male=1", "--set", "Male=1.0"], "The edit Male=1 is asked for 2 times"),
        (["--set", "Male=1", "--set"], "--set stands without an attribute"),
        (["--sweep", "Hat"], "no attribute 'Hat'"),
        (["--sweep", "Smiling", "--steps", "1"], "2 to 40"),
        (["--sweep", "Smiling", "--steps", "41"], "2 to 40"),
        (["--set", "Smiling=1", "--steps", "3"], "--steps 3 is for a --sweep"),
        (["--set", "Smiling=1", "--invert"], "--invert is for digits; the model knows faces"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(edited_by, tmp_path, capsys, words, said):
    with pytest.raises(SystemExit) as stop:
        edited_by(*words)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


def test_images_that_would_be_replaced_are_refused_before_a_model_is_loaded(tmp_path, capsys):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--out", str(tmp_path), "--run", "no-run", "--set", "Smiling=1"])
    assert "holds the input images" in capsys.readouterr().err
