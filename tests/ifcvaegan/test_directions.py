"""Directions of any editor, here IFcVAEGAN's: found by the command, followed beside --set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.directions import __main__ as directions
from common.directions import files
from common.directions.layers import activations, first_weights
from common.directions.vectors import Direction, principal
from common.files import write_json
from common.settings.config import to_json
from ifcvaegan import edit
from ifcvaegan.editor import NEEDED, Codes


@pytest.fixture(scope="module")
def run(model, config, tmp_path_factory) -> Path:
    """A folder of weights of the tiny model."""
    folder = tmp_path_factory.mktemp("weights")
    write_json(folder / "config.json", to_json(config))
    for name in NEEDED:
        getattr(model, name).save_weights(folder / f"{name}.weights.h5")
    return folder


@pytest.fixture(autouse=True)
def _loaded_once(run, model, monkeypatch):
    for how in ("load", "outline"):
        monkeypatch.setattr(f"ifcvaegan.editor.{how}", {run: model}.__getitem__)


@pytest.fixture
def inputs(tmp_path, faces) -> Path:
    """Eight faces."""
    (tmp_path / "in").mkdir()
    for number, image in enumerate(faces.images[:8]):
        Image.fromarray(image).save(tmp_path / "in" / f"{number}.png")
    return tmp_path / "in"


def test_z_enters_the_first_layer_by_its_rows_after_those_of_y(model):
    kernel = next(one for one in model.decoder.layers if hasattr(one, "kernel")).get_weights()[0]
    np.testing.assert_allclose(first_weights(model), kernel[3:], atol=1e-5)


def test_activations_are_what_the_second_layer_sees_of_z_alone(model):
    z = model.random(5, 0).latent
    first = next(one for one in model.decoder.layers if hasattr(one, "kernel"))
    kernel, bias = first.get_weights()
    expected = np.maximum(z @ kernel[3:] + bias, 0)
    np.testing.assert_allclose(activations(model, z), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("source", ["images", "random"])
def test_principal_directions_are_numbered_and_each_has_its_sheet(
    model, run, inputs, faces, tmp_path, source, monkeypatch
):
    sheets = []
    monkeypatch.setattr(
        "common.reporting.sheets.grid",
        lambda rows, path, column_labels: sheets.append((rows, path.name, column_labels)),
    )
    monkeypatch.setattr("common.directions.layers.DRAWN", 50)
    out = tmp_path / "d" / "pca.json"
    words = ["--run", str(run), "--pca", source, "--count", "2", "--out", str(out)]
    directions.main([*words, "--images", str(inputs)])
    codes = model.encode(faces.images[:8])
    if source == "images":
        wanted = principal(codes.latent, 2)
    else:
        z = model.random(50, 0).latent
        wanted = principal(z, 2, activations(model, z))
    for number, direction in enumerate(wanted, start=1):
        found = files.read(out.with_name(f"pca-{number}.json"), 6)
        np.testing.assert_allclose(found.step, direction.step, rtol=1e-3, atol=1e-5)
    assert [sheet[1:] for sheet in sheets] == [
        (f"pca-{number}.png", ["image", "-2", "-1", "0", "+1", "+2"]) for number in (1, 2)
    ]
    rows = sheets[0][0]
    assert len(rows) == 4
    moved = Codes(codes.latent[:4] - 2 * wanted[0].step, codes.attributes[:4])
    difference = np.stack([row[1] for row in rows]).astype(int) - model.decode(moved)
    assert np.abs(difference).max() <= 1


def test_factorised_directions_are_orthogonal_and_one_deviation_of_z_long(run, tmp_path):
    out = tmp_path / "sefa.json"
    directions.main(["--run", str(run), "--sefa", "--count", "3", "--out", str(out)])
    steps = np.stack([files.read(out.with_name(f"sefa-{n}.json"), 6).step for n in (1, 2, 3)])
    np.testing.assert_allclose(steps @ steps.T, np.eye(3), atol=0.02)
    assert len(list((tmp_path / "sheets").iterdir())) == 3


def test_a_direction_moves_z_while_y_is_set(model, run, inputs, faces, tmp_path):
    step = np.array([1, 0, 0, -2, 0, 0], np.float32)
    file, out = tmp_path / "d.json", tmp_path / "out"
    files.write(file, Direction(step, "a test"), run)
    words = ["--run", str(run), "--direction", str(file), "--strength", "-0.5"]
    edit.main([str(inputs), *words, "--set", "Male=1", "--out", str(out)])
    codes = model.encode(faces.images[:8])
    y = codes.attributes.copy()
    y[:, 1] = 1.0
    expected = model.decode(Codes(codes.latent - 0.5 * step, y))
    found = np.stack([np.asarray(Image.open(out / f"{n}.png")) for n in range(8)])
    assert np.abs(found.astype(int) - expected).max() <= 1
    told = json.loads((out / "sheets" / "edits.json").read_text())
    assert told["directions"] == [{"file": str(file), "from": "a test", "strength": -0.5}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--strength", "1"], "how far along a --direction"),
        (
            ["--direction", "FILE", "--strength", "1", "2"],
            "Files in --direction: 1, values",
        ),
        (["--direction", "none.json"], "is no file of a direction"),
        (["--direction", "SHORT"], r"has the shape \[2\], the model's codes \[6\]"),
        (["--direction", "FILE", "--strength", "1e39"], "not finite numbers"),
    ],
)
def test_directions_that_cannot_be_followed_are_refused(run, inputs, tmp_path, capsys, words, said):
    for name, size in (("FILE", 6), ("SHORT", 2)):
        files.write(tmp_path / name, Direction(np.ones(size, np.float32)), run)
    words = [str(tmp_path / word) if word in ("FILE", "SHORT") else word for word in words]
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        edit.main([str(inputs), "--run", str(run), "--set", "Male=1", "--out", str(out), *words])
    assert ended.value.code == 2
    assert re.search(said, capsys.readouterr().err)
    assert not out.exists()
