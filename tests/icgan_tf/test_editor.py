"""The editor: images to codes and back, requests, and where its networks come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import icgan_tf
from common.errors import UserError
from common.images import padded, to_range
from common.kinds import Digits, Faces
from icgan_tf import editor
from icgan_tf.codes import Each, Interpolate, Set, Shift, Swap
from icgan_tf.config import PAPER18, Config, DataConfig, NetworkConfig
from icgan_tf.editor import Codes, IcGANEditor
from icgan_tf.presets import baseline, report
from tests.runs import same_weights

MODELS = ["model", "dense_model", "faces_model"]


@pytest.fixture
def case(request, digits, faces) -> tuple[IcGANEditor, np.ndarray]:
    """One of the models, with ten images of its kind."""
    model = request.getfixturevalue(request.param)
    return model, digits if model.digits else faces.images[:10]


def one_hot(*classes: int) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[list(classes)]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Up to one gray level: sums of another order may round."""
    return one.shape == other.shape and abs(one.astype(int) - other).max() <= 1


# --- Images to codes and back ---------------------------------------------------------------------


def toy(config, size: int = 28, conditions: str = "signed", pixels: str = "signed") -> IcGANEditor:
    """E_z reads all pixels, E_y the first ten; G shows z times the fourth value of y."""
    image, z, y = (keras.Input(shape) for shape in ((size, size, 1), (size * size,), (10,)))
    flat: Any = keras.layers.Flatten()(image)
    gate: Any = y
    family = "dense" if size == 28 else "paper"
    config = replace(
        config,
        data=replace(config.data, image_size=size, condition_values=conditions, pixel_range=pixels),
        networks=replace(config.networks, family=family),
    )
    return IcGANEditor(
        Path("nowhere"),
        config,
        generator=keras.Model([z, y], keras.layers.Reshape((size, size, 1))(z * gate[:, 3:4])),
        encoder_z=keras.Model(image, flat),
        encoder_y=keras.Model(image, flat[:, :10]),
    )


@pytest.mark.parametrize(
    ("conditions", "pixels", "shown", "read"),
    [  # of pixels 0, 51 and 255, of which 51 is a fifth: what E_z sees, and what E_y says, on a
        # scale from 0 for absent to 1 for present
        ("signed", "signed", [-1, -0.6, 1], [0, 0.2, 1]),
        ("unit", "signed", [-1, -0.6, 1], [-1, -0.6, 1]),
        ("signed", "unit", [0, 0.2, 1], [0.5, 0.6, 1]),
        ("unit", "unit", [0, 0.2, 1], [0, 0.2, 1]),
    ],
)
def test_the_encoders_see_and_say_what_the_settings_mean(
    dense_config, conditions, pixels, shown, read
):
    images = np.zeros((1, 28, 28, 1), np.uint8)
    images[0, 0, :3, 0] = (0, 51, 255)
    codes = toy(dense_config, conditions=conditions, pixels=pixels).encode(images)
    np.testing.assert_allclose(codes.latent[0, :3], shown, atol=1e-6)
    np.testing.assert_allclose(codes.read[0, :3], read, atol=1e-6)
    np.testing.assert_array_equal(codes.attributes, one_hot(2))  # the largest class


def test_an_e_z_that_is_told_y_is_told_the_binary_y_of_e_y(dense_config):
    model = toy(dense_config, conditions="signed", pixels="signed")
    image: Any = keras.Input((28, 28, 1), name="image")
    y: Any = keras.Input((10,), name="condition")
    rest = keras.layers.Flatten()(image)[:, 10:]
    told = keras.Model([image, y], keras.layers.Concatenate()([y, rest]))  # y, then pixels
    model = replace(model, encoder_z=told)
    images = np.zeros((2, 28, 28, 1), np.uint8)
    images[:, 0, (2, 5), 0] = [[255, 200], [200, 255]]
    codes = model.encode(images)
    np.testing.assert_array_equal(codes.latent[:, :10], 2 * np.eye(10)[[2, 5]] - 1)
    other = replace(codes, attributes=codes.attributes[::-1])
    np.testing.assert_array_equal(model.found_again(other)[:, :10], codes.latent[::-1, :10])
    network = model.networks()["encoder_z"]
    assert list(network.inputs) == ["image", "condition"]
    assert network.inputs["condition"] == model.networks()["generator"].inputs["condition"]


