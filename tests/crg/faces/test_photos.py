"""Photographs of faces through CRG's commands, on an untrained model of faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from PIL import Image

from common.runs.directory import create_run
from crg import edit, editor, invert, reconstruct
from crg.faces.presets import smoke

if TYPE_CHECKING:
    from crg.editor import CRGEditor

PIXELS = np.random.default_rng(3).integers(0, 150, (120, 160, 3), dtype=np.uint8)
EYES = ("--landmarks", "70", "50", "90", "51")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> CRGEditor:
    """Untrained networks of 16x16 faces, as a command loads them."""
    keras.utils.set_random_seed(1)
    folder = tmp_path_factory.mktemp("faces") / "run"
    create_run(folder, "crg", "celeba", smoke()).save_networks(editor.build(smoke()))
    return editor.load(folder)


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (reconstruct.main, ["--paste", "feather"]),
        (invert.main, ["--method", "encoder"]),
        (edit.main, ["--without", "A", "--with", "B", "--strength", "2"]),
    ],
    ids=["reconstruct", "invert", "edit"],
)
def test_the_face_of_a_photograph_changes_and_nothing_else(
    tmp_path, model, monkeypatch, main, words
):
    for how in ("load", "outline"):
        monkeypatch.setattr(f"crg.editor.{how}", {model.folder: model}.__getitem__)
    for name, level in (("A", 40), ("B", 200)):
        Image.new("RGB", (178, 218), (level, 90, 20)).save(tmp_path / f"{name}.png")
    Image.fromarray(PIXELS).save(tmp_path / "me.png")
    out = tmp_path / "out"
    words = [str(tmp_path / f"{word}.png") if word in ("A", "B") else word for word in words]
    words += ["--run", str(model.folder), "--out", str(out)]
    main(["--photo", str(tmp_path / "me.png"), *EYES, *words])
    with Image.open(Path(out) / "me.png") as image:
        result = np.asarray(image)
    assert (result[40:70, 70:90] != PIXELS[40:70, 70:90]).any()
    # The frame has 39 pixels between the eyes and is 178 wide: here 91, around column 80.
    np.testing.assert_array_equal(result[:, :33], PIXELS[:, :33])
    np.testing.assert_array_equal(result[:, 127:], PIXELS[:, 127:])
