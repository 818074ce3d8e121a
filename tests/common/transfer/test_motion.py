"""Motion and colour between images: signs, sums, what is found again."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy import ndimage

from common.errors import UserError
from common.transfer import flow, motion
from common.transfer.motion import (
    Fields,
    applied,
    between,
    concatenated,
    fields_along,
    identity,
    warped,
)

LIBRARIES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(name) is None, reason=f"{name} is not installed"
        ),
    )
    for name in ("cv2", "skimage")
]


def texture(size: int = 64, seed: int = 0) -> np.ndarray:
    """Smooth noise in [0, 1], `[size, size, 3]`, of no symmetry."""
    noise = np.random.default_rng(seed).uniform(0, 1, (size, size, 3))
    smooth = ndimage.gaussian_filter(noise, (1.5, 1.5, 0))
    return np.float32((smooth - smooth.min()) / (smooth.max() - smooth.min()))


def constant(right: float, down: float, colour=None, size: int = 64) -> Fields:
    """The same motion and colours everywhere."""
    fields = identity(size, size)
    fields.flow[:] = right, down
    if colour is not None:
        fields.colour[:] = colour
    return fields


COLOUR = np.float32([[0.8, 0.1, 0.0, 0.05], [0.0, 0.9, 0.0, 0.02], [0.1, 0.0, 0.7, 0.1]])


@pytest.fixture
def library(request, monkeypatch) -> str:
    """The one library for flow that is there."""
    monkeypatch.setattr(flow, "installed", lambda module: module == request.param)
    return request.param


def test_an_image_is_read_at_its_source():
    """u = (2, 1): what is at (row 5, column 7) came from (6, 9)."""
    image = texture()
    found = warped(image, constant(2, 1).flow)
    np.testing.assert_allclose(found[5, 7], image[6, 9], atol=1e-6)


def test_motions_add_up_and_colours_multiply_in_their_order():
    other = np.float32([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0.3]])  # does not commute
    first, second = constant(1.5, -1, COLOUR), constant(0.5, 2, other)
    both = concatenated(first, second)
    np.testing.assert_allclose(both.flow, constant(2, 1).flow, atol=1e-6)
    image = texture()
    step_by_step = applied(second, applied(first, image))
    inner = slice(8, -8)
    np.testing.assert_allclose(
        applied(both, image)[inner, inner], step_by_step[inner, inner], atol=0.05
    )
    wrong = applied(concatenated(second, first), image)
    assert np.abs(wrong - step_by_step)[inner, inner].mean() > 0.03


def test_colours_are_found_by_least_squares():
    image = texture()
    changed = motion.recoloured(image, identity(64, 64).colour * 0 + COLOUR)
    found = motion.fitted_colours(image, changed)
    assert np.sqrt(np.square(motion.recoloured(image, found) - changed).mean()) < 0.01


def test_colours_of_a_flat_image_stay_as_they_are():
    """Where nothing tells what changed, the ridge asks for no change: not for black."""
    flat = np.full((64, 64, 3), 0.4, np.float32)
    np.testing.assert_allclose(
        motion.fitted_colours(flat, flat), identity(64, 64).colour, atol=1e-4
    )


@pytest.mark.parametrize("library", LIBRARIES, indirect=True)
def test_a_translation_is_found_with_its_sign(library):
    source = texture()
    reference = warped(source, constant(3, -1).flow, order=3)
    found = flow.optical_flow(reference, source)
    error = np.linalg.norm(found - [3, -1], axis=2)[8:-8, 8:-8]
    assert error.mean() < 0.1


@pytest.mark.parametrize("library", LIBRARIES, indirect=True)
def test_motion_and_colours_together_are_found(library):
    source = texture()
    truth = constant(1.2, -0.6, COLOUR)
    reference = motion.recoloured(warped(source, truth.flow, order=3), truth.colour)
    found = between(source, reference)
    inner = slice(8, -8)
    error = np.linalg.norm(found.flow - truth.flow, axis=2)[inner, inner].mean()
    alone = flow.optical_flow(reference, source) - truth.flow
    assert error < 0.15
    assert error < np.linalg.norm(alone, axis=2)[inner, inner].mean()
    assert np.abs(applied(found, source) - reference)[inner, inner].mean() < 0.02


def test_nothing_that_happens_changes_nothing(monkeypatch):
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: np.zeros((64, 64, 2)))
    frames = np.repeat(texture()[None], 3, axis=0)
    for fields in fields_along(frames):
        np.testing.assert_array_equal(fields.flow, 0)
        np.testing.assert_allclose(fields.colour, identity(64, 64).colour, atol=1e-3)


def test_without_a_library_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(flow, "installed", lambda module: False)
    with pytest.raises(UserError, match=r"pip install -r requirements-photo\.txt"):
        flow.check_flow()
    with pytest.raises(UserError, match="OpenCV and scikit-image"):
        flow.optical_flow(texture(), texture())
