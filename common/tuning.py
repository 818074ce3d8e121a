"""Pivotal tuning: a copy of the decoder is fitted to one image, so that edits show that image.

Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images" (arXiv 2106.05744). An
encoder gives a code, the pivot, whose image is like the photograph but not the same. Sec. 3.2 fits
the generator to the photograph at the pivot, which stays; Sec. 3.3, "locality regularization",
keeps the images of random codes near the pivot as they were.

Deviations. Both losses are squared errors alone: the paper adds LPIPS, a distance in the features
of a VGG16 that no package brings. Its pivot comes from an optimisation in StyleGAN's W, ours from
the encoder, in z. Random codes are drawn once, with attributes as random as their z.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import numpy as np

from common.editor import Tunable

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

NEAR = 64  # random codes whose images are to stay
BATCH = 4  # of them in a step
PERIOD = 48  # steps, over which the loss must fall
LEAST_FALL = 0.02  # of the loss; below that the tuning ends

T = TypeVar("T", bound=Tunable[Any])
Watch = Callable[[int, float, float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a decoder is fitted; all numbers are chosen on dev faces, see `benchmarks.tuning`.

    Attributes:
        seconds: after which it ends; None for as long as the steps take.
        steps: at most.
        learning_rate: of Adam.
        locality: weight of the images near the pivot, beside 1 for the image itself.
        distance: of the random codes from the pivot, a share of sqrt(Z).
        seed: of the random codes.
    """

    seconds: float | None = 20.0
    steps: int = 600
    learning_rate: float = 1e-4
    locality: float = 1.0
    distance: float = 0.25
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tuned(Generic[T]):
    """What a tuning leads to.

    Attributes:
        editor: with the fitted decoder; it encodes as before.
        steps: that were done.
        before: mean squared error at the pivot on [0, 1], of the shipped decoder.
        after: the same of the fitted one.
    """

    editor: T
    steps: int
    before: float
    after: float


def tuned(
    editor: T, image: np.ndarray, tuning: Tuning | None = None, watch: Watch | None = None
) -> Tuned[T]:
    """Fits a copy of an editor's decoder to an image; the editor itself stays as it is.

    Args:
        editor: the trained model.
        image: uint8 `[H, W, C]` of its kind.
        tuning: how; the defaults by default.
        watch: gets the steps done, the loss and the seconds left (infinite without a limit); what
            it raises ends the tuning.
    """
    fitting = Fitting(editor, image, tuning)
    while not fitting.ended:
        left = fitting.left
        loss = fitting.step()
        if watch is not None:
            watch(fitting.steps, loss, left)
    return fitting.result()


class Fitting(Generic[T]):
    """A copy of a decoder that is fitted step by step, for those who do other things in between.

    Args:
        editor: the trained model.
        image: uint8 `[H, W, C]` of its kind.
        tuning: how; the defaults by default. Of its seconds the steps alone count.
    """

    def __init__(self, editor: T, image: np.ndarray, tuning: Tuning | None = None):
        import keras

        self._tuning = tuning or Tuning()
        self._editor, self._image = editor, image
        self._pivot = editor.encode(image[None])
        copy = copied(editor.networks()[editor.decoding].model)
        self._fitted = editor.with_decoder(copy)
        near = around(self._pivot, editor.random(NEAR, self._tuning.seed), self._tuning.distance)
        optimizer = keras.optimizers.Adam(self._tuning.learning_rate)
        optimizer.build(copy.trainable_variables)
        self._step = step_of(
            *(editor, self._fitted, copy, optimizer, image, self._pivot, near),
            locality=self._tuning.locality,
        )
        rng = np.random.default_rng(self._tuning.seed)
        self._order = rng.permutation(NEAR).reshape(-1, BATCH)
        self._losses: list[float] = []
        self._spent = 0.0

    @property
    def steps(self) -> int:
        """How many are done."""
        return len(self._losses)

    @property
    def left(self) -> float:
        """Seconds; infinite without a limit."""
        return (self._tuning.seconds or np.inf) - self._spent

    @property
    def ended(self) -> bool:
        """Whether its steps or its seconds are over, or its loss falls no more."""
        return self.steps >= self._tuning.steps or self.left <= 0 or settled(self._losses)

    def step(self) -> float:
        """Takes one step; returns its loss."""
        begun = time.monotonic()
        loss = float(self._step(self._order[self.steps % len(self._order)]))
        self._losses.append(loss)
        self._spent += time.monotonic() - begun
        return loss

    def result(self) -> Tuned[T]:
        """The editor as it is fitted by now."""
        before, after = (
            _error(one, self._image, self._pivot) for one in (self._editor, self._fitted)
        )
        return Tuned(self._fitted, self.steps, before, after)


