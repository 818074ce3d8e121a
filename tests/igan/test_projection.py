"""Projection onto a manifold whose latents are known."""

from __future__ import annotations

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from common.files import ROOT
from igan.config import FeatureConfig
from igan.features import Distance, distance_of, vgg_features
from igan.manifold import Manifold
from igan.networks import discriminator
from igan.projection import Projector, joined

RNG = np.random.default_rng(3)
LATENTS = RNG.uniform(-0.9, 0.9, (3, 12)).astype(np.float32)


class Guess:
    """A predictor that answers what it is told, whatever the image."""

    def __init__(self, latents: np.ndarray):
        self.latents = latents

    def __call__(self, images, training=False):
        return tf.constant(self.latents[: len(images)])


@pytest.fixture(scope="module")
def projector(manifold) -> Projector:
    return Projector(manifold, Distance("signed"), Guess(np.zeros((3, 12), np.float32)))


@pytest.fixture(scope="module")
def images(manifold) -> np.ndarray:
    return manifold.rendered(LATENTS)


@pytest.mark.parametrize("method", ["opt", "cnn_opt"])
def test_a_generated_image_gives_its_latents_back(projector, images, method):
    found = projector.project(images, method, starts=2)
    np.testing.assert_allclose(found.latent, LATENTS, atol=2e-2)
    assert np.square(projector.manifold.rendered(found.latent) - images).mean() < 1e-4


def test_the_latents_render_the_image_that_was_measured(projector, images):
    """The original applies tanh twice: what it returns is another image."""
    found = projector.project(images, "opt", starts=2, iterations=3)
    np.testing.assert_allclose(projector.costs(images, found.latent), found.cost, rtol=1e-4)


def test_the_hybrid_costs_at_most_what_the_predictor_costs(images, manifold):
    for guess in (LATENTS, np.ones((3, 12), np.float32), 0.5 * LATENTS):
        projector = Projector(manifold, Distance("signed"), Guess(guess))
        costs = {m: projector.project(images, m, iterations=2).cost for m in ("cnn", "cnn_opt")}
        assert (costs["cnn_opt"] <= costs["cnn"]).all()


def test_a_right_answer_of_the_predictor_is_kept_though_it_cannot_be_a_start(images, manifold):
    """At z = 1 the inverse of tanh is infinite, so the minimisation starts at 0.999."""
    extreme = np.sign(LATENTS)
    projector = Projector(manifold, Distance("signed"), Guess(extreme))
    found = projector.project(manifold.rendered(extreme), "cnn_opt", iterations=1)
    np.testing.assert_array_equal(found.latent, extreme)


def test_more_starts_never_cost_more(projector, images):
    costs = [
        projector.project(images, "opt", starts=starts, iterations=2).cost for starts in (1, 2, 4)
    ]
    assert (costs[1] <= costs[0] + 1e-6).all()
    assert (costs[2] <= costs[1] + 1e-6).all()
    several = projector.project(images, "opt", starts=4, iterations=2)
    np.testing.assert_allclose(several.first(2).cost, costs[1], rtol=1e-4)


def test_the_hybrid_with_more_starts_costs_at_most_what_either_costs(projector, images):
    hybrid = projector.project(images, "cnn_opt", starts=3, iterations=2)
    alone = projector.project(images, "cnn_opt", iterations=2)
    random = projector.project(images, "opt", starts=2, iterations=2)
    assert hybrid.costs.shape == (3, 3)
    both = joined(alone, random)
    np.testing.assert_allclose(hybrid.cost, both.cost, rtol=1e-3)
    assert (both.cost <= np.minimum(alone.cost, random.cost)).all()


def test_images_of_a_batch_are_projected_as_if_alone(projector, images):
    together = projector.project(images, "opt", starts=2, iterations=5)
    for row in range(3):
        alone = projector.project(images[row : row + 1], "opt", starts=2, iterations=5)
        np.testing.assert_allclose(alone.latent[0], together.latent[row], atol=1e-3)


def test_gradients_agree_with_finite_differences(projector, images):
    free = np.float32(0.4) * RNG.standard_normal((1, 12)).astype(np.float32)
    targets = projector.distance.targets(tf.constant(images[:1]))
    owners = np.zeros(1, np.int64)
    _, gradient = projector._evaluate(free, owners, targets, None)
    for column in range(12):
        shift = np.zeros_like(free)
        shift[0, column] = 1e-2
        high, low = (
            projector._evaluate(free + sign * shift, owners, targets, None)[0][0]
            for sign in (1, -1)
        )
        assert gradient[0, column] == pytest.approx((high - low) / 2e-2, rel=1e-2, abs=1e-5)


