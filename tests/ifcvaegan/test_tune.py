"""`--tune` on the command line, with the tiny IFcVAEGAN of drawn faces."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.cli import tuning
from common.cli.edits import EditImagesCommand, write_edits
from common.cli.images import Inputs
from common.datasets.alignment import EYES, align, read_photo
from common.editor import path_of
from common.files import write_json
from common.settings.config import to_json
from ifcvaegan import edit, editor, reconstruct
from ifcvaegan.codes import Set
from tests.runs import same_weights


@pytest.fixture(scope="module")
def run(model, config, tmp_path_factory) -> Path:
    """A folder of weights of the tiny model."""
    folder = tmp_path_factory.mktemp("weights")
    write_json(folder / "config.json", to_json(config))
    for name in editor.NEEDED:
        getattr(model, name).save_weights(folder / f"{name}.weights.h5")
    return folder


@pytest.fixture
def inputs(tmp_path, faces) -> Path:
    """Two faces."""
    (tmp_path / "in").mkdir()
    for name, image in zip("ab", faces.images, strict=False):
        Image.fromarray(image).save(tmp_path / "in" / f"{name}.png")
    return tmp_path / "in"


def error(folder: Path, images: np.ndarray) -> float:
    made = [np.asarray(Image.open(folder / f"{name}.png"), float) for name in "ab"]
    return float(np.mean((np.stack(made) - images[:2]) ** 2))


@pytest.fixture
def quick(monkeypatch):
    """A tuning that gets somewhere in few steps."""
    from common.tuning import Tuning

    def fast(options: tuning.TuneOptions) -> Tuning:
        return Tuning(seconds=None, steps=options.tune_steps or 1, learning_rate=0.01)

    monkeypatch.setattr(tuning, "tuning_of", fast)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_each_image_is_tuned_by_itself_and_the_networks_are_kept(run, inputs, faces, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "kept"
    words = [str(inputs), "--run", str(run), "--set", "Smiling=1"]
    tune = ["--tune", "--tune-steps", "30", "--keep-tuned", str(kept)]
    edit.main([*words, *tune, "--out", str(out)])
    told = json.loads((out / "sheets" / "edits.json").read_text())
    images = told["tuning"]["images"]
    assert [(one["image"], one["steps_done"]) for one in images] == [("a", 30), ("b", 30)]
    assert all(one["mse"] < 0.8 * one["mse_before"] for one in images)
    assert np.shape(told["edited_codes"]["attributes"]) == (2, 3)

    shipped, mine = editor.load(run), editor.load(kept / "b")
    assert same_weights(shipped.encoder, mine.encoder)
    assert not same_weights(shipped.decoder, mine.decoder)
    expected = mine.edit(faces.images[1:2], Set({"Smiling": 1.0})).images[0]
    found = np.asarray(Image.open(out / "b.png")).astype(int)
    assert np.abs(found - expected).max() <= 1
    assert json.loads((kept / "b" / "tuned.json").read_text())["image"] == "b"


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_reconstructions_come_nearer_to_their_images(run, inputs, faces, tmp_path):
    words = [str(inputs), "--run", str(run)]
    reconstruct.main([*words, "--out", str(tmp_path / "plain")])
    tune = ["--tune", "--tune-steps", "30"]
    reconstruct.main([*words, *tune, "--out", str(tmp_path / "tuned")])
    plain, tuned = (error(tmp_path / name, faces.images) for name in ("plain", "tuned"))
    assert tuned < 0.8 * plain
    told = json.loads((tmp_path / "tuned" / "sheets" / "tuning.json").read_text())
    assert [one["steps_done"] for one in told] == [30, 30]


@pytest.mark.usefixtures("quick")
def test_several_edits_share_one_tuning_of_each_image(model, faces):
    options = tuning.TuneOptions(tune=True, tune_steps=5)
    images, requests = faces.images[:2], [Set({"Smiling": 1.0}), Set({"Male": 0.0})]
    each = [functools.partial(lambda one, editor, x: editor.edit(x, one), r) for r in requests]
    edits, told = tuning.edited(options, model, ["a", "b"], images, each)
    assert [one["image"] for one in told["tuning"]["images"]] == ["a", "b"]
    for row in range(2):
        assert edits[0].tuned[row] is edits[1].tuned[row]
        for edited, request in zip(edits, requests, strict=True):
            alone = edited.tuned[row].edit(images[row : row + 1], request).images
            np.testing.assert_array_equal(edited.images[row : row + 1], alone)


@pytest.mark.usefixtures("quick")
def test_what_an_edit_changes_in_a_photograph_is_counted_from_the_tuned_reconstruction(
    model, faces, tmp_path, monkeypatch
):
    """An edit of nothing leaves the photograph as it is, although the decoder was tuned."""
    pixels = np.random.default_rng(3).integers(0, 256, (218, 178, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "me.png")
    monkeypatch.setattr("common.reporting.sheets.grid", lambda *_, **__: None)
    photo = read_photo(tmp_path / "me.png")
    landmarks = tuple(float(value) for value in EYES.ravel())
    alignment = align(photo, "me.png", face=1, box=None, landmarks=landmarks)
    image = model.kind.array(alignment.framed(photo))[None]
    command = EditImagesCommand(out=tmp_path / "out", photo=tmp_path / "me.png")
    options = tuning.TuneOptions(tune=True, tune_steps=5)
    (done,), _ = tuning.edited(options, model, ["me"], image, [lambda one, x: one.edit(x, Set())])
    write_edits(command, Inputs(["me"], image, photo, alignment), done, model, {})
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "me.png")), pixels)
    assert not np.array_equal(done.images, model.reconstruct(image))
    way = path_of(model, done, 0, 2)  # what is pasted, whatever the way to paste
    assert np.abs(way[-1].astype(int) - done.images[0]).max() <= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tune-steps", "5"], "--tune-steps is for a tuning; add --tune"),
        (["--keep-tuned", "new"], "--keep-tuned is for a tuning"),
        (["--tune", "--tune-steps", "5", "--tune-seconds", "5"], "give one of them"),
        (["--tune", "--tune-steps", "0"], "--tune-steps is 0"),
        (["--tune", "--tune-seconds", "-1"], "--tune-seconds is -1"),
        (["--tune", "--keep-tuned", "IN"], "exists and is not an empty folder"),
        (["--tune", "--keep-tuned", "OUT"], "name one folder"),
    ],
)
def test_a_tuning_that_cannot_be_is_refused(run, inputs, tmp_path, capsys, words, said):
    places = {"IN": str(inputs), "OUT": str(tmp_path / "out")}
    words = [places.get(word, word) for word in words]
    with pytest.raises(SystemExit) as ended:
        reconstruct.main([str(inputs), "--run", str(run), "--out", places["OUT"], *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_more_than_16_images_are_refused(run, inputs, tmp_path, capsys):
    for number in range(15):
        Image.new("RGB", (16, 16)).save(inputs / f"{number}.png")
    words = [str(inputs), "--run", str(run), "--out", str(tmp_path / "out"), "--tune"]
    with pytest.raises(SystemExit):
        reconstruct.main(words)
    assert "at most 16; " in (said := capsys.readouterr().err)
    assert "holds 17" in said
