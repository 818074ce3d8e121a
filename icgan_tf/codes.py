"""From images to codes (z, y) and back, and what an edit does to y.

Perarnau et al. 2016, Sec. 3.3; the report, Sec. 1 and 6.2: x* = G(E_z(x), y*). z = E_z(x) holds
what is not in y; y is what E_y reads, made binary (the largest class, or the sign of each
attribute).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from common.images import cropped, in_blocks, padded, to_range, to_uint8

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from icgan_tf.trained import Trained

EXCLUSIVE = (  # setting one of a group clears the others (the authors' code)
    ("Bald", "Bangs", "Receding_Hairline"),
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Straight_Hair", "Wavy_Hair"),
)
TOGGLED = ("Male",)  # in `variations`, turned over instead of set (the authors' code)


def encode(model: Trained, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Encodes images: z = E_z(x), y = E_y(x).

    Args:
        model: the trained networks.
        images: uint8 `[N, S, S, C]`, digits also in 28x28.

    Returns:
        float32 latents `[N, Z]`, and the attributes that E_y reads, float32 `[N, A]` on the scale
        of 0 for absent and 1 for present, not yet binary.
    """
    data = model.config.data

    def apply(network: keras.Model, block: np.ndarray) -> tf.Tensor:
        return network(to_range(padded(block, data.image_size), data.pixel_range), training=False)

    z, y = (
        in_blocks(functools.partial(apply, network), images)
        for network in (model.encoder_z, model.encoder_y)
    )
    return z, (y + 1.0) / 2.0 if data.condition_values == "signed" else y


def binary(attributes: np.ndarray, one_hot: bool) -> np.ndarray:
    """What E_y reads as attributes that are there or not.

    Args:
        attributes: `[N, A]` on the scale of 0 and 1.
        one_hot: they are classes, of which each image has one.

    Returns:
        float32 `[N, A]` of 0 and 1.
    """
    if one_hot:
        return np.eye(attributes.shape[1], dtype=np.float32)[attributes.argmax(axis=1)]
    return (attributes > 0.5).astype(np.float32)


def decode(model: Trained, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Generates images: x = G(z, y), each by itself whatever else is in the batch.

    Args:
        model: the trained networks.
        latents: float32 `[N, Z]`.
        attributes: `[N, A]`, 0 for absent and 1 for present.

    Returns:
        uint8 images `[N, S, S, C]`; digits without their border, `[N, 28, 28, 1]`.
    """
    data = model.config.data
    y = conditions(model, attributes)
    made = "unit" if data.pixel_range == "unit" else "signed"  # the range of G's activation

    def apply(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return to_uint8(model.generator([z, y], training=False), made)

    images = in_blocks(apply, latents, y)
    return cropped(images, 28) if model.digits else images


def conditions(model: Trained, attributes: np.ndarray) -> np.ndarray:
    """Attributes `[N, A]` of 0 and 1 as G and D are told them, float32."""
    y = np.asarray(attributes, np.float32)
    return 2.0 * y - 1.0 if model.config.data.condition_values == "signed" else y


def found_again(model: Trained, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """E_z(G(z, y)) `[N, Z]` of latents `[N, Z]` and attributes `[N, A]`, as Eq. 2 has it.

    Nothing is rounded to 8 bits and no border is taken off, as between two commands.
    """

    def apply(z: np.ndarray, y: np.ndarray) -> tf.Tensor:
        return model.encoder_z(model.generator([z, y], training=False), training=False)

    return in_blocks(apply, latents, conditions(model, attributes))


def shifted(attributes: np.ndarray, k: int, wrap: bool = True) -> np.ndarray:
    """Classes plus k: "the real MNIST digits ... added with one" (the report, Sec. 6.2).

    Args:
        attributes: one-hot `[N, A]`.
        k: any integer.
        wrap: count modulo A. The baseline's code does not: past the last class it asks for none.

    Returns:
        `[N, A]`, one-hot; without `wrap` a row may be all 0.
    """
    count = attributes.shape[1]
    classes = attributes.argmax(axis=1) + k
    moved = np.eye(count, dtype=np.float32)[classes % count]
    if not wrap:
        moved[(classes < 0) | (classes >= count)] = 0.0
    return moved


def with_values(
    attributes: np.ndarray,
    names: Sequence[str],
    values: Mapping[str, float],
    exclusive: bool = True,
) -> np.ndarray:
    """Attributes with some of them set.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the A columns.
        values: attribute -> value, -1 for absent and 1 for present.
        exclusive: an attribute that becomes present clears the others of its group, unless they are
            set themselves.

    Returns:
        `[N, A]`.
    """
    edited = np.array(attributes, np.float32)
    for name, value in values.items():
        groups = [group for group in EXCLUSIVE if name in group] if exclusive and value > 0 else []
        for other in (other for group in groups for other in group):
            if other in names and other not in values:
                edited[:, names.index(other)] = 0.0
    for name, value in values.items():
        edited[:, names.index(name)] = (value + 1.0) / 2.0
    return edited


def variations(
    attributes: np.ndarray, names: Sequence[str], one_hot: bool, exclusive: bool = True
) -> dict[str, np.ndarray]:
    """Every attribute in turn: label -> `[N, A]`. Classes: every class.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the columns.
        one_hot: they are classes.
        exclusive: as for `with_values`.
    """
    if one_hot:
        rows = np.eye(len(names), dtype=np.float32)
        return {
            name: np.repeat(row[None], len(attributes), axis=0)
            for name, row in zip(names, rows, strict=True)
        }
    varied = {}
    for column, name in enumerate(names):
        if name in TOGGLED:
            varied[f"{name} toggled"] = np.array(attributes, np.float32)
            varied[f"{name} toggled"][:, column] = 1.0 - attributes[:, column]
        else:
            varied[name] = with_values(attributes, names, {name: 1.0}, exclusive)
    return varied


def between(
    start: tuple[np.ndarray, np.ndarray], end: tuple[np.ndarray, np.ndarray], share: float
) -> tuple[np.ndarray, np.ndarray]:
    """A point on the straight line between two (z, y), of `[N, Z]` and `[N, A]` or broadcast."""
    z, y = ((1.0 - share) * a + share * b for a, b in zip(start, end, strict=True))
    return z.astype(np.float32), y.astype(np.float32)
