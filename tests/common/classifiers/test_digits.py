"""The digit classifier: the one that ships, and the command that makes it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from common.classifiers import digits as classifier
from common.classifiers.digits import (
    Settings,
    accuracy,
    digit_classifier,
    load_classifier,
    predict_labels,
    predict_probabilities,
    run,
)
from common.datasets import mnist
from common.errors import UserError
from common.metrics.intervals import Interval

# Keras 3.15 reads TensorFlow variables by a NumPy 1 protocol, in get_weights and save_weights.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@pytest.fixture(scope="module")
def network():
    return load_classifier()


@pytest.fixture(scope="module")
def measured(network) -> Interval:
    test = mnist.load("test")
    return accuracy(network, test.images, test.labels)


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory) -> Path:
    """An MNIST folder with the first 1,024 training and 128 test digits."""
    folder = tmp_path_factory.mktemp("mnist")
    for split, prefix, n in (("train", "train", 1024), ("test", "t10k", 128)):
        records = mnist.load(split).take(slice(n))
        header = b"\0\0\x08\x03" + np.array([n, 28, 28], ">u4").tobytes()
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + records.images.tobytes())
        header = b"\0\0\x08\x01" + np.array([n], ">u4").tobytes()
        labels = records.labels.astype(np.uint8).tobytes()
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels)
    return folder


@pytest.fixture(scope="module")
def trained(few_digits, tmp_path_factory):
    """A folder that the command wrote after six epochs on those digits, and the accuracy."""
    out = tmp_path_factory.mktemp("weights") / "classifier"
    return out, run(Settings(out=out, seed=3, epochs=6, data_dir=few_digits))


def test_the_shipped_classifier_reads_99_percent_of_the_test_digits(measured):
    assert measured.n == 10_000
    assert measured.mean >= 0.99


def test_the_command_trains_on_the_training_digits_alone(few_digits, tmp_path, monkeypatch):
    seen = []

    def train(images, labels, seed, *, epochs):
        seen.append((images, labels))
        return digit_classifier()

    monkeypatch.setattr(classifier, "train", train)
    run(Settings(out=tmp_path, data_dir=few_digits))
    real = mnist.load("train", few_digits)
    ((images, labels),) = seen
    assert np.array_equal(images, real.images)
    assert np.array_equal(labels, real.labels)


def test_the_shipped_classifier_keeps_what_its_card_says(measured):
    card = (classifier.SHIPPED / "card.md").read_text()
    stated = float(card.split("| accuracy | ")[1].split(" ")[0])
    assert measured.mean == pytest.approx(stated, abs=0.0003)  # other processors round otherwise


def test_the_network_has_61_210_parameters():
    # 3x3 kernels 144 + 4,608 + 18,432; BatchNorm 4 * (16 + 32 + 64) = 448;
    # 576 * 64 + 64 = 36,928; 64 * 10 + 10 = 650
    assert digit_classifier().count_params() == 61_210


def test_an_image_is_read_alike_alone_and_in_a_batch(network):
    images = mnist.load("test").images[:20]
    single = [predict_labels(network, image[None])[0] for image in images]
    assert predict_labels(network, images).tolist() == single


def test_no_images_have_no_labels(network):
    assert predict_labels(network, np.zeros((0, 28, 28, 1), np.uint8)).shape == (0,)


def test_images_on_another_range_are_refused(network):
    with pytest.raises(UserError, match="received float64"):
        predict_labels(network, np.zeros((1, 28, 28, 1)))


def test_stored_weights_are_float16(trained):
    kinds = set()
    with h5py.File(trained[0] / "classifier.weights.h5") as file:
        file.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", "group"))))
    assert kinds == {"group", "float16"}


def test_probabilities_of_an_image_sum_to_one(network):
    probabilities = predict_probabilities(network, mnist.load("test").images[:5])
    assert probabilities.sum(axis=1) == pytest.approx([1.0] * 5)


def test_the_label_is_the_most_probable_digit(network):
    images = mnist.load("test").images[:5]
    labels = predict_labels(network, images)
    assert (predict_probabilities(network, images).argmax(axis=1) == labels).all()


def test_a_folder_without_a_classifier_is_refused(tmp_path):
    with pytest.raises(UserError, match="There is no digit classifier at"):
        load_classifier(tmp_path)


def test_training_on_a_thousand_digits_beats_chance(trained):
    assert trained[1].low > 0.5  # chance is 0.1


def test_the_command_measures_the_stored_weights(trained, few_digits):
    folder, measured = trained
    test = mnist.load("test", few_digits)
    assert accuracy(load_classifier(folder), test.images, test.labels) == measured


def test_the_command_writes_config_card_and_weights(trained):
    names = {path.name for path in trained[0].iterdir()}
    assert names == {"config.json", "card.md", "classifier.weights.h5"}


def test_the_config_names_seed_and_epochs(trained):
    assert json.loads((trained[0] / "config.json").read_text()) == {
        "network": "digit_classifier",
        "seed": 3,
        "epochs": 6,
    }


def test_the_card_states_images_seen_and_interval(trained):
    folder, measured = trained
    card = (folder / "card.md").read_text()
    assert "| images seen | 6,144 (6 epochs of 1,024) |" in card
    assert f"{measured.mean:.4f} [{measured.low:.4f}, {measured.high:.4f}]" in card


def test_missing_data_end_the_command_with_status_2(tmp_path, capsys):
    absent = tmp_path / "absent"
    with pytest.raises(SystemExit) as ended:
        classifier.main(["--data-dir", str(absent)])
    assert ended.value.code == 2
    assert str(absent) in capsys.readouterr().err
