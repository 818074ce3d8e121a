"""Baselines: what they are on tiny images, and their values on MNIST (measured, 10,000 images)."""

import numpy as np
import pytest

from common.datasets import mnist
from common.errors import UserError
from common.metrics.baselines import (
    black,
    mean_image,
    other_rows,
    pca,
    random_other,
    trivial_baselines,
)
from common.metrics.hashes import all_hash_bits, hash_similarity
from common.metrics.reconstruction import mae, mse

# MAE, MSE on [0, 1]; dhash, phash, whash similarity; 60,000 training and 10,000 test images
MEASURED = {
    "black": ((0.1325, 0.1140), (0.617, 0.500, 0.509)),
    "mean image": ((0.1503, 0.0675), (0.669, 0.638, 0.838)),
    "random other digit": ((0.1668, 0.1347), (0.601, 0.576, 0.791)),
    "PCA-50": ((0.0449, 0.0100), (0.884, 0.947, 0.862)),
    "PCA-100": ((0.0292, 0.0046), (0.915, 0.972, 0.871)),
}


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return mnist.load("test").images


@pytest.fixture(scope="module")
def baselines(digits: np.ndarray) -> dict[str, np.ndarray]:
    # a third of the training images moves no value by 0.001 and saves seconds
    return trivial_baselines(mnist.load("train").images[::3], digits, seed=0)


def noise(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 1), np.uint8)


def test_black_and_the_rounded_mean_of_the_training_images_ignore_what_the_test_images_show():
    train = np.array([10, 11, 13], np.uint8).reshape(3, 1, 1, 1)  # 34 / 3 = 11.33
    for found, value in ((black(noise(2, 1)), 0), (mean_image(train, noise(2, 1)), 11)):
        assert (found.dtype, found.ravel().tolist()) == (np.uint8, [value, value])


@pytest.mark.parametrize("n", [2, 3, 100])
def test_another_row_is_never_the_same_row(n):
    assert all((other_rows(n, seed) != np.arange(n)).all() for seed in range(50))


def test_every_other_row_is_drawn_equally_often():
    # 4 rows, 3,000 seeds: each of the 3 others 1,000 times, standard deviation 26
    counts = np.bincount([other_rows(4, seed)[1] for seed in range(3000)], minlength=4)
    assert counts[1] == 0
    assert (abs(counts[[0, 2, 3]] - 1000) < 130).all()


def test_random_other_depends_on_the_seed_only():
    images = noise(40, 4)
    assert (random_other(images, 7) == random_other(images, 7)).all()
    assert (random_other(images, 7) != random_other(images, 8)).any()


def test_one_image_has_no_other():
    with pytest.raises(UserError, match="at least 2 images; received 1"):
        random_other(noise(1, 3), 0)


def test_pca_projects_onto_the_line_of_the_training_images():
    # training images (100, 100) + t (1, 1): the axis is (1, 1)/sqrt(2), and (120, 80) falls on
    # the mean because (20, -20) is orthogonal to it, (130, 110) on (120, 120)
    train = np.array([[90, 90], [100, 100], [110, 110]], np.uint8).reshape(3, 1, 2, 1)
    test = np.array([[120, 80], [130, 110]], np.uint8).reshape(2, 1, 2, 1)
    (images,) = pca(train, test, (1,))
    assert images.reshape(2, 2).tolist() == [[100, 100], [120, 120]]


def test_pca_with_all_components_returns_the_images():
    test = noise(5, 3, seed=1)
    (images,) = pca(noise(50, 3), test, (9,))
    assert (images == test).all()


def test_pca_of_few_large_images_is_the_svd():
    train, test = noise(12, 8), noise(4, 8, seed=1)
    mean = train.reshape(12, 64).mean(axis=0)
    axes = np.linalg.svd(train.reshape(12, 64) - mean, full_matrices=False)[2][:5]
    exact = (test.reshape(4, 64) - mean) @ axes.T @ axes + mean
    (images,) = pca(train, test, (5,))
    assert abs(images.reshape(4, 64) - np.clip(exact, 0, 255)).max() <= 0.51  # rounding to uint8


def test_more_components_lose_less():
    train, test = noise(50, 4), noise(50, 4, seed=1)
    coarse, fine = pca(train, test, (2, 8))
    assert mse(test, fine).mean() < mse(test, coarse).mean()


def test_pca_cannot_have_more_components_than_values():
    with pytest.raises(UserError, match=r"has 1..9 components; received \[10\]"):
        pca(noise(50, 3), noise(1, 3), (10,))


def test_pca_that_would_not_fit_is_refused():
    large = np.zeros((5000, 80, 80, 1), np.uint8)
    with pytest.raises(UserError, match="give at most 4096 training images"):
        pca(large, large[:1], (2,))


def test_images_of_different_sizes_are_refused():
    with pytest.raises(UserError, match="of one size"):
        mean_image(noise(2, 3), noise(2, 4))


def test_baselines_are_named_as_in_the_reports():
    baselines = trivial_baselines(noise(50, 4), noise(3, 4), 0, components=(3,), what="face")
    assert list(baselines) == ["black", "mean image", "random other face", "PCA-3"]


@pytest.mark.parametrize("name", MEASURED)
def test_baseline_errors_on_mnist_are_those_measured(name, digits, baselines):
    errors = mae(digits, baselines[name]).mean(), mse(digits, baselines[name]).mean()
    assert errors == pytest.approx(MEASURED[name][0], abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
def test_baseline_hash_similarities_on_mnist_are_those_measured(name, digits, baselines):
    some = slice(None, None, 5)  # 2,000 images: standard error below 0.002
    bits, others = (all_hash_bits(images[some]) for images in (digits, baselines[name]))
    similarities = [hash_similarity(bits[kind], others[kind]).mean() for kind in bits]
    assert similarities == pytest.approx(MEASURED[name][1], abs=0.005)
