"""Gradient descent on z under constraints, many candidates at once [R, Sec. 4.1.4].

"We only perform a few gradient descent updates after changing the constraints": the latents go on
from where they are. As in the public code [C], Adam moves y with z = tanh(y), and the costs of all
candidates are summed: their coordinates are independent, so each moves as if alone. [C] never
resets Adam's moments; here a new start does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from igan.constraints import Constraints, terms
from igan.features import to_signed
from igan.manifold import Manifold

LEARNING_RATE, BETA_1, BETA_2 = 0.1, 0.9, 0.999  # of Adam [C]
EPSILON = 1e-8  # Adam's own
LARGEST = 0.99  # of |z| at a start [C]
JITTER = 0.5  # of the candidates around z0 [C]
State: TypeAlias = tuple[tf.Tensor, ...]  # y and its moments `[B, Z]`, and the steps done
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


class Descent:
    """Steps and costs on a manifold, compiled once for any number of sessions.

    Args:
        manifold: the generator.
        discriminator: of the realism term; None where its weight is 0.

    Attributes:
        steps: state, tensors of `Constraints` and a number of steps to the state after them.
        costs: y `[B, Z]` and the tensors to the weighted terms `[B, 5]`, in the order of `TERMS`.
    """

    def __init__(self, manifold: Manifold, discriminator: keras.Model | None = None) -> None:
        self.manifold = manifold
        self.discriminator = discriminator
        self.costs = tf.function(self._costs)
        self.steps = tf.function(self._steps)

    def _steps(
        self, state: State, tensors: tuple[tf.Tensor, ...], steps: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """`steps` updates of y by Adam (Kingma & Ba 2015, Algorithm 1)."""

        def update(free, first, second, done):
            with tf.GradientTape() as tape:
                tape.watch(free)
                total = tf.reduce_sum(self._costs(free, tensors))
            gradient: Any = tape.gradient(total, free)
            done += 1.0
            first = BETA_1 * first + (1 - BETA_1) * gradient
            second = BETA_2 * second + (1 - BETA_2) * tf.square(gradient)
            mean, square = first / (1 - BETA_1**done), second / (1 - BETA_2**done)
            return free - LEARNING_RATE * mean / (tf.sqrt(square) + EPSILON), first, second, done

        return tf.while_loop(
            lambda *_: True, update, state, maximum_iterations=steps, parallel_iterations=1
        )

    def _costs(self, free: tf.Tensor, tensors: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """The terms `[B, 5]` of y `[B, Z]`."""
        latents = self.manifold.from_free(free)
        made = self.manifold.images(latents)
        realism = tf.zeros(tf.shape(free)[0])
        if self.discriminator is not None:  # E_D in its non-saturating form: -log D(G(z))
            logits = self.discriminator(made, training=False)
            realism = tensors[-1][4] * tf.nn.softplus(-logits[:, 0])
        signed = to_signed(made, self.manifold.pixel_range)
        return tf.concat([terms(signed, latents, tensors), realism[:, None]], axis=1)


class Manipulator:
    """B latents that follow constraints.

    Args:
        descent: how they move.
        count: B.

    Attributes:
        state: where they are; what is put back here goes on from there.
    """

    def __init__(self, descent: Descent, count: int) -> None:
        self.descent = descent
        self.count = count
        self.state = _begun(np.zeros((count, descent.manifold.latent_size)))

    @property
    def latents(self) -> np.ndarray:
        """Z of all candidates, `[B, Z]`."""
        return self.descent.manifold.from_free(self.state[0]).numpy()

    def restart(self, start: np.ndarray | None, seed: int) -> None:
        """Draws the candidates anew, and forgets Adam's moments.

        Args:
            start: z0 `[Z]`: the first candidate is z0 itself, the others lie around it. None: all
                are drawn at random.
            seed: of the draws.
        """
        rng = np.random.default_rng(seed)
        latents = self.descent.manifold.draw(self.count, rng)
        if start is not None:
            around = start + JITTER * rng.uniform(-1, 1, latents.shape)
            latents = np.concatenate([start[None], around[1:]])
        self.state = _begun(self.descent.manifold.to_free(latents, LARGEST))

    def step(self, constraints: Constraints, steps: int = 1) -> None:
        """Takes some steps of Adam."""
        self.state = self.descent.steps(self.state, constraints.tensors(), tf.constant(steps))

    def costs(self, constraints: Constraints) -> Costs:
        """The costs of the latents as they are."""
        values = self.descent.costs(self.state[0], constraints.tensors()).numpy()
        return Costs(values.sum(axis=1), values)


def _begun(free: np.ndarray) -> State:
    """A state without moments, at y `[B, Z]`."""
    start = tf.constant(free, tf.float32)
    return start, tf.zeros_like(start), tf.zeros_like(start), tf.constant(0.0)
