"""Projection of images onto the manifold: z* = argmin L(G(z), x) [R, Sec. 4.1].

`opt` minimises by L-BFGS-B from random starts (Sec. 4.1.1), `cnn` asks the predictor P (4.1.2),
`cnn_opt` minimises from P's answer (4.1.3). What the public code [C] gets wrong is not repeated: it
applies tanh twice, so that the z that it returns renders another image than the one optimised.

Three guarantees follow from keeping the best of all that was evaluated: `cnn_opt` costs at most
what `cnn` costs; more starts cost at most what fewer do with the same seed; and `cnn_opt` of n
starts, which are P's answer and n - 1 of those of `opt`, costs at most what `opt` of n - 1 costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from igan.codes import ITERATIONS, POOL, STARTS, Method
from igan.features import Distance, Targets
from igan.lockstep import minimise_each
from igan.manifold import Manifold

BATCH = 64  # minimisations at a time; ours


@dataclass(frozen=True, slots=True)
class Projection:
    """What N images became.

    Attributes:
        latent: z* `[N, Z]`, float32.
        cost: L of each, `[N]`.
        costs: L where each start ended, `[N, starts]`, in the order in which they were tried.
        latents: where that was, `[N, starts, Z]`.
        iterations: of L-BFGS-B from each start, `[N, starts]`.
    """

    latent: np.ndarray
    cost: np.ndarray
    costs: np.ndarray
    latents: np.ndarray
    iterations: np.ndarray

    def first(self, starts: int) -> Projection:
        """What fewer starts would have found, with the same seed."""
        parts = self.costs, self.latents, self.iterations
        return _best(*(part[:, :starts] for part in parts))


def joined(one: Projection, other: Projection) -> Projection:
    """What both found for the same images: the starts of one, then those of the other."""
    parts = ((one.costs, other.costs), (one.latents, other.latents))
    costs, latents = (np.concatenate(pair, axis=1) for pair in parts)
    return _best(costs, latents, np.concatenate([one.iterations, other.iterations], axis=1))


class Projector:
    """Projects images onto a manifold.

    Args:
        manifold: the generator and its latents.
        distance: L.
        predictor: P, from images in the generator's range to latents; None for `opt` alone.
    """

    def __init__(self, manifold: Manifold, distance: Distance, predictor=None):
        self.manifold = manifold
        self.distance = distance
        self.predictor = predictor
        self._value_and_gradient = tf.function(self._costs_and_gradients)
        self._pool: dict[int, tuple[np.ndarray, Targets]] = {}

    def project(
        self,
        images: np.ndarray,
        method: Method = "cnn_opt",
        *,
        starts: int | None = None,
        iterations: int = ITERATIONS,
        mask: np.ndarray | None = None,
        seed: int = 0,
    ) -> Projection:
        """Projects N images, each by itself, many in a batch.

        Args:
            images: `[N, S, S, C]` in the generator's range.
            method: see above.
            starts: of `opt`: so many of the cheapest of `POOL` random latents, 8 by default; of
                `cnn_opt`: P's answer and one fewer of these, by default it alone.
            iterations: of L-BFGS-B, at most.
            mask: weights of the pixels, at least 0, `[N, S, S, 1]`; 0 for those that do not count.
            seed: of the random latents.
        """
        starts = starts or (STARTS if method == "opt" else 1)
        each = max(1, BATCH // (1 if method == "cnn" else starts))
        parts = [
            self._project(
                images[at : at + each],
                method,
                starts,
                iterations,
                None if mask is None else mask[at : at + each],
                seed,
            )
            for at in range(0, len(images), each)
        ]
        return Projection(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in Projection.__slots__
            )
        )

    def costs(
        self, images: np.ndarray, latents: np.ndarray, mask: np.ndarray | None = None
    ) -> np.ndarray:
        """L(G(z), x) of N images and as many latents, `[N]`."""
        found = []
        for at in range(0, len(images), BATCH):
            rows = slice(at, at + BATCH)
            targets = self.distance.targets(tf.constant(images[rows], tf.float32))
            weights = None if mask is None else tf.constant(mask[rows], tf.float32)
            made = self.manifold.images(tf.constant(latents[rows], tf.float32))
            found.append(np.asarray(self.distance(made, targets, weights)))
        return np.concatenate(found)

    def _project(
        self,
        images: np.ndarray,
        method: Method,
        starts: int,
        iterations: int,
        mask: np.ndarray | None,
        seed: int,
    ) -> Projection:
        """As `project`, of images that fit into one batch."""
        targets = self.distance.targets(tf.constant(images, tf.float32))
        weights = None if mask is None else tf.constant(mask, tf.float32)
        first = [] if method == "opt" else [self._predicted(images)[:, None]]
        drawn = 0 if method == "cnn" else starts - len(first)
        if drawn:
            first.append(self._cheapest(targets, weights, len(images), drawn, seed))
        first = np.concatenate(first, axis=1)
        begun = np.stack(
            [self.costs(images, first[:, start], mask) for start in range(first.shape[1])], axis=1
        )
        if method == "cnn":
            return _best(begun, first, np.zeros(begun.shape, np.int64))

        owners = np.repeat(np.arange(len(images)), first.shape[1])

        def evaluate(rows: Sequence[int], free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self._evaluate(free, owners[np.asarray(rows)], targets, weights)

        flat = first.reshape(len(owners), -1)
        minimum = minimise_each(evaluate, self.manifold.to_free(flat), iterations)
        ended = self.manifold.from_free(tf.constant(minimum.points, tf.float32)).numpy()
        costs = self.costs(images[owners], ended, None if mask is None else mask[owners])
        costs = costs.reshape(begun.shape)
        # Where the clipped start was worse than the start, and nothing was gained, the start.
        better = (costs <= begun)[..., None]
        latents = np.where(better, ended.reshape(first.shape), first)
        costs = np.minimum(costs, begun)
        return _best(costs, latents, minimum.iterations.reshape(begun.shape))

    def _predicted(self, images: np.ndarray) -> np.ndarray:
        """P(x) `[N, Z]`; a condition that it does not tell starts in the middle, at 0."""
        assert self.predictor is not None, "cnn and cnn_opt need a predictor"
        found = np.asarray(self.predictor(images, training=False))
        return np.pad(found, ((0, 0), (0, self.manifold.latent_size - found.shape[1])))

    def _evaluate(
        self, free: np.ndarray, owners: np.ndarray, targets: Targets, mask: tf.Tensor | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values and gradients at `[r, D]`, in batches of powers of four: few are compiled."""
        count = len(free)
        rows = np.concatenate([np.arange(count), np.zeros(_filled(count) - count, np.int64)])
        owned = tf.constant(owners[rows])
        wanted = tuple(tf.gather(one, owned) for one in targets)
        weights = None if mask is None else tf.gather(mask, owned)
        point = tf.constant(free[rows], tf.float32)
        values, gradients = self._value_and_gradient(point, wanted, weights)
        return values.numpy()[:count], gradients.numpy()[:count]

    def _costs_and_gradients(
        self, free: tf.Tensor, targets: Targets, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, Any]:
        with tf.GradientTape() as tape:
            tape.watch(free)
            made = self.manifold.images(self.manifold.from_free(free))
            costs = self.distance(made, targets, mask)
        return costs, tape.gradient(costs, free)

    def _cheapest(
        self, targets: Targets, mask: tf.Tensor | None, images: int, starts: int, seed: int
    ) -> np.ndarray:
        """For each image the latents of the pool that cost least, `[N, starts, Z]`, in order."""
        if seed not in self._pool:
            latents = self.manifold.draw(POOL, np.random.default_rng(seed))
            made = self.manifold.rendered(latents)
            self._pool = {seed: (latents, self.distance.targets(tf.constant(made)))}
        latents, pool = self._pool[seed]
        order = []
        for row in range(images):
            wanted = tuple(one[row : row + 1] for one in targets)
            weights = None if mask is None else mask[row : row + 1]
            costs = self.distance.between(pool, wanted, weights).numpy()
            order.append(np.argsort(costs, kind="stable")[:starts])
        return latents[np.stack(order)]


def _best(costs: np.ndarray, latents: np.ndarray, iterations: np.ndarray) -> Projection:
    """Of each image the start that ended cheapest, beside all."""
    best = np.arange(len(costs)), costs.argmin(axis=1)
    return Projection(latents[best], costs[best], costs, latents, iterations)


def _filled(count: int) -> int:
    """The smallest power of four that is at least `count`."""
    return 4 ** math.ceil(math.log(count, 4) - 1e-9)
