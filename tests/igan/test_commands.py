"""The commands of iGAN on images: what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from common.editor import Edited
from common.transfer import motion
from igan import edit, editor, evaluate, foreign, project, reconstruct, transfer
from igan.codes import Codes, Paint
from igan.editor import IGANEditor

FEW = ["--steps", "2", "--candidates", "3"]


@pytest.fixture(scope="module")
def loaded(tiny_run) -> IGANEditor:
    """The run's editor, whose functions are compiled once for all commands."""
    return editor.load(tiny_run)


@pytest.fixture(autouse=True)
def _loaded_once(loaded, monkeypatch):
    monkeypatch.setattr(editor, "load", lambda run: loaded)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two images of the model's size."""
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.fixture
def strokes(tmp_path) -> Path:
    """A file with a red stroke and a line."""
    values = [
        {"kind": "colour", "points": [[0.2, 0.5], [0.8, 0.5]], "colour": [255, 0, 0]},
        {"kind": "sketch", "points": [[0.5, 0.1], [0.5, 0.9]]},
    ]
    (tmp_path / "strokes").mkdir()
    file = tmp_path / "strokes" / "strokes.json"
    file.write_text(json.dumps(values))
    return file


def shape(file: Path) -> tuple[int, ...]:
    return np.asarray(Image.open(file)).shape


def test_projections_are_written_with_their_costs(photos, tiny_run, tmp_path):
    out = tmp_path / "out"
    project.main([str(photos), "--out", str(out), "--run", str(tiny_run), "--iterations", "2"])
    assert shape(out / "one.png") == shape(out / "two.png") == (32, 32, 3)
    told = json.loads((out / "sheets" / "projections.json").read_text())
    assert told["images"] == ["one", "two"]
    assert np.shape(told["latent"]) == (2, 12)
    assert min(told["cost"]) > 0


def test_the_face_of_a_photograph_is_projected_and_put_back(tiny_run, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "me.png")
    words = ["--photo", str(tmp_path / "me.png"), "--landmarks", "40", "20", "52", "20"]
    words += ["--run", str(tiny_run), "--method", "cnn", "--paste", "feather"]
    project.main([*words, "--out", str(tmp_path / "out")])
    with Image.open(tmp_path / "out" / "me.png") as image:
        result = np.asarray(image)
    assert (result[15:30, 35:55] != pixels[15:30, 35:55]).any()
    # The frame has 39 pixels between the eyes and is 178 wide: here 55, around column 46.
    np.testing.assert_array_equal(result[:, 75:], pixels[:, 75:])


def test_any_generator_of_keras_is_inverted(tmp_path):
    """An image of a generator of this test comes back, gray, 28x28, from normal latents."""
    latent = keras.Input((2,))
    x = keras.layers.Dense(784, use_bias=False, kernel_initializer="glorot_normal")(latent)
    x = keras.layers.Activation("sigmoid")(keras.layers.Reshape((28, 28, 1))(9.0 * x))
    generator = keras.Model(latent, x)
    generator.save(tmp_path / "generator.keras")
    made = generator(np.float32([[1.6, -0.4]])).numpy()[0, :, :, 0]
    (tmp_path / "in").mkdir()
    Image.fromarray(np.uint8(255 * made)).save(tmp_path / "in" / "a.png")
    command = project.ProjectCommand(
        images=tmp_path / "in",
        out=tmp_path / "out",
        generator=tmp_path / "generator.keras",
        prior="normal",
        method="opt",
    )
    _, projector = foreign.projector_of(command)
    found = projector.project(made[None, :, :, None], "opt", starts=4)
    np.testing.assert_allclose(found.latent, [[1.6, -0.4]], atol=0.02)
    assert projector.manifold.pixel_range == "unit"
    assert projector.manifold.image_shape == (28, 28, 1)


def test_images_are_edited_by_strokes(photos, strokes, tiny_run, tmp_path):
    out = tmp_path / "out"
    words = [str(photos), "--strokes", str(strokes), "--run", str(tiny_run), "--out", str(out)]
    edit.main([*words, *FEW])
    assert shape(out / "one.png") == (32, 32, 3)
    told = json.loads((out / "sheets" / "edits.json").read_text())
    assert told["strokes"][0]["colour"] == [255, 0, 0]
    assert np.shape(told["edited_codes"]["latent"]) == (2, 12)


def test_the_edited_face_of_a_photograph_is_put_back_and_animated(
    strokes, tiny_run, tmp_path, monkeypatch
):
    def painted(model: IGANEditor, images: np.ndarray, request: Paint) -> Edited:
        """The way between two latents, in place of what the strokes would lead to."""
        assert [stroke.kind for stroke in request.strokes] == ["colour", "sketch"]
        inputs, codes = (Codes(np.full((1, 12), level, np.float32)) for level in (-0.9, 0.9))
        return Edited(model.decode(codes), codes, inputs)

    monkeypatch.setattr(IGANEditor, "edit", painted)
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "me.png")
    out, file = tmp_path / "out", tmp_path / "edit.gif"
    words = ["--photo", str(tmp_path / "me.png"), "--landmarks", "40", "20", "52", "20"]
    words += ["--strokes", str(strokes), "--run", str(tiny_run), "--animate", str(file)]
    edit.main([*words, "--out", str(out), *FEW])
    assert shape(out / "me.png") == (60, 90, 3)
    with Image.open(out / "me.png") as image:
        result = np.asarray(image)
    np.testing.assert_array_equal(result[:, 75:], pixels[:, 75:])
    assert (result != pixels).any()
    with Image.open(file) as animation:
        assert animation.size == (90, 60)
        assert animation.n_frames > 1  # those that are equal are one


