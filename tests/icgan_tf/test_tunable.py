"""What tuning and directions need of IcGAN's editor."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.directions.layers import first_weights


@pytest.mark.parametrize(("name", "one_class"), [("model", True), ("faces_model", False)])
def test_drawn_images_are_those_that_decode_rounds(request, name, one_class):
    model = request.getfixturevalue(name)
    codes = model.random(5, 0)
    assert set(codes.attributes.ravel()) == {0.0, 1.0}
    assert (codes.attributes.sum(axis=1) == 1).all() == one_class
    drawn = np.clip(np.asarray(model.drawn(codes)) * 255, 0, 255)
    np.testing.assert_allclose(model.decode(codes), drawn, atol=0.51)


def test_another_generator_decodes_and_the_encoders_stay(model):
    copy = keras.models.clone_model(model.generator)
    other = model.with_decoder(copy)
    assert (other.decoding, other.networks()["generator"].model) == ("generator", copy)
    assert (other.encoder_z, other.encoder_y) == (model.encoder_z, model.encoder_y)


def test_the_weights_of_z_are_what_a_step_in_z_adds_to_the_first_layer(model):
    """Whatever z and y are: the layer is linear."""
    first = next(one for one in model.generator.layers if hasattr(one, "kernel"))
    part = keras.Model(model.generator.inputs, first.output)
    z, y = model.random(1, 3).latent, model.conditions(model.random(1, 3).attributes)
    step = np.zeros_like(z)
    step[0, 1] = 1.0
    added = np.asarray(part([z + step, y]) - part([z, y])).ravel()
    np.testing.assert_allclose(first_weights(model)[1], added, atol=1e-5)
