"""What tuning and directions need of CRG's editor."""

from __future__ import annotations

import keras
import numpy as np


def test_drawn_images_are_those_that_decode_rounds(model):
    codes = model.random(3, 0)
    assert np.abs(codes.latent).max() <= 1
    drawn = np.clip(np.asarray(model.drawn(codes)) * 255, 0, 255)
    np.testing.assert_allclose(model.decode(codes), drawn, atol=0.51)
    assert (drawn.shape, np.ptp(drawn) > 5) == ((3, 28, 28, 1), True)


def test_another_generator_decodes_and_the_encoder_stays(model):
    zero = keras.models.clone_model(model.generator)
    for weights in zero.weights:
        weights.assign(0.0 * weights)
    other = model.with_decoder(zero)
    assert (other.decoding, other.networks()["generator"].model) == ("generator", zero)
    assert other.encoder is model.encoder
    assert set(other.decode(model.random(2, 0)).ravel()) == {128}  # tanh(0) is the middle
