"""What the convolutions and matrix products of a train step take on their own.

They are read from the graph of the step, with their shapes, strides and types, as often as they are
in it: forward, by the input and by the kernel. `alone` is a function that computes just these, one
after the other, on arrays of their own. Its time is what the processor needs at least with these
kernels of oneDNN; a step that takes it and nothing else has the share 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

# Kind -> the inputs that are arrays. Another one is the shape of the result.
KINDS = {
    "Conv2D": (0, 1),
    "Conv2DBackpropInput": (1, 2),
    "Conv2DBackpropFilter": (0, 2),
    "MatMul": (0, 1),
}
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """A convolution, one of its gradients, or a matrix product.

    Attributes:
        kind: the operation of TensorFlow.
        inputs: shapes of its two arrays.
        output: shape of the result.
        dtype: of all three.
        options: strides and padding, or which matrix is transposed.
    """

    kind: str
    inputs: tuple[Shape, Shape]
    output: Shape
    dtype: tf.DType
    options: tuple[tuple[str, Any], ...]

    @property
    def operations(self) -> int:
        """Multiplications and additions; those with the padding count."""
        first, second = self.inputs
        if self.kind == "MatMul":
            inner = math.prod(first) // self.output[0]
            return 2 * math.prod(self.output) * inner
        # Each pair of an output's place and a number of the kernel, whichever of them is asked for.
        kernel, image = {
            "Conv2D": (second, self.output),
            "Conv2DBackpropInput": (first, second),
            "Conv2DBackpropFilter": (self.output, second),
        }[self.kind]
        return 2 * math.prod(image[:3]) * math.prod(kernel)

    def __call__(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """The result."""
        options, raw = dict(self.options), tf.raw_ops
        if self.kind == "MatMul":
            return raw.MatMul(a=first, b=second, **options)
        if self.kind == "Conv2D":
            return raw.Conv2D(input=first, filter=second, **options)
        if self.kind == "Conv2DBackpropInput":
            return raw.Conv2DBackpropInput(
                input_sizes=self.output, filter=first, out_backprop=second, **options
            )
        return raw.Conv2DBackpropFilter(
            input=first, filter_sizes=self.output, out_backprop=second, **options
        )


def products(step: Any, batch: int) -> Counter[Product]:
    """How often each of them is in a step.

    Args:
        step: the traced step, a `ConcreteFunction`.
        batch: images a step; stands where the graph leaves the number of images open.
    """
    found: Counter[Product] = Counter()
    for one in needed(step.graph):
        if one.type not in KINDS:
            continue
        names = ("transpose_a", "transpose_b")
        if one.type != "MatMul":
            names = ("strides", "padding", "explicit_paddings", "dilations")
        options = ((name, one.get_attr(name)) for name in names)
        first, second = (shape(one.inputs[index], batch) for index in KINDS[one.type])
        output = shape(one.outputs[0], batch)
        found[
            Product(
                one.type,
                (first, second),
                output,
                one.outputs[0].dtype,
                tuple((name, fixed(value)) for name, value in options),
            )
        ] += 1
    return found


def needed(graph: tf.Graph) -> list[tf.Operation]:
    """The operations that the results or the state depend on; TensorFlow leaves out the others."""
    waiting = [one.op for one in graph.outputs] + list(graph.control_outputs)
    seen = set()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += [tensor.op for tensor in one.inputs] + list(one.control_inputs)
    return list(seen)


def shape(tensor: tf.Tensor, batch: int) -> Shape:
    """Of an array, the number of images filled in."""
    return tuple(batch if side is None else side for side in tensor.shape.as_list())


def fixed(value: Any) -> Any:
    """Options as keys: a list becomes a tuple, bytes a text."""
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list) else value


def alone(counted: Counter[Product]) -> Callable[[], tf.Tensor]:
    """A function that computes all of them once, one after the other.

    Each waits for the one before it: TensorFlow can neither leave one out nor compute two equal
    ones once, and each has all cores.
    """
    arrays = {
        (sides, one.dtype): tf.Variable(tf.random.normal(sides, dtype=one.dtype) * 0.01)
        for one in counted
        for sides in one.inputs
    }
    order = sorted(counted.elements(), key=str)

    @tf.function
    def run() -> tf.Tensor:
        total = tf.zeros(())
        for one in order:
            with tf.control_dependencies([total]):
                first, second = (arrays[sides, one.dtype].read_value() for sides in one.inputs)
                result = one(first, second)
                total += tf.cast(tf.reshape(result, (-1,))[0], tf.float32)
        return total

    return run
