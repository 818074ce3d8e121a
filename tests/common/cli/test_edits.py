"""What an edit writes, and its animation, with an editor whose answers are known."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from common.cli.edits import (
    EditImagesCommand,
    check_edits,
    check_several,
    name_of,
    write_each,
    write_edits,
)
from common.cli.images import Inputs
from common.datasets.alignment import Photo, align
from common.errors import UserError
from tests.common.cli.stub import Stub
from tests.common.cli.test_photos import FacesStub

STEMS = [f"{number:02d}" for number in range(42)]
IMAGES = np.random.default_rng(0).integers(0, 100, (42, 28, 28, 1), dtype=np.uint8)


def test_an_edit_leaves_its_images_a_sheet_and_the_codes(tmp_path, sheets, caplog):
    caplog.set_level(logging.INFO)
    editor, command = Stub(Path("weights/toy")), EditImagesCommand(out=tmp_path)
    edited = editor.edit(IMAGES, 1)
    assert write_edits(command, Inputs(STEMS, IMAGES), edited, editor, {"step": 3}) == tmp_path
    assert sorted(f.stem for f in tmp_path.glob("*.png")) == STEMS
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "41.png")), IMAGES[41, ..., 0] + 102
    )

    ((rows, path, labels),) = sheets
    assert path == tmp_path / "sheets" / "edits.png"
    assert labels["column_labels"] == ["input", "reconstruction", "lighter"]
    assert (labels["row_labels"][0], labels["row_labels"][39]) == ("00 (0)", "39 (39)")
    assert len(labels["row_labels"]) == len(rows) == 40
    for index in (0, 39):
        for column, lighter in enumerate((0, 51, 102)):
            np.testing.assert_array_equal(rows[index][column], IMAGES[index] + lighter)
    assert caplog.messages == [
        f"edited images: {len(STEMS)} in {tmp_path}; side by side: {path}",
        "the sheet shows the first 40",
    ]

    stored = json.loads((tmp_path / "sheets" / "edits.json").read_text())
    assert list(stored) == ["model", "step", "images", "codes", "edited_codes"]
    assert (stored["model"], stored["step"], stored["images"]) == ("toy", 3, STEMS)
    assert stored["codes"] == {"pixels": IMAGES.tolist()}
    assert stored["edited_codes"] == {"pixels": (IMAGES + 51).tolist()}


def test_a_sheet_without_readings_names_its_rows_by_the_files(tmp_path, sheets):
    editor = Stub()
    edited = editor.edit(IMAGES[:2], 1)
    object.__setattr__(edited, "readings", ())
    write_edits(EditImagesCommand(out=tmp_path), Inputs(STEMS[:2], IMAGES[:2]), edited, editor, {})
    assert sheets[0][2]["row_labels"] == ["00", "01"]


def test_up_to_ten_images_stand_side_by_side_where_that_is_wider(tmp_path, sheets):
    """The stub's sheet has three images for each: four inputs make three rows of four."""
    editor, images = Stub(), IMAGES[:4]
    command = EditImagesCommand(out=tmp_path)
    write_edits(command, Inputs(STEMS[:4], images), editor.edit(images, 1), editor, {})
    ((rows, _, labels),) = sheets
    assert labels["row_labels"] == ["input", "reconstruction", "lighter"]
    assert labels["column_labels"] == ["00 (0)", "01 (1)", "02 (2)", "03 (3)"]
    np.testing.assert_array_equal(rows[2][3], IMAGES[3] + 102)


# --- Several edits --------------------------------------------------------------------------------


def test_of_several_edits_each_has_a_folder_with_what_it_would_write_alone(tmp_path):
    editor, inputs = Stub(), Inputs(STEMS[:3], IMAGES[:3])
    edits = {f"Smiling={n}": editor.edit(inputs.images, n) for n in (1, 2)}
    for name, edited in edits.items():
        alone = EditImagesCommand(out=tmp_path / "alone" / name)
        write_edits(alone, inputs, edited, editor, {"step": name})
    together = EditImagesCommand(out=tmp_path / "together")
    details = [{"step": name} for name in edits]
    assert write_each(together, inputs, edits, editor, details) == tmp_path / "together"

    def files(folder: Path) -> dict[str, bytes]:
        found = [one for one in folder.rglob("*") if one.is_file()]
        return {str(one.relative_to(folder)): one.read_bytes() for one in found}

    together_, alone_ = files(tmp_path / "together"), files(tmp_path / "alone")
    assert together_.keys() - alone_.keys() == {"sheets/edits.png"}
    assert all(together_[name] == content for name, content in alone_.items())
    assert len(alone_) == 2 * (3 + 2)


