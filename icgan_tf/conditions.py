"""The condition y: its values, the prior p_y of the fakes' y', and labels that do not match.

Three sources of y', all from training labels: rows of random training images (the authors' code
for faces: p_y = p_data, since attributes are binary and depend on each other), the labels of the
current real batch (the baseline), or a class drawn evenly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import tensorflow as tf

from common.errors import UserError

Values = Literal["signed", "unit"]
Prior = Literal["empirical", "batch", "uniform"]
Integers: TypeAlias = Callable[[tuple, int, str], tf.Tensor]  # shape, below, salt -> int32

TRIES = 8  # other images' labels to look at for one that differs, before a fixed one is taken


class Conditions:
    """What a conditional GAN may ask about y.

    Args:
        attributes: of all training images, `[N, A]` of 0 and 1.
        values: how the networks see them: "signed", -1 and +1, or "unit", 0 and 1.
        prior: where the fakes' y' comes from, as the module tells.
        one_hot: exactly one attribute is 1, a class.

    Raises:
        UserError: all training images have the same attributes, so that no label can be wrong; or
            "uniform" without classes.
    """

    def __init__(
        self,
        attributes: np.ndarray,
        values: Values = "signed",
        prior: Prior = "empirical",
        one_hot: bool = False,
    ):
        different = (attributes != attributes[0]).any(axis=1)
        if not different.any():
            raise UserError(
                f"All {len(attributes)} training images have the same attributes, so there is "
                "nothing to learn from them: use more images, or other attributes."
            )
        if prior == "uniform" and not one_hot:
            raise UserError('The prior "uniform" draws classes, as digits have; use "empirical".')
        self.values: Values = values
        self.prior: Prior = prior
        self.one_hot = one_hot
        self.width = int(attributes.shape[1])
        self.rows = encoded(tf.constant(attributes), values)  # [N, A]
        # Two rows that differ from each other: at least one of them differs from any third.
        self.last_resort = tf.gather(self.rows, [0, int(np.argmax(different))])  # [2, A]

    def encode(self, attributes: tf.Tensor) -> tf.Tensor:
        """Attributes `[B, A]` of 0 and 1 as the networks see them."""
        return encoded(attributes, self.values)

    def agreement(self, y: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
        """Share of right classes, or of right attributes, in the answers `[B, A]` of E_y."""
        if self.one_hot:
            right = tf.argmax(y, axis=1) == tf.argmax(answer, axis=1)
        else:
            middle = 0.0 if self.values == "signed" else 0.5
            right = (y > middle) == (answer > middle)
        return tf.reduce_mean(tf.cast(right, tf.float32))

    def sample(self, y: tf.Tensor, integers: Integers) -> tf.Tensor:
        """Draws y' ~ p_y for a batch of fakes.

        Args:
            y: the real batch's `[B, A]`, encoded.
            integers: draws random integers.

        Returns:
            y' `[B, A]`.
        """
        batch, classes = tf.shape(y)[0], self.width
        if self.prior == "batch":
            return y
        if self.prior == "uniform":
            return encoded(tf.one_hot(integers((batch,), classes, "prior"), classes), self.values)
        return tf.gather(self.rows, integers((batch,), len(self.rows), "prior"))

    def mismatched(self, y: tf.Tensor, integers: Integers) -> tf.Tensor:
        """Labels that are not those of the images: a row that differs from y in each place.

        Classes: one of the others, each as often. Attributes: those of another random training
        image, drawn again while they are equal (the authors' code).

        Args:
            y: the real batch's `[B, A]`, encoded.
            integers: draws random integers.

        Returns:
            y_wrong `[B, A]`, each row unequal to that of y.
        """
        batch, width = tf.shape(y)[0], self.width
        if self.one_hot:
            own = tf.argmax(y, axis=1, output_type=tf.int32)
            step = 1 + integers((batch,), width - 1, "wrong")
            return encoded(tf.one_hot(tf.math.floormod(own + step, width), width), self.values)
        drawn = tf.gather(self.rows, integers((batch, TRIES), len(self.rows), "wrong"))
        fixed = tf.repeat(self.last_resort[None], batch, axis=0)
        candidates = tf.concat([drawn, fixed], axis=1)  # [B, TRIES + 2, A]
        differs = tf.reduce_any(candidates != y[:, None], axis=2)
        first = tf.argmax(tf.cast(differs, tf.int32), axis=1)
        return tf.gather(candidates, first, batch_dims=1)


def encoded(attributes: tf.Tensor, values: Values) -> tf.Tensor:
    """Attributes of 0 and 1 as -1 and +1 ("signed") or unchanged ("unit")."""
    return 2.0 * attributes - 1.0 if values == "signed" else attributes
