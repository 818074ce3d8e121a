"""Exports answer as Keras does, or leave nothing."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from common.cli import export
from common.cli.export import ExportCommand
from common.errors import UserError
from common.files import ROOT
from tests.common.cli.stub import Stub, module

X = np.random.default_rng(1).random((5, 4), np.float32)
Y = np.random.default_rng(2).random((5, 2), np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """Both networks of the stub, in both formats, as the command writes them."""
    out = tmp_path_factory.mktemp("export") / "networks"
    loaded: list[Path | None] = []

    def load(run: Path | None) -> Stub:
        loaded.append(run)
        return Stub()

    export.run_export("toy", module(load), ["runs/mine", "--out", str(out)])
    assert loaded == [Path("runs/mine")]
    return out


@pytest.fixture(scope="module")
def expected() -> list[np.ndarray]:
    """Mean and answer of the encoder."""
    return [np.asarray(one) for one in Stub().networks()["encoder"].model([X, Y])]


def test_the_saved_model_answers_as_keras_does(exported, expected):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported / "encoder"))
    for found, wanted in zip(loaded.serve([X, Y]), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_onnx_answers_as_keras_does_for_any_number_of_images_by_the_names_of_the_record(
    exported, expected
):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported / "encoder.onnx"))
    found = session.run(["answer", "mean"], {"attribute": Y, "image": X})
    for one, wanted in zip(reversed(found), expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), wanted, atol=1e-5)


def test_the_record_tells_names_shapes_words_and_differences(exported):
    record = json.loads((exported / "export.json").read_text())
    assert record["model"] == "stub"
    assert list(record["networks"]) == ["encoder", "decoder"]
    told = record["networks"]["encoder"]
    assert told["inputs"] == [
        {"name": "image", "shape": [None, 4], "values": "four pixels"},
        {"name": "attribute", "shape": [None, 2], "values": "y"},
    ]
    assert told["outputs"] == [
        {"name": "mean", "shape": [None, 3], "values": "of z"},
        {"name": "answer", "shape": [None, 1], "values": "a logit"},
    ]
    assert set(told["largest difference from Keras"]) == {"savedmodel", "onnx"}
    assert all(0.0 <= gap < 1e-5 for gap in told["largest difference from Keras"].values())


def test_a_folder_that_is_there_is_not_touched(exported):
    before = {file: file.stat().st_mtime_ns for file in exported.rglob("*")}
    command = ExportCommand(out=exported)
    for refuse in (export.check, lambda command: export.export(command, Stub())):
        with pytest.raises(UserError, match="is there already; move it away, or name another by"):
            refuse(command)
    assert {file: file.stat().st_mtime_ns for file in exported.rglob("*")} == before


def test_only_networks_that_are_named_are_written_and_unknown_ones_refused(tmp_path):
    command = ExportCommand(out=tmp_path / "x", formats=("savedmodel",), networks=("decoder",))
    export.export(command, Stub())
    assert sorted(file.name for file in (tmp_path / "x").iterdir()) == ["decoder", "export.json"]
    with pytest.raises(UserError, match=r"--networks decodr: .* Did you mean 'decoder'\? It has"):
        export.export(ExportCommand(out=tmp_path / "y", networks=("decodr",)), Stub())


@pytest.mark.parametrize(("factor", "refused"), [(0.5, False), (2.0, True)])
def test_what_answers_otherwise_is_not_exported(tmp_path, monkeypatch, factor, refused):
    """The encoder's largest answer is above 1; off by so much of the tolerance of a thousandth."""
    real, gap = export.as_saved_model, np.float32(factor * 1e-3)
    monkeypatch.setattr(
        export, "as_saved_model", lambda *given: [one * (1 + gap) for one in real(*given)]
    )
    command = ExportCommand(out=tmp_path / "out", formats=("savedmodel",), networks=("encoder",))
    if refused:
        with pytest.raises(
            UserError, match=r"encoder as savedmodel differs from Keras by \d.*; no"
        ):
            export.export(command, Stub())
    else:
        export.export(command, Stub())
    assert [path.name for path in tmp_path.iterdir()] == ([] if refused else ["out"])


