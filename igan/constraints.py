"""The terms of the editing objective [R, Sec. 4.1.4].

    z* = argmin sum_g ||f_g(G(z)) - v_g||^2 + lambda_s ||z - z0||^2 + E_D

Each term is a mean over what is marked, as in the public code [C], where the report prints sums.
Two defects of [C] are mended: smoothness compares z with z0, not what is before the tanh; a warp's
edges are those of the whole image with the square moved, not of a square on black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from common.images import to_range
from igan.hog import CELL, active_cells, hog
from igan.strokes import Drawing
from igan.weights import Weights

SMALLEST_SHARE = 1e-5  # beside the share of what is marked, by which a term is divided [C]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What the image G(z), `[S, S, C]` in [-1, 1], is to fulfil.

    Attributes:
        colour: wanted colours `[S, S, C]`.
        colour_mask: where, `[S, S, 1]`.
        edge: the wanted descriptor, `[h, w, 8]`.
        edge_mask: where, `[h, w, 1]`.
        kept: G(z0) `[S, S, C]`.
        keep_mask: where it stays, `[S, S, 1]`.
        start: z0 `[Z]`; zeros where there is none.
        weights: of the terms; smoothness is 0 where there is no z0.
    """

    colour: np.ndarray
    colour_mask: np.ndarray
    edge: np.ndarray
    edge_mask: np.ndarray
    kept: np.ndarray
    keep_mask: np.ndarray
    start: np.ndarray
    weights: Weights = field(default_factory=Weights)

    def tensors(self) -> tuple[tf.Tensor, ...]:
        """All of them, float32, in the order of `terms`."""
        weights = self.weights
        factors = (
            *(weights.colour, weights.edge, weights.keep),
            *(weights.smoothness, weights.realism),
        )
        arrays = (
            *(self.colour, self.colour_mask, self.edge, self.edge_mask),
            *(self.kept, self.keep_mask, self.start, np.array(factors)),
        )
        return tuple(tf.constant(array, tf.float32) for array in arrays)


def constraints_of(
    drawing: Drawing,
    sources: Sequence[np.ndarray],
    shape: tuple[int, int, int],
    start: np.ndarray | None,
    start_image: np.ndarray | None,
    latent_size: int,
    weights: Weights,
) -> Constraints:
    """What a drawing asks for.

    Args:
        drawing: the strokes, of the model's size.
        sources: for each warp the image of which it moves a square, `[S, S, C]` in [-1, 1].
        shape: of the model's images.
        start: z0 `[Z]`, or None.
        start_image: G(z0), where there is a z0.
        latent_size: Z.
        weights: of the terms.
    """
    channels = shape[2]
    cell = CELL[channels]
    wanted = np.asarray(to_range(drawing.colour))  # [S, S, 3]
    colour = wanted if channels == 3 else wanted.mean(axis=2, keepdims=True)
    colour_mask, sketch_mask = drawing.colour_mask, active_cells(drawing.sketch, cell)
    line = np.repeat(np.asarray(to_range(drawing.sketch))[..., None], channels, axis=2)
    edge, edge_mask = _descriptor(line, cell), sketch_mask

    if drawing.warps:
        moved, where = _moved(drawing, sources)
        colour = np.where((where & ~colour_mask)[..., None], moved, colour)
        colour_mask = colour_mask | where
        inside = _inner_cells(where, cell)
        edge = np.where((inside > sketch_mask)[..., None], _descriptor(moved, cell), edge)
        edge_mask = np.maximum(sketch_mask, inside)
    return Constraints(
        colour=colour,
        colour_mask=colour_mask[..., None],
        edge=edge,
        edge_mask=edge_mask[..., None],
        kept=np.zeros(shape, np.float32) if start_image is None else start_image,
        keep_mask=(drawing.keep_mask & (start is not None))[..., None],
        start=np.zeros(latent_size) if start is None else start,
        weights=weights if start is not None else replace(weights, keep=0.0, smoothness=0.0),
    )


def terms(images: tf.Tensor, latents: tf.Tensor, tensors: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """Colour, edge, keep and smoothness of candidates, weighted, `[B, 4]`.

    Args:
        images: G(z) `[B, S, S, C]` in [-1, 1].
        latents: z `[B, Z]`.
        tensors: of `Constraints.tensors`.
    """
    colour, colour_mask, edge, edge_mask, kept, keep_mask, start, factors = tensors
    channels: Any = images.shape[3]
    descriptor = hog(images, CELL[channels])
    found = [
        _marked_error(images, colour, colour_mask),
        _marked_error(descriptor, edge, edge_mask),
        _marked_error(images, kept, keep_mask),
        tf.reduce_mean(tf.square(latents - start), axis=1),
    ]
    return tf.stack(found, axis=1) * factors[:4]


def _marked_error(values: tf.Tensor, wanted: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """The mean square error over what is marked, `[B]`; 0 where nothing is."""
    error = tf.reduce_mean(mask * tf.square(values - wanted), axis=[1, 2, 3])
    return error / (tf.reduce_mean(mask) + SMALLEST_SHARE)


def _descriptor(image: np.ndarray, cell: int) -> np.ndarray:
    return hog(tf.constant(image[None], tf.float32), cell)[0].numpy()


def _moved(drawing: Drawing, sources: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The newest source with the squares of all warps moved, and where they are now."""
    moved, where = sources[-1].copy(), np.zeros(sources[-1].shape[:2], bool)
    for source, warp in zip(sources, drawing.warps, strict=True):
        top, left, new_top, new_left, height, width = warp
        there = slice(new_top, new_top + height), slice(new_left, new_left + width)
        moved[there] = source[top : top + height, left : left + width]
        where[there] = True
    return moved, where


def _inner_cells(where: np.ndarray, cell: int) -> np.ndarray:
    """The cells whose whole window lies inside, so that the square's outline is no edge."""
    outside = active_cells(np.pad(~where, cell, constant_values=True), cell)
    return 1.0 - outside[1:-1, 1:-1]
