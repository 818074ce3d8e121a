"""The loss terms of IFcVAEGAN: tensors in, one scalar out, stable from logits.

The paper's L_bce(a, b) lacks its minus and takes the logarithm of the target (Sec. 3.1); here BCE
is the cross entropy, and "minimise", "- delta L_gan" and "- L_aux" in Eqs. 9 to 12 are then
consistent. All terms are means over the batch; what the release sums instead is in the weights
(`ifcvaegan.train.weights`).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ifcvaegan.config import AuxiliaryMode


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """BCE(sigmoid(logits), labels) of `[B, ...]`, hard or soft labels: the mean over everything."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def kl_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, I)) (Eq. 8): the sum over Z, the mean over the batch.

    Args:
        mean: mu `[B, Z]`.
        log_variance: log sigma^2 `[B, Z]`.
    """
    terms = tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance
    return 0.5 * tf.reduce_mean(tf.reduce_sum(terms, axis=1))


def entropy(rates: tf.Tensor | np.ndarray) -> tf.Tensor:
    """H(y) in nats of each attribute, from its rate: `[A]` to `[A]`."""
    rates = tf.clip_by_value(tf.convert_to_tensor(rates, tf.float32), 1e-6, 1.0 - 1e-6)
    return -(rates * tf.math.log(rates) + (1.0 - rates) * tf.math.log1p(-rates))


def attribute_removal_loss(
    y: tf.Tensor, logits: tf.Tensor, rates: tf.Tensor, mode: AuxiliaryMode = "max_bce"
) -> tf.Tensor:
    """What the encoder minimises to keep y out of z, against the answer of A.

    "max_bce": -L_aux, Eq. 12, which has no lower bound.
    "capped": -min(L_aux, H(y)) of each attribute: the same until A is no better than the base rate,
    then no gradient.
    "confuse": BCE(A(z), rate of y), whose minimum is an A that answers the base rate. Ours.

    Args:
        y: attributes `[B, A]` of 0 and 1.
        logits: A's `[B, A]`.
        rates: share of 1 in the training data `[A]`.
        mode: one of the above.

    Returns:
        A scalar, the mean over the batch and the attributes.
    """
    if mode == "confuse":
        return cross_entropy(tf.broadcast_to(rates, tf.shape(logits)), logits)
    auxiliary_loss = tf.nn.sigmoid_cross_entropy_with_logits(y, logits)  # [B, A]
    auxiliary_loss = tf.reduce_mean(auxiliary_loss, axis=0)
    if mode == "capped":
        auxiliary_loss = tf.minimum(auxiliary_loss, entropy(rates))
    return -tf.reduce_mean(auxiliary_loss)