def test_formats_that_are_none_or_not_installed_are_refused(monkeypatch):
    with pytest.raises(UserError, match="--formats: name savedmodel, onnx or both"):
        export.check(ExportCommand(formats=()))
    export.check(ExportCommand())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="ONNX needs onnx, onnxruntime, tf2onnx: pip install -r re"):
        export.check(ExportCommand())
    export.check(ExportCommand(formats=("savedmodel",)))


# The papers' networks


MNIST = ", ".join("0123456789")
DIGIT = "a digit as MNIST shows it, 28x28"
FACE = (
    "a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) {}, scaled to "
    "{}x{}, bilinear and antialiased"
)
SIGNED, UNIT = "-1 for black to 1 for white", "0 for black to 1 for white"


@pytest.mark.parametrize(
    ("package", "model", "network", "inputs", "outputs"),
    [
        ("crg", "crg-mnist", "encoder", [f"{DIGIT}, {SIGNED}"], ["z, from -1 to 1"]),
        ("crg", "crg-mnist", "generator", ["z, from -1 to 1"], [SIGNED]),
        (
            *("icgan_tf", "icgan-mnist", "generator"),
            ["z, standard normal", f"y: 1 for present, -1 for absent, of {MNIST}"],
            [SIGNED],
        ),
        (
            *("icgan_tf", "icgan-mnist", "encoder_z"),
            [f"{DIGIT} with a black border to 32x32; {SIGNED}"],
            ["z as it is found, of smaller spread than normal"],
        ),
        (
            *("ifcvaegan", "ifcvaegan-celeba", "encoder"),
            [f"{FACE.format((0, 20, 178, 198), 64, 64)}; {UNIT}"],
            [
                *("of z", "of z: log sigma^2"),
                "a sigmoid makes them probabilities, of Smiling, Male, Eyeglasses",
            ],
        ),
    ],
)
def test_the_words_tell_ranges_crops_and_names(package, model, network, inputs, outputs):
    editor = importlib.import_module(package).load(ROOT / "weights" / model)
    found = editor.networks()[network]
    assert list(found.inputs.values()) == inputs
    assert list(found.outputs.values()) == outputs


def test_an_image_made_as_the_record_says_comes_back(tmp_path):
    """A face as `export.json` words it, through E and D in ONNX, as a reader of it would do."""
    import onnxruntime
    from PIL import Image

    from ifcvaegan.export import main

    drawn = ROOT / "weights" / "ifcvaegan-drawn"
    main([str(drawn), "--out", str(tmp_path / "x"), "--formats", "onnx"])
    told = json.loads((tmp_path / "x" / "export.json").read_text())["networks"]
    (port,) = told["encoder"]["inputs"]
    assert "(0, 20, 178, 198), scaled to 64x64" in port["values"]
    assert port["values"].endswith("0 for black to 1 for white")
    faces = []
    for file in sorted((ROOT / "examples" / "drawn-faces").glob("*.png")):
        box = Image.open(file).convert("RGB").crop((0, 20, 178, 198))
        faces.append(np.asarray(box.resize((64, 64), Image.Resampling.BILINEAR)) / 255)
    images = np.stack(faces).astype(np.float32)
    encoder, decoder = (
        onnxruntime.InferenceSession(str(tmp_path / "x" / f"{name}.onnx"))
        for name in ("encoder", "decoder")
    )
    read = encoder.run(["mean", "attribute_logits"], {"image": images})
    mean, logits = (np.asarray(one) for one in read)
    codes = {"attribute": 1 / (1 + np.exp(-logits)), "latent": mean}
    made = np.asarray(decoder.run(["image_logits"], codes)[0])
    assert np.mean((1 / (1 + np.exp(-made)) - images) ** 2) < 0.015
