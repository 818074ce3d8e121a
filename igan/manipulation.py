"""Gradient descent on z under constraints, many candidates at once [R, Sec. 4.1.4].

"We only perform a few gradient descent updates after changing the constraints": the latents go on
from where they are. As in the public code [C], Adam moves y with z = tanh(y), and the costs of all
candidates are summed: their coordinates are independent, so each moves as if alone. [C] never
resets Adam's moments; here a new start does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from igan.constraints import Constraints, terms
from igan.manifold import Manifold

LEARNING_RATE = 0.1  # of Adam [C]
LARGEST = 0.99  # of |z| at a start [C]
JITTER = 0.5  # of the candidates around z0 [C]
TERMS = ("colour", "edge", "keep", "smoothness", "realism")


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of B candidates.

    Attributes:
        total: `[B]`.
        terms: `[B, 5]`, weighted, in the order of `TERMS`; they add up to the total.
    """

    total: np.ndarray
    terms: np.ndarray


class Manipulator:
    """B latents that follow constraints.

    Args:
        manifold: the generator.
        count: B.
        discriminator: of the realism term; None where its weight is 0.
    """

    def __init__(
        self, manifold: Manifold, count: int, discriminator: keras.Model | None = None
    ) -> None:
        self.manifold = manifold
        self.count = count
        self.discriminator = discriminator
        self._free = keras.Variable(np.zeros((count, manifold.latent_size), np.float32))
        self._compiled = tf.function(self._costs_and_gradients)
        self._optimizer = self._fresh_optimizer()

    @property
    def latents(self) -> np.ndarray:
        """Z of all candidates, `[B, Z]`."""
        return self.manifold.from_free(tf.constant(self._free.numpy())).numpy()

    def restart(self, start: np.ndarray | None, seed: int) -> None:
        """Draws the candidates anew, and forgets Adam's moments.

        Args:
            start: z0 `[Z]`: the first candidate is z0 itself, the others lie around it. None: all
                are drawn at random.
            seed: of the draws.
        """
        rng = np.random.default_rng(seed)
        latents = self.manifold.draw(self.count, rng)
        if start is not None:
            around = start + JITTER * rng.uniform(-1, 1, latents.shape)
            latents = np.concatenate([start[None], around[1:]])
        self._free.assign(self.manifold.to_free(latents, LARGEST).astype(np.float32))
        self._optimizer = self._fresh_optimizer()

    def step(self, constraints: Constraints, steps: int = 1) -> Costs:
        """Takes some steps; the costs before the last of them."""
        tensors = constraints.tensors()
        costs = None
        for _ in range(steps):
            costs, gradient = self._compiled(self._free.value, tensors)
            self._optimizer.apply([gradient], [self._free])
        return self.costs(constraints) if costs is None else _costs(costs)

    def costs(self, constraints: Constraints) -> Costs:
        """The costs of the latents as they are."""
        return _costs(self._compiled(self._free.value, constraints.tensors())[0])

    def _costs_and_gradients(
        self, free: tf.Tensor, tensors: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, Any]:
        with tf.GradientTape() as tape:
            tape.watch(free)
            latents = self.manifold.from_free(free)
            made = self.manifold.images(latents)
            signed = made * 2.0 - 1.0 if self.manifold.pixel_range == "unit" else made
            realism = tf.zeros(tf.shape(free)[0])
            if self.discriminator is not None:  # E_D in its non-saturating form: -log D(G(z))
                logits = self.discriminator(made, training=False)
                realism = tensors[-1][4] * tf.nn.softplus(-logits[:, 0])
            costs = tf.concat([terms(signed, latents, tensors), realism[:, None]], axis=1)
            total = tf.reduce_sum(costs)
        return costs, tape.gradient(total, free)

    def _fresh_optimizer(self) -> keras.optimizers.Optimizer:
        optimizer = keras.optimizers.Adam(LEARNING_RATE)
        optimizer.build([self._free])
        return optimizer


def _costs(values: tf.Tensor) -> Costs:
    array = values.numpy()
    return Costs(array.sum(axis=1), array)
