"""From images to codes and back, a direction from one pair of images, a step along it.

Dogan & Keles (arXiv 1907.01841), Sec. 3.3. Eq. 3 is `direction`, Eq. 4 is `edit`; z_p, z_1 and z_2
come from `encode`, the edited image from `decode`.

Two things about the paper's formulas, kept as they stand: Eq. 3 divides by the *squared* norm, so
z_f has length 1 / ||z_1 - z_2||; and it points from the image *with* the attribute (z_2) to the one
*without* (z_1), so that a positive k removes the attribute and a negative k adds it. The exact swap
z_1 -> z_2 is k = -||z_1 - z_2||^2. `steps` spares users that arithmetic: strength 1 is the pair's
own step from "without" to "with", strength -1 the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from common.errors import UserError
from common.images import in_blocks, to_range, to_uint8

if TYPE_CHECKING:
    import keras

SMALLEST_NORM = 1e-6  # of z_1 - z_2; two images with one code have no direction

Norm = Literal["squared", "unit", "none"]
Toward = Literal["without", "with"]


def encode(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Encodes images: z = e(x).

    Args:
        encoder: e.
        images: uint8 `[N, H, W, C]`.

    Returns:
        float32 latents `[N, Z]`.
    """
    return in_blocks(lambda block: encoder(to_range(block), training=False), images)


def decode(generator: keras.Model, latents: np.ndarray) -> np.ndarray:
    """Generates images: x = g(z).

    Args:
        generator: g.
        latents: float32 `[N, Z]`.

    Returns:
        uint8 images `[N, H, W, C]`.
    """
    return in_blocks(lambda block: to_uint8(generator(block, training=False)), latents)


def direction(
    z_without: np.ndarray,
    z_with: np.ndarray,
    norm: Norm = "squared",
    toward: Toward = "without",
) -> np.ndarray:
    """Eq. 3: z_f = (z_1 - z_2) / ||z_1 - z_2||_2^2.

    Args:
        z_without: z_1 `[Z]`, the code of the image without the attribute.
        z_with: z_2 `[Z]`, the code of the image with it.
        norm: "squared" divides by the squared norm (the formula), "unit" by the norm ("normalized"
            in the text), "none" not at all.
        toward: where a positive k leads: "without" (the formula) or "with".

    Returns:
        z_f `[Z]`.

    Raises:
        UserError: the two codes are equal, so there is no direction.
    """
    difference = z_without - z_with
    length = float(np.linalg.norm(difference))
    if length < SMALLEST_NORM:
        raise UserError(
            "The images with and without the attribute have the same code, so there is no "
            "direction between them; choose two different images."
        )
    scale = {"squared": length**2, "unit": length, "none": 1.0}[norm]
    return difference / scale * (1.0 if toward == "without" else -1.0)


def steps(z_without: np.ndarray, z_with: np.ndarray, norm: Norm, toward: Toward) -> float:
    """The k of Eq. 4 that equals strength 1, the pair's own step z_2 - z_1, for that direction.

    -||z_1 - z_2||^2 for the paper's "squared" and "without".
    """
    length = float(np.linalg.norm(z_without - z_with))
    scale = {"squared": length**2, "unit": length, "none": 1.0}[norm]
    return -scale if toward == "without" else scale


def edit(
    latents: np.ndarray, directions: Sequence[np.ndarray], amounts: Sequence[float]
) -> np.ndarray:
    """Eq. 4, for one or several attributes: z_a = z_p + sum_i k_i z_f,i (Figs. 10 to 13).

    Args:
        latents: z_p `[N, Z]`.
        directions: the z_f `[Z]`.
        amounts: the k, one each.

    Returns:
        z_a `[N, Z]`; it may leave the cube [-1, 1]^Z, as in the paper.
    """
    edited = latents
    for k, z_f in zip(amounts, directions, strict=True):
        edited = edited + np.float32(k) * z_f
    return edited
