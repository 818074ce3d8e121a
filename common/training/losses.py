"""Loss terms that more than one paper uses: tensors in, one scalar out, stable from logits."""

from __future__ import annotations

import tensorflow as tf


def cross_entropy_real(logits: tf.Tensor) -> tf.Tensor:
    """-log D over a batch: the cross entropy of logits `[B, 1]` against the label "real".

    The non-saturating generator minimises it on fakes (Goodfellow et al. 2014, Sec. 3).
    Mean over the batch.
    """
    return tf.reduce_mean(tf.nn.softplus(-logits))


def cross_entropy_fake(logits: tf.Tensor) -> tf.Tensor:
    """-log(1 - D) over a batch: the cross entropy of logits `[B, 1]` against the label "fake".

    Mean over the batch.
    """
    return tf.reduce_mean(tf.nn.softplus(logits))