def test_several_edits_stand_beside_each_other_on_one_sheet(tmp_path, sheets):
    """The stub's edits share their reconstruction, and so have one column of it."""
    editor, inputs = Stub(), Inputs(STEMS[:2], IMAGES[:2])
    edits = {"Smiling=1": 1, "Smiling=2+Male=0": 2}
    done = {name: editor.edit(inputs.images, amount) for name, amount in edits.items()}
    write_each(EditImagesCommand(out=tmp_path), inputs, done, editor, [{}, {}])
    rows, path, labels = sheets[-1]
    assert path == tmp_path / "sheets" / "edits.png"
    assert labels["column_labels"] == ["input", "reconstruction", "Smiling=1", "Smiling=2\nMale=0"]
    assert labels["row_labels"] == STEMS[:2]
    for column, lighter in enumerate((0, 51, 102, 153)):
        np.testing.assert_array_equal(rows[1][column], IMAGES[1] + lighter)


def test_columns_after_the_first_that_differs_are_left_out_and_so_are_images_after_40(
    tmp_path, sheets
):
    editor, inputs = Stub(), Inputs(STEMS, IMAGES)
    done = {}
    for number in (1, 2):
        edited = editor.edit(inputs.images, number)
        columns = {**edited.columns, "input again": IMAGES[:40]}  # "lighter" before it differs
        done[f"Smiling={number}"] = dataclasses.replace(edited, columns=columns)
    write_each(EditImagesCommand(out=tmp_path), inputs, done, editor, [{}, {}])
    rows, _, labels = sheets[-1]
    assert labels["column_labels"] == ["input", "reconstruction", *done]
    assert (len(rows), labels["row_labels"]) == (40, STEMS[:40])


def test_an_edit_is_called_by_what_it_sets_degrees_included():
    assert name_of({"Smiling": 0.25, "Male": -1.0}) == "Smiling=0.25+Male=-1"


def test_one_edit_is_written_into_the_folder_itself(tmp_path, sheets):
    editor, inputs = Stub(), Inputs(STEMS[:2], IMAGES[:2])
    done = {"Smiling=1": editor.edit(inputs.images, 1)}
    write_each(EditImagesCommand(out=tmp_path), inputs, done, editor, [{}])
    assert (tmp_path / "01.png").is_file()
    assert not (tmp_path / "Smiling=1").exists()
    assert len(sheets) == 1


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["A=1", "B=1", "A=1"], {}, "The edit A=1 is asked for 2 times"),
        (["A=1", "B=1"], {"animate": Path("a.gif")}, "--animate shows one edit; give one of A=1, "),
        (["A=1", "B=1+" * 64], {}, "sets too much to name a folder by; edit it alone"),
        (["A=1", "taken"], {}, "Cannot write into .*taken"),
        (["A=1", "held"], {}, "held holds the input images"),
    ],
)
def test_several_edits_that_cannot_be_written_are_refused(tmp_path, names, options, said):
    (tmp_path / "out" / "held").mkdir(parents=True)
    (tmp_path / "out" / "taken").touch()
    image = tmp_path / "out" / "held" / "a.png"
    Image.new("L", (28, 28)).save(image)
    before = sorted(tmp_path.rglob("*"))
    command = EditImagesCommand(images=image, out=tmp_path / "out", **options)
    with pytest.raises(UserError, match=said):
        check_several(command, names)
    assert sorted(tmp_path.rglob("*")) == before
    check_several(command, names[:1])  # one alone goes into OUT itself


def test_a_photograph_is_not_replaced_by_one_of_several_edits(tmp_path):
    (tmp_path / "out" / "B=1").mkdir(parents=True)
    photo = tmp_path / "out" / "B=1" / "me.png"
    Image.new("RGB", (64, 64)).save(photo)
    with pytest.raises(UserError, match="B=1 holds the input images"):
        check_several(EditImagesCommand(photo=photo, out=tmp_path / "out"), ["A=1", "B=1"])


