"""Generator, critic and encoders: counts, shapes, levels, and what VGG16's weights see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.training.growing import Fade, hand_on, spectral_layers
from crg.faces import encoders, networks
from crg.faces.config import NetworkConfig
from crg.faces.presets import PRESETS

TINY = (4, 4, 2)  # channels at 4, 8, 16 pixels


def trainable(net: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in net.trainable_variables)


def latents(count: int = 3, size: int = 5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, size)).astype(np.float32)


def images(side: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


def set_alpha(net: keras.Model, alpha: float) -> None:
    (fade,) = [layer for layer in net.layers if isinstance(layer, Fade)]
    fade.alpha.assign(alpha)


# --- Counts ---------------------------------------------------------------------------------------


def test_the_small_generator_and_encoder_fit_into_6_mib_of_float16():
    config = PRESETS["small64"]()
    nets = networks.build(config)
    # Dense 128*2048+2048; 3x3 convolutions 128->128 (3), 128->96, 96->96, 96->64, 64->64, 64->32,
    # 32->32, each 9*in*out+out; 1x1 32*3+3.
    convolutions = 3 * 147_584 + 110_688 + 83_040 + 55_360 + 36_928 + 18_464 + 9_248
    assert trainable(nets["generator"]) == 264_192 + convolutions + 99 == 1_020_771
    # VGG16's blocks 1 to 3 38,720 + 221,440 + 1,475,328; 256->64; dense 4*4*64*128+128;
    # normalisations 2 * (64 + 128 + 256 + 64).
    whole = 38_720 + 221_440 + 1_475_328 + 147_520 + 131_200 + 1_024
    assert trainable(nets["encoder"]) == whole == 2_015_232
    stored = sum(nets[name].count_params() for name in ("generator", "encoder"))
    assert 2 * stored < 6 * 2**20


@pytest.mark.slow
def test_the_papers_networks_have_the_counts_of_their_readings():
    channels, rgb = PRESETS["paper22m"]().networks.channels, (512, 512, 512, 512, 256)
    generator, critic = networks.generator(), networks.critic()
    # Dense 128*8192+8192 = 1,056,768; 4x4, 8, 16, 32: 2*(9*512*512+512) = 4,719,616 each; 64:
    # 1,769,984; 128: 442,624; 1x1 to RGB of 128 channels 387. Its older layers to RGB, 3c+3 each:
    assert trainable(generator) == 22_148_227
    assert trainable(generator) + sum(3 * width + 3 for width in rgb) == 22_155_154
    assert trainable(networks.generator(first_convolutions=1)) + 6_927 == 19_795_346
    assert trainable(critic) == 22_932_097
    assert trainable(critic) + sum(4 * width for width in rgb) == 22_941_313
    assert len(channels) == 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "count"),
    [
        # VGG16's blocks 1 to 4 7,635,264 + 512,512 4,719,616 + 1024,1024 14,157,824 + 1x1 131,200
        # = 26,643,904, and 2*(64+128+256+512+512+1024) = 4,992 of the normalisations.
        ("remnant26m", 26_648_896),
        # + 1024,1024 14,157,824 + 128 1,179,776 + 1x1 16,512, and 2*(64+128+256+512+1024) = 3,968.
        ("literal23m", 22_993_344),
        ("b6_512", 26_581_824),  # 512 4,719,104 + 1x1 65,664 in place of the last two
    ],
)
def test_the_encoders_have_the_counts_of_their_readings(variant, count):
    net = encoders.encoder(variant=variant)
    assert trainable(net) == count
    statistics = net.count_params() - count
    assert statistics == {"remnant26m": 4_992}.get(variant, 3_968)


# --- Levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 8, 16])
def test_every_level_has_its_size(size):
    generator = networks.generator(5, TINY, 2, size, fading=size > 4)
    critic = networks.critic(TINY, size, fading=size > 4)
    made = np.asarray(generator(latents()))
    assert made.shape == (3, size, size, 3)
    assert np.abs(made).max() <= 1.0
    assert np.asarray(critic(made)).shape == (3, 1)


@pytest.fixture(scope="module")
def grown() -> tuple[list[keras.Model], list[keras.Model]]:
    """Generator and critic at 8 pixels, and at 16 with the weights of those handed on."""
    keras.utils.set_random_seed(0)
    nets = [networks.generator(5, TINY, 2, 8, True), networks.critic(TINY, 8, True)]
    for net in nets:
        set_alpha(net, 1.0)
    large = [networks.generator(5, TINY, 2, 16, True), networks.critic(TINY, 16, True)]
    for one, other in zip(nets, large, strict=True):
        hand_on(one, other)
    return nets, large


def test_at_alpha_0_the_generator_shows_the_level_below_in_twice_the_size(grown):
    (small, _), (large, _) = grown
    set_alpha(large, 0.0)
    below = np.asarray(small(latents()))
    np.testing.assert_allclose(
        np.asarray(large(latents())), below.repeat(2, axis=1).repeat(2, axis=2), atol=1e-6
    )


def test_at_alpha_0_the_critic_scores_the_halved_image_as_the_level_below(grown):
    (_, small), (_, large) = grown
    set_alpha(large, 0.0)
    x = images(16)
    half = x.reshape(3, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(np.asarray(large(x)), np.asarray(small(half)), atol=1e-5)


@pytest.mark.parametrize("which", [0, 1])
def test_at_alpha_1_both_are_what_is_kept_after_the_training(grown, which):
    large: Any = grown[1][which]
    set_alpha(large, 1.0)
    kept: Any = [networks.generator(5, TINY, 2, 16), networks.critic(TINY, 16)][which]
    hand_on(large, kept)
    x = [latents(), images(16)][which]
    np.testing.assert_allclose(np.asarray(large(x)), np.asarray(kept(x)), atol=1e-6)


def test_the_state_of_spectral_normalisation_is_handed_on(grown):
    (small, _), (large, _) = grown
    for name in ("dense", "conv_4_1", "conv_8_0", "to_rgb_8"):
        for one, other in zip(
            small.get_layer(name).get_weights(), large.get_layer(name).get_weights(), strict=True
        ):
            assert np.array_equal(one, other)


def test_every_layer_with_weights_is_normalised_but_a_score_that_is_not_to_be():
    critic = networks.critic(TINY, normalise_score=False)
    with_weights = {layer.name for layer in critic.layers if layer.weights}
    assert with_weights - {layer.name for layer in spectral_layers(critic)} == {"score"}
    generator = networks.generator(5, TINY)
    with_weights = {layer.name for layer in generator.layers if layer.weights}
    assert with_weights == {layer.name for layer in spectral_layers(generator)}


@pytest.mark.parametrize("which", [0, 1])
def test_a_network_comes_back_from_its_file(tmp_path, grown, which):
    net: Any = grown[1][which]
    x = [latents(), images(16)][which]
    net.save(tmp_path / "net.keras")
    again: Any = keras.models.load_model(tmp_path / "net.keras")
    assert np.array_equal(np.asarray(net(x)), np.asarray(again(x)))


# --- Encoders -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    """That of small64, at 16 pixels."""
    keras.utils.set_random_seed(0)
    return encoders.encoder(5, 16, "vgg_small64")


def test_the_preprocessing_is_keras_own_for_vgg16():
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3)).astype(np.float32)
    expected = keras.applications.vgg16.preprocess_input(levels.copy())
    found = np.asarray(encoders.VGGPreprocessing()(levels / 127.5 - 1.0))
    np.testing.assert_allclose(found, np.asarray(expected), atol=1e-3)


def test_three_blocks_end_with_pooling_and_nothing_follows_the_last_convolution(encoder):
    names = [layer.name for layer in encoder.layers]
    assert [name for name in names if name.endswith("pool")] == [
        f"block{i}_pool" for i in (1, 2, 3)
    ]
    assert names[-2] == "latent"
    assert encoder.get_layer("latent").activation is keras.activations.linear
    assert encoder.get_layer("latent").output.shape == (None, 2, 2, 5)
    assert encoder.output_shape == (None, 5)


def test_the_dense_reading_takes_z_from_all_positions():
    net = encoders.encoder(128, 64, "vgg_dense64")
    assert net.get_layer("latent").kernel.shape == (4 * 4 * 64, 128)
    assert net.output_shape == (None, 128)


def test_the_dense_reading_is_refused_where_nothing_is_left_to_pool():
    NetworkConfig(channels=(4, 4, 4), encoder="vgg_dense64")  # 16 pixels
    with pytest.raises(UserError, match="it must be another one below 16 pixels"):
        NetworkConfig(channels=(4, 4), encoder="vgg_dense64")


def test_all_of_the_encoder_trains(encoder):
    statistics = {v.path.split("/")[-1] for v in encoder.non_trainable_variables}
    assert statistics <= {"moving_mean", "moving_variance", "seed_generator_state"}
    assert encoder.get_layer("block1_conv1").trainable


def test_the_first_batch_of_z_is_centred(encoder):
    x = images(16, count=8)
    encoders.centre(encoder, x)
    z = np.asarray(encoder(x, training=True))
    assert np.abs(z.mean()) < 2.0  # dropout draws another mask; before, the maximum is far above 0


def test_a_missing_file_of_vgg16_is_refused(encoder):
    with pytest.raises(UserError, match="There is no file missing"):
        encoders.load_vgg16(encoder, Path("missing"))


def test_a_file_that_is_not_vgg16_is_refused(encoder, tmp_path):
    file = tmp_path / "other.weights.h5"
    networks.generator(5, TINY).save_weights(file)
    with pytest.raises(UserError, match="does not hold the weights of VGG16"):
        encoders.load_vgg16(encoder, file)


@pytest.mark.data
def test_the_blocks_of_a_file_are_copied_exactly(encoder):
    import h5py

    from common.files import ROOT

    file = ROOT.parent / "shared" / "data" / "vgg16" / "vgg16_hed_blocks1-4.weights.h5"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    encoders.load_vgg16(encoder, file)
    with h5py.File(file) as stored:
        kernel = stored["layers/conv2d_6/vars/0"][()]  # the seventh convolution: block 3, third
    assert np.array_equal(encoder.get_layer("block3_conv3").get_weights()[0], kernel)
