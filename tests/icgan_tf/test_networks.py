"""The networks against the tables of both codes: counts, shapes, where y enters, ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from icgan_tf import encoder_networks, networks


@pytest.fixture(scope="module")
def paper() -> dict[str, keras.Model]:
    """All four networks in the original's sizes for faces with 18 attributes, untrained."""
    nets = (
        networks.generator(),
        networks.discriminator(),
        encoder_networks.encoder(100),
        encoder_networks.encoder(18, dense=512, name="encoder_y"),
    )
    return {net.name: net for net in nets}


@pytest.fixture(scope="module")
def baseline() -> dict[str, keras.Model]:
    """All four networks of the TensorFlow baseline, untrained."""
    nets = (
        networks.dense_generator(condition_everywhere=True, output_activation="sigmoid"),
        networks.dense_discriminator(condition_everywhere=True, slope=networks.BASELINE_SLOPE),
        encoder_networks.baseline_encoder(64, "normalised"),
        encoder_networks.baseline_encoder(10, "sigmoid", "encoder_y"),
    )
    return {net.name: net for net in nets}


@pytest.fixture(scope="module")
def dense() -> dict[str, keras.Model]:
    """G and D of the report for 28x28 digits, untrained."""
    nets = networks.dense_generator(), networks.dense_discriminator(dropout=0.3)
    return {net.name: net for net in nets}


@pytest.fixture(scope="module")
def dropped() -> dict[str, keras.Model]:
    """A narrow D of the report, with its dropout."""
    return {"discriminator": networks.discriminator(3, 64, filters=1, dropout=0.3)}


def tiny(name: str, **options) -> keras.Model:
    """One network of the paper's family for 16x16 images, 4 latents and 3 conditions."""
    keras.utils.set_random_seed(3)
    if name == "generator":
        return networks.generator(4, 3, 16, filters=2, **options)
    if name == "discriminator":
        return networks.discriminator(3, 16, filters=2, **options)
    return encoder_networks.encoder(4, 16, filters=2, name=name, **options)


def inputs(name: str, count: int = 4) -> list[np.ndarray] | np.ndarray:
    """Random inputs of a tiny network: images in [-1, 1], z ~ N(0, 1), y in {-1, 1}."""
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (count, 16, 16, 3)).astype(np.float32)
    y = rng.choice([-1.0, 1.0], (count, 3)).astype(np.float32)
    if name == "generator":
        return [rng.standard_normal((count, 4), np.float32), y]
    return [image, y] if name == "discriminator" else image


def enlarge(net: keras.Model, factor: float) -> keras.Model:
    """Multiplies all weights, so that outputs leave the middle of their range."""
    for variable in net.trainable_variables:
        variable.assign(factor * variable)
    return net


def trainable(net: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in net.trainable_variables)


def moving(net: keras.Model) -> int:
    """Values in the moving statistics; dropout's counters are no parameters."""
    statistics = [v for v in net.variables if v.path.split("/")[-1].startswith("moving_")]
    return sum(int(np.prod(v.shape)) for v in statistics)


def kernels(net: keras.Model) -> list[keras.Layer]:
    """The layers with weights other than those of batch normalisation."""
    return [layer for layer in net.layers if hasattr(layer, "kernel")]


def entering(net: keras.Model) -> list[int]:
    """How many channels or features each of these layers gets."""
    return [int(layer.input.shape[-1]) for layer in kernels(net)]


