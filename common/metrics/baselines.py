"""Reconstructions that anybody can make: what a metric's value is worth beside them.

A reconstruction error or a hash similarity says little alone: two random digits agree in 79 % of
their whash bits. Each function here returns a "reconstruction" of real images as uint8, to be
measured like a model's.
"""

from __future__ import annotations

import math

import numpy as np

from common.errors import UserError

MAX_COVARIANCE = 4096  # values a side: 10 s of eigenvectors on two cores, 128 MiB


def trivial_baselines(
    train_images: np.ndarray,
    test_images: np.ndarray,
    seed: int,
    *,
    components: tuple[int, ...] = (50, 100),
    what: str = "digit",
) -> dict[str, np.ndarray]:
    """All baselines of one test set.

    Args:
        train_images: uint8 `[M, H, W, C]`; mean image and PCA are fitted on these.
        test_images: uint8 `[N, H, W, C]`, N >= 2.
        seed: of the random other image.
        components: sizes of the PCA codes; those that M images do not have are left out.
        what: the kind of image, for the name "random other digit".

    Returns:
        "black", "mean image", "random other <what>", "PCA-<components>": uint8 `[N, H, W, C]`.

    Raises:
        UserError: as the single functions.
    """
    named = {
        "black": black(test_images),
        "mean image": mean_image(train_images, test_images),
        f"random other {what}": random_other(test_images, seed),
    }
    most = min(len(train_images) - 1, math.prod(train_images.shape[1:]))
    components = tuple(size for size in components if size <= most)
    codes = pca(train_images, test_images, components) if components else []
    return named | {f"PCA-{size}": images for size, images in zip(components, codes, strict=True)}


def black(test_images: np.ndarray) -> np.ndarray:
    """Zeros in place of each uint8 image `[N, H, W, C]`."""
    return np.zeros_like(test_images)


def mean_image(train_images: np.ndarray, test_images: np.ndarray) -> np.ndarray:
    """The mean of the uint8 training images `[M, H, W, C]` in place of each image."""
    _check(train_images, test_images)
    mean = np.rint(train_images.mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, test_images.shape).copy()


def random_other(test_images: np.ndarray, seed: int) -> np.ndarray:
    """Another random image of the set in place of each uint8 image `[N, H, W, C]`, never itself."""
    return test_images[other_rows(len(test_images), seed)]


def other_rows(n: int, seed: int) -> np.ndarray:
    """For each row 0..n-1 another one, uniform over the rest.

    Returns:
        int64 `[n]`.

    Raises:
        UserError: fewer than two rows.
    """
    if n < 2:
        raise UserError(f"Random other images need at least 2 images; received {n}.")
    steps = np.random.default_rng(seed).integers(1, n, size=n)
    return (np.arange(n) + steps) % n


def pca(
    train_images: np.ndarray, test_images: np.ndarray, components: tuple[int, ...]
) -> list[np.ndarray]:
    """Projections onto the first principal components of the training images.

    The best linear codes of these sizes: a network with a latent of the same size should beat them.
    Eigenvectors come from the covariance of the values or, for few large images, from the
    images' inner products, whichever is smaller.

    Args:
        train_images: uint8 `[M, H, W, C]`.
        test_images: uint8 `[N, H, W, C]`.
        components: numbers of components K, each at most min(M - 1, H W C).

    Returns:
        For each K the projections of the images, rounded and clipped to uint8 `[N, H, W, C]`.

    Raises:
        UserError: too many components, images of different sizes, or min(M, H W C) over 4096.
    """
    _check(train_images, test_images)
    size, values = len(train_images), math.prod(train_images.shape[1:])
    if not components or min(components) < 1 or max(components) > min(size - 1, values):
        raise UserError(
            f"PCA of {size} images with {values} values has 1..{min(size - 1, values)} "
            f"components; received {list(components)}."
        )
    if min(size, values) > MAX_COVARIANCE:
        raise UserError(
            f"PCA of {size} images with {values} values is too large; "
            f"give at most {MAX_COVARIANCE} training images, or smaller ones."
        )
    mean = train_images.reshape(size, values).mean(axis=0, dtype=np.float64).astype(np.float32)
    basis = _principal_axes(train_images.reshape(size, values) - mean, max(components))  # [D, K]
    centred = test_images.reshape(-1, values) - mean  # [N, D]
    codes = centred @ basis  # [N, K]
    results = []
    for count in components:
        projected = codes[:, :count] @ basis[:, :count].T + mean
        images = np.clip(np.rint(projected), 0, 255).astype(np.uint8)
        results.append(images.reshape(test_images.shape))
    return results


def _principal_axes(centred: np.ndarray, count: int) -> np.ndarray:
    """First `count` orthonormal eigenvectors `[D, count]` of the covariance of rows `[M, D]`."""
    size, values = centred.shape
    if values <= size:
        _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # ascending
        return vectors[:, : -count - 1 : -1].astype(np.float32)
    _, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    axes = centred.T @ vectors[:, : -count - 1 : -1]  # [D, count], of length sqrt(eigenvalue)
    return (axes / np.linalg.norm(axes, axis=0)).astype(np.float32)


def _check(train_images: np.ndarray, test_images: np.ndarray) -> None:
    """Raises a UserError unless both are uint8 images of one size, with at least one to learn."""
    kinds = train_images.dtype == test_images.dtype == np.uint8
    if not kinds or train_images.shape[1:] != test_images.shape[1:] or not len(train_images):
        raise UserError(
            "Baselines need uint8 images, to train and to measure, of one size; received "
            f"{train_images.dtype} {list(train_images.shape)} and "
            f"{test_images.dtype} {list(test_images.shape)}."
        )
