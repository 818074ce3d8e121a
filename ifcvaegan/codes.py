"""From images to codes (y, z) and back, and what an edit does to y.

Creswell, Bharath & Sengupta (arXiv 1711.05175 v1), Sec. 3.3: encode an image to z, put the wanted y
beside it, decode. `with_values` is that edit; `attribute_vector` and `moved` are the latent
arithmetic of Larsen et al. (arXiv 1512.09300), which the paper compares itself with in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from common.images import in_blocks, to_range, to_uint8

if TYPE_CHECKING:
    from ifcvaegan.trained import Trained


def encode(model: Trained, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encodes images: E(x).

    Args:
        model: the trained networks.
        images: uint8 `[N, S, S, 3]`.

    Returns:
        Means of z `[N, Z]`, its log variances `[N, Z]`, and y as E reads it `[N, A]`, from 0 for
        absent to 1 for present.
    """
    from scipy.special import expit

    def outputs(block: np.ndarray) -> np.ndarray:
        return np.concatenate(model.encoder(to_range(block, "unit"), training=False), axis=1)

    joined = in_blocks(outputs, images)  # [N, Z + Z + A]
    size = (joined.shape[1] - len(model.attribute_names)) // 2
    means, log_variances, logits = np.split(joined, [size, 2 * size], axis=1)
    return means, log_variances, expit(logits)


def decode(model: Trained, attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Generates images: x = D(y, z).

    Args:
        model: the trained networks.
        attributes: y `[N, A]`, 0 for absent and 1 for present; values between or a little outside
            are degrees.
        latents: z `[N, Z]`.

    Returns:
        uint8 images `[N, S, S, 3]`.
    """
    from scipy.special import expit

    def apply(y: np.ndarray, z: np.ndarray) -> np.ndarray:
        logits = np.asarray(model.decoder([y, z], training=False))
        return to_uint8(expit(logits), "unit")

    return in_blocks(apply, np.asarray(attributes, np.float32), np.asarray(latents, np.float32))


def sampled(means: np.ndarray, log_variances: np.ndarray, seed: int) -> np.ndarray:
    """Z ~ N(mu, sigma^2), as in the training and in the paper's evaluation.

    Args:
        means: mu `[N, Z]`.
        log_variances: log sigma^2 `[N, Z]`.
        seed: of the noise.

    Returns:
        `[N, Z]`.
    """
    noise = np.random.default_rng(seed).standard_normal(means.shape, np.float32)
    return means + np.exp(0.5 * log_variances) * noise


def with_values(
    attributes: np.ndarray, names: Sequence[str], values: Mapping[str, float]
) -> np.ndarray:
    """Attributes with some of them set.

    Args:
        attributes: `[N, A]` as E reads them; those that are not set stay as they are.
        names: of the A columns.
        values: attribute -> value, 0 for absent and 1 for present.

    Returns:
        float32 `[N, A]`.
    """
    edited = np.array(attributes, np.float32)
    for name, value in values.items():
        edited[:, names.index(name)] = value
    return edited


def attribute_vector(means: np.ndarray, present: np.ndarray) -> np.ndarray:
    """V = mean z of the images with the attribute minus that of those without (Larsen et al.).

    Args:
        means: E's means of z of training images `[N, Z]`.
        present: bool `[N]`.

    Returns:
        `[Z]`.
    """
    return means[present].mean(axis=0) - means[~present].mean(axis=0)


def moved(latents: np.ndarray, vector: np.ndarray, amount: float) -> np.ndarray:
    """Z + amount * v, `[N, Z]`."""
    return (latents + amount * vector).astype(np.float32)
