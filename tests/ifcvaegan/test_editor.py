"""The editor: faces to codes and back, requests, controls, and what its networks say."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import ifcvaegan
from common.editor import Control
from common.errors import UserError
from common.files import write_json
from common.images import to_range
from common.kinds import Faces
from common.settings.config import to_json
from ifcvaegan import editor
from ifcvaegan.codes import Set, Sweep
from ifcvaegan.editor import Codes
from tests.runs import same_weights

NAMES = ("Smiling", "Male", "Eyeglasses")


@pytest.fixture(scope="module")
def codes(model, faces) -> Codes:
    return model.encode(faces.images)


# --- Faces to codes and back ----------------------------------------------------------------------


def test_codes_are_the_mean_of_z_probabilities_of_y_and_the_log_variance(model, faces, codes):
    mean, log_variance, logits = model.encoder(to_range(faces.images, "unit"), training=False)
    np.testing.assert_allclose(codes.latent, mean, atol=1e-5)
    np.testing.assert_allclose(codes.log_variance, log_variance, atol=1e-5)
    np.testing.assert_allclose(codes.attributes, 1 / (1 + np.exp(-np.asarray(logits))), atol=1e-5)
    arrays = (codes.latent, codes.log_variance, codes.attributes)
    assert [array.shape for array in arrays] == [(24, 6), (24, 6), (24, 3)]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_decoded_faces_are_the_sigmoid_of_ds_logits_in_eight_bits(model, codes):
    logits = model.decoder([codes.attributes, codes.latent], training=False)
    expected = 255 / (1 + np.exp(-np.asarray(logits, np.float64)))
    images = model.decode(codes)
    assert (images.dtype, images.shape) == (np.uint8, (24, 16, 16, 3))
    assert np.abs(images - expected).max() <= 0.51
    assert expected.std(axis=0).max() > 5  # other codes, other images


def test_a_reconstruction_is_what_the_code_decodes_to(model, faces, codes):
    np.testing.assert_array_equal(model.reconstruct(faces.images), model.decode(codes))


def test_a_batch_of_faces_is_each_face_alone(model, faces, codes):
    some = codes[:3]
    together = model.decode(some).astype(int)
    alone = np.concatenate([model.decode(some[[row]]) for row in range(3)])
    assert np.abs(together - alone).max() <= 1
    for row in range(3):
        again = model.encode(faces.images[row : row + 1])
        np.testing.assert_allclose(again.latent, some[[row]].latent, atol=1e-5)


def test_y_comes_before_z(model, codes):
    first = next(layer for layer in model.decoder.layers if "dense" in layer.name)
    joined = keras.Model(model.decoder.inputs, first.input)([codes.attributes, codes.latent])
    np.testing.assert_array_equal(joined, np.concatenate([codes.attributes, codes.latent], axis=1))


@pytest.mark.parametrize(
    "rows", [slice(1, 3), [1, 2], np.array([1, 2]), np.array([False, True, True, False])]
)
def test_codes_are_indexed_by_image(rows):
    latent, y, spread = (np.arange(8.0).reshape(4, 2) + 10 * k for k in range(3))
    found = Codes(latent, y, spread)[rows]
    assert found.log_variance is not None
    np.testing.assert_array_equal(found.latent, [[2, 3], [4, 5]])
    np.testing.assert_array_equal(found.attributes, [[12, 13], [14, 15]])
    np.testing.assert_array_equal(found.log_variance, [[22, 23], [24, 25]])
    assert Codes(latent, y)[rows].log_variance is None


def test_sampled_latents_are_the_mean_and_the_spread_times_noise_of_the_seed():
    """z = mu + exp(log sigma^2 / 2) e: sigma is 0.5 and 2."""
    mean, variance = np.array([[1.0, -2.0]] * 20_000, "f"), np.array([[0.25, 4.0]] * 20_000, "f")
    code = Codes(mean, np.ones((20_000, 1), "f"), np.log(variance))
    noise = np.random.default_rng(3).standard_normal((20_000, 2), np.float32)
    found = code.sampled(3)
    np.testing.assert_allclose(found.latent, [1.0, -2.0] + [0.5, 2.0] * noise, rtol=1e-5)
    np.testing.assert_allclose(found.latent.mean(axis=0), [1.0, -2.0], atol=0.05)
    np.testing.assert_allclose(found.latent.var(axis=0), [0.25, 4.0], rtol=0.05)
    np.testing.assert_array_equal(found.attributes, code.attributes)
    assert found.log_variance is None
    assert not np.array_equal(found.latent, code.sampled(4).latent)


# --- Requests -------------------------------------------------------------------------------------


def wanted(codes: Codes, **values: float) -> Codes:
    """Codes with these values of y."""
    y = codes.attributes.copy()
    for name, value in values.items():
        y[:, NAMES.index(name)] = value
    return Codes(codes.latent, y)


def test_an_empty_request_is_the_reconstruction_bit_for_bit(model, faces):
    edited = model.edit(faces.images, Set())
    expected = model.reconstruct(faces.images)
    for images in (edited.images, edited.columns["reconstruction"], edited.columns["no change"]):
        np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("values", [{"Smiling": 1.0, "Male": 0.0}, {"Eyeglasses": 1.5}])
def test_set_decodes_the_mean_of_z_with_that_y(model, faces, codes, values):
    edited = model.edit(faces.images, Set(values))
    np.testing.assert_array_equal(edited.images, model.decode(wanted(codes, **values)))
    np.testing.assert_array_equal(edited.codes.attributes, wanted(codes, **values).attributes)
    np.testing.assert_array_equal(edited.inputs.attributes, codes.attributes)
    assert not np.array_equal(edited.images, model.reconstruct(faces.images))
    label = "\n".join(f"{name}={value:g}" for name, value in values.items())
    assert list(edited.columns) == ["reconstruction", label]
    np.testing.assert_array_equal(edited.columns[label], edited.images)
    columns = [NAMES.index(name) for name in values]
    read = ", ".join(f"{codes.attributes[5, column]:.2f}" for column in columns)
    assert edited.readings[5] == f"({read})"


def test_a_sweep_goes_from_0_to_1_and_ends_in_its_image(model, faces, codes):
    edited = model.edit(faces.images, Sweep("Eyeglasses", 3))
    assert list(edited.columns) == ["reconstruction", "0.00", "0.50", "1.00"]
    for value in (0.0, 0.5, 1.0):
        expected = model.decode(wanted(codes, Eyeglasses=value))
        np.testing.assert_array_equal(edited.columns[f"{value:.2f}"], expected)
    np.testing.assert_array_equal(edited.images, edited.columns["1.00"])


def test_a_sheet_shows_the_first_40_and_all_are_edited(model, faces):
    images = np.concatenate([faces.images, faces.images])[:41]
    edited = model.edit(images, Set({"Smiling": 1.0}))
    assert len(edited.images) == len(edited.codes.attributes) == len(edited.inputs.latent) == 41
    assert {len(column) for column in edited.columns.values()} == {40}
    assert len(edited.readings) == 40


@pytest.mark.parametrize("request_", [Set({"Smilling": 1.0}), Sweep("Smilling")])
def test_an_attribute_that_the_model_does_not_have_is_refused(model, faces, request_):
    message = r"no attribute 'Smilling'\. Did you mean 'Smiling'\? It has Smiling, Male, Eyegl"
    with pytest.raises(UserError, match=message):
        model.edit(faces.images, request_)


# --- What it offers -------------------------------------------------------------------------------


def test_a_person_may_turn_every_attribute_of_faces_as_they_were_cropped(model):
    assert model.controls == tuple(
        Control(name=n, meaning="1 present, 0 absent", low=-1.0, high=2.0, off=0.0, on=1.0)
        for n in NAMES
    )
    assert model.kind == Faces(16, (0, 20, 178, 198))


def test_every_network_says_what_goes_in_and_what_comes_out(model):
    found = model.networks()
    assert list(found) == ["encoder", "decoder"]
    for name, network in found.items():
        assert network.model is getattr(model, name)
        assert list(network.inputs) == [tensor.name for tensor in network.model.inputs]
        assert len(network.outputs) == len(network.model.outputs)
    texts = [[*network.inputs.values(), *network.outputs.values()] for network in found.values()]
    assert texts == [
        [
            "a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) (0, 20, "
            "178, 198), scaled to 16x16, bilinear and antialiased; 0 for black to 1 for white",
            *("of z", "of z: log sigma^2"),
            "a sigmoid makes them probabilities, of Smiling, Male, Eyeglasses",
        ],
        [
            "y: 1 for present, 0 for absent, of Smiling, Male, Eyeglasses",
            "z: the mean that E gives, or a sample",
            "a sigmoid makes them an image, 0 for black to 1 for white",
        ],
    ]


def test_a_folder_of_weights_gives_its_settings_and_e_and_d(model, config, tmp_path):
    write_json(tmp_path / "config.json", to_json(config))
    for name in editor.NEEDED:
        getattr(model, name).save_weights(tmp_path / f"{name}.weights.h5")
    again = ifcvaegan.load(tmp_path)
    assert (again.folder, again.config) == (tmp_path, config)
    assert all(same_weights(getattr(again, name), getattr(model, name)) for name in editor.NEEDED)