def test_scribbles_alone_give_a_strip_of_what_was_asked_and_the_candidates(tiny_run, tmp_path):
    (tmp_path / "in").mkdir()
    colours = np.zeros((64, 64, 3), np.uint8)
    colours[:20] = 30, 60, 200
    Image.fromarray(colours).save(tmp_path / "in" / "colour.png")
    lines = Image.new("L", (64, 64))
    lines.paste(255, (0, 40, 64, 42))
    lines.save(tmp_path / "in" / "lines.png")
    out, inputs = tmp_path / "out", tmp_path / "in"
    words = ["--colour", str(inputs / "colour.png"), "--sketch", str(inputs / "lines.png")]
    edit.main([*words, "--run", str(tiny_run), "--out", str(out), "--shown", "2", *FEW])
    candidates = sorted(out.glob("candidate-*.png"))
    assert 1 <= len(candidates) <= 2
    width = shape(out / "sheets" / "candidates.png")[1]
    assert width > (3 + len(candidates)) * 96  # colours, mask, sketch, candidates


def test_a_photo_keeps_its_size(photos, strokes, tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr("common.transfer.flow.installed", lambda module: True)
    zero = np.zeros((32, 32, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    wide = tmp_path / "wide.jpg"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)).save(wide)
    out = tmp_path / "out"
    words = [str(wide), "--out", str(out), "--run", str(tiny_run), "--method", "cnn"]
    transfer.main([*words, "--strokes", str(strokes), *FEW])
    assert shape(out / "wide.png") == (60, 90, 3)
    assert len(list((out / "sheets").glob("wide-?.png"))) == 8
    transfer.main([*words[:-2], "--method", "cnn", "--like", str(photos / "one.png")])
    assert shape(out / "wide.png") == (60, 90, 3)


@pytest.mark.parametrize(
    ("main", "words", "said"),
    [
        (edit.main, ["--out", "OUT"], "Give images to edit"),
        (
            edit.main,
            ["IN", "--out", "OUT", "--colour-mask", "IN"],
            "--colour counts, which is missing",
        ),
        (edit.main, ["IN", "--out", "OUT", "--strokes", "no.json"], "no JSON file"),
        (edit.main, ["IN", "--out", "OUT", "--steps", "0"], "--steps"),
        (edit.main, ["--out", "OUT", "--animate", "a.gif"], "give IMAGES or --photo"),
        (edit.main, ["--out", "OUT", "--photo", "IN/one.png"], "the model knows fashion items;"),
        (project.main, ["IN", "--out", "OUT", "--iterations", "0"], "--iterations"),
        (project.main, ["IN", "--out", "OUT", "--generator", "no.keras"], "no file no.keras"),
        (project.main, ["IN", "--out", "OUT", "--generator", "X"], "needs --predictor"),
        (
            project.main,
            ["--photo", "IN/one.png", "--out", "OUT", "--generator", "X"],
            "name it by --run, not its --generator",
        ),
        (transfer.main, ["IN", "--out", "OUT", "--like", "X"], "is a folder"),
        (transfer.main, ["IN/one.png", "--out", "OUT"], "Give strokes"),
        (reconstruct.main, ["no", "--out", "OUT"], "does not exist"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    main, words, said, mistake, photos, tmp_path
):
    (tmp_path / "file.keras").touch()
    places = {"IN": photos, "OUT": tmp_path / "out", "X": tmp_path / "file.keras"}
    words = [
        str(places[word]) if word in places else word.replace("IN", str(photos)) for word in words
    ]
    assert said in mistake(main, *words)
    assert not (tmp_path / "out").exists()


def test_a_file_of_strokes_says_which_one_is_wrong(mistake, photos, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(
        '[{"kind": "colour", "points": [[0, 0]]}, {"kind": "blur", "points": [[0, 0]]}]'
    )
    line = mistake(edit.main, str(photos), "--out", str(tmp_path / "out"), "--strokes", str(file))
    assert "stroke 2" in line
    assert "blur" in line


def test_models_of_one_name_are_all_measured_beside_the_run(monkeypatch):
    one, *others = (Path(name) / "run" for name in ("shoes", "bags", "shirts"))
    work = SimpleNamespace(editor=SimpleNamespace(folder=one))
    monkeypatch.setattr(editor, "load", lambda run: run)
    monkeypatch.setattr(evaluate, "begin_evaluation", lambda *_: work)
    monkeypatch.setattr(evaluate, "finish_evaluation", lambda work, report: report)
    monkeypatch.setattr(evaluate, "measure", lambda work, command, models: models)
    command = evaluate.ProjectionEvaluateCommand(run=one, beside=tuple(others))
    found: Any = evaluate.evaluate(command)
    assert found == {"shoes/run": work.editor, "bags/run": others[0], "shirts/run": others[1]}