def of_kind(net: keras.Model, kind: type[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in net.layers if isinstance(layer, kind)]


def stages(net: keras.Model) -> list[tuple[int, ...]]:
    """The output shapes of the layers with weights and the last one, each once while it stays."""
    layers = [layer for layer in net.layers if layer.weights] + [net.layers[-1]]
    shapes = [tuple(layer.output.shape[1:]) for layer in layers]
    return [shape for i, shape in enumerate(shapes) if i == 0 or shape != shapes[i - 1]]


def kinds(net: keras.Model) -> list[str]:
    """The layers in order, without inputs and what only lays out y."""
    left_out = {"InputLayer", "RepeatVector"}
    names = [type(layer).__name__ for layer in net.layers]
    return [name for name in names if name not in left_out]


# --- Parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name", "weights", "statistics"),
    [
        # 4*4*118*512+512 and so on; scale and offset of the normalisations 2*(512+256+128+64).
        ("paper", "generator", [967_168, 2_097_408, 524_416, 131_136, 3_075], 1_920),
        # 4*4*3*64+64, 4*4*(64+18)*128+128 and so on; normalisations 2*(128+256+512).
        ("paper", "discriminator", [3_136, 168_064, 524_544, 2_097_664, 8_193], 1_792),
        # 5*5*3*32+32, 5*5*32*64+64 and so on, 4096*4096+4096, 4096*100+100; normalisations
        # 2*(32+64+128+256+4096).
        ("paper", "encoder_z", [2_432, 51_264, 204_928, 819_456, 16_781_312, 409_700], 9_152),
        # ..., 4096*512+512, 512*18+18; 2*(32+64+128+256+512).
        ("paper", "encoder_y", [2_432, 51_264, 204_928, 819_456, 2_097_664, 9_234], 1_984),
        # 74*1024+1024, 1034*6272+6272, 4*4*138*64+64, 4*4*74+1; 2*(1024+6272+64)
        ("baseline", "generator", [76_800, 6_491_520, 141_376, 1_185], 14_720),
        # 4*4*11*64+64, 4*4*74*128+128, 6282*1024+1024, 1034+1; 2*(128+1024)
        ("baseline", "discriminator", [11_328, 151_680, 6_433_792, 1_035], 2_304),
        # 4*4*64+64, 4*4*64*128+128, 6272*64+64; 2*(64+128+64): normalised at the end, too
        ("baseline", "encoder_z", [1_088, 131_200, 401_472], 512),
        # 6272*10+10; 2*(64+128)
        ("baseline", "encoder_y", [1_088, 131_200, 62_730], 384),
        # The baseline's less the 10 columns of y at 6272, at 16*64 and at 16 values.
        ("dense", "generator", [76_800, 6_491_520 - 62_720, 141_376 - 10_240, 1_185 - 160], 14_720),
        # The baseline's less those at 16*64, at 1024 and at 1 value.
        (
            *("dense", "discriminator"),
            *([11_328 - 10_240, 151_680, 6_433_792 - 10_240, 1_035 - 10], 2_304),
        ),
    ],
)
def test_networks_have_the_parameters_of_their_tables(request, family, name, weights, statistics):
    net = request.getfixturevalue(family)[name]
    assert [layer.count_params() for layer in kernels(net)] == weights
    # Each normalisation has as many moving statistics as scales and offsets.
    assert (trainable(net), moving(net)) == (sum(weights) + statistics, statistics)


