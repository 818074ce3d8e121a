"""Features by their own names: of the project's classifiers, and of a graph like that of 2015."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from common.classifiers import features
from common.classifiers.faces import FaceClassifier, attribute_classifier, seen
from common.datasets import mnist
from common.errors import UserError
from common.metrics.frechet import frechet_distance


def test_digits_are_nearer_to_digits_than_to_noise():
    space = features.digits()
    assert space.frechet == "FD-mnist-cnn"
    test = mnist.load("test").images
    some, others = space.of(test[:300]), space.of(test[300:600])
    assert some.shape == (300, 64)
    noise = np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1)).astype(np.uint8)
    assert frechet_distance(some, space.of(noise)) > 5 * frechet_distance(some, others)


def test_other_sizes_have_no_features_of_digits():
    with pytest.raises(UserError, match=r"gray images, 28x28; these are \[32, 32, 1\]"):
        features.digits().of(np.zeros((2, 32, 32, 1), np.uint8))


@pytest.mark.parametrize("side", [32, 64])
def test_faces_of_any_size_have_the_values_before_the_classifiers_last_layer(side):
    network = attribute_classifier(2)
    space = features.faces(FaceClassifier(network, ("Bald", "Male"), 8_000))
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    found = space.of(images)
    assert found.shape == (3, 128)
    kernel, bias = network.get_layer("logits").get_weights()
    np.testing.assert_allclose(
        found @ kernel + bias, network(seen(images), training=False), atol=1e-4
    )
    assert (space.frechet, space.kernel) == ("FD-face-cnn", "KD-face-cnn")
    assert "trained on 8,000 faces, images scaled to 64x64" in space.note


@pytest.fixture
def graph(tmp_path) -> Path:
    """A graph with the names and the age of 2015's, whose features are the means of the channels.

    It normalises with an operation that TensorFlow has since removed for newer graphs.
    """
    with tf.Graph().as_default() as made:
        image = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="ExpandDims")
        zero, one = tf.zeros(3), tf.fill([3], 1.0 - 1e-8)
        same = tf.raw_ops.Identity(input=image, name="to_be_normalised")
        tf.reduce_mean(same, axis=[1, 2], keepdims=True, name="pool_3")
    definition = made.as_graph_def()
    definition.versions.producer = 8
    (node,) = [node for node in definition.node if node.name == "to_be_normalised"]
    node.op = "BatchNormWithGlobalNormalization"
    node.input.extend([zero.op.name, one.op.name, zero.op.name, one.op.name])
    node.attr["variance_epsilon"].f = 1e-8
    node.attr["scale_after_normalization"].b = False
    file = tmp_path / "classify_image_graph_def.pb"
    file.write_bytes(definition.SerializeToString())
    return file


def test_the_graph_of_2015_gets_images_in_0_to_255_and_is_called_fid(graph, monkeypatch):
    monkeypatch.setattr(features, "INCEPTION_BATCH", 2)
    space = features.inception(graph)
    assert (space.frechet, space.kernel) == ("FID", "KID")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3)).astype(np.uint8)
    np.testing.assert_allclose(space.of(images), images.mean(axis=(1, 2)), rtol=1e-5)
    gray = images[..., :1]
    np.testing.assert_allclose(
        space.of(gray), np.repeat(gray.mean(axis=(1, 2)), 3, axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("content", [None, b"no graph", b""])
def test_another_file_is_refused(tmp_path, content):
    file = tmp_path / "graph.pb"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"is not the Inception graph of 2015, classify_image_gra"):
        features.inception(file)
