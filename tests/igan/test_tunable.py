"""What tuning and directions need of iGAN's editor."""

from __future__ import annotations

import keras
import numpy as np


def test_drawn_images_are_those_that_decode_rounds(model):
    codes = model.random(3, 0)
    assert np.abs(codes.latent).max() <= 1
    drawn = np.asarray(model.drawn(codes)) * 255
    np.testing.assert_allclose(model.decode(codes), drawn, atol=0.51)
    assert np.ptp(drawn) > 100


def test_with_another_generator_images_are_projected_by_the_first_one(model):
    zero = keras.models.clone_model(model.generator)
    for weights in zero.weights:
        weights.assign(0.0 * weights)
    other = model.with_decoder(zero).with_decoder(zero)
    assert other.projector.manifold.generator is model.generator
    assert (other.decoding, other.networks()["generator"].model) == ("generator", zero)
    assert set(other.decode(model.random(1, 0)).ravel()) == {128}