GENERATOR, DISCRIMINATOR, ENCODER = (
    networks.generator,
    networks.discriminator,
    encoder_networks.encoder,
)
REPORT = partial(GENERATOR, conditions=40)
SPATIAL = {"dense": 1024, "dense_form": "spatial"}
VARIANTS: dict[str, tuple[Callable[[], keras.Model], int, int]] = {
    # 40 attributes: 22 more channels, 22*16*512 in G and 22*16*128 in D.
    "generator-40": (REPORT, 3_905_347, 1_920),
    "discriminator-40": (partial(DISCRIMINATOR, 40), 2_848_449, 1_792),
    # 64x64 digits.
    "generator-digits": (partial(GENERATOR, 100, 10, 64, 1), 3_657_537, 1_920),
    "discriminator-digits": (partial(DISCRIMINATOR, 10, 64, 1), 2_784_961, 1_792),
    "encoder_z-digits": (partial(ENCODER, 100, 64, 1), 18_276_644, 9_152),
    "encoder_y-digits": (partial(ENCODER, 10, 64, 1, 512), 3_181_258, 1_984),
    # 32x32 digits: one convolution less; E_z gets 2*2*256 = 1,024 features.
    "generator-32": (partial(GENERATOR, 100, 10, 32, 1), 1_108_289, 896),
    "discriminator-32": (partial(DISCRIMINATOR, 10, 32, 1), 682_177, 768),
    "encoder_z-32": (partial(ENCODER, 100, 32, 1), 2_231_588, 3_008),
    "encoder_y-32": (partial(ENCODER, 10, 32, 1, 512), 1_608_394, 1_984),
    # The encoders on 28x28, which halve to 14, 7, 4 and 2 as well.
    "encoder_z-28": (partial(ENCODER, 64, 28, 1), 2_194_688, 3_008),
    # E_z with the hidden layer of E_y.
    "encoder_z-512": (partial(ENCODER, 100, dense=512), 3_229_028, 1_984),
    # E_z that is told 18 attributes: 18 * 5 * 5 * 32 more weights.
    "encoder_z-conditional": (partial(ENCODER, 100, conditions=18), 18_292_644, 9_152),
    # The report's dense layer in G, as 1x1 and as 2x2, and its D with twice the filters.
    "generator-report": (partial(REPORT, dense=1024), 11_293_507, 3_968),
    "generator-spatial": (partial(REPORT, **SPATIAL), 7_242_563, 2_944),
    "discriminator-report": (
        *(partial(DISCRIMINATOR, 40, filters=128, dropout=0.3), 11_201_921, 3_584),
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_the_parameters_worked_out_for_it(name, monkeypatch):
    for module, initializer in ((networks, "normal"), (encoder_networks, "_torch")):
        monkeypatch.setattr(module, initializer, lambda: "zeros")  # 65 million would take seconds
    build, parameters, statistics = VARIANTS[name]
    net = build()
    assert (trainable(net), moving(net)) == (parameters, statistics)


def test_shared_encoders_have_one_trunk_and_two_heads():
    z, y = encoder_networks.shared_encoders(4, 3, 16, filters=1)
    alone = encoder_networks.encoder(4, 16, filters=1), encoder_networks.encoder(3, 16, 3, 512, 1)
    for shared, one in zip((z, y), alone, strict=True):
        assert [v.shape for v in shared.weights] == [v.shape for v in one.weights]
    both = {id(v) for v in z.weights} & {id(v) for v in y.weights}
    assert len(both) == 4 * 6  # kernel, bias and four of the normalisation
    assert (z.output_shape, y.output_shape) == ((None, 4), (None, 3))


def test_an_encoder_that_is_told_y_sees_it_at_each_place_of_the_image():
    net = encoder_networks.encoder(4, 16, filters=2, conditions=3)
    image, y = inputs("discriminator")
    first = next(layer for layer in net.layers if isinstance(layer, keras.layers.Concatenate))
    seen = np.asarray(keras.Model(net.inputs, first.output)([image, y]))
    np.testing.assert_array_equal(seen[..., :3], image)
    np.testing.assert_array_equal(seen[..., 3:], np.broadcast_to(y[:, None, None], (4, 16, 16, 3)))
    answers = [np.asarray(encoder_networks.find_latent(net, image, told)) for told in (y, -y)]
    assert np.abs(answers[0] - answers[1]).min() > 0


# --- Shapes and order -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        (
            "generator",
            [(None, 100), (None, 18)],
            [(4, 4, 512), (8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)],
        ),
        (
            "discriminator",
            [(None, 64, 64, 3), (None, 18)],
            [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512), (1, 1, 1), (1,)],
        ),
        *(
            (
                name,
                (None, 64, 64, 3),
                [(32, 32, 32), (16, 16, 64), (8, 8, 128), (4, 4, 256), *ends],
            )
            for name, ends in (("encoder_z", [(4096,), (100,)]), ("encoder_y", [(512,), (18,)]))
        ),
    ],
)
def test_maps_halve_or_double_as_in_the_papers_tables(paper, name, inputs, expected):
    assert paper[name].input_shape == inputs
    assert stages(paper[name]) == expected


