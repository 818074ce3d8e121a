"""Directions in the latent space from one pair of images, and steps along them.

Dogan & Keles (arXiv 1907.01841), Sec. 3.3: Eq. 3 is `direction`, Eq. 4 is `step`.

Two things about the paper's formulas, kept as they stand: Eq. 3 divides by the *squared* norm, so
z_f has length 1 / ||z_1 - z_2||; and it points from the image *with* the attribute (z_2) to the one
*without* (z_1), so that a positive k removes the attribute and a negative k adds it. The exact swap
z_1 -> z_2 is k = -||z_1 - z_2||^2. Strengths spare users that arithmetic: 1 is the pair's own step
from "without" to "with", -1 the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.directions.vectors import SMALLEST_NORM, Norm
from common.errors import UserError

Toward = Literal["without", "with"]


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
    return difference / _divisor(length, norm) * (1.0 if toward == "without" else -1.0)


def steps(z_without: np.ndarray, z_with: np.ndarray, norm: Norm, toward: Toward) -> float:
    """The k of Eq. 4 that equals strength 1, the pair's own step z_2 - z_1, for that direction.

    -||z_1 - z_2||^2 for the paper's "squared" and "without".
    """
    scale = _divisor(float(np.linalg.norm(z_without - z_with)), norm)
    return -scale if toward == "without" else scale


def step(
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


class Direction:
    """A direction that a pair of codes defines.

    Args:
        z_without: z_1 `[Z]`.
        z_with: z_2 `[Z]`.
        norm: how Eq. 3 divides z_1 - z_2.

    Attributes:
        step: z_2 - z_1 `[Z]`, that of strength 1.
        vector: z_f `[Z]` (Eq. 3).
        own_step: the k of strength 1.

    Raises:
        UserError: the two codes are equal.
    """

    def __init__(self, z_without: np.ndarray, z_with: np.ndarray, norm: Norm = "squared"):
        self.norm: Norm = norm
        self.step = z_with - z_without
        self.vector = direction(z_without, z_with, norm)
        self.own_step = steps(z_without, z_with, norm, "without")


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """A request: steps along directions; none is the reconstruction.

    Attributes:
        directions: where to.
        amounts: how far, one each.
        unit: of the amounts: "strength", shares of each pair's own step, or the paper's "k".
        clip: keep codes within [-1, 1], where the generator was trained.
    """

    directions: Sequence[Direction] = ()
    amounts: Sequence[float] = ()
    unit: Literal["strength", "k"] = "strength"
    clip: bool = False

    def ks(self, share: float = 1.0) -> list[float]:
        """The k of Eq. 4, of a share of the amounts."""
        if self.unit == "k":
            return [share * k for k in self.amounts]
        pairs = zip(self.amounts, self.directions, strict=True)
        return [share * (strength * one.own_step) for strength, one in pairs]

    def label(self, share: float) -> str:
        """What a share of the amounts is: `strength 0.5`, `k -6`, or `50% of each` of several."""
        if not share or not self.amounts:
            return "0 (rec.)"
        amount, *others = self.amounts
        return f"{share:.0%} of each" if others else f"{self.unit} {share * amount:.3g}"


def moved(latents: np.ndarray, request: Along, share: float = 1.0) -> np.ndarray:
    """z_a `[N, Z]` of z_p `[N, Z]`, after a share of what the request asks for."""
    changed = step(latents, [one.vector for one in request.directions], request.ks(share))
    return np.clip(changed, -1.0, 1.0) if request.clip else changed


def _divisor(length: float, norm: Norm) -> float:
    return {"squared": length**2, "unit": length, "none": 1.0}[norm]
