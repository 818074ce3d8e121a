"""What z does in the first layer of a decoder, of any architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from common.directions.vectors import Direction, factorised, principal
from common.errors import UserError

if TYPE_CHECKING:
    import keras

    from common.editor import Tunable


DRAWN = 10_000  # random latents whose activations are analysed (GANSpace: 10^6)


def of_weights(editor: Tunable[Any], count: int) -> list[Direction]:
    """What moves the first layer most (SeFa); strength 1 is one standard deviation of random z."""
    spread = float(editor.random(DRAWN, 0).latent.std())
    return factorised(first_weights(editor), count, spread)


def of_activations(editor: Tunable[Any], count: int, drawn: int | None = None) -> list[Direction]:
    """Along which the first layer answers random z most differently (GANSpace).

    Args:
        editor: a trained model.
        count: of directions, at most.
        drawn: random z; `DRAWN` by default.
    """
    latents = editor.random(drawn or DRAWN, 0).latent
    return principal(latents, count, activations(editor, latents))


def first_weights(editor: Tunable[Any]) -> np.ndarray:
    """The weights by which z enters the decoder's first layer, `[Z, U]`.

    Found by what the layer answers to each unit vector, whatever its kind, its form, its
    normalisation, and whatever else enters it.
    """
    network = editor.networks()[editor.decoding]
    first = _weighted(network.model)[0]
    inputs = _inputs(editor, np.eye(latent_size(editor), dtype=np.float32))
    origin = _inputs(editor, np.zeros((1, latent_size(editor)), np.float32))
    answers, bias = (_values(network.model, first.output, one) for one in (inputs, origin))
    return answers - bias


def activations(editor: Tunable[Any], latents: np.ndarray) -> np.ndarray:
    """What goes from the first layer into the second, `[N, U]`, of z `[N, Z]`; y is 0."""
    network = editor.networks()[editor.decoding]
    second = _weighted(network.model)[1]
    return _values(network.model, second.input, _inputs(editor, latents))


def latent_size(editor: Tunable[Any]) -> int:
    """Z."""
    return editor.random(1, 0).latent.shape[1]


def _weighted(model: keras.Model) -> list[Any]:
    """The layers with a kernel, in their order."""
    found = [layer for layer in model.layers if hasattr(layer, "kernel")]
    if len(found) < 2:
        raise UserError("The decoder has no two layers with weights that could be looked into.")
    return found


def _inputs(editor: Tunable[Any], latents: np.ndarray) -> list[np.ndarray]:
    """Arrays for all inputs of the decoder: z, and zeros for the others."""
    network = editor.networks()[editor.decoding]
    return [
        latents if name == "latent" else np.zeros((len(latents), tensor.shape[1]), np.float32)
        for name, tensor in zip(network.inputs, network.model.inputs, strict=True)
    ]


def _values(model: keras.Model, tensor: Any, inputs: list[np.ndarray]) -> np.ndarray:
    import keras

    part = keras.Model(model.inputs, tensor)
    values = np.asarray(part(inputs, training=False))
    return values.reshape(len(values), -1)