# --- Animations -----------------------------------------------------------------------------------


def animated(file: Path, inputs: Inputs, editor: Stub) -> np.ndarray:
    """The frames of the animation that an edit of two steps leaves, uint8 `[T, H, W, 3]`."""
    command = EditImagesCommand(images=file.parent, out=file.parent / "out", animate=file)
    write_edits(command, inputs, editor.edit(inputs.images, 2), editor, {})
    with Image.open(file) as image:
        assert image.info["loop"] == 0
        return np.stack([np.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(image)])


@pytest.mark.usefixtures("sheets")
@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_goes_from_the_reconstruction_to_the_edit_and_back(tmp_path, suffix):
    """The stub's reconstruction is a fifth of 255, 51, lighter, and the edit three times that."""
    black = np.zeros((1, 28, 28, 1), np.uint8)
    frames = animated(tmp_path / f"a.{suffix}", Inputs(["a"], black), Stub())
    assert frames.shape == (16, 28, 28, 3)
    levels = [51, 63, 76, 89, 102, 114, 127, 140, 153]
    np.testing.assert_allclose(frames[:, 14, 14, 0], [*levels, *levels[-2:0:-1]], atol=2)


@pytest.mark.usefixtures("sheets")
def test_the_first_eight_images_are_animated_side_by_side(tmp_path):
    images = np.zeros((9, 28, 28, 1), np.uint8)
    images += 10 * np.arange(9, dtype=np.uint8)[:, None, None, None]
    frames = animated(tmp_path / "a.gif", Inputs(STEMS[:9], images), Stub())
    assert frames.shape == (16, 28, 8 * 28, 3)
    expected = [51, 61, 71, 81, 91, 101, 111, 121]
    np.testing.assert_allclose(frames[0, 14, 14::28, 0], expected, atol=2)


@pytest.mark.usefixtures("sheets")
def test_a_photograph_is_animated_with_its_face_alone_changing(tmp_path):
    """It has 1024 pixels, twice as many as an animation."""
    photo = Photo(np.full((768, 1024, 3), 50, np.uint8))
    alignment = align(photo, landmarks=(400, 200, 480, 200))
    inputs = Inputs(["me"], np.zeros((1, 32, 32, 3), np.uint8), photo, alignment)
    frames = animated(tmp_path / "a.gif", inputs, FacesStub())
    assert frames.shape == (16, 384, 512, 3)
    between_the_eyes = frames[[0, 4, 8, 12], 100, 220, 0]
    np.testing.assert_allclose(between_the_eyes, [50, 101, 152, 101], atol=2)
    np.testing.assert_array_equal(frames[:, 300:], np.broadcast_to(50, (16, 84, 512, 3)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.mp4", r"a\.mp4: end the name in \.gif or \.webp"),
        ("a", r"a: end the name in"),
        ("folder.gif", "is a folder; name a file in it"),
        ("in.gif", "is one of the inputs; name another file"),
        ("other.gif", "is one of the inputs"),
        ("in.png/a.gif", "Cannot write into"),
    ],
)
def test_an_animation_that_cannot_be_is_refused_before_anything_is_written(tmp_path, name, said):
    (tmp_path / "folder.gif").mkdir()
    for one in ("in.gif", "other.gif", "in.png"):
        Image.new("L", (28, 28)).save(tmp_path / one)
    before = sorted(tmp_path.rglob("*"))
    command = EditImagesCommand(
        images=tmp_path / "in.gif", out=tmp_path / "out", animate=tmp_path / name
    )
    with pytest.raises(UserError, match=said):
        check_edits(command, tmp_path / "other.gif")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_photograph_is_no_animation_of_itself(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "me.gif")
    (tmp_path / "link.gif").symlink_to(tmp_path / "me.gif")
    command = EditImagesCommand(
        photo=tmp_path / "me.gif", out=tmp_path / "out", animate=tmp_path / "link.gif"
    )
    with pytest.raises(UserError, match="is one of the inputs"):
        check_edits(command)
