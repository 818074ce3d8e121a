"""`python -m common.classifiers`: trains a classifier, stores it as float16, and tells of it."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from common.classifiers import digits, faces
from common.classifiers.__main__ import Command, main, run
from common.datasets import drawn, mnist
from common.metrics.intervals import Interval, mean_interval


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
def of_digits(few_digits, tmp_path_factory) -> tuple[Path, Interval]:
    """A folder that the command wrote after six epochs on those digits, and the accuracy."""
    out = tmp_path_factory.mktemp("weights") / "digits"
    return out, run(Command(out=out, seed=3, epochs=6, data_dir=few_digits))


@pytest.fixture
def few_faces(monkeypatch) -> None:
    """64 drawn faces train a narrow network, 16 test it."""
    monkeypatch.setattr(faces, "WIDTHS", (4, 4, 4, 4))
    monkeypatch.setattr(drawn, "COUNTS", {"train": 64, "dev": 16, "test": 16})


def kinds(file: Path) -> set[str]:
    """The types of what an HDF5 file holds."""
    found = set()
    with h5py.File(file) as content:
        content.visititems(lambda _, item: found.add(str(getattr(item, "dtype", "group"))))
    return found


@pytest.mark.slow
def test_of_a_thousand_digits_enough_is_learnt_and_the_stored_weights_are_measured(
    of_digits, few_digits
):
    out, measured = of_digits
    assert measured.low > 0.5  # chance is 0.1
    test = mnist.load("test", few_digits)
    assert digits.accuracy(digits.load_classifier(out), test.images, test.labels) == measured


@pytest.mark.slow
def test_a_classifier_of_digits_is_stored_in_float16_with_its_settings_and_card(of_digits):
    out, measured = of_digits
    names = {path.name for path in out.iterdir()}
    assert names == {"config.json", "card.md", "classifier.weights.h5"}
    assert kinds(out / "classifier.weights.h5") == {"group", "float16"}
    settings = {"network": "digit_classifier", "seed": 3, "epochs": 6}
    assert json.loads((out / "config.json").read_text()) == settings
    card = (out / "card.md").read_text()
    assert "| images seen | 6,144 (6 epochs of 1,024) |" in card
    assert f"{measured.mean:.4f} [{measured.low:.4f}, {measured.high:.4f}]" in card
    assert "`python -m common.classifiers --dataset mnist --seed 3 --epochs 6`" in card


@pytest.mark.slow
@pytest.mark.usefixtures("few_faces")
def test_a_classifier_of_faces_is_stored_with_what_it_reads_and_its_accuracy(tmp_path):
    measured = run(Command(out=tmp_path / "faces", dataset="drawn", seed=2, epochs=2))
    assert json.loads((tmp_path / "faces" / "config.json").read_text()) == {
        "network": "attribute_classifier",
        "seed": 2,
        "epochs": 2,
        "attributes": list(drawn.ATTRIBUTES),
        "images": 64,
    }
    card = (tmp_path / "faces" / "card.md").read_text()
    assert "| images seen | 128 (2 epochs of 64) |" in card
    assert "(95 %) on the 16 test images |" in card
    read = faces.load_stored(tmp_path / "faces")
    assert (read.names, read.images) == (drawn.ATTRIBUTES, 64)
    test = drawn.load("test")
    right = (read.read(test.images) == (test.attributes > 0.5)).mean(axis=1)
    assert measured == mean_interval(right)


@pytest.mark.parametrize(("epochs", "expected"), [(None, 12), (5, 5)])
def test_it_trains_on_the_training_digits_alone(
    few_digits, tmp_path, monkeypatch, epochs, expected
):
    seen = []

    def train(images, labels, seed, *, epochs):
        seen.append((images, labels, seed, epochs))
        return digits.digit_classifier()

    monkeypatch.setattr(digits, "train", train)
    main(
        ["--out", str(tmp_path), "--data-dir", str(few_digits), "--seed", "4"]
        + (["--epochs", str(epochs)] if epochs else [])
    )
    real = mnist.load("train", few_digits)
    ((images, labels, *others),) = seen
    np.testing.assert_array_equal(images, real.images)
    np.testing.assert_array_equal(labels, real.labels)
    assert others == [4, expected]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data-dir", "absent"], "absent"),
        (["--epochs", "0"], "epochs is 0; it must be at least 1"),
        (["--seed", "-1"], "seed is -1"),
    ],
)
def test_a_mistake_ends_the_command_with_status_2(tmp_path, capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out"), *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
