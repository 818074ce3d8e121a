"""The networks: parameter counts of the authors' code, Torch's padding, gradient routes."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ifcvaegan import networks


@pytest.fixture
def random_weights() -> None:
    """Asks for Torch's first weights instead of zeros."""


@pytest.fixture(autouse=True)
def _no_random_numbers(monkeypatch, request) -> None:
    """Millions of random first weights would take seconds; some tests need them."""
    if "random_weights" not in request.fixturenames:
        monkeypatch.setattr(networks, "_torch", lambda inputs: ("zeros", "zeros"))


def counts(network: keras.Model) -> tuple[int, int]:
    """Trainable parameters, and moving statistics."""
    trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    return trainable, network.count_params() - trainable


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        # 4,864 + 204,928 + 819,456 + 3,277,312; 2 (8192 * 200 + 200); 8,193
        (networks.encoder, (7_591_953, 0)),
        # 201 * 8192 + 8192; 1,179,904; 295,040; 73,792; 1,731; 2 (256 + 128 + 64) = 896
        (networks.decoder, (3_206_147, 896)),
        (networks.discriminator, (4_314_753, 0)),
        # 201,000 + 1,001,000 + 1,001
        (networks.auxiliary, (1_203_001, 0)),
        (lambda: networks.encoder(100), (5_953_353, 0)),
        (lambda: networks.decoder(100), (2_386_947, 896)),
        (lambda: networks.auxiliary(100), (1_103_001, 0)),
        # 16/9 of the kernels: 4^2 (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3)
        (lambda: networks.decoder(upsampling="transposed4"), (4_411_715, 896)),
        (lambda: networks.decoder(upsampling="resize"), (3_206_147, 896)),
        # a scale and an offset of each of 64 + 128 + 256 + 512 filters, as many statistics
        (lambda: networks.encoder(normalised=True), (7_593_873, 1_920)),
    ],
)
def test_networks_have_the_parameters_of_the_authors_code(build, expected):
    assert counts(build()) == expected


def test_several_attributes_widen_the_head_the_input_and_the_guess_alone():
    one, three = (
        [
            networks.encoder(8, k, 16, 4),
            networks.decoder(8, k, 16, 4),
            networks.auxiliary(8, k, 16),
        ]
        for k in (1, 3)
    )
    features = 4 * 4 * 8  # two convolutions of 4 and 8 filters
    more = [b.count_params() - a.count_params() for a, b in zip(one, three, strict=True)]
    assert more == [2 * (features + 1), 2 * features, 2 * (16 + 1)]


@pytest.mark.parametrize("size", [16, 32, 64])
def test_images_of_a_power_of_two_pass_all_networks(size):
    encoder, decoder = networks.encoder(8, 2, size, 2), networks.decoder(8, 2, size, 2)
    assert [output.shape for output in encoder.outputs] == [(None, 8), (None, 8), (None, 2)]
    assert [tuple(i.shape) for i in decoder.inputs] == [(None, 2), (None, 8)]
    assert decoder.output_shape == (None, size, size, 3)
    assert networks.discriminator(size, 2).output_shape == (None, 1)


@pytest.mark.parametrize("size", [8, 48, 0])
def test_other_sides_are_refused(size):
    with pytest.raises(ValueError, match=f"side of the images is {size}; it must be 16, 32, 64"):
        networks.encoder(8, 1, size)


# --- Torch's padding ------------------------------------------------------------------------------


def first(network: keras.Model, kind: type) -> keras.layers.Layer:
    return next(layer for layer in network.layers if isinstance(layer, kind))


@pytest.mark.parametrize(("padding", "seen"), [("torch", [2, 4]), ("same", [1, 3])])
def test_a_convolution_pads_two_on_both_sides_or_one_and_two(padding, seen):
    """Output 0 sees inputs -2 to 2 with Torch's padding, -1 to 3 with Keras'."""
    network = networks.discriminator(16, 1, padding)
    layer = first(network, keras.layers.Conv2D)
    kernel = np.zeros((5, 5, 3, 1), np.float32)
    kernel[:, 2 if padding == "torch" else 1, 0, 0] = np.arange(1, 6)  # the row of the kernel
    layer.set_weights([kernel, np.zeros(1, np.float32)])
    view = keras.Model(network.input, layer.output)
    answers = []
    for row in (0, 2):
        image = np.zeros((1, 16, 16, 3), np.float32)
        image[0, row, 0, 0] = 1.0
        answers.append(float(view(image)[0, 0, 0, 0]) - 1)
    assert answers == seen


