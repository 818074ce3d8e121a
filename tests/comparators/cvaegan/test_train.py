"""A training of CVAE-GAN from end to end, on narrow networks and drawn faces, and its editor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.editor import Tunable, editor_of
from common.errors import UserError
from comparators import cvaegan
from comparators.cvaegan import reconstruct
from comparators.cvaegan.config import Config, DataConfig
from comparators.cvaegan.editor import CVAEGANEditor, Set
from comparators.cvaegan.model import CVAEGAN
from comparators.cvaegan.presets import PRESETS
from comparators.cvaegan.train import main
from tests.runs import history, same, saved

WORDS = ["--preset", "smoke", "--data.attributes", "Smiling", "Eyeglasses"]


@pytest.fixture(scope="module", autouse=True)
def _eagerly():
    """A graph of these few steps takes longer than the steps."""
    compile_ = CVAEGAN.compile

    def eagerly(model: CVAEGAN, **options) -> None:
        compile_(model, **options)
        model.run_eagerly = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CVAEGAN, "compile", eagerly)
        yield


@pytest.fixture(scope="module", params=[pytest.param("cvaegan", marks=pytest.mark.slow)])
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cvaegan") / "run"
    main([*WORDS, "--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def model(run) -> CVAEGANEditor:
    return editor_of(run).load(run)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def test_a_run_holds_four_networks_losses_and_samples(run):
    rows = history(run, "cvaegan")
    assert [row["step"] for row in rows] == ["2", "4", "6"]  # of 64 faces in batches of 32
    assert {"class_loss", "mean_loss", "val_classifier_loss", "val_image_mse"} <= set(rows[0])
    names = {file.stem for file in (run / "networks").iterdir()}
    assert names == {"encoder", "generator", "discriminator", "classifier"}
    assert len(list((run / "samples").glob("cvaegan-*.png"))) == 3


@pytest.mark.slow
def test_a_resumed_run_ends_as_one_that_was_longer_from_the_start(run, tmp_path):
    folder = tmp_path / "run"
    main([*WORDS, "--cvaegan.epochs", "1", "--out", str(folder)])
    main(["--resume", str(folder), "--cvaegan.epochs", "3"])
    for owner in ("network/centres", "network/encoder", "network/classifier"):
        assert same(saved(folder, "cvaegan", owner), saved(run, "cvaegan", owner))
    assert max(np.abs(one).max() for one in saved(run, "cvaegan", "network/centres")) > 0


def test_the_editor_sets_one_attribute_and_leaves_the_other_as_read(model, faces):
    assert isinstance(model, Tunable)
    assert (model.title, model.kind.size) == ("CVAE-GAN", 16)
    assert [one.name for one in model.controls] == ["Smiling", "Eyeglasses"]
    codes = model.encode(faces)
    assert set(np.unique(codes.attributes)) <= {0.0, 1.0}
    edited = model.edit(faces, model.request({"Eyeglasses": 1.0}))
    np.testing.assert_array_equal(edited.codes.attributes[:, 0], codes.attributes[:, 0])
    np.testing.assert_array_equal(edited.codes.attributes[:, 1], 1.0)
    np.testing.assert_array_equal(edited.codes.latent, codes.latent)
    np.testing.assert_array_equal(edited.images, model.decode(edited.codes))
    read = model.readings(codes)["Smiling"]
    np.testing.assert_array_equal(read, codes.attributes[:, 0])


def test_an_empty_request_is_the_reconstruction(model, faces):
    made = model.reconstruct(faces)
    np.testing.assert_array_equal(model.edit(faces, Set()).images, made)
    assert made.shape == faces.shape
    assert np.ptp(made.astype(int)) > 0


def test_the_codes_class_is_what_the_classifier_reads(model, faces):
    logits = np.asarray(model.classifier(faces.astype(np.float32) / 127.5 - 1.0)[0])
    np.testing.assert_array_equal(model.encode(faces).attributes, logits > 0)


def test_an_attribute_that_the_model_lacks_is_refused(model, faces):
    with pytest.raises(UserError, match="no attribute 'Smile'"):
        model.edit(faces, Set({"Smile": 1.0}))


def test_the_command_reconstructs(run, model, tmp_path):
    (sheet,) = run.glob("samples/reals.png")
    reconstruct.main([str(sheet), "--out", str(tmp_path / "out"), "--run", str(run)])
    assert (tmp_path / "out" / "reals.png").is_file()
    assert cvaegan.load(run).config == model.config


@pytest.mark.parametrize("network", ["encoder", "generator", "classifier"])
def test_the_export_names_what_goes_in_and_comes_out(model, network):
    described = model.networks()[network]
    assert list(described.inputs) == [one.name for one in described.model.inputs]
    assert len(described.outputs) == len(described.model.outputs)


def test_the_first_preset_has_the_papers_weights():
    paper = PRESETS[next(iter(PRESETS))]()
    assert paper == Config()
    found = paper.cvaegan
    weights = found.kl_weight, found.reconstruction_weight, found.mean_weight, found.class_weight
    assert weights == (3.0, 1.0, 1e-3, 1e-3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_size": 24}, "image_size is 24; it must be 16, 32, 64"),
        ({"attributes": ("Smiling", "Smiling")}, "names of different attributes"),
        ({"attributes": ("all",)}, "names of different attributes"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        DataConfig(**changes)
