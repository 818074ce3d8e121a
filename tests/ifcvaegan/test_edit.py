"""The commands `python -m ifcvaegan.edit` and `reconstruct` on a tiny model of drawn faces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ifcvaegan import reconstruct
from ifcvaegan.codes import decode, encode, with_values
from ifcvaegan.edit import main

if TYPE_CHECKING:
    from ifcvaegan.trained import Trained

pytestmark = pytest.mark.usefixtures("_model_loaded_once")
NAMES = ("Smiling", "Male", "Eyeglasses")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, faces) -> Path:
    """A folder with three faces."""
    folder = tmp_path_factory.mktemp("faces")
    for name, image in zip("abc", faces.images, strict=False):
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def codes(model: Trained, faces) -> tuple[np.ndarray, np.ndarray]:
    """Means of z and y of the three faces."""
    means, _, read = encode(model, faces.images[:3])
    return means, read


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Stands in for the sheets: what the last one shows."""
    drawn = {}
    monkeypatch.setattr(
        "common.reporting.sheets.grid",
        lambda rows, path, **labels: drawn.update({"rows": rows, "path": path}, **labels),
    )
    return drawn


@pytest.fixture
def edited_by(tmp_path, model, inputs, sheet) -> Callable[..., np.ndarray]:
    """Runs the command with these words; what it wrote, in the order of the names."""

    def run(*words: str) -> np.ndarray:
        out = tmp_path / "out"
        main([str(inputs), "--out", str(out), "--run", str(model.folder), *words])
        return np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


def test_set_decodes_the_mean_of_z_with_that_y(edited_by, model, codes):
    means, read = codes
    found = edited_by("--set", "Smiling=1", "Male=0")
    wanted = with_values(read, NAMES, {"Smiling": 1.0, "Male": 0.0})
    expected = decode(model, wanted, means)
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, decode(model, read, means))


def test_degrees_between_and_a_little_beyond_are_taken(edited_by, model, codes):
    means, read = codes
    found = edited_by("--set", "Smiling=1.5")
    np.testing.assert_array_equal(
        found, decode(model, with_values(read, NAMES, {"Smiling": 1.5}), means)
    )


def test_the_sheet_shows_input_reconstruction_and_edit(edited_by, sheet, model, faces, codes):
    found = edited_by("--set", "Smiling=1")
    means, read = codes
    assert sheet["column_labels"] == ["input", "reconstruction", "Smiling=1"]
    assert [label.split(" ")[0] for label in sheet["row_labels"]] == ["a", "b", "c"]
    assert sheet["row_labels"][0].endswith(f"({read[0, 0]:.2f})")
    for row, columns in enumerate(sheet["rows"]):
        np.testing.assert_array_equal(columns[0], faces.images[row])
        np.testing.assert_array_equal(columns[1], decode(model, read, means)[row])
        np.testing.assert_array_equal(columns[2], found[row])


def test_a_sweep_goes_from_0_to_1_and_writes_its_end(edited_by, sheet, model, codes):
    means, read = codes
    found = edited_by("--sweep", "Eyeglasses", "--steps", "3")
    assert sheet["column_labels"] == ["input", "reconstruction", "0.00", "0.50", "1.00"]
    for column, value in ((2, 0.0), (3, 0.5), (4, 1.0)):
        expected = decode(model, with_values(read, NAMES, {"Eyeglasses": value}), means)
        np.testing.assert_array_equal([row[column] for row in sheet["rows"]], expected)
    np.testing.assert_array_equal(found, [row[4] for row in sheet["rows"]])


def test_codes_are_written_beside_the_sheet(edited_by, tmp_path, codes):
    edited_by("--set", "Male=1")
    stored = json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())
    means, read = codes
    assert (stored["images"], stored["attribute_names"]) == (["a", "b", "c"], list(NAMES))
    np.testing.assert_allclose(stored["latents"], means, rtol=1e-6)
    np.testing.assert_allclose(stored["attributes"], read, rtol=1e-6)
    np.testing.assert_allclose(
        stored["edited_attributes"], with_values(read, NAMES, {"Male": 1.0}), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--set NAME=1 and --sweep NAME"),
        (["--set", "Smiling=1", "--sweep", "Smiling"], "exactly one"),
        (["--set", "Smilling=1"], "Smiling"),
        (["--set", "Smiling"], "write Smiling=1"),
        (["--set", "Smiling=yes"], "write Smiling=1"),
        (["--set", "Smiling=5"], "between -1 and 2"),
        (["--set", "Smiling=nan"], "between -1 and 2"),
        (["--set", "Smiling=1", "Smiling=0"], "twice"),
        (["--sweep", "Hat"], "no attribute 'Hat'"),
        (["--sweep", "Smiling", "--steps", "1"], "2 to 40"),
        (["--sweep", "Smiling", "--steps", "41"], "2 to 40"),
        (["--set", "Smiling=1", "--steps", "3"], "--sweep"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(edited_by, tmp_path, capsys, words, said):
    with pytest.raises(SystemExit) as stop:
        edited_by(*words)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


def test_reconstructions_decode_the_mean_of_z_and_y_as_e_reads_it(
    tmp_path, inputs, model, codes, sheet
):
    out = tmp_path / "again"
    reconstruct.main([str(inputs), "--out", str(out), "--run", str(model.folder)])
    found = np.stack([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])
    np.testing.assert_array_equal(found, decode(model, codes[1], codes[0]))