@pytest.mark.parametrize("size", [16, 32, 128])
def test_images_of_a_power_of_two_pass_g_d_and_the_encoders(size):
    generator = networks.generator(4, 3, size, filters=1)
    assert generator.output_shape == (None, size, size, 3)
    assert networks.discriminator(3, size, filters=1).output_shape == (None, 1)
    assert encoder_networks.encoder(4, size, filters=1).output_shape == (None, 4)


def test_digits_of_28_pass_g_d_and_the_encoders(dense, baseline):
    assert dense["generator"].output_shape == baseline["generator"].output_shape
    assert dense["generator"].output_shape == (None, 28, 28, 1)
    assert dense["discriminator"].output_shape == (None, 1)
    encoder = encoder_networks.encoder(64, 28, 1, filters=1)
    assert stages(encoder)[:4] == [(14, 14, 1), (7, 7, 2), (4, 4, 4), (2, 2, 8)]


@pytest.mark.parametrize("build", [networks.generator, networks.discriminator])
@pytest.mark.parametrize("size", [-16, 0, 1, 8, 28, 63, 65, 96])
def test_other_sides_are_refused(build, size):
    with pytest.raises(ValueError, match=rf"images is {size}; it must be 16, 32, 64"):
        build(size=size)


@pytest.mark.parametrize("build", [networks.generator, networks.discriminator])
@pytest.mark.parametrize("layer", [-1, 5])
def test_a_layer_that_does_not_exist_cannot_get_y(build, layer):
    with pytest.raises(ValueError, match=rf"condition_layer is {layer}; it must be 0 to 4"):
        build(condition_layer=layer)


def test_first_deconvolution_gives_its_input_times_the_kernel_at_each_of_4x4_places():
    net = tiny("generator")
    (layer, *_) = kernels(net)
    layer.bias.assign([0.5, -0.5, 1.0, 2.0])
    x = np.random.default_rng(2).normal(size=(2, 1, 1, 7))
    expected = np.einsum("bi,hwoi->bhwo", x[:, 0, 0], layer.kernel.numpy()) + layer.bias.numpy()
    assert expected.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(layer(x.astype(np.float32)), expected, atol=1e-6)


def test_generator_of_the_report_has_one_dense_layer_and_then_five_deconvolutions():
    vector = tiny("generator", dense=8)
    assert kinds(vector)[:5] == ["Concatenate", "Dense", "BatchNormalization", "ReLU", "Reshape"]
    assert stages(vector) == [(8,), (4, 4, 4), (8, 8, 2), (16, 16, 3)]
    spatial = tiny("generator", dense=8, dense_form="spatial")
    assert stages(spatial) == [(16,), (2, 2, 4), (4, 4, 4), (8, 8, 2), (16, 16, 3)]


FIRST = ("Conv2D", "LeakyReLU", "Concatenate")  # of D, which normalises neither it nor the last
HIDDEN = ("Conv2D", "BatchNormalization", "ReLU")  # of the baseline's encoders
ENCODED = (
    *("ZeroPadding2D", "Conv2D", "BatchNormalization", "ReLU") * 4,
    *("Flatten", "Dense", "BatchNormalization", "ReLU", "Dense"),
)


