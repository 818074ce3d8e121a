"""Batch statistics and the EMA of weights, against values computed by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.training.averaging import averaged_weights, averaging, reestimate_batch_statistics

# Batch means: 2, 5, 4; batch variances (of the batch itself, not of a sample): 1, 16, 1.
BATCHES = [np.array(pair, np.float32)[:, None] for pair in ([1, 3], [1, 9], [3, 5])]


def normalised(momentum: float = 0.99) -> keras.Model:
    network = keras.Sequential(
        [keras.Input((1,)), keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-6)]
    )
    network.layers[0].moving_mean.assign([50.0])
    network.layers[0].moving_variance.assign([70.0])
    return network


def statistics(network: keras.Model) -> tuple[float, float]:
    norm = network.layers[0]
    return float(norm.moving_mean.numpy()[0]), float(norm.moving_variance.numpy()[0])


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        (BATCHES, (11 / 3, 18 / 3)),  # plain means over the batches
        (BATCHES[1:2], (5.0, 16.0)),
        ([], (50.0, 70.0)),  # as they were
    ],
)
def test_statistics_become_plain_means_over_the_batches(batches, expected):
    network = normalised()
    reestimate_batch_statistics(network, batches)
    assert statistics(network) == pytest.approx(expected)


def test_deeper_layers_see_the_batches_as_the_layers_above_normalise_them():
    """In training a layer passes on what the batch's own statistics make of it: mean 0."""
    network = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.BatchNormalization(epsilon=1e-6),
            keras.layers.Rescaling(3.0, offset=4.0),
            keras.layers.BatchNormalization(epsilon=1e-6),
        ]
    )
    reestimate_batch_statistics(network, BATCHES)
    deeper = network.layers[2]
    assert float(deeper.moving_mean.numpy()[0]) == pytest.approx(4.0, abs=1e-5)
    assert float(deeper.moving_variance.numpy()[0]) == pytest.approx(9.0, rel=1e-4)


def test_dropout_is_off_while_statistics_are_estimated_and_on_again_after_it():
    """Its noise would widen the variances."""
    dropout, norm = keras.layers.Dropout(0.5, seed=0), keras.layers.BatchNormalization(epsilon=1e-6)
    reestimate_batch_statistics(keras.Sequential([keras.Input((1,)), dropout, norm]), BATCHES)
    assert float(norm.moving_mean.numpy()[0]) == pytest.approx(11 / 3)
    assert float(norm.moving_variance.numpy()[0]) == pytest.approx(18 / 3)
    assert dropout.rate == 0.5


def test_training_afterwards_uses_the_momentum_of_before_also_when_a_batch_failed():
    network = normalised(momentum=0.75)

    def failing():
        yield BATCHES[1]
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        reestimate_batch_statistics(network, failing())
    network(BATCHES[0], training=True)
    # 0.75 * 5 + 0.25 * 2 and 0.75 * 16 + 0.25 * 1
    assert statistics(network) == (4.25, 12.25)


def test_weights_are_not_touched():
    network = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1), keras.layers.BatchNormalization()]
    )
    before = [np.array(variable.numpy()) for variable in network.trainable_variables]
    reestimate_batch_statistics(network, BATCHES)
    for old, new in zip(before, network.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def stepped(*, ema: bool) -> tuple[keras.Model, keras.optimizers.Optimizer]:
    """One weight that SGD moved from 2 to 1 and to 3."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    network.set_weights([np.array([[2.0]])])
    optimizer = keras.optimizers.SGD(0.1, use_ema=ema, ema_momentum=0.75)
    optimizer.build(network.trainable_variables)
    for gradient in (10.0, -20.0):
        optimizer.apply([keras.ops.full((1, 1), gradient)], network.trainable_variables)
    return network, optimizer


def weight(network: keras.Model) -> float:
    return float(network.get_weights()[0][0, 0])


def test_the_ema_replaces_the_weights_within_the_block_only_also_when_it_fails():
    network, optimizer = stepped(ema=True)
    within = []

    def fail() -> None:
        within.append(weight(network))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), averaged_weights(optimizer, network):
        fail()
    assert within == [pytest.approx(0.75 * 1 + 0.25 * 3)]  # the EMA starts at the 1
    assert weight(network) == pytest.approx(3.0)


def test_without_an_ema_the_weights_stay():
    network, optimizer = stepped(ema=False)
    with averaged_weights(optimizer, network):
        assert weight(network) == pytest.approx(3.0)


def test_statistics_that_the_block_estimates_are_gone_after_it():
    network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(network.trainable_variables)
    with averaged_weights(optimizer, network):
        reestimate_batch_statistics(network, [np.full((4, 1), 7.0, "f")])
        assert network.layers[0].moving_mean.numpy() == 7.0
    assert network.layers[0].moving_mean.numpy() == 0.0


def test_averaging_is_off_without_a_momentum():
    plain, averaged = (keras.optimizers.SGD(0.1, **averaging(momentum)) for momentum in (None, 0.9))
    assert (plain.use_ema, averaged.use_ema, averaged.ema_momentum) == (False, True, 0.9)
