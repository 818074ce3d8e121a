"""Codes of images, and what an edit does to them."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from common.images import to_range
from ifcvaegan.codes import attribute_vector, decode, encode, moved, sampled, with_values

NAMES = ("Smiling", "Male", "Eyeglasses")


@pytest.fixture(scope="module")
def coded(model, faces):
    return encode(model, faces.images)


def test_encode_gives_means_log_variances_and_probabilities(model, faces, coded):
    outputs = model.encoder(to_range(faces.images, "unit"), training=False)
    means, log_variances, read = coded
    np.testing.assert_allclose(means, outputs[0], atol=1e-5)
    np.testing.assert_allclose(log_variances, outputs[1], atol=1e-5)
    np.testing.assert_allclose(read, 1 / (1 + np.exp(-np.asarray(outputs[2]))), atol=1e-5)
    assert (means.shape, log_variances.shape, read.shape) == ((24, 6), (24, 6), (24, 3))


def test_decode_gives_the_sigmoid_of_ds_logits_in_eight_bits(model, coded):
    means, _, read = coded
    logits = np.asarray(model.decoder([read, means], training=False), np.float64)
    expected = 255 / (1 + np.exp(-logits))
    images = decode(model, read, means)
    assert (images.dtype, images.shape) == (np.uint8, (24, 16, 16, 3))
    assert np.abs(images - expected).max() <= 0.51
    assert expected.std(axis=0).max() > 5  # other codes, other images


def test_y_comes_before_z(model, coded):
    means, _, read = coded
    first = next(layer for layer in model.decoder.layers if "dense" in layer.name)
    joined = keras.Model(model.decoder.inputs, first.input)([read, means])
    np.testing.assert_array_equal(joined, np.concatenate([read, means], axis=1))


def test_a_sweep_of_y_is_continuous(model, coded):
    means, _, read = coded
    images = [
        decode(model, with_values(read, NAMES, {"Smiling": value}), means).astype(int)
        for value in np.linspace(0.0, 1.0, 21)
    ]
    steps = [np.abs(b - a).max() for a, b in itertools.pairwise(images)]
    assert max(steps) < 0.3 * np.abs(images[-1] - images[0]).max()


def test_a_batch_of_edits_is_each_edit_alone(model, coded):
    means, _, read = coded
    edited = with_values(read, NAMES, {"Smiling": 1.0})
    together = decode(model, edited, means).astype(int)
    alone = np.concatenate([decode(model, edited[i : i + 1], means[i : i + 1]) for i in range(24)])
    assert np.abs(together - alone).max() <= 1


def test_values_are_set_and_all_others_stay():
    read = np.array([[0.2, 0.7, 0.1], [0.9, 0.4, 0.6]])
    found = with_values(read, NAMES, {"Eyeglasses": 1.0, "Smiling": 0.25})
    np.testing.assert_allclose(found, [[0.25, 0.7, 1.0], [0.25, 0.4, 1.0]])
    assert found.dtype == np.float32
    assert read[0, 0] == 0.2


def test_setting_y_to_what_e_reads_is_the_reconstruction(model, coded):
    means, _, read = coded
    same = with_values(read[:1], NAMES, dict(zip(NAMES, map(float, read[0]), strict=True)))
    np.testing.assert_array_equal(
        decode(model, same, means[:1]), decode(model, read[:1], means[:1])
    )


def test_sampled_latents_have_the_mean_and_the_variance_of_the_code():
    means = np.tile(np.array([[1.0, -2.0]], np.float32), (20_000, 1))
    log_variances = np.tile(np.log([[0.25, 4.0]]).astype(np.float32), (20_000, 1))
    z = sampled(means, log_variances, seed=3)
    np.testing.assert_allclose(z.mean(axis=0), [1.0, -2.0], atol=0.05)
    np.testing.assert_allclose(z.var(axis=0), [0.25, 4.0], rtol=0.05)
    np.testing.assert_array_equal(z, sampled(means, log_variances, seed=3))
    assert not np.array_equal(z, sampled(means, log_variances, seed=4))


def test_the_attribute_vector_leads_from_the_mean_without_to_the_mean_with():
    means = np.array([[0.0, 1.0], [2.0, 1.0], [5.0, 4.0]])
    vector = attribute_vector(means, np.array([False, False, True]))
    np.testing.assert_allclose(vector, [4.0, 3.0])
    np.testing.assert_allclose(moved(means[:1], vector, 0.5), [[2.0, 2.5]])
