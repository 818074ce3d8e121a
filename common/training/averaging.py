"""Layers' mechanics that several papers need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras


def reestimate_batch_statistics(network: keras.Model, batches: Iterable) -> None:
    """Replaces the moving statistics of batch normalisation by plain means over `batches`.

    The moving statistics of training lag behind the weights and, where a network sees two kinds of
    images, mix both; BiGAN (Donahue et al. 2016) re-estimates them after training in the same way.
    Keras averages the variances of batches as they are, divided by n; Torch's are divided by n - 1.

    Args:
        network: its `BatchNormalization` layers' moving mean and variance are overwritten.
        batches: inputs of the network; batch i enters with weight 1/n.
    """
    norms = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    dropouts = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    momenta, rates = [norm.momentum for norm in norms], [dropout.rate for dropout in dropouts]
    for dropout in dropouts:
        dropout.rate = 0.0  # inference has none, and its noise would widen the variances
    try:
        for index, batch in enumerate(batches):
            for norm in norms:
                norm.momentum = index / (index + 1)  # the running value becomes the mean so far
            network(batch, training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for dropout, rate in zip(dropouts, rates, strict=True):
            dropout.rate = rate


def averaging(momentum: float | None) -> dict[str, Any]:
    """The options of an optimizer that keeps an EMA of the weights; None for none."""
    return {} if momentum is None else {"use_ema": True, "ema_momentum": momentum}


@contextlib.contextmanager
def averaged_weights(
    optimizer: keras.optimizers.Optimizer, *networks: keras.Model
) -> Iterator[None]:
    """Gives networks the EMAs of their weights for the duration of the block.

    After it they are as before, statistics of batch normalisation included, whatever the block has
    done to them.

    Args:
        optimizer: built; with `use_ema=False` the networks stay as they are.
        *networks: all that it trains, in its order.
    """
    variables = [variable for network in networks for variable in network.weights]
    raw = [variable.numpy() for variable in variables]
    optimizer.finalize_variable_values(
        [variable for network in networks for variable in network.trainable_variables]
    )
    try:
        yield
    finally:
        for variable, value in zip(variables, raw, strict=True):
            variable.assign(value)