def test_pixels_that_are_masked_out_do_not_matter(projector, images):
    mask = np.ones((3, 32, 32, 1), np.float32)
    mask[:, :, 16:] = 0
    spoiled = images.copy()
    spoiled[:, :, 16:] = 1.0
    found = projector.project(spoiled, "cnn_opt", mask=mask)
    left = [0, 1, 2, 6, 7, 8]  # latents of the blobs on the left
    np.testing.assert_allclose(found.latent[:, left], LATENTS[:, left], atol=0.05)


def test_seeds_reproduce_the_starts(projector, images):
    one, other, third = (
        projector.project(images, "opt", starts=2, iterations=2, seed=seed) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.latent, other.latent)
    assert not np.array_equal(one.latent, third.latent)


# --- Other latents --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conditional() -> keras.Model:
    """z of 3 and y of 2: each is the brightness of a band of rows, tanh of it."""
    basis = np.zeros((5, 20, 20, 1), np.float32)
    for row in range(5):
        basis[row, 4 * row : 4 * row + 4] = 1.0
    z, y = keras.Input((3,)), keras.Input((2,))
    x = keras.layers.Concatenate()([z, y])
    x = keras.layers.Dense(400, use_bias=False, name="basis")(x)
    x = keras.layers.Activation("tanh")(keras.layers.Reshape((20, 20, 1))(x))
    network = keras.Model([z, y], x)
    network.get_layer("basis").set_weights([basis.reshape(5, -1)])
    return network


def test_normal_latents_leave_the_cube(conditional):
    manifold = Manifold(conditional, prior="normal", condition=(0.5, -0.5))
    latents = np.float32([[1.5, -1.2, 0.3]])
    projector = Projector(manifold, Distance("signed"))
    found = projector.project(manifold.rendered(latents), "opt", starts=2)
    np.testing.assert_allclose(found.latent, latents, atol=0.02)


def test_a_condition_is_held_or_found(conditional):
    held = Manifold(conditional, prior="normal", condition=(0.5, -0.5))
    image = held.rendered(np.float32([[0.4, -0.2, 0.3]]))
    free = Manifold(conditional, prior="normal", free_condition=True)
    assert (held.latent_size, free.latent_size) == (3, 5)
    found = Projector(free, Distance("signed")).project(image, "opt", starts=2)
    np.testing.assert_allclose(found.latent[0, 3:], [0.5, -0.5], atol=0.02)


# --- The distance ---------------------------------------------------------------------------------


def test_the_distance_is_the_mean_square_in_minus_one_to_one():
    distance = Distance("unit")
    one, other = np.zeros((1, 4, 4, 1), np.float32), np.full((1, 4, 4, 1), 0.25, np.float32)
    assert float(distance(one, distance.targets(other))[0]) == pytest.approx(0.25)  # (2 * 0.25)^2


@pytest.mark.data
def test_features_of_vgg16_are_those_of_the_file():
    file = ROOT.parent / "shared" / "data" / "vgg16" / "vgg16_hed_blocks1-4.weights.h5"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    features = vgg_features(file, (None, 32, 32, 1), "unit")
    with h5py.File(file) as stored:
        kernel, bias = (stored[f"layers/conv2d/vars/{index}"][()] for index in (0, 1))
    gray = np.full((1, 32, 32, 1), 0.6, np.float32)
    pixels = 153.0 - np.float32([103.939, 116.779, 123.68])  # blue, green, red of 0.6 * 255
    first = features.get_layer(index=-1).get_layer("block1_conv1")
    np.testing.assert_array_equal(first.get_weights()[0], kernel)
    middle = kernel.sum(axis=(0, 1)).T @ pixels + bias
    made = keras.Model(features.get_layer(index=-1).input, first.output)(
        np.tile(pixels, (1, 32, 32, 1))
    )
    np.testing.assert_allclose(made[0, 16, 16], np.maximum(middle, 0), rtol=1e-3, atol=1e-2)
    assert [one.shape for one in features(gray)] == [
        *((1, 32, 32, 64), (1, 16, 16, 128), (1, 8, 8, 256)),
    ]


def test_weights_that_are_none_are_refused(tmp_path):
    with pytest.raises(UserError, match="no file"):
        vgg_features(tmp_path / "vgg.weights.h5", (None, 32, 32, 3), "signed")


def test_features_weigh_as_much_as_pixels_on_generated_images(manifold):
    keras.utils.set_random_seed(0)
    judge = discriminator(32, 3, 2)
    distance = distance_of(FeatureConfig(), manifold.generator, judge, "signed")
    assert len(distance.scales) == 2
    latents = manifold.draw(512, np.random.default_rng(0))  # the pairs that scale it
    one, other = (manifold.images(tf.constant(part)) for part in np.split(latents, 2))
    terms = distance.terms(one, distance.targets(other))
    pixels, features = (float(tf.reduce_mean(term)) for term in terms)
    assert features == pytest.approx(pixels, rel=1e-3)
    double = distance_of(FeatureConfig(weight=2.0), manifold.generator, judge, "signed")
    np.testing.assert_allclose(double.scales, 2 * np.array(distance.scales), rtol=1e-5)
