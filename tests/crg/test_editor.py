"""The editor: images to codes and back, requests, and where its networks come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import crg
from common.editor import Control
from common.errors import UserError
from common.kinds import Digits
from crg import editor
from crg.codes import Along
from crg.config import Config, NetworkConfig
from crg.editor import Codes, CRGEditor
from tests.runs import same_weights

# --- Images to codes and back ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def pixels() -> CRGEditor:
    """Codes are the two pixels of an image; dropout would clear nine of ten in training."""
    image, code = keras.Input((1, 2, 1)), keras.Input((2,))
    encoder = keras.layers.Dropout(0.9)(keras.layers.Reshape((2,))(image))
    generator = keras.layers.Dropout(0.9)(keras.layers.Reshape((1, 2, 1))(code))
    nets = keras.Model(code, generator), keras.Model(image, encoder)
    return CRGEditor(Path("pixels"), Config(), *nets)


def test_the_encoder_sees_images_in_the_symmetric_range(pixels):
    images = np.array([[0, 255], [51, 204]], np.uint8).reshape(2, 1, 2, 1)
    found = pixels.encode(images).latent
    # x / 127.5 - 1: 51 is a fifth of the range from -1 to 1, 204 four fifths.
    np.testing.assert_allclose(found, [[-1, 1], [-0.6, 0.6]], atol=1e-6)
    assert found.dtype == np.float32


def test_generated_images_are_clipped_and_rounded_to_8_bits(pixels):
    images = pixels.decode(Codes(np.array([[-1.0, 1.0], [-1.5, 7.0], [0.0, -0.6]], np.float32)))
    assert images.dtype == np.uint8
    # 127.5 lies between two levels and goes to the even one.
    assert images.reshape(3, 2).tolist() == [[0, 255], [0, 255], [128, 51]]


def test_blocks_of_500_encode_and_decode_as_one_call_would(pixels):
    images = np.random.default_rng(0).integers(0, 256, (1001, 1, 2, 1), dtype=np.uint8)
    codes = pixels.encode(images)
    np.testing.assert_allclose(codes.latent, images.reshape(1001, 2) / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(pixels.decode(codes), images)


def test_a_digit_has_four_latents_and_becomes_a_gray_image_of_28x28(model, digits):
    codes = model.encode(digits)
    images = model.reconstruct(digits)
    assert (codes.latent.shape, codes.latent.dtype) == ((10, 4), np.float32)
    assert (images.shape, images.dtype) == ((10, 28, 28, 1), np.uint8)
    np.testing.assert_array_equal(images, model.decode(codes))
    assert images.std(axis=0).max() > 5  # different digits, different images


# --- Edits ----------------------------------------------------------------------------------------


def test_an_empty_request_is_the_reconstruction_bit_for_bit(model, digits):
    edited = model.edit(digits, Along())
    np.testing.assert_array_equal(edited.images, model.reconstruct(digits))
    np.testing.assert_array_equal(edited.codes.latent, model.encode(digits).latent)


def test_the_sheet_goes_from_the_reconstruction_to_the_edit_for_the_first_40(model, digits):
    images = np.concatenate([digits] * 5)[:41]
    towards = model.direction(digits[3], digits[8])
    edited = model.edit(images, Along(directions=[towards], amounts=[0.8]))
    assert list(edited.columns) == [
        *("0 (rec.)", "strength 0.2", "strength 0.4", "strength 0.6", "strength 0.8"),
    ]
    first, *_, last = edited.columns.values()
    assert (len(edited.images), len(first)) == (41, 40)
    assert abs(first - model.reconstruct(images)[:40].astype(int)).max() <= 1
    assert abs(last - edited.images[:40].astype(int)).max() <= 1
    np.testing.assert_array_equal(edited.inputs.latent, model.encode(images).latent)


def test_a_person_may_turn_the_strength_of_a_step_on_digits(model):
    (control,) = model.controls
    assert isinstance(control, Control)
    assert (control.name, control.low, control.high, control.default) == ("strength", -2, 2, 0)
    assert model.kind == Digits()


def test_a_table_of_several_systems_tells_encoders_of_one_objective_apart(model):
    titles = []
    for objectives in ("both", "latent_cycle", "image_cycle"):
        encoder = replace(model.config.encoder, objectives=objectives)
        titles.append(replace(model, config=replace(model.config, encoder=encoder)).title)
    assert titles == ["CRG", "CRG, Eq. 1 alone", "CRG, Eq. 2 alone"]


@pytest.mark.parametrize(("activation", "beyond"), [("tanh", ""), ("lrelu", "; to be clipped")])
def test_every_network_says_what_goes_in_and_what_comes_out(model, activation, beyond):
    sizes = replace(model.config.networks, output_activation=activation)
    found = replace(model, config=replace(model.config, networks=sizes)).networks()
    assert found["generator"].outputs == {"image": f"-1 for black to 1 for white{beyond}"}
    for name, network in found.items():
        assert network.model is getattr(model, name)
        assert list(network.inputs) == [tensor.name for tensor in network.model.inputs]
        assert len(network.outputs) == len(network.model.outputs)
        assert all((*network.inputs.values(), *network.outputs.values()))
    assert list(found) == ["generator", "encoder"]


# --- Networks from settings -----------------------------------------------------------------------


def rates(net: keras.Model) -> list[float]:
    return [layer.rate for layer in net.layers if isinstance(layer, keras.layers.Dropout)]


def test_build_gives_every_network_the_sizes_of_the_settings():
    sizes = NetworkConfig(
        latent_size=3,
        generator_channels=(5, 4, 2),
        output_activation="lrelu",
        discriminator_channels=(2, 6),
        discriminator_dropout=0.25,
        encoder_channels=(1, 2, 3, 4, 5),
        encoder_dropout=(0.1, 0.2, 0.3, 0.4, 0.5),
    )
    nets = editor.build(Config(networks=sizes))
    assert [net.name for net in nets.values()] == list(nets)
    biases = {
        name: [w.shape[0] for w in net.get_weights() if w.ndim == 1] for name, net in nets.items()
    }
    assert biases["generator"] == [7 * 7 * 5, 4, 2, 1]
    assert biases["discriminator"] == [2, 6, 1]
    assert biases["encoder"][::5] == [1, 2, 3, 4, 5, 3]  # between them, four of each normalisation
    assert rates(nets["discriminator"]) == [0.25, 0.25]
    assert rates(nets["encoder"]) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert isinstance(nets["generator"].layers[-1], keras.layers.LeakyReLU)


# --- Networks from runs ---------------------------------------------------------------------------


def test_a_run_gives_its_settings_generator_and_encoder_without_a_discriminator(model, tiny_config):
    assert model.config == tiny_config
    files = {file.stem: file for file in (model.folder / "networks").iterdir()}
    assert set(files) == {"generator", "encoder"}
    for name, file in files.items():
        saved = keras.saving.load_model(file)
        assert isinstance(saved, keras.Model)
        assert same_weights(getattr(model, name), saved)


def test_an_unfinished_run_says_what_is_missing_and_how_to_go_on(untrained_run, tmp_path):
    run = untrained_run(tmp_path / "run", "discriminator")
    missing = "no trained encoder and no generator yet"
    with pytest.raises(UserError, match=rf"has {missing}; .*`python -m crg\.train --resume .*run`"):
        crg.load(run)