def copied(network: keras.Model) -> keras.Model:
    """The same layers with the same weights, apart from the original's."""
    import keras

    copy = cast("keras.Model", keras.models.clone_model(network))
    copy.set_weights(network.get_weights())
    return copy


def around(pivot: Any, drawn: Any, distance: float) -> Any:
    """Random codes at one distance from the pivot (Sec. 3.3).

    Args:
        pivot: the code of one image.
        drawn: N random codes, to which the steps from the pivot point.
        distance: how far from it, a share of sqrt(Z), which is the length of a random z of N(0, I).

    Returns:
        Those codes with z_p + d (z - z_p) / ||z - z_p|| for their z; all else as it was drawn.
    """
    steps = drawn.latent - pivot.latent
    lengths = np.linalg.norm(steps, axis=1, keepdims=True)
    reach = np.float32(distance * np.sqrt(steps.shape[1]))
    return dataclasses.replace(drawn, latent=pivot.latent + reach * steps / lengths)


def step_of(
    editor: Tunable[Any],
    fitted: Tunable[Any],
    copy: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    image: np.ndarray,
    pivot: Any,
    near: Any,
    locality: float,
) -> Callable[[np.ndarray], tf.Tensor]:
    """A step of Adam on both losses, compiled: rows of the codes near the pivot -> the loss.

    Batch normalisation keeps the statistics of the training (see `Tunable.drawn`).
    """
    import tensorflow as tf

    target = tf.constant(image[None] / 255.0, tf.float32)
    codes = {name: (getattr(pivot, name), getattr(near, name)) for name in _arrays(near)}
    rows_of = {name: tuple(map(tf.constant, pair)) for name, pair in codes.items()}
    originals = tf.stop_gradient(editor.drawn(near))

    @tf.function
    def step(rows):
        joined = {
            name: tf.concat([own, tf.gather(others, rows)], axis=0)
            for name, (own, others) in rows_of.items()
        }
        with tf.GradientTape() as tape:
            made = fitted.drawn(dataclasses.replace(near, **joined))
            fit = tf.reduce_mean(tf.square(made[:1] - target))
            kept = tf.reduce_mean(tf.square(made[1:] - tf.gather(originals, rows)))
            loss = fit + locality * kept
        gradients = tape.gradient(loss, copy.trainable_variables)
        optimizer.apply(gradients, copy.trainable_variables)
        return loss

    return step


def settled(losses: list[float]) -> bool:
    """Whether the last `PERIOD` steps are hardly better than those before them."""
    if len(losses) % PERIOD or len(losses) < 2 * PERIOD:
        return False
    last, before = np.mean(losses[-PERIOD:]), np.mean(losses[-2 * PERIOD : -PERIOD])
    return bool(last > (1.0 - LEAST_FALL) * before)


def _arrays(codes: Any) -> list[str]:
    return [one.name for one in dataclasses.fields(codes) if getattr(codes, one.name) is not None]


def _error(editor: Tunable[Any], image: np.ndarray, pivot: Any) -> float:
    return float(np.mean((np.asarray(editor.drawn(pivot))[0] - image / 255.0) ** 2))
