"""Directions as functions of arrays, and steps along them.

From images without and with something: the mean step, as CRG's Sec. 3.3 has it of one pair. From
labels: the difference of the means, or the normal of a logistic regression, as InterFaceGAN (Shen
et al. 2020) takes that of a linear SVM. From nothing but codes or weights: principal components
(GANSpace, Härkönen et al. 2020, arXiv 2004.02546) and the closed-form factorisation of the first
layer (SeFa, Shen & Zhou 2021, arXiv 2007.06600).

A direction is as long as its step at strength 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from common.errors import UserError

SMALLEST_NORM = 1e-6  # of a step; codes that are equal have no direction between them
PENALTY = 1e-3  # of the squared weights of the regression, a mean over the images; ours

Method: TypeAlias = Literal["mean", "logistic"]
Norm: TypeAlias = Literal["squared", "unit", "none"]
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Direction:
    """Where to, and how far.

    Attributes:
        step: what strength 1 adds to z, float32 `[Z]`.
        origin: whence it is, in words.
        norm: how CRG's Eq. 3 divides it, for the k of that paper alone.
    """

    step: np.ndarray
    origin: str = ""
    norm: Norm = "squared"


def of_pairs(without: np.ndarray, with_: np.ndarray) -> Direction:
    """From the mean of some codes to the mean of others; of pairs, the mean of their steps.

    Args:
        without: codes of images without something `[N, Z]`; N may be 1.
        with_: of images with it `[M, Z]`.

    Raises:
        UserError: both means are equal.
    """
    step = with_.mean(axis=0) - without.mean(axis=0)
    if np.linalg.norm(step) < SMALLEST_NORM:
        raise UserError(
            "The images with and without the attribute have the same code, so there is no "
            "direction between them; choose different images."
        )
    return Direction(step.astype(np.float32), f"{len(without)} without, {len(with_)} with")


def of_labels(latents: np.ndarray, present: np.ndarray, method: Method = "mean") -> Direction:
    """A direction from labelled codes.

    Args:
        latents: codes `[N, Z]`.
        present: whether each image has the attribute, bool `[N]`.
        method: "mean", or "logistic": along the normal of a logistic regression, as far as the
            means of both sides are apart along it.

    Raises:
        UserError: all images have the attribute, or none has.
    """
    if present.all() or not present.any():
        raise UserError(
            f"Of {len(present):,} images, {int(present.sum()):,} have the attribute: a direction "
            "needs images with it and without it."
        )
    means = of_pairs(latents[~present], latents[present])
    if method == "mean":
        return means
    normal = regression(latents, present)
    step = normal * float(means.step @ normal) / float(normal @ normal)
    return dataclasses.replace(means, step=step.astype(np.float32))


def regression(latents: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The weights `[Z]` of a logistic regression with a small penalty on their squares."""
    import scipy.optimize

    mean, spread = latents.mean(axis=0), latents.std(axis=0) + 1e-6
    x = (latents - mean).astype(np.float64) / spread
    signs = np.where(present, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margins = signs * (x @ weights + bias)
        pulls = -signs / (1.0 + np.exp(np.clip(margins, -500, 500))) / len(x)
        value = np.logaddexp(0.0, -margins).mean() + PENALTY * weights @ weights
        return value, np.append(x.T @ pulls + 2 * PENALTY * weights, pulls.sum())

    found = scipy.optimize.minimize(
        loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}
    )
    return found.x[:-1] / spread


def principal(
    latents: np.ndarray, count: int, activations: np.ndarray | None = None
) -> list[Direction]:
    """Along which codes vary most (GANSpace).

    Args:
        latents: codes `[N, Z]`.
        count: of directions, at most.
        activations: of a layer `[N, U]`, whose components are taken instead: each direction is
            then what the coordinate of a component tells of z, by least squares (its Sec. 2.2).

    Returns:
        The directions, that of the largest variance first; strength 1 is one standard deviation.
        A component has two signs: its largest number is positive.

    Raises:
        UserError: fewer codes than directions and one, or codes that are all equal.
    """
    if len(latents) <= count:
        raise UserError(
            f"{count} principal directions need more than {count} images; there are {len(latents)}."
        )
    seen = (latents if activations is None else activations).astype(np.float64)
    centred = seen - seen.mean(axis=0)
    _, singular, components = np.linalg.svd(centred, full_matrices=False)
    if singular[0] < SMALLEST_NORM:
        raise UserError("All these codes are equal, so nothing varies; choose different images.")
    shares = singular**2 / np.sum(singular**2)
    found = []
    for number in range(min(count, int((singular > SMALLEST_NORM).sum()))):
        spread = singular[number] / np.sqrt(len(seen))
        if activations is None:
            step = spread * components[number]
        else:  # the slope of z by the coordinate, times the coordinate's standard deviation
            coordinate = centred @ components[number]
            step = (coordinate @ (latents - latents.mean(axis=0))) / (len(seen) * spread)
        told = f"principal component {number + 1} of {len(seen):,}, {shares[number]:.1%} of the"
        found.append(Direction(_signed(step), f"{told} variance"))
    return found


def factorised(weights: np.ndarray, count: int, length: float = 1.0) -> list[Direction]:
    """What moves the first layer most (SeFa): eigenvectors of A^T A for its weights A.

    Args:
        weights: of the layer that z enters, `[Z, U]`, the transpose of the paper's A.
        count: of directions, at most.
        length: of a step at strength 1.

    Returns:
        The directions, orthogonal, that of the largest eigenvalue first. Signs as of `principal`.
    """
    vectors = np.linalg.svd(weights.astype(np.float64), full_matrices=False)[0]
    return [
        Direction(_signed(length * vector), f"singular vector {number} of the first layer")
        for number, vector in enumerate(vectors.T[:count], start=1)
    ]


def moved(
    codes: C, directions: Sequence[Direction], strengths: Sequence[float], share: float = 1.0
) -> C:
    """Codes whose `latent` `[N, Z]` has gone along directions.

    Args:
        codes: a dataclass of a paper; all but z stays as it is.
        directions: where to.
        strengths: how far, one each.
        share: of the way.

    Raises:
        UserError: strengths that lead to codes that are not finite numbers.
    """
    latent: np.ndarray = getattr(codes, "latent")  # noqa: B009
    with np.errstate(over="ignore", invalid="ignore"):
        for direction, strength in zip(directions, strengths, strict=True):
            latent = latent + np.float32(share * strength) * direction.step
    if not np.isfinite(latent).all():
        raise UserError(
            f"The strengths {list(strengths)} lead to codes that are not finite numbers; they are "
            "usually between -2 and 2."
        )
    return dataclasses.replace(codes, latent=latent)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _signed(step: np.ndarray) -> np.ndarray:
    largest = step[np.argmax(np.abs(step))]
    return (step * np.sign(largest)).astype(np.float32)