@pytest.mark.parametrize(
    ("conditions", "pixels", "levels"),
    [  # of y = 0, 0.75 and 1
        ("signed", "signed", [0, 191, 255]),  # G's -1, 0.5 and 1: 1.5 * 127.5 = 191.25
        ("unit", "signed", [128, 223, 255]),  # G's 0, 0.75 and 1: 1.75 * 127.5 = 223.1
        ("signed", "unit", [0, 128, 255]),  # G's -1, 0.5 and 1: 0.5 * 255 = 127.5
        ("unit", "unit", [0, 191, 255]),  # G's 0, 0.75 and 1: 0.75 * 255 = 191.25
    ],
)
def test_g_is_told_conditions_and_read_in_the_ranges_of_the_settings(
    dense_config, conditions, pixels, levels
):
    attributes = np.zeros((3, 10), np.float32)
    attributes[:, 3] = (0.0, 0.75, 1.0)
    model = toy(dense_config, conditions=conditions, pixels=pixels)
    images = model.decode(Codes(np.ones((3, 784), np.float32), attributes))
    assert (images.dtype, images.shape) == (np.uint8, (3, 28, 28, 1))
    assert images[:, 14, 14, 0].tolist() == levels


def test_digits_get_a_black_border_where_the_networks_are_larger_and_lose_it_again(dense_config):
    wide = toy(dense_config, size=32, pixels="unit")
    seen = wide.encode(np.full((1, 28, 28, 1), 255, np.uint8)).latent.reshape(32, 32)
    assert (seen[2:30, 2:30] == 1.0).all()
    assert seen.sum() == 28**2  # all else is 0
    z = np.arange(1024, dtype=np.float32).reshape(1, 32, 32) / 1024
    (image,) = wide.decode(Codes(z.reshape(1, 1024), one_hot(3)))
    np.testing.assert_array_equal(image[:, :, 0], np.rint(z[0, 2:30, 2:30] * 255))


def test_blocks_of_500_encode_and_decode_as_one_call_would(dense_config):
    images = np.random.default_rng(0).integers(0, 256, (1001, 28, 28, 1), dtype=np.uint8)
    model = toy(dense_config)
    codes = model.encode(images)
    np.testing.assert_allclose(np.asarray(codes.read), (codes.latent[:, :10] + 1) / 2, atol=1e-6)
    again = model.decode(codes.with_attributes(np.ones((1001, 10))))
    np.testing.assert_array_equal(again, images)


