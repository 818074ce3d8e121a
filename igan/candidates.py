"""Which candidates are shown, and what lies between two latents [C]."""

from __future__ import annotations

from typing import Literal

import numpy as np

SHOWN = 16  # candidates, at most [C]
FRAMES = 16  # of the slider from z0 to z, ends included [C]
FREEZE_AFTER = 150  # steps, after which candidates no longer change places [C]
NEARLY_PARALLEL = 1e-6  # below this sine of their angle two latents have no arc between them

Interpolation = Literal["linear", "slerp"]


def best(costs: np.ndarray, most: int = SHOWN) -> np.ndarray:
    """The candidates to show, cheapest first.

    Those that cost at most twice the mean of the best `most / 2`, and at most `most` of them.

    Args:
        costs: `[B]`.
        most: 1 for the best alone.
    """
    order = np.argsort(costs, kind="stable")
    limit = 2.0 * costs[order[: max(1, most // 2)]].mean()
    within = order[costs[order] <= limit]
    return (within if len(within) else order[:1])[:most]


def average_weights(costs: np.ndarray) -> np.ndarray:
    """Weights of the average of the candidates shown, which sum to 1.

    exp(-(c - mean) / std), so that one that is a standard deviation cheaper counts e times as much.
    """
    weights = np.exp(-(costs - costs.mean()) / (costs.std() + 1e-10))
    return weights / weights.sum()


def between(
    start: np.ndarray, end: np.ndarray, count: int = FRAMES, way: Interpolation = "linear"
) -> np.ndarray:
    """Latents from one to another, both included.

    Args:
        start: z0 `[Z]`.
        end: z1 `[Z]`.
        count: of latents, at least 2.
        way: "linear" [R, Sec. 4.2.1], or along the arc; linear where there is none.

    Returns:
        `[count, Z]`, float32.
    """
    shares = np.linspace(0.0, 1.0, count)[:, None]
    line = ((1.0 - shares) * start + shares * end).astype(np.float32)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if way == "linear" or min(norms) == 0.0:
        return line
    angle = np.arccos(np.clip(np.dot(start, end) / (norms[0] * norms[1]), -1.0, 1.0))
    sine = np.sin(angle)
    if sine < NEARLY_PARALLEL:
        return line
    arc = (np.sin((1.0 - shares) * angle) * start + np.sin(shares * angle) * end) / sine
    arc[0], arc[-1] = start, end
    return arc.astype(np.float32)
