"""`python -m tests.workers PACKAGE WORDS`: a training in float64, without its report.

In float32 the sums of two halves of a batch differ from those of the whole in the last digit, and
Adam divides by what may be as small: after 50 steps some weights differ by 1e-4. In float64 only a
mistake would be seen.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

import keras
import pytest
import tensorflow as tf

from common.training import fit
from common.training.adversarial import AdversarialModel
from ifcvaegan import losses
from tests.trainings import SHORTER, main_of


def in_float64(patch: pytest.MonkeyPatch) -> None:
    """Networks, images and noise of 64 bits; `RunConfig` knows no such precision."""
    noise, endless, ordered = AdversarialModel.noise, fit.endless_batches, fit.ordered_batches
    layer, cross_entropy = keras.layers.Layer.__init__, losses.cross_entropy

    def double(image: tf.Tensor, attributes: tf.Tensor) -> tuple[Any, Any]:
        return tf.cast(image, tf.float64), attributes

    def entropy(labels: tf.Tensor, logits: tf.Tensor) -> Any:
        return cross_entropy(tf.cast(labels, logits.dtype), logits)

    def made(self: Any, *arguments: Any, dtype: Any = None, **options: Any) -> None:
        own = None if dtype == "float32" else dtype  # of last layers, for mixed precision
        layer(self, *arguments, dtype=own, **options)

    def policy(name: str) -> None:
        keras.config.set_dtype_policy("float64")

    patch.setattr("keras.mixed_precision.set_global_policy", policy)
    patch.setattr(tf, "float32", tf.float64)  # what models and losses cast to
    patch.setattr(tf, "one_hot", functools.partial(tf.one_hot, dtype=tf.float64))
    patch.setattr(keras.layers.Layer, "__init__", made)
    patch.setattr(AdversarialModel, "noise", lambda *a, **o: tf.cast(noise(*a, **o), tf.float64))
    patch.setattr(losses, "cross_entropy", entropy)
    patch.setattr(fit, "endless_batches", lambda *a, **o: endless(*a, **o).map(double))
    patch.setattr(fit, "ordered_batches", lambda *a, **o: ordered(*a, **o).map(double))


def main(package: str, words: list[str]) -> None:
    keras.config.set_floatx("float64")
    with pytest.MonkeyPatch.context() as patch:
        in_float64(patch)
        for name, value in SHORTER.items():
            patch.setattr(name, value)
        evaluation = importlib.import_module(f"{package}.evaluate")
        patch.setattr(evaluation, "evaluate", lambda command: None)
        patch.setattr(f"{package}.train.draw_losses", lambda run: None)
        main_of(package)(words)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