@pytest.mark.parametrize("case", MODELS, indirect=True)
def test_images_have_codes_of_the_settings_sizes_and_become_images_of_the_same_kind(case):
    model, images = case
    codes, again = model.encode(images), model.reconstruct(images)
    names = model.attribute_names
    assert codes.latent.shape == (10, 4)
    assert codes.attributes.shape == codes.read.shape == (10, len(names))
    assert {array.dtype for array in (codes.latent, codes.attributes, codes.read)} == {
        np.dtype(np.float32)
    }
    expected = codes.read == codes.read.max(axis=1)[:, None] if model.digits else codes.read > 0.5
    np.testing.assert_array_equal(codes.attributes, expected)
    assert (again.shape, again.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(again, model.decode(codes))


@pytest.mark.parametrize("case", MODELS, indirect=True)
def test_the_code_and_the_edit_of_an_image_do_not_depend_on_the_rest_of_the_batch(case):
    model, images = case
    codes, alone = model.encode(images), model.encode(images[4:5])
    np.testing.assert_allclose(alone.latent, codes.latent[4:5], atol=1e-4)
    np.testing.assert_allclose(alone.read, codes.read[4:5], atol=1e-4)
    turned = codes.with_attributes(1.0 - codes.attributes)
    together = model.decode(turned)
    assert abs(together - together[:1].astype(int)).max() > 50  # the others are other images
    assert alike(model.decode(turned[4:5]), together[4:5])


# --- Edits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "request_"),
    [
        *((name, Set()) for name in MODELS),
        *((name, Each()) for name in MODELS),
        *(("model", Shift(0)), ("dense_model", Shift(10))),
    ],
    indirect=["case"],
)
def test_an_empty_request_is_the_reconstruction_bit_for_bit(case, request_):
    model, images = case
    edited = model.edit(images, request_)
    np.testing.assert_array_equal(edited.images, model.reconstruct(images))
    np.testing.assert_array_equal(edited.columns["reconstruction"], edited.images)
    np.testing.assert_array_equal(edited.inputs.attributes, model.encode(images).attributes)


@pytest.mark.parametrize(
    ("request_", "wanted", "column"),
    [
        (Shift(1), lambda y: np.roll(y, 1, axis=1), "digit +1"),
        (Shift(-13), lambda y: np.roll(y, -3, axis=1), "digit -13"),
        (Shift(1, wrap=False), lambda y: np.eye(10, k=1)[y.argmax(axis=1)], "digit +1"),
        (Set({"7": 1.0}), lambda y: one_hot(*[7] * 10), "7=1"),
        (Set({"7": 2.0, "3": -1.0}), lambda y: 1.5 * one_hot(*[7] * 10), "7=2\n3=-1"),
    ],
)
def test_digits_are_generated_from_their_latents_and_the_wanted_class(
    model, digits, request_, wanted, column
):
    codes = model.encode(digits)
    expected = model.decode(codes.with_attributes(wanted(codes.attributes)))
    edited = model.edit(digits, request_)
    np.testing.assert_array_equal(edited.images, expected)
    np.testing.assert_array_equal(edited.codes.attributes, wanted(codes.attributes))
    assert list(edited.columns) == ["reconstruction", column]
    np.testing.assert_array_equal(edited.columns[column], expected)
    assert edited.readings == [f"({digit})" for digit in codes.attributes.argmax(axis=1)]
    assert abs(expected - model.decode(codes).astype(int)).max() > 5


@pytest.mark.parametrize("exclusive", [True, False])
def test_attributes_of_faces_are_set_with_those_that_they_exclude_or_without(
    faces_model, faces, exclusive
):
    y = faces_model.encode(faces.images).attributes
    hair = [PAPER18.index(name) for name in ("Black_Hair", "Brown_Hair", "Gray_Hair")]
    assert y[:, hair].any()
    wanted = y.copy()
    wanted[:, hair] *= not exclusive
    wanted[:, PAPER18.index("Blond_Hair")] = 1.0
    wanted[:, PAPER18.index("Male")] = 0.75  # half-way from 0 to 1
    request = Set({"Blond_Hair": 1.0, "Male": 0.5}, exclusive)
    edited = faces_model.edit(faces.images, request)
    np.testing.assert_array_equal(edited.codes.attributes, wanted)
    np.testing.assert_array_equal(edited.images, faces_model.decode(edited.codes))
    assert list(edited.columns) == ["reconstruction", "Blond_Hair=1\nMale=0.5"]
    names = np.array(["Blond_Hair", "Male"])  # those that the request sets
    told = [", ".join(names[row > 0.5]) or "-" for row in y[:, [3, 9]]]
    assert edited.readings == [f"({names})" for names in told]


