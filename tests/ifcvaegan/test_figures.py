"""What stands where on the sheets of a report and of a training: toy images show their y and z."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from common.runs.directory import Run
from ifcvaegan import figures, samples
from ifcvaegan.readings import Encoded
from tests.ifcvaegan.toys import NAMES, Toy, records

TRUE = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], np.float32)
Z = np.array([[0.1], [0.2], [0.3], [0.4]], np.float32)
FACES = np.hstack([TRUE, Z])


def showing(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Images `[N, 3, 1, 3]`: Smiling, Male and z, a row each, as 100 * value + 100."""
    values = np.concatenate([attributes, np.clip(latents, -0.9, 0.9)], axis=1)
    return np.repeat((100 * values + 100).astype(np.uint8)[:, :, None, None], 3, axis=3)


def shown(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = (images[:, :, 0, 0] - np.float32(100)) / 100
    return values[:, :2], values[:, 2:]


REAL = records(showing(TRUE, Z), TRUE)
MODEL: Any = Toy(shown, showing)


@pytest.fixture
def drawn(monkeypatch) -> Callable[[Callable[[], object]], tuple[np.ndarray, list[str]]]:
    """Draws, and gives what a sheet shows, `[rows, columns, 3]`, and its rows' or columns' labels.

    Checks that the sheet goes where the figure says.
    """
    sheets: list[tuple[Any, Any, list[str]]] = []

    def grid(rows, path, row_labels=None, column_labels=None):
        sheets.append((rows, path, row_labels or column_labels))

    for module in (figures, samples):
        monkeypatch.setattr(module, "grid", grid)

    def draw(work: Callable[[], Any]) -> tuple[np.ndarray, list[str]]:
        figure = work()
        ((rows, path, labels),) = sheets
        assert path == getattr(figure, "file", path)
        pixels = np.array([[image[:, 0, 0] for image in row] for row in rows])
        return (pixels - 100.0) / 100, labels

    return draw


def test_edits_stand_below_their_faces_with_0_above_1(drawn, tmp_path):
    sheet, labels = drawn(lambda: figures.edits(Encoded(MODEL, REAL, 0), 0, tmp_path))
    others = ["reconstruction", "y = 0", "y = 1"]
    assert labels == ["with Smiling: real", *others, "without Smiling: real", *others]
    for rows, faces in ((sheet[:4], [0, 3]), (sheet[4:], [1, 2])):
        np.testing.assert_allclose(rows[0], FACES[faces], atol=0.01)
        np.testing.assert_allclose(rows[1], rows[0], atol=0.01)
        for value in (0, 1):
            np.testing.assert_allclose(rows[2 + value][:, 0], value)
            np.testing.assert_allclose(rows[2 + value][:, 1:], rows[0][:, 1:], atol=0.01)


def test_a_sweep_goes_from_0_to_1_beside_the_face(drawn, tmp_path):
    sheet, labels = drawn(lambda: figures.sweep(Encoded(MODEL, REAL, 0), 1, tmp_path))
    assert labels == ["real", *(f"y = {value}" for value in ("0", "0.25", "0.5", "0.75", "1"))]
    np.testing.assert_allclose(sheet[:, 0], FACES, atol=0.01)
    for face, row in zip(FACES, sheet, strict=True):
        np.testing.assert_allclose(row[1:, 1], [0.0, 0.25, 0.5, 0.75, 1.0])
        np.testing.assert_allclose(row[1:, [0, 2]], np.tile(face[[0, 2]], (5, 1)), atol=0.01)


def test_images_of_random_z_share_it_and_differ_in_the_first_attribute_alone(drawn, tmp_path):
    sheet, labels = drawn(lambda: figures.samples(Encoded(MODEL, REAL, 0), 5, tmp_path))
    assert labels == ["Smiling 0", "Smiling 1"]
    np.testing.assert_array_equal(sheet[0][:, 1:], sheet[1][:, 1:])
    np.testing.assert_array_equal(sheet[0][:, 1], TRUE[:, 1])
    assert (sheet[0][:, 0].max(), sheet[1][:, 0].min()) == (0.0, 1.0)
    noise = np.random.default_rng(5).standard_normal((16, 1), np.float32)[:4, 0]
    np.testing.assert_allclose(sheet[0][:, 2], np.clip(noise, -0.9, 0.9), atol=0.01)


def test_a_trainings_sheet_shows_faces_edits_and_random_z_with_0_above_1(drawn, tmp_path):
    effects = {}

    def draw() -> None:
        effects.update(samples.edited_samples(Run(tmp_path), MODEL, REAL)("epoch-0001"))

    sheet, labels = drawn(draw)
    assert labels == ["real", "rec.", "Smiling 0", "Smiling 1", "random z, Smiling 0", "Smiling 1"]
    np.testing.assert_allclose(sheet[0], FACES, atol=0.01)
    np.testing.assert_allclose(sheet[1], sheet[0], atol=0.01)
    for first in (2, 4):
        np.testing.assert_array_equal(sheet[first][:, 1:], sheet[first + 1][:, 1:])
        assert (sheet[first][:, 0].max(), sheet[first + 1][:, 0].min()) == (0.0, 1.0)
    np.testing.assert_allclose(sheet[2][:, 1:], sheet[0][:, 1:], atol=0.01)
    one_row_of_three = 100 / 255 / 3
    assert effects == pytest.approx(dict.fromkeys(NAMES, one_row_of_three))