@pytest.mark.parametrize(
    ("family", "name", "expected"),
    [
        (  # no dense layer
            *("paper", "generator"),
            (
                *("Concatenate", *("Conv2DTranspose", "BatchNormalization", "ReLU") * 4),
                *("Conv2DTranspose", "Activation"),
            ),
        ),
        (
            *("paper", "discriminator"),
            (*FIRST, *("Conv2D", "BatchNormalization", "LeakyReLU") * 3, "Conv2D", "Flatten"),
        ),
        (  # the report's dropout follows each hidden layer but the first
            *("dropped", "discriminator"),
            (
                *(*FIRST, *("Conv2D", "BatchNormalization", "LeakyReLU", "Dropout") * 3),
                *("Conv2D", "Flatten"),
            ),
        ),
        ("paper", "encoder_z", ENCODED),
        ("paper", "encoder_y", ENCODED),
        ("baseline", "encoder_z", (*HIDDEN * 2, "Flatten", "Dense", "BatchNormalization")),
        ("baseline", "encoder_y", (*HIDDEN * 2, "Flatten", "Dense", "Activation")),
        (
            *("dense", "discriminator"),
            (
                *(*FIRST, "Conv2D", "BatchNormalization", "LeakyReLU", "Dropout", "Flatten"),
                *("Dense", "BatchNormalization", "LeakyReLU", "Dropout", "Dense"),
            ),
        ),
    ],
)
def test_layers_follow_each_other_as_in_the_sources(request, family, name, expected):
    net = request.getfixturevalue(family)[name]
    assert [kind for kind in kinds(net) if kind != "Reshape"] == list(expected)


def test_encoders_of_the_paper_end_linearly_and_the_baselines_e_y_in_a_sigmoid(paper, baseline):
    for name in ("encoder_z", "encoder_y"):
        assert paper[name].layers[-1].activation is keras.activations.linear
    assert baseline["encoder_y"].layers[-1].activation is keras.activations.sigmoid
    assert of_kind(baseline["discriminator"], keras.layers.Dropout) == []


def test_every_layer_keeps_its_bias_and_every_normalisation_is_torchs(paper, baseline, dense):
    for net in [*paper.values(), *baseline.values(), *dense.values()]:
        assert all(layer.use_bias for layer in kernels(net))
        norms = of_kind(net, keras.layers.BatchNormalization)
        assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_leaky_slope_is_0_2_and_0_01_in_the_baseline(paper, baseline, dense):
    def slopes(nets: dict[str, keras.Model]) -> set[float]:
        return {
            layer.negative_slope for layer in of_kind(nets["discriminator"], keras.layers.LeakyReLU)
        }

    assert (slopes(paper), slopes(dense), slopes(baseline)) == ({0.2}, {0.2}, {0.01})


# --- First weights --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_first_weights_of_g_and_d_are_normal_with_spread_0_02(paper, baseline, name):
    for net in (paper[name], baseline[name]):
        values = np.concatenate([layer.kernel.numpy().ravel() for layer in kernels(net)])
        # Standard deviations of both estimates over more than 2.8e6 values: 1.2e-5 and 8.4e-6.
        assert abs(values.mean()) < 6e-5
        assert abs(values.std() - 0.02) < 5e-5


def test_first_scales_are_spread_around_1_in_the_original_and_1_in_the_baseline(paper, baseline):
    def scales(net: keras.Model) -> np.ndarray:
        norms = of_kind(net, keras.layers.BatchNormalization)
        return np.concatenate([norm.gamma.numpy() for norm in norms])

    for name in ("generator", "discriminator"):
        drawn = scales(paper[name])
        # 896 values at least: standard deviations of both estimates 7e-4 and 5e-4.
        assert abs(drawn.mean() - 1.0) < 0.0035
        assert abs(drawn.std() - 0.02) < 0.0025
        assert set(scales(baseline[name])) == {1.0}
    assert set(scales(paper["encoder_z"])) == {1.0}


def test_first_weights_of_the_encoders_fill_torchs_range(paper):
    for layer in kernels(paper["encoder_y"]):
        values = layer.kernel.numpy()
        bound = 1.0 / np.sqrt(values[..., 0].size)  # the values that enter one output
        assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)
        # The variance of U(-b, b) is b^2 / 3; the smallest kernel has 2,400 values.
        assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


