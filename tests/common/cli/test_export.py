"""Exports answer as Keras does, or leave nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from common.export import ExportCommand, package_of

from common import export
from common.errors import UserError
from common.files import ROOT
from common.settings.config import read_config
from ifcvaegan import trained

DRAWN = ROOT / "weights" / "ifcvaegan-drawn"


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """D of the model of drawn faces, in both formats."""
    out = tmp_path_factory.mktemp("export") / "networks"
    return export.export(ExportCommand(run=DRAWN, out=out, networks=("decoder",)))


@pytest.fixture(scope="module")
def codes() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.random((5, 3), np.float32), rng.standard_normal((5, 64), np.float32)]


@pytest.fixture(scope="module")
def expected(codes) -> np.ndarray:
    return np.asarray(trained.load(DRAWN).decoder(codes, training=False))


def test_the_saved_model_answers_as_keras_does(exported, codes, expected):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported / "decoder"))
    np.testing.assert_allclose(loaded.serve(codes), expected, atol=1e-6)


def test_onnx_answers_as_keras_does_for_any_number_of_images(exported, codes, expected):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported / "decoder.onnx"))
    names = [one.name for one in session.get_inputs()]
    assert names == ["attribute", "latent"]
    assert [one.name for one in session.get_outputs()] == ["image_logits"]
    (found,) = session.run(None, dict(zip(names, codes, strict=True)))
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-4)


def test_the_record_tells_shapes_and_differences(exported):
    told = json.loads((exported / "export.json").read_text())["networks"]["decoder"]
    ports = [[port["name"], port["shape"]] for port in told["inputs"] + told["outputs"]]
    assert ports == [
        *(["attribute", [None, 3]], ["latent", [None, 64]], ["image_logits", [None, 64, 64, 3]]),
    ]
    names = ", ".join(trained.attribute_names(read_config(trained.Config, DRAWN)))
    assert told["inputs"][0]["values"] == f"y: 1 for present, 0 for absent, of {names}"
    assert told["outputs"][0]["values"].startswith("a sigmoid makes them an image, 0 for black to")
    assert set(told["largest difference from Keras"]) == {"savedmodel", "onnx"}
    assert all(0.0 <= gap < 1e-4 for gap in told["largest difference from Keras"].values())


def test_a_folder_that_is_there_is_not_touched(exported):
    before = sorted(exported.iterdir())
    with pytest.raises(UserError, match=r"is there already; move it away, or name another by --o"):
        export.check(ExportCommand(run=DRAWN, out=exported))
    assert sorted(exported.iterdir()) == before


def test_what_answers_otherwise_is_not_exported(tmp_path, monkeypatch):
    real = export.as_saved_model
    gap = np.float32(2 * export.TOLERANCE)  # of logits that are larger than 1
    monkeypatch.setattr(
        export, "as_saved_model", lambda *given: [one * (1 + gap) for one in real(*given)]
    )
    command = ExportCommand(
        run=DRAWN, out=tmp_path / "out", formats=("savedmodel",), networks=("decoder",)
    )
    with pytest.raises(
        UserError, match=r"decoder as savedmodel differs from Keras by \d.*; not ex"
    ):
        export.export(command)
    assert list(tmp_path.iterdir()) == []


def test_no_format_is_no_export(tmp_path):
    with pytest.raises(UserError, match="--formats: name savedmodel, onnx or both"):
        export.export(ExportCommand(run=DRAWN, out=tmp_path / "x", formats=()))


def test_onnx_that_is_not_installed_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"ONNX needs onnx, onnxruntime, tf2onnx: pip install -r req"
    ):
        export.check(ExportCommand(run=DRAWN, out=tmp_path / "out"))
    export.check(ExportCommand(run=DRAWN, out=tmp_path / "out", formats=("savedmodel",)))


def test_an_unknown_network_is_refused_with_the_nearest_one(tmp_path):
    with pytest.raises(UserError, match=r"--networks decodr: .* Did you mean 'decoder'\?"):
        export.export(ExportCommand(run=DRAWN, out=tmp_path / "out", networks=("decodr",)))


@pytest.mark.parametrize(
    ("name", "package"),
    [("crg-mnist", "crg"), ("icgan-mnist", "icgan_tf"), ("ifcvaegan-celeba", "ifcvaegan")],
)
def test_weights_tell_their_package_by_their_card(name, package):
    assert package_of(ROOT / "weights" / name) == package


def test_a_folder_without_a_record_is_refused(tmp_path):
    with pytest.raises(UserError, match="is neither a run nor a folder of weights"):
        package_of(tmp_path)


@pytest.mark.parametrize(
    "content", [b"python -m other.train", b"python -m common.train", b"\xff\xfe"]
)
def test_a_run_of_no_package_here_is_refused(tmp_path, content):
    (tmp_path / "command.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"command\.txt: no training of a package of this project"):
        package_of(tmp_path)


@pytest.mark.parametrize(
    "name", ["crg-mnist", "icgan-mnist", "ifcvaegan-celeba", "ifcvaegan-drawn"]
)
def test_the_words_of_every_network_fit_its_inputs_and_outputs(name):
    import importlib

    package = importlib.import_module(f"{package_of(ROOT / 'weights' / name)}.trained")
    config = read_config(package.Config, ROOT / "weights" / name)
    nets = package.build(config)
    assert package.ports(config).keys() == nets.keys()
    for network, (inputs, outputs) in package.ports(config).items():
        assert list(inputs) == [one.name for one in nets[network].inputs]
        assert len(outputs) == len(nets[network].outputs)


MNIST_NAMES = ", ".join("0123456789")
DIGIT = "a digit as MNIST shows it, 28x28"
SIGNED, UNIT = "-1 for black to 1 for white", "0 for black to 1 for white"


@pytest.mark.parametrize(
    ("package", "preset", "dataset", "network", "inputs", "outputs"),
    [
        ("crg", "paper", None, "encoder", [f"{DIGIT}, {SIGNED}"], ["z, from -1 to 1"]),
        ("crg", "paper", None, "generator", ["z, from -1 to 1"], [SIGNED]),
        (
            *("icgan_tf", "baseline", None, "generator"),
            ["z, standard normal", f"y: 1 for present, 0 for absent, of {MNIST_NAMES}"],
            [UNIT],
        ),
        (
            *("icgan_tf", "stable", "mnist", "encoder_z"),
            [f"{DIGIT} with a black border to 32x32; {SIGNED}"],
            ["z as it is found, of smaller spread than normal"],
        ),
        (
            *("icgan_tf", "report", "celeba", "encoder_z"),
            [
                "a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) (35, "
                f"55, 143, 163), scaled to 64x64, bilinear and antialiased; {SIGNED}"
            ],
            ["z as it is found, of smaller spread than normal"],
        ),
    ],
)
def test_the_words_tell_ranges_crops_and_borders(
    package, preset, dataset, network, inputs, outputs
):
    import importlib

    make = importlib.import_module(f"{package}.config").PRESETS[preset]
    config = make(dataset) if dataset else make()
    told = importlib.import_module(f"{package}.trained").ports(config)[network]
    assert [list(side.values()) for side in told] == [inputs, outputs]


def test_absence_is_told_as_the_conditions_have_it():
    from icgan_tf.trained import ports

    from icgan_tf.config import PRESETS

    config = PRESETS["stable"]("celeba")
    assert config.data.condition_values == "signed"
    assert (
        "1 for present, -1 for absent, of Bald, Bangs" in ports(config)["generator"][0]["condition"]
    )


def test_an_unbounded_generator_is_told():
    import dataclasses

    from crg.trained import ports

    from crg.config import PRESETS

    config = PRESETS["paper"]()
    networks = dataclasses.replace(config.networks, output_activation="lrelu")
    told = ports(dataclasses.replace(config, networks=networks))["generator"][1]["image"]
    assert told == f"{SIGNED}; to be clipped"


def test_an_image_made_as_the_record_says_comes_back(tmp_path):
    """A face as `export.json` words it, through E and D in ONNX, as a reader of it would do."""
    import onnxruntime
    from PIL import Image

    export.export(ExportCommand(run=DRAWN, out=tmp_path / "x", formats=("onnx",)))
    told = json.loads((tmp_path / "x" / "export.json").read_text())["networks"]
    (port,) = told["encoder"]["inputs"]
    assert "(0, 20, 178, 198), scaled to 64x64" in port["values"]
    assert port["values"].endswith("0 for black to 1 for white")
    faces = []
    for file in sorted((ROOT / "examples" / "drawn-faces").iterdir()):
        if file.suffix == ".png":
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