def test_a_transposed_convolution_drops_the_first_row_or_the_last():
    """Of the 2n + 1 rows that n inputs give: input 0 reaches rows 0 to 2, seen from 1 or from 0."""
    reached = {}
    for padding in ("torch", "same"):
        network = networks.decoder(1, 1, 16, 1, padding)
        layer = [x for x in network.layers if isinstance(x, keras.layers.Conv2DTranspose)][-1]
        kernel = np.ones(layer.kernel.shape, np.float32)
        image = keras.Input(layer.input.shape[1:])
        x = layer(image)
        if padding == "torch":
            x = [y for y in network.layers if isinstance(y, keras.layers.Cropping2D)][-1](x)
        layer.set_weights([kernel, np.zeros(3, np.float32)])
        one = np.zeros((1, *image.shape[1:]), np.float32)
        one[0, 0, 0, 0] = 1.0
        reached[padding] = np.flatnonzero(np.asarray(keras.Model(image, x)(one))[0, :, 0, 0])
    assert reached["torch"].tolist() == [0, 1]
    assert reached["same"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("upsampling", "values"), [("transposed3", 3), ("transposed4", 1), ("resize", 1)]
)
def test_a_kernel_that_the_stride_divides_leaves_no_grid(upsampling, values):
    """Ones through a kernel of ones: 4, 2 or 1 weights reach a pixel of a transposed 3x3."""
    network = networks.decoder(1, 1, 32, 1, upsampling=upsampling)
    kinds = (keras.layers.Conv2DTranspose, keras.layers.Conv2D, keras.layers.UpSampling2D)
    layers = [layer for layer in network.layers if isinstance(layer, kinds)]
    last = layers[-2:] if upsampling == "resize" else layers[-1:]
    kernel, bias = last[-1].get_weights()
    last[-1].set_weights([np.ones_like(kernel), np.zeros_like(bias)])
    x = np.ones((1, *last[0].input.shape[1:]), np.float32)
    for layer in last:
        x = layer(x)
    assert len(np.unique(np.asarray(x)[0, 4:-4, 4:-4])) == values  # away from the edges


def test_features_are_what_c_decides_from():
    c = networks.discriminator(16, 2)
    image = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    logit, features = (np.asarray(one) for one in networks.with_features(c)(image))
    np.testing.assert_array_equal(logit, c(image))
    kernel, bias = c.layers[-1].get_weights()
    np.testing.assert_allclose(features @ kernel + bias, logit, rtol=1e-5)


# --- First weights --------------------------------------------------------------------------------


def test_batch_normalisation_has_torchs_constants():
    norms = [layer for layer in networks.decoder(8, 1, 16, 4).layers if "batch_norm" in layer.name]
    assert [(norm.momentum, norm.epsilon) for norm in norms] == [(0.9, 1e-5)]


@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize(
    ("build", "kind", "inputs"),
    [
        (lambda: networks.encoder(8, 1, 64, 16), keras.layers.Conv2D, 5 * 5 * 3),
        (lambda: networks.encoder(200, 1, 16, 16), keras.layers.Dense, 4 * 4 * 32),
        (lambda: networks.decoder(8, 1, 32, 16), keras.layers.Conv2DTranspose, 3 * 3 * 64),
    ],
)
def test_first_weights_and_biases_are_torchs(build, kind, inputs):
    """U(-b, b) with b = 1 / sqrt(inputs), whose standard deviation is b / sqrt(3)."""
    kernel, bias = first(build(), kind).get_weights()
    bound = 1 / math.sqrt(inputs)
    assert 0.98 * bound < np.abs(kernel).max() <= bound
    assert kernel.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert 0 < np.abs(bias).max() <= bound


# --- Gradient routes ------------------------------------------------------------------------------


@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize("detached", [True, False])
def test_the_class_loss_trains_the_features_unless_they_are_detached(detached):
    encoder = networks.encoder(4, 1, 16, 2, detached)
    head = set(map(id, encoder.get_layer("attributes").trainable_weights))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(encoder(tf.ones((2, 16, 16, 3)))[2])
    weights = encoder.trainable_weights
    gradients = tape.gradient(loss, [w.value for w in weights])
    reached = {id(w) for w, g in zip(weights, gradients, strict=True) if g is not None}
    latent = {id(w) for name in ("mean", "log_variance") for w in encoder.get_layer(name).weights}
    assert reached == (head if detached else set(map(id, weights)) - latent)


@pytest.mark.usefixtures("random_weights")
def test_log_variances_stay_where_exp_is_finite():
    encoder = networks.encoder(4, 1, 16, 2)
    kernel, bias = encoder.get_layer("log_variance").get_weights()
    encoder.get_layer("log_variance").set_weights([kernel, bias + np.array([99, -99, 0, 5], "f")])
    found = np.asarray(encoder(np.zeros((1, 16, 16, 3), "f"))[1])[0]
    assert found[:2].tolist() == [10.0, -10.0]