def test_a_swap_gives_each_image_the_attributes_of_the_other_and_shows_the_way_back(model, digits):
    images, other = digits[[0, 5, 9]], digits[7]
    codes, theirs = model.encode(images), model.encode(digits[[7, 7, 7]])
    assert len(np.unique([*codes.attributes.argmax(axis=1), theirs.attributes[0].argmax()])) == 4
    edited = model.edit(images, Swap(other))
    expected = model.decode(codes.with_attributes(theirs.attributes))
    assert alike(edited.images, expected)
    columns = edited.columns
    assert list(columns) == [
        *("reconstruction", "attributes of the other", "the other", "its reconstruction"),
        "with these attributes",
    ]
    assert alike(columns["attributes of the other"], expected)
    np.testing.assert_array_equal(columns["the other"], np.stack([other] * 3))
    assert alike(columns["its reconstruction"], model.decode(theirs))
    back = model.decode(theirs.with_attributes(codes.attributes))
    assert alike(columns["with these attributes"], back)


def test_a_line_goes_from_one_reconstruction_to_the_other_and_the_edit_is_half_way(model, digits):
    images, other = digits[[0, 5, 9]], digits[7]
    start, end = model.encode(images), model.encode(digits[[7, 7, 7]])
    edited = model.edit(images, Interpolate(other, steps=3))
    middle = Codes((start.latent + end.latent) / 2, (start.attributes + end.attributes) / 2)
    assert alike(edited.images, model.decode(middle))
    columns = edited.columns
    assert list(columns) == ["reconstruction", "25%", "50%", "75%", "100%", "the other"]
    np.testing.assert_array_equal(columns["50%"], edited.images)
    assert alike(columns["100%"], model.decode(end))
    np.testing.assert_array_equal(columns["the other"], np.stack([other] * 3))


def test_each_attribute_or_class_in_turn_is_on_the_sheet_of_the_first_40(model, faces_model, faces):
    images = np.concatenate([faces.images] * 2)[:41]
    edited = faces_model.edit(images, Each())
    named = [f"{name} toggled" if name == "Male" else name for name in PAPER18]
    assert list(edited.columns) == ["reconstruction", *named]
    assert {len(column) for column in edited.columns.values()} == {40}
    assert (len(edited.images), edited.readings) == (41, [""] * 40)
    codes = edited.inputs[:40]
    turned = codes.attributes.copy()
    turned[:, PAPER18.index("Male")] = 1 - turned[:, PAPER18.index("Male")]
    expected = faces_model.decode(codes.with_attributes(turned))
    np.testing.assert_array_equal(edited.columns["Male toggled"], expected)


@pytest.mark.parametrize(
    ("name", "request_", "said"),
    [
        ("faces_model", Shift(1), "--shift adds to digits, but this model knows faces; use --set."),
        ("faces_model", Set({"Beard": 1.0}), "The model has no attributes ['Beard']."),
        (
            "faces_model",
            Set({"Gray_Hair": 1.0, "Male": 1.0, "Blond_Hair": 1.0}),
            "Gray_Hair and Blond_Hair exclude each other; set one of them, or add --no-exclusive.",
        ),
        ("model", Set({"3": 1.0, "7": 1.0}), "3 and 7 exclude each other; set one of them."),
        ("model", Set({"3": 1.0, "7": 1.0}, False), "3 and 7 exclude each other; set one of them."),
        (
            "model",
            Set({"3": -1.0}),
            "--set of a digit says which digit to make, such as --set 7=1.",
        ),
    ],
)
def test_what_the_model_does_not_know_is_refused(request, digits, name, request_, said):
    with pytest.raises(UserError) as refused:
        request.getfixturevalue(name).edit(digits, request_)
    assert str(refused.value) == said


# --- What it offers -------------------------------------------------------------------------------


