"""`--photo`: from words to a photograph with an edit, with an editor whose answers are known."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.cli.edits import EditImagesCommand, close, write_edits
from common.cli.images import ImagesCommand, check_images, read_inputs
from common.cli.reconstruction import run_reconstruct
from common.datasets.alignment import Alignment
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.errors import UserError
from common.kinds import Faces
from common.transfer import flow
from tests.common.cli.stub import LIGHTER, Stub, module

PIXELS = np.random.default_rng(3).integers(0, 150, (240, 320, 3), dtype=np.uint8)
EYES = ["--landmarks", "140", "110", "180", "112"]


@dataclass(frozen=True)
class FacesStub(Stub):
    """The stub of digits, of faces."""

    kind: Faces = field(default_factory=lambda: Faces(32, WHOLE_WIDTH))


@pytest.fixture
def photo(tmp_path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "me.png")
    return tmp_path / "me.png"


def read(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def loads(editor: Stub):
    stub = module(lambda run: editor)
    stub.outline = lambda run: editor
    return stub


@pytest.fixture(autouse=True)
def _no_sheets(monkeypatch):
    monkeypatch.setattr("common.reporting.sheets.grid", lambda *_, **__: None)


def test_a_reconstruction_is_pasted_into_the_whole_photograph(tmp_path, photo):
    words = ["--photo", str(photo), "--out", str(tmp_path / "out"), *EYES]
    run_reconstruct("toy", loads(FacesStub()), words)
    result = read(tmp_path / "out" / "me.png")
    assert result.shape == PIXELS.shape
    assert (result[200:] == PIXELS[200:]).all()  # below the face
    column, row = 160, 111  # between the eyes: the stub makes everything lighter by a fifth
    assert result[row, column].tolist() == (PIXELS[row, column] + LIGHTER).tolist()


def test_without_pasting_the_face_alone_is_written_at_the_models_size(tmp_path, photo):
    words = ["--photo", str(photo), "--out", str(tmp_path / "out"), *EYES, "--paste", "none"]
    run_reconstruct("toy", loads(FacesStub()), words)
    assert read(tmp_path / "out" / "me.png").shape == (32, 32, 3)


def test_a_photograph_with_transparent_parts_keeps_them(tmp_path):
    pixels = np.dstack([PIXELS, np.full((240, 320), 40, np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "me.png")
    words = ["--photo", str(tmp_path / "me.png"), "--out", str(tmp_path / "out"), *EYES]
    run_reconstruct("toy", loads(FacesStub()), words)
    result = read(tmp_path / "out" / "me.png")
    assert result.shape == (240, 320, 4)
    assert (result[..., 3] == 40).all()


def test_without_a_program_for_flow_a_transfer_is_refused_before_a_model_is_loaded(
    tmp_path, photo, monkeypatch
):
    monkeypatch.setattr(flow, "installed", lambda module: False)
    words = ["--photo", str(photo), "--out", str(tmp_path / "out"), *EYES, "--paste", "transfer"]
    with pytest.raises(UserError, match=r"optical flow: pip install -r requirements-photo\.txt"):
        run_reconstruct("toy", module(lambda run: pytest.fail("loaded")), words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("paste", "told"),
    [
        (
            "difference",
            ["the face before and after: {}/sheets/photo.png", "the edited photograph: {}/me.png"],
        ),
        ("none", ["the edited face: {}/me.png"]),
    ],
)
def test_an_edit_names_the_picture_to_open(tmp_path, photo, caplog, paste, told):
    caplog.set_level(logging.INFO)
    landmarks = (140.0, 110.0, 180.0, 112.0)
    command = EditImagesCommand(out=tmp_path, photo=photo, landmarks=landmarks, paste=paste)
    editor = FacesStub()
    inputs = read_inputs(command, editor.kind)
    write_edits(command, inputs, editor.edit(inputs.images, 1), editor, {})
    assert caplog.messages[-len(told) :] == [line.format(tmp_path) for line in told]


def test_an_edit_is_counted_from_the_reconstruction(tmp_path, photo, sheets):
    """The stub's reconstruction is a fifth lighter and its edit two: the photograph gets one."""
    landmarks = (140.0, 110.0, 180.0, 112.0)
    command = EditImagesCommand(out=tmp_path / "out", photo=photo, landmarks=landmarks)
    editor = FacesStub()
    inputs = read_inputs(command, editor.kind)
    assert (inputs.stems, inputs.images.shape) == (["me"], (1, 32, 32, 3))
    write_edits(command, inputs, editor.edit(inputs.images, 1), editor, {})
    result = read(tmp_path / "out" / "me.png")
    assert result[111, 160].tolist() == (PIXELS[111, 160] + LIGHTER).tolist()
    assert [path.name for _, path, _ in sheets] == ["edits.png", "photo.png"]
    assert sheets[1][2] == {"column_labels": ["before", "after"]}


def test_a_face_before_and_after_is_what_the_frame_holds_of_the_photograph():
    """The frame, 178x218, moved by (20, 10): columns 20 to 198, rows 10 to 228."""
    pixels = np.random.default_rng(2).integers(0, 256, (240, 320, 4), np.uint8)
    alignment = Alignment(np.array([(1.0, 0.0, 20.0), (0.0, 1.0, 10.0)]))
    np.testing.assert_array_equal(close(pixels, alignment), pixels[10:228, 20:198, :3])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({}, "Give either IMAGES"),
        ({"images": Path("a"), "photo": Path("b")}, "Give either IMAGES"),
        ({"photo": Path("missing.jpg")}, "there is no such file"),
        ({"photo": True, "invert": True}, "--invert is for digits"),
        ({"photo": True, "box": (1, 2, 3, 4), "landmarks": (1, 2, 3, 4)}, "give one of them"),
        ({"images": True, "face": 2}, "--face says where a face is in a photograph"),
        ({"images": True, "landmarks": (1, 2, 3, 4)}, "--landmarks says where"),
    ],
)
def test_words_that_do_not_fit_together_are_refused(tmp_path, photo, command, said):
    given = {
        name: photo if value is True and name != "invert" else value
        for name, value in command.items()
    }
    with pytest.raises(UserError, match=said):
        check_images(ImagesCommand(out=tmp_path / "out", **given))


def test_a_photograph_is_not_replaced_by_its_edit(tmp_path, photo):
    with pytest.raises(UserError, match="holds the input images"):
        check_images(ImagesCommand(out=tmp_path, photo=photo))


def test_a_model_of_digits_refuses_a_photograph_before_it_is_loaded(tmp_path, photo):
    words = ["--photo", str(photo), "--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match="knows digits; name one of faces by --run"):
        run_reconstruct("toy", module(lambda run: pytest.fail("loaded")), words)
