"""The three networks against Table 1 of the paper: counts, shapes, order, ranges."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from crg import networks


@pytest.fixture(scope="module")
def paper() -> dict[str, keras.Model]:
    """All three networks in the paper's sizes, untrained."""
    nets = (networks.generator(), networks.discriminator(), networks.encoder())
    return {net.name: net for net in nets}


def tiny(name: str) -> keras.Model:
    """One network of a few channels and, where it has any, four latents."""
    keras.utils.set_random_seed(3)
    if name == "discriminator":
        return networks.discriminator((2, 4))
    if name == "generator":
        return networks.generator(4, (4, 4, 2))
    return networks.encoder(4, (2, 2, 4, 4, 8))


def enlarge(net: keras.Model, factor: float) -> keras.Model:
    """Multiplies all weights, so that outputs leave the middle of their range."""
    for variable in net.trainable_variables:
        variable.assign(factor * variable)
    return net


def images(count: int = 4) -> np.ndarray:
    """Random images in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (count, 28, 28, 1)).astype(np.float32)


def latents(size: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, size)).astype(np.float32)


def weighted(net: keras.Model, kind: type[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in net.layers if isinstance(layer, kind)]


def stages(net: keras.Model) -> list[tuple[int, ...]]:
    """The output shapes after the input in their order, each once while it stays."""
    shapes = [tuple(layer.output.shape[1:]) for layer in net.layers[1:]]
    return [shape for i, shape in enumerate(shapes) if i == 0 or shape != shapes[i - 1]]


def kinds(net: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in net.layers[1:]]


# --- Table 1: parameters --------------------------------------------------------------------------


def test_generator_has_1_249_665_parameters_all_trainable(paper):
    # Dense 100*6272+6272, deconvolutions 25*128*128+128 and 25*128*64+64, convolution 25*64+1.
    assert [layer.count_params() for layer in paper["generator"].layers if layer.weights] == [
        633_472,
        409_728,
        204_864,
        1_601,
    ]
    assert paper["generator"].count_params() == 1_249_665
    assert paper["generator"].non_trainable_variables == []


def test_discriminator_has_212_865_parameters(paper):
    # 25*1*64+64, 25*64*128+128, 7*7*128+1; no moving statistics.
    trainable = paper["discriminator"].trainable_variables
    assert [int(np.prod(v.shape)) for v in trainable] == [1600, 64, 204_800, 128, 6272, 1]
    assert sum(int(np.prod(v.shape)) for v in trainable) == 212_865


def test_encoder_has_4_210_468_trainable_parameters_and_1_984_moving_statistics(paper):
    # Convolutions 832 + 18,496 + 204,928 + 295,168 + 1,180,160, dense 7*7*512*100+100 = 2,508,900,
    # scale and offset of the normalisations 2*(32+64+128+256+512) = 1,984: and as many statistics.
    trainable = paper["encoder"].trainable_variables
    assert sum(int(np.prod(v.shape)) for v in trainable) == 4_210_468
    statistics = [v for v in paper["encoder"].variables if v.path.split("/")[-1].startswith("mov")]
    assert sum(int(np.prod(v.shape)) for v in statistics) == 1_984


# --- Table 1: shapes and order --------------------------------------------------------------------


def test_generator_grows_from_7_over_14_to_28(paper):
    assert paper["generator"].input_shape == (None, 100)
    assert stages(paper["generator"]) == [
        (6272,),
        (7, 7, 128),
        (14, 14, 128),
        (28, 28, 64),
        (28, 28, 1),
    ]


def test_discriminator_shrinks_from_28_over_14_to_7(paper):
    assert paper["discriminator"].input_shape == (None, 28, 28, 1)
    assert stages(paper["discriminator"]) == [(14, 14, 64), (7, 7, 128), (6272,), (1,)]


def test_encoder_shrinks_from_28_over_14_to_7(paper):
    assert paper["encoder"].input_shape == (None, 28, 28, 1)
    assert stages(paper["encoder"]) == [
        (14, 14, 32),
        (14, 14, 64),
        (7, 7, 128),
        (7, 7, 256),
        (7, 7, 512),
        (25_088,),
        (100,),
    ]


def test_generator_is_dense_then_deconvolutions_without_normalisation_or_dropout(paper):
    assert kinds(paper["generator"]) == [
        *("Dense", "LeakyReLU", "Reshape"),
        *("Conv2DTranspose", "LeakyReLU", "Conv2DTranspose", "LeakyReLU"),
        *("Conv2D", "Activation"),
    ]


def test_discriminator_has_dropout_after_each_activation_and_no_normalisation(paper):
    assert kinds(paper["discriminator"]) == [
        *("Conv2D", "LeakyReLU", "Dropout") * 2,
        *("Flatten", "Dense"),
    ]


def test_encoder_normalises_before_the_activation_and_drops_after_it(paper):
    assert kinds(paper["encoder"]) == [
        *("Conv2D", "BatchNormalization", "LeakyReLU", "Dropout") * 5,
        *("Flatten", "Dense", "Activation"),
    ]


@pytest.mark.parametrize(
    ("name", "count"), [("generator", 3), ("discriminator", 2), ("encoder", 5)]
)
def test_every_leaky_relu_has_slope_0_2(paper, name, count):
    slopes = [layer.negative_slope for layer in weighted(paper[name], keras.layers.LeakyReLU)]
    assert slopes == [0.2] * count


@pytest.mark.parametrize(("name", "count"), [("discriminator", 2), ("encoder", 5)])
def test_dropout_is_30_percent_by_default(paper, name, count):
    assert [d.rate for d in weighted(paper[name], keras.layers.Dropout)] == [0.3] * count


def test_encoder_gives_each_convolution_its_own_dropout_rate():
    net = networks.encoder(4, (2, 2, 4, 4, 8), (0.1, 0.2, 0.0, 0.4, 0.5))
    rates = [d.rate for d in weighted(net, keras.layers.Dropout)]
    assert rates == [0.1, 0.2, 0.0, 0.4, 0.5]


# --- Sec. 3.2.1: ranges ---------------------------------------------------------------------------


def test_generator_reaches_both_ends_of_the_symmetric_range_and_never_leaves_it():
    image = np.asarray(enlarge(tiny("generator"), 20.0)(latents(4), training=False))
    assert (image.min(), image.max()) == (-1.0, 1.0)


def test_lrelu_output_is_the_tables_activation_of_the_same_convolution():
    bounded, table = tiny("generator"), networks.generator(4, (4, 4, 2), "lrelu")
    table.set_weights(bounded.get_weights())
    z = latents(4)
    before = np.arctanh(np.asarray(bounded(z), dtype=np.float64))
    assert before.min() < -0.01
    expected = np.where(before > 0, before, 0.2 * before)
    np.testing.assert_allclose(np.asarray(table(z)), expected, atol=1e-6)


def test_encoder_stays_within_the_latent_cube_and_reaches_its_faces():
    code = np.abs(np.asarray(enlarge(tiny("encoder"), 20.0)(images(), training=False)))
    assert 0.99 < code.max() <= 1.0


def test_discriminator_answers_with_logits_not_probabilities():
    net = tiny("discriminator")
    (_, bias) = net.layers[-1].get_weights()
    net.layers[-1].set_weights([net.layers[-1].get_weights()[0], bias - 7.0])
    before = np.asarray(tiny("discriminator")(images(), training=False))
    np.testing.assert_allclose(np.asarray(net(images(), training=False)), before - 7.0, atol=1e-5)


# --- Precision ------------------------------------------------------------------------------------


@pytest.fixture
def _mixed_bfloat16() -> Iterator[None]:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.usefixtures("_mixed_bfloat16")
@pytest.mark.parametrize("name", ["generator", "discriminator", "encoder"])
def test_outputs_are_float32_under_mixed_bfloat16_and_the_layers_before_are_not(name):
    net = tiny(name)
    inputs = latents(4) if name == "generator" else images()
    assert net(inputs, training=False).dtype == "float32"
    with_weights = [layer for layer in net.layers if layer.trainable_variables]
    assert {layer.compute_dtype for layer in with_weights[:-1]} == {"bfloat16"}
    assert with_weights[-1].compute_dtype == "float32"
    assert {v.dtype for v in net.trainable_variables} == {"float32"}


@pytest.mark.usefixtures("_mixed_bfloat16")
def test_table_activation_is_float32_under_mixed_bfloat16_too():
    assert networks.generator(4, (4, 4, 2), "lrelu")(latents(4)).dtype == "float32"
