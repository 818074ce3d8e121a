"""The digit classifier that comes with the project; the command that makes it: `test_main.py`."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.classifiers import digits
from common.classifiers.digits import (
    accuracy,
    digit_classifier,
    load_classifier,
    predict_labels,
    predict_probabilities,
)
from common.datasets import mnist
from common.errors import UserError


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return load_classifier()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return mnist.load("test").images[:20]


def test_the_shipped_classifier_reads_what_its_card_says_of_the_test_digits(network):
    test = mnist.load("test")
    measured = accuracy(network, test.images, test.labels)
    card = (digits.SHIPPED / "card.md").read_text()
    stated = float(card.split("| accuracy | ")[1].split(" ")[0])
    assert measured.n == 10_000
    assert measured.mean >= 0.99
    assert measured.mean == pytest.approx(stated, abs=0.0003)  # other processors round otherwise


def test_the_network_has_61_210_parameters():
    # 3x3 kernels 144 + 4,608 + 18,432; BatchNorm 4 * (16 + 32 + 64) = 448;
    # 576 * 64 + 64 = 36,928; 64 * 10 + 10 = 650
    assert digit_classifier().count_params() == 61_210


def test_the_label_is_the_most_probable_digit_alone_and_in_a_batch(network, images):
    probabilities = predict_probabilities(network, images)
    assert probabilities.sum(axis=1) == pytest.approx([1.0] * 20)
    labels = predict_labels(network, images).tolist()
    assert labels == probabilities.argmax(axis=1).tolist()
    assert labels == [predict_labels(network, image[None])[0] for image in images]


def test_accuracy_is_the_share_of_right_labels(network, images):
    labels = predict_labels(network, images)
    labels[:5] += 1
    assert accuracy(network, images, labels).mean == 0.75  # 15 of 20


def test_no_images_have_no_labels(network):
    assert predict_labels(network, np.zeros((0, 28, 28, 1), np.uint8)).shape == (0,)


def test_images_on_another_range_are_refused(network):
    with pytest.raises(UserError, match="received float64"):
        predict_labels(network, np.zeros((1, 28, 28, 1)))


def test_a_folder_without_a_classifier_is_refused(tmp_path):
    with pytest.raises(UserError, match="There is no digit classifier at"):
        load_classifier(tmp_path)