# --- Where y enters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (0, [3 + 5, 2, 4, 8, 16]),
        (1, [3, 2 + 5, 4, 8, 16]),
        (2, [3, 2, 4 + 5, 8, 16]),
        (3, [3, 2, 4, 8 + 5, 16]),
        (4, [3, 2, 4, 8, 16 + 5]),
    ],
)
def test_condition_layer_widens_the_input_of_exactly_one_convolution(layer, expected):
    assert entering(networks.discriminator(5, 64, filters=2, condition_layer=layer)) == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (0, [7 + 5, 16, 8, 4, 2]),
        (1, [7, 16 + 5, 8, 4, 2]),
        (3, [7, 16, 8, 4 + 5, 2]),
        (4, [7, 16, 8, 4, 2 + 5]),
    ],
)
def test_condition_layer_widens_the_input_of_one_transposed_convolution(layer, expected):
    assert entering(networks.generator(7, 5, 64, filters=2, condition_layer=layer)) == expected


def test_the_spatial_dense_layer_counts_its_maps_from_4x4_too():
    net = networks.generator(7, 5, 64, 3, 2, 1, "spatial", "tanh", 1)
    assert entering(net) == [7, 16, 16 + 5, 8, 4, 2]


def test_y_enters_every_layer_of_the_baseline_and_one_of_the_dense_networks(baseline, dense):
    # 64 latents, 1024 units, 128 and 64 channels; 1 image channel, 64, 6272, 1024: and 10 of y.
    assert entering(baseline["generator"]) == [64 + 10, 1024 + 10, 128 + 10, 64 + 10]
    assert entering(baseline["discriminator"]) == [1 + 10, 64 + 10, 6272 + 10, 1024 + 10]
    assert entering(dense["generator"]) == [64 + 10, 1024, 128, 64]
    assert entering(dense["discriminator"]) == [1, 64 + 10, 6272, 1024]


def test_y_is_appended_to_the_first_activation_and_equal_at_every_place():
    net = tiny("discriminator")
    (concatenation,) = of_kind(net, keras.layers.Concatenate)
    (first, *_) = of_kind(net, keras.layers.LeakyReLU)
    image, y = inputs("discriminator")
    both = keras.Model(net.inputs, [first.output, concatenation.output])
    activation, joined = both([image, y], training=False)
    assert joined.shape == (4, 8, 8, 2 + 3)
    np.testing.assert_array_equal(joined[..., :2], activation)
    np.testing.assert_array_equal(joined[..., 2:], np.broadcast_to(y[:, None, None], (4, 8, 8, 3)))


def test_y_reaches_a_dense_layer_once_after_the_features():
    features, y = keras.Input((2,)), keras.Input((3,))
    net = keras.Model([features, y], networks.with_condition(features, y))
    joined = net([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]])])
    np.testing.assert_array_equal(joined, [[1.0, 2.0, 3.0, 4.0, 5.0]])


def test_the_logit_has_a_gradient_in_every_attribute():
    image, y = (tf.constant(value) for value in inputs("discriminator"))
    net = tiny("discriminator")
    with tf.GradientTape() as tape:
        tape.watch(y)
        logits = net([image, y], training=False)
    assert np.all(np.asarray(tape.gradient(logits, y)) != 0.0)


@pytest.mark.parametrize("options", [{}, {"dense": 8}, {"dense": 8, "dense_form": "spatial"}])
def test_another_y_of_the_same_z_gives_another_image(options):
    net = tiny("generator", **options)
    z, y = inputs("generator")
    images = [np.asarray(net([z, sign * y], training=False)) for sign in (1.0, -1.0)]
    assert np.all(np.any(images[0] != images[1], axis=(1, 2, 3)))


# --- Padding: what Torch computes -----------------------------------------------------------------


def convolved(x: np.ndarray, kernel: np.ndarray, pad: int) -> np.ndarray:
    """Convolution with stride 2 as Torch defines it: `pad` zeros on each side."""
    side = len(kernel)
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    places = range(0, x.shape[1] - side + 1, 2)
    rows = [
        [np.einsum("bhwi,hwio->bo", x[:, i : i + side, j : j + side], kernel) for j in places]
        for i in places
    ]
    return np.array(rows).transpose(2, 0, 1, 3)


