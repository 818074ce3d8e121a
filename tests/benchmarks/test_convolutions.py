from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.convolutions import Product, alone, products

KERNEL, MATRIX = (3, 3, 2, 4), (64, 5)


@pytest.fixture(scope="module")
def counted():
    """Of a step with a convolution and a matrix product, and a further one that nobody needs."""
    network = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            keras.layers.Conv2D(4, 3, strides=2, padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
        ]
    )
    images = tf.ones((6, 8, 8, 2))

    @tf.function
    def step():
        network(images[:2])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(images)))
        return tape.gradient(loss, network.trainable_variables)

    return products(step.get_concrete_function(), 6)


def kinds(counted):
    return sorted((one.kind, one.inputs, one.output, times) for one, times in counted.items())


def test_they_are_those_of_the_step_without_what_nobody_needs(counted):
    # No gradient by the images; one of the matrix by its input, for the convolution before it.
    assert kinds(counted) == [
        ("Conv2D", ((6, 8, 8, 2), KERNEL), (6, 4, 4, 4), 1),
        ("Conv2DBackpropFilter", ((6, 8, 8, 2), (6, 4, 4, 4)), KERNEL, 1),
        ("MatMul", ((6, 5), MATRIX), (6, 64), 1),
        ("MatMul", ((6, 64), (6, 5)), MATRIX, 1),
        ("MatMul", ((6, 64), MATRIX), (6, 5), 1),
    ]


def test_operations_of_a_convolution_and_of_both_its_gradients_are_equal(counted):
    # 2 * 6 images * 16 places * 9 * 2 inputs * 4 outputs
    found = {one.kind: one.operations for one in counted if one.kind != "MatMul"}
    assert found == {"Conv2D": 13_824, "Conv2DBackpropFilter": 13_824}
    options = next(one.options for one in counted if one.kind == "Conv2D")
    gradient = Product(
        "Conv2DBackpropInput", (KERNEL, (6, 4, 4, 4)), (6, 8, 8, 2), tf.float32, options
    )
    assert gradient.operations == 13_824


def test_operations_of_a_matrix_product_and_of_its_gradients_are_equal(counted):
    # 2 * 6 images * 64 inputs * 5 outputs
    assert {one.operations for one in counted if one.kind == "MatMul"} == {3_840}


def test_alone_computes_each_as_often_as_it_is_counted(counted):
    run = alone(Counter(dict.fromkeys(counted, 3)))
    assert np.isfinite(run().numpy())
    graph = run.get_concrete_function().graph
    assert sum(one.type == "Conv2D" for one in graph.get_operations()) == 3
