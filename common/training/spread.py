"""Layers that see the whole batch where replicas have a part of it each.

What one device computes from a batch, several must compute from their parts together. Two kinds of
layers need help: batch normalisation, whose mean and variance are those of the batch, and dropout,
which would drop the same places of each part.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def normalise_together(network: keras.Model) -> None:
    """Lets batch normalisation take its statistics from the parts of all replicas.

    Each costs three small sums over the replicas and pass.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


class _Whole(keras.layers.Layer):
    """Dropout that is drawn for the batch of all replicas and cut, as `AdversarialModel.noise`."""

    def call(self, inputs, training=False):
        context: Any = tf.distribute.get_replica_context()
        if not training or context is None or context.num_replicas_in_sync == 1:
            return super().call(inputs, training=training)
        rows, replica = tf.shape(inputs)[0], context.replica_id_in_sync_group
        shape = tf.concat([[rows * context.num_replicas_in_sync], tf.shape(inputs)[1:]], axis=0)
        whole = tf.ensure_shape(tf.ones(shape, inputs.dtype), (None, *inputs.shape[1:]))
        factors = super().call(whole, training=True)  # 0, or 1 / (1 - rate)
        return inputs * factors[replica * rows : (replica + 1) * rows]


@keras.saving.register_keras_serializable("common")
class Dropout(_Whole, keras.layers.Dropout):
    """Keras' layer, with one draw for all replicas."""


@keras.saving.register_keras_serializable("common")
class SpatialDropout2D(_Whole, keras.layers.SpatialDropout2D):
    """Keras' layer, with one draw for all replicas."""
