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


def test_a_single_image_is_projected_once_and_another_one_anew(model, monkeypatch):
    projected = []
    project = type(model).project

    def watched(self, images, *words, **options):
        projected.append(len(images))
        return project(self, images, *words, **options)

    monkeypatch.setattr(type(model), "project", watched)
    pair = model.decode(model.random(2, 0))
    found = [model.encode(pair[:1]), model.encode(pair[:1]), model.encode(pair[1:])]
    assert projected == [1, 1]
    np.testing.assert_array_equal(found[0].latent, found[1].latent)
    assert (found[0].latent != found[2].latent).any()
    model.encode(pair)
    assert projected == [1, 1, 2]
