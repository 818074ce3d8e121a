"""The judge of faces: its network, that it learns, and that the cache gives it back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.classifiers import faces as face_classifier
from common.classifiers.faces import attribute_classifier, load_or_train, predict
from common.datasets.records import Records
from common.errors import UserError


def toy(count: int, seed: int = 0) -> Records:
    """Noise of 16x16; `light`: bright or dark, `left`: the left half is the redder one."""
    rng = np.random.default_rng(seed)
    light, left = (rng.integers(0, 2, count) for _ in range(2))
    images = rng.integers(0, 60, (count, 16, 16, 3)) + 120 * light[:, None, None, None]
    for image, side in zip(images, left, strict=True):
        image[:, :8, 0] += 60 * side
        image[:, 8:, 0] += 60 * (1 - side)
    attributes = np.stack([light, left], axis=1).astype(np.float32)
    return Records(images.astype(np.uint8), attributes, ("light", "left"), "toy", "memory")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def judge(cache):
    return load_or_train(toy(256), cache, seed=1)


@pytest.fixture
def _not_trained(monkeypatch):
    def fresh(records: Records, seed: int):
        return attribute_classifier(16, 2)

    monkeypatch.setattr(face_classifier, "train", fresh)


def test_the_network_for_64_pixels_and_18_attributes_has_615_482_parameters():
    # kernels 3 * 3 * (3 * 24 + 24 * 48 + 48 * 96 + 96 * 192) = 218,376; BatchNorm 4 * 360 = 1,440;
    # 4 * 4 * 192 * 128 + 128 = 393,344; 128 * 18 + 18 = 2,322
    network = attribute_classifier(64, 18)
    assert network.count_params() == 615_482
    assert network.output_shape == (None, 18)


def test_an_attribute_is_learnt_from_256_images(judge):
    test = toy(200, seed=1)
    read = predict(judge, test.images)[:, 0] > 0.5
    assert (read == (test.attributes[:, 0] > 0.5)).mean() > 0.98


def test_sides_are_not_learnt_because_half_of_the_images_are_mirrored(judge):
    test = toy(200, seed=1)
    read = predict(judge, test.images)[:, 1] > 0.5
    assert abs((read == (test.attributes[:, 1] > 0.5)).mean() - 0.5) < 0.2


def test_answers_are_probabilities(judge):
    answers = predict(judge, toy(5).images)
    assert answers.shape == (5, 2)
    assert answers.dtype == np.float64
    assert 0.0 <= answers.min() <= answers.max() <= 1.0


def test_many_images_are_read_as_single_ones_are(judge):
    images = toy(501).images  # one more than a block
    answers = predict(judge, images)
    for row in (0, 499, 500):
        np.testing.assert_allclose(answers[row], predict(judge, images[[row]])[0], atol=1e-5)


@pytest.mark.usefixtures("judge", "_not_trained")
def test_a_second_time_it_comes_from_the_cache(judge, cache):
    images = toy(20, seed=2).images
    again = load_or_train(toy(256), cache, seed=1)
    np.testing.assert_array_equal(predict(again, images), predict(judge, images))
    (file,) = cache.iterdir()
    assert file.name.startswith("judge-toy-")


@pytest.mark.usefixtures("_not_trained")
def test_other_data_or_another_seed_has_a_judge_of_its_own(tmp_path):
    for records, seed in ((toy(3), 0), (toy(4), 0), (toy(3), 1), (toy(3), 0)):
        load_or_train(records, tmp_path, seed)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.usefixtures("_not_trained")
def test_it_lies_beside_the_decoded_faces_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_or_train(toy(3), None)
    (file,) = (tmp_path / "image-editing-gans").iterdir()
    assert file.name.startswith("judge-toy-")


@pytest.mark.usefixtures("_not_trained")
def test_damaged_weights_are_named(tmp_path):
    load_or_train(toy(3), tmp_path)
    (file,) = tmp_path.iterdir()
    for content in (b"", file.read_bytes()[:5_000]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=rf"{file} is damaged \(.*\); delete it, it is made an"):
            load_or_train(toy(3), tmp_path)