def deconvolved(x: np.ndarray, kernel: np.ndarray, pad: int) -> np.ndarray:
    """Transposed convolution with stride 2 as Torch defines it: `pad` taken off each side."""
    side, places = len(kernel), x.shape[1]
    width = 2 * (places - 1) + side
    out = np.zeros((len(x), width, width, kernel.shape[2]))
    for i in range(places):
        for j in range(places):
            stamp = np.einsum("bi,hwoi->bhwo", x[:, i, j], kernel)
            out[:, 2 * i : 2 * i + side, 2 * j : 2 * j + side] += stamp
    return out[:, pad:-pad, pad:-pad]


def test_encoder_convolutions_have_two_zeros_on_each_side():
    net = tiny("encoder_z")
    image = inputs("encoder_z")
    (first, *_) = kernels(net)
    answer = np.asarray(keras.Model(net.input, first.output)(image))
    np.testing.assert_allclose(answer, convolved(image, first.kernel.numpy(), 2), atol=1e-5)
    same = keras.ops.conv(image, first.kernel, strides=2, padding="same")  # one and two zeros
    assert np.abs(answer - np.asarray(same)).max() > 0.1


def test_discriminator_convolutions_have_one_zero_on_each_side():
    net = tiny("discriminator")
    image, _ = inputs("discriminator")
    (first, *_) = kernels(net)
    expected = convolved(image, first.kernel.numpy(), 1)
    assert expected.shape == (4, 8, 8, 2)
    np.testing.assert_allclose(first(image), expected, atol=1e-6)


def test_generator_deconvolutions_lose_one_row_on_each_side():
    (_, second, *_) = kernels(tiny("generator"))
    x = np.random.default_rng(5).normal(size=(2, 4, 4, 4)).astype(np.float32)
    expected = deconvolved(x, second.kernel.numpy(), 1)
    assert expected.shape == (2, 8, 8, 2)
    np.testing.assert_allclose(second(x), expected, atol=1e-6)


# --- Ranges and precision -------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "low"), [("tanh", -1.0), ("sigmoid", 0.0)])
def test_generator_reaches_both_ends_of_its_range_and_never_leaves_it(activation, low):
    net = enlarge(tiny("generator", output_activation=activation), 100.0)
    image = np.asarray(net(inputs("generator"), training=False))
    assert (image.min(), image.max()) == (low, 1.0)


@pytest.mark.parametrize("name", ["discriminator", "encoder_z"])
def test_logits_and_codes_are_not_bounded(name):
    net = tiny(name)
    before = np.asarray(net(inputs(name), training=False))
    (*_, last) = kernels(net)
    last.bias.assign(last.bias - 7.0)
    np.testing.assert_allclose(net(inputs(name), training=False), before - 7.0, atol=1e-5)


NAMES = ["generator", "discriminator", "encoder_z"]


@pytest.fixture
def _mixed_bfloat16() -> Iterator[None]:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


DIGITS: dict[str, Callable[[], keras.Model]] = {
    "dense_generator": networks.dense_generator,
    "dense_discriminator": networks.dense_discriminator,
    "baseline_encoder_z": partial(encoder_networks.baseline_encoder, 4, "normalised"),
    "baseline_encoder_y": partial(encoder_networks.baseline_encoder, 4, "sigmoid"),
}


@pytest.mark.usefixtures("_mixed_bfloat16")
@pytest.mark.parametrize("name", [*NAMES, *DIGITS])
def test_outputs_are_float32_under_mixed_bfloat16_and_the_layers_before_are_not(name, monkeypatch):
    for width in ("DENSE", "SMALL", "MEDIUM"):
        monkeypatch.setattr(networks, width, 2)
        monkeypatch.setattr(encoder_networks, width, 2, raising=False)
    net = DIGITS[name]() if name in DIGITS else tiny(name)
    assert net.output.dtype == "float32"
    assert {layer.compute_dtype for layer in kernels(net)[:-1]} == {"bfloat16"}
    assert kernels(net)[-1].compute_dtype == "float32"
    assert {v.dtype for v in net.trainable_variables} == {"float32"}
