"""Motion and colour flow between two images of a path on the manifold [R, Sec. 4.2.1].

The report minimises ||I(x, y, t) - A I(x + u, y + v, t + 1)||^2 with smooth (u, v) and A. To edit a
photo one must know, at each pixel of the later image, where it came from; so the time is read
backwards here:

    I_{t+1}(p) ~ A(p) [I_t(p + u(p)); 1]

with the reference I_{t+1}, the source I_t, u = (right, down) in pixels and A of 3x4 numbers a
pixel. Flow and colours are found in turn, three times [R]. The report leaves open which flow and
what weights: here DIS (Kroeger et al. 2016), or TV-L1 (Zach et al. 2007), and for A a windowed
least-squares fit in place of a global smoothness sigma_c.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from common.transfer.flow import optical_flow

ITERATIONS = 3  # of flow and colours [R]
FRAMES = 8  # images of the path, N = 7 [R]
WINDOW = 5.0  # standard deviation of the windows of the colour fit, pixels of 64; ours
RIDGE = 1e-3  # towards no change of colour, for images in [0, 1]; ours
SMOOTH = 1.0  # standard deviation of the flow's smoothing, pixels: in place of sigma_s; ours


@dataclass(frozen=True, slots=True)
class Fields:
    """What made one image of another.

    Attributes:
        flow: u `[H, W, 2]`: right and down, in pixels, from the later image to the earlier one.
        colour: A `[H, W, 3, 4]`, of images in [0, 1].
    """

    flow: np.ndarray
    colour: np.ndarray


def identity(height: int, width: int) -> Fields:
    """No change."""
    colour = np.broadcast_to(np.eye(3, 4, dtype=np.float32), (height, width, 3, 4))
    return Fields(np.zeros((height, width, 2), np.float32), colour.copy())


def fields_along(frames: np.ndarray) -> list[Fields]:
    """What made each image of a path of the first one.

    Args:
        frames: `[T, H, W, 3]` in [0, 1].

    Returns:
        T fields, the first of which change nothing.

    Raises:
        UserError: there is no program that computes flow.
    """
    found = [identity(*frames.shape[1:3])]
    for source, reference in itertools.pairwise(frames):
        found.append(concatenated(found[-1], between(source, reference)))
    return found


def between(source: np.ndarray, reference: np.ndarray, iterations: int = ITERATIONS) -> Fields:
    """Motion and colours from one image to the next, both `[H, W, 3]` in [0, 1]."""
    best = identity(*source.shape[:2])
    smallest = np.square(applied(best, source) - reference).mean()
    fields = best
    for _ in range(iterations):
        # The source in the reference's colours: A lives on the reference's grid, hence -u.
        colour = _sampled_matrices(fields.colour, -fields.flow)
        flow = smoothed(optical_flow(reference, recoloured(source, colour)))
        fields = Fields(flow, fitted_colours(warped(source, flow), reference))
        residual = np.square(applied(fields, source) - reference).mean()
        if residual >= smallest:
            break
        best, smallest = fields, residual
    return best


def concatenated(first: Fields, second: Fields) -> Fields:
    """The change of `first` and then of `second`, as one.

    U(p) = u2(p) + u1(p + u2(p)), and A(p) = A2(p) A1(p + u2(p)).
    """
    flow = second.flow + warped(first.flow, second.flow)
    earlier = _sampled_matrices(first.colour, second.flow)
    linear, offset = earlier[..., :3], earlier[..., 3:]
    matrix, shift = second.colour[..., :3], second.colour[..., 3:]
    colour = np.concatenate([matrix @ linear, matrix @ offset + shift], axis=-1)
    return Fields(flow, colour)


def applied(fields: Fields, image: np.ndarray) -> np.ndarray:
    """The image `[H, W, 3]` after motion and change of colours."""
    return recoloured(warped(image, fields.flow), fields.colour)


def warped(image: np.ndarray, flow: np.ndarray, order: int = 1) -> np.ndarray:
    """`image` `[H, W, F]` read at p + u(p), the border repeated; bilinear, or cubic by order 3."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    places = (rows + flow[..., 1], columns + flow[..., 0])
    channels = [
        ndimage.map_coordinates(channel, places, order=order, mode="nearest")
        for channel in np.moveaxis(np.asarray(image, np.float32), -1, 0)
    ]
    return np.stack(channels, axis=-1)


def recoloured(image: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A(p) [image(p); 1] of images `[H, W, 3]`."""
    return np.einsum("hwij,hwj->hwi", colour[..., :3], image) + colour[..., 3]


def fitted_colours(source: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """A `[H, W, 3, 4]` by least squares in Gaussian windows, drawn to no change by a ridge."""

    def windowed(array: np.ndarray) -> np.ndarray:
        scale = WINDOW * source.shape[0] / 64
        sigma = (scale, scale, *([0] * (array.ndim - 2)))
        return ndimage.gaussian_filter(array, sigma, mode="nearest")

    ones = np.concatenate([source, np.ones_like(source[..., :1])], axis=-1).astype(np.float64)
    ridge = RIDGE * np.eye(4)
    left = windowed(ones[..., :, None] * ones[..., None, :]) + ridge
    right = windowed(ones[..., :, None] * reference[..., None, :]) + ridge[:, :3]
    solved = np.linalg.solve(left, right)  # [H, W, 4, 3]
    return np.swapaxes(solved, -1, -2).astype(np.float32)


def smoothed(flow: np.ndarray) -> np.ndarray:
    """The flow through a Gaussian filter."""
    return ndimage.gaussian_filter(flow, (SMOOTH, SMOOTH, 0), mode="nearest")


def _sampled_matrices(colour: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A(p + u(p)) `[H, W, 3, 4]`."""
    shape = colour.shape
    return warped(colour.reshape(*shape[:2], 12), flow).reshape(shape)