def test_a_person_may_turn_each_attribute_and_shift_digits(model, faces_model):
    shift, *classes = model.controls
    assert (shift.name, shift.low, shift.high, shift.default) == ("shift", -9, 9, 0)
    for controls, names in ((classes, tuple("0123456789")), (faces_model.controls, PAPER18)):
        assert tuple(control.name for control in controls) == names
        assert {(c.low, c.high, c.default, c.off, c.on) for c in controls} == {(-3, 3, None, -1, 1)}


def test_the_kind_is_digits_or_faces_cropped_as_in_training(model, dense_model, faces_model):
    assert (model.kind, dense_model.kind) == (Digits(), Digits())
    assert faces_model.kind == Faces(16, (30, 40, 168, 178))


@pytest.mark.parametrize(
    ("name", "image", "made", "present"),
    [
        (
            "model",
            "a digit as MNIST shows it, 28x28 with a black border to 32x32; -1 for black to 1 for "
            "white",
            "-1 for black to 1 for white",
            "1 for present, -1 for absent, of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        (
            "dense_model",
            "a digit as MNIST shows it, 28x28; 0 for black to 1 for white",
            "0 for black to 1 for white",
            "1 for present, 0 for absent, of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        ("faces_model", None, "-1 for black to 1 for white", f"of {', '.join(PAPER18)}"),
    ],
)
def test_every_network_says_what_goes_in_and_what_comes_out(request, name, image, made, present):
    model = request.getfixturevalue(name)
    found = model.networks()
    assert list(found) == ["generator", "encoder_z", "encoder_y"]
    for own, network in found.items():
        assert network.model is getattr(model, own)
        assert list(network.inputs) == [tensor.name for tensor in network.model.inputs]
        assert len(network.outputs) == len(network.model.outputs)
        assert all((*network.inputs.values(), *network.outputs.values()))
    assert found["encoder_z"].inputs == found["encoder_y"].inputs
    assert found["encoder_z"].inputs["image"] == image or image is None
    assert found["generator"].outputs == {"image": made}
    assert found["generator"].inputs["condition"].endswith(present)
    assert found["encoder_y"].outputs["condition"].endswith(present)


# --- Networks from settings -----------------------------------------------------------------------


def rates(net: keras.Model) -> list[float]:
    return [layer.rate for layer in net.layers if isinstance(layer, keras.layers.Dropout)]


def widths(net: keras.Model) -> list[int]:
    """Channels or units of the layers with weights, batch normalisation left out."""
    return [
        layer.get_weights()[1].shape[0]
        for layer in net.layers
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]


def test_build_gives_every_network_the_sizes_of_the_settings():
    nets = editor.build(
        Config(
            dataset="drawn",
            data=DataConfig(image_size=16, attributes=("Male", "Smiling")),
            networks=NetworkConfig(
                latent_size=3,
                generator_filters=2,
                generator_dense=7,
                discriminator_filters=4,
                discriminator_dropout=0.25,
                encoder_filters=1,
                encoder_z_dense=6,
                encoder_y_dense=5,
            ),
        )
    )
    assert [net.name for net in nets.values()] == list(nets)
    assert {name: widths(net) for name, net in nets.items()} == {
        "generator": [7, 4, 2, 3],  # dense, 4x4, 8x8, 16x16 of three channels
        "discriminator": [4, 8, 1],
        "encoder_z": [1, 2, 4, 8, 6, 3],
        "encoder_y": [1, 2, 4, 8, 5, 2],
    }
    assert rates(nets["discriminator"]) == [0.25]
    assert [tuple(shape) for shape in nets["generator"].input_shape] == [(None, 3), (None, 2)]


@pytest.mark.parametrize(("layer", "channels"), [(0, [5, 2]), (1, [3, 4])])
def test_build_puts_y_where_the_settings_say(faces_config, layer, channels):
    # Two attributes join the three colours, or the two maps of the first convolution.
    config = replace(
        faces_config,
        data=replace(faces_config.data, attributes=("Male", "Smiling")),
        networks=replace(
            faces_config.networks,
            generator_condition_layer=layer,
            discriminator_condition_layer=layer,
        ),
    )
    nets = editor.build(config)
    kernels = [w for w in nets["discriminator"].weights if w.ndim == 4]
    assert [kernel.shape[2] for kernel in kernels[:2]] == channels
    first = next(w for w in nets["generator"].weights if w.ndim == 4)
    assert first.shape[3] == config.networks.latent_size + (2 if layer == 0 else 0)


@pytest.mark.parametrize(
    ("pixels", "activation"), [("signed", "tanh"), ("unit", "sigmoid"), ("raw", "tanh")]
)
def test_gs_last_activation_is_that_of_the_pixel_range(tiny_config, pixels, activation):
    data = replace(tiny_config.data, pixel_range=pixels)
    config = replace(tiny_config, data=data, stages=("gan",))
    last = editor.build(config)["generator"].layers[-1]
    assert last.activation is getattr(keras.activations, activation)


@pytest.mark.parametrize("case", MODELS, indirect=True)
def test_g_makes_and_the_encoders_see_pixels_of_one_range(case):
    model, images = case
    data = model.config.data
    low, high = {"signed": (-1.0, 1.0), "unit": (0.0, 1.0)}[data.pixel_range]
    seen = np.asarray(to_range(padded(images, data.image_size), data.pixel_range))
    z = np.random.default_rng(0).normal(size=(64, model.config.networks.latent_size), scale=9.0)
    made = model.generator([z, np.ones((64, len(model.attribute_names)))], training=False).numpy()
    assert made.shape[1:] == seen.shape[1:] == model.encoder_z.input_shape[1:]
    assert low <= seen.min() < seen.max() <= high
    assert low <= made.min() < low + 0.1 * (high - low)
    assert high >= made.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize(
    ("config", "slope", "conditioned"), [(baseline(), 0.01, 4), (report("mnist"), 0.2, 1)]
)
def test_the_28x28_families_have_their_own_slopes_conditions_and_encoders(
    monkeypatch, config, slope, conditioned
):
    for name in ("DENSE", "SMALL", "MEDIUM"):  # widths of thousands take seconds
        monkeypatch.setattr(f"icgan_tf.networks.{name}", 2)
    nets = editor.build(config)
    (leak,) = {
        layer.negative_slope
        for layer in nets["discriminator"].layers
        if isinstance(layer, keras.layers.LeakyReLU)
    }
    assert leak == pytest.approx(slope)
    for name in ("generator", "discriminator"):
        joins = [x for x in nets[name].layers if isinstance(x, keras.layers.Concatenate)]
        assert len(joins) == conditioned
    if config == baseline():
        assert isinstance(nets["encoder_z"].layers[-1], keras.layers.BatchNormalization)
        assert nets["encoder_y"].layers[-1].activation is keras.activations.sigmoid


# --- Networks from runs ---------------------------------------------------------------------------


def test_a_run_gives_its_settings_and_three_networks_without_a_discriminator(
    untrained_run, tmp_path, tiny_config
):
    model = icgan_tf.load(untrained_run(tmp_path / "run", *editor.NEEDED))
    assert (model.folder, model.config) == (tmp_path / "run", tiny_config)
    for name in editor.NEEDED:
        saved = keras.saving.load_model(model.folder / "networks" / f"{name}.keras")
        assert isinstance(saved, keras.Model)
        assert same_weights(getattr(model, name), saved)


@pytest.mark.usefixtures("_digits_built_once")
def test_an_unfinished_run_says_what_is_missing_and_how_to_go_on(untrained_run, tmp_path):
    run = untrained_run(tmp_path / "run", "discriminator", "encoder_z")
    said = (
        r"no trained encoder_y and no generator yet; .*`python -m icgan_tf\.train --resume .*run`"
    )
    with pytest.raises(UserError, match=said):
        icgan_tf.load(run)
