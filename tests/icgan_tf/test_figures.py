"""The figures of an evaluation, on tiny networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from common.datasets.records import Records
from icgan_tf import figures
from icgan_tf.codes import shifted, with_values
from icgan_tf.config import PAPER18
from icgan_tf.editor import Codes, IcGANEditor


class Sheet(NamedTuple):
    rows: list
    row_labels: list[str] | None
    column_labels: list[str] | None


class Case(NamedTuple):
    """What every figure is drawn of."""

    model: IcGANEditor
    test: Records
    codes: Codes


@pytest.fixture(scope="module")
def some_digits(model: IcGANEditor, digits: np.ndarray) -> Case:
    """The ten examples, twice but for the last one."""
    images, labels = np.concatenate([digits, digits])[:19], [*range(10), *range(9)]
    one_hot = np.eye(10, dtype=np.float32)[labels]
    test = Records(images, one_hot, tuple("0123456789"), "mnist", "a test")
    return Case(model, test, model.encode(images))


@pytest.fixture(scope="module")
def some_faces(faces_model: IcGANEditor, faces: Records) -> Case:
    return Case(faces_model, faces, faces_model.encode(faces.images))


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[[str], Sheet]:
    """Stands in for the sheets: name -> what it shows."""
    drawn = {}

    def grid(rows, path, row_labels=None, column_labels=None):
        drawn[path] = Sheet([list(row) for row in rows], row_labels, column_labels)

    monkeypatch.setattr(figures, "grid", grid)
    return lambda name: drawn[tmp_path / f"{name}.png"]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Up to one gray level: sums of another order may round."""
    return abs(np.asarray(one, int) - other).max() <= 1


# --- Reconstructions and edits --------------------------------------------------------------------


def test_rows_of_real_images_stand_above_their_reconstructions(some_digits, sheet, tmp_path):
    figures.reconstructions(*some_digits, out=tmp_path)
    rows, labels, _ = sheet("reconstructions")
    model, test, codes = some_digits
    assert [len(row) for row in rows] == [10, 10, 9, 9]
    assert labels == ["real", "ours", "real", "ours"]
    np.testing.assert_array_equal(rows[2], test.images[10:])
    assert alike(rows[3], model.decode(codes)[10:])


def test_figure_5a_has_digits_on_the_left_and_each_plus_one_at_its_place_on_the_right(
    some_digits, sheet, tmp_path
):
    figures.plus_one(*some_digits, out=tmp_path)
    rows, _, _ = sheet("figure-5a")
    model, test, codes = some_digits
    edited = model.decode(codes.with_attributes(shifted(codes.attributes, 1)))
    assert [len(row) for row in rows] == [17, 17, 12]  # eight, a gap, eight; the last three
    assert [row[8] for row in rows] == [None] * 3
    assert rows[2][3:9] == [None] * 6
    np.testing.assert_array_equal(rows[1][:8], test.images[8:16])
    assert alike(rows[1][9:], edited[8:16])
    np.testing.assert_array_equal(rows[2][:3], test.images[16:])
    assert alike(rows[2][9:], edited[16:])


def test_figure_5b_clears_and_sets_an_attribute_on_faces_with_it_and_without_it(
    some_faces, sheet, tmp_path
):
    model, test, codes = some_faces
    drawn = figures.face_edits(*some_faces, out=tmp_path)
    assert [figure.file.name for figure in drawn] == [
        *("edit-Eyeglasses.png", "edit-Smiling.png", "edit-Male.png", "edit-Blond_Hair.png"),
    ]
    assert ["Figure 5b" in figure.title for figure in drawn] == [True, False, False, False]
    rows, labels, _ = sheet("edit-Eyeglasses")
    assert labels == [
        *("with Eyeglasses", "reconstruction", "cleared", "set"),
        *("without Eyeglasses", "reconstruction", "cleared", "set"),
    ]
    there = test.attributes[:, PAPER18.index("Eyeglasses")] > 0.5
    for start, present in ((0, True), (4, False)):
        chosen = np.flatnonzero(there == present)[:8]
        some = codes[chosen]
        cleared, set_ = (
            with_values(some.attributes, PAPER18, {"Eyeglasses": value}) for value in (-1, 1)
        )
        np.testing.assert_array_equal(rows[start], test.images[chosen])
        for row, attributes in enumerate((some.attributes, cleared, set_), start=start + 1):
            assert alike(rows[row], model.decode(some.with_attributes(attributes)))


def test_faces_without_an_attribute_fill_its_figure_where_none_has_it(some_faces, sheet, tmp_path):
    model, test, codes = some_faces
    nobody = replace(test, attributes=np.zeros_like(test.attributes))
    figures.face_edits(model, nobody, codes, tmp_path)
    assert sheet("edit-Male").row_labels == ["without Male", "reconstruction", "cleared", "set"]


def test_only_attributes_that_the_model_knows_have_a_figure(some_faces, sheet, tmp_path):
    model, test, codes = some_faces
    data = replace(model.config.data, attributes=("Male", "Eyeglasses"))
    model = replace(model, config=replace(model.config, data=data))
    drawn = figures.face_edits(model, test.take(slice(0)), codes[:0], tmp_path)
    assert [figure.file.name for figure in drawn] == ["edit-Eyeglasses.png", "edit-Male.png"]


def test_one_digit_of_each_class_is_shown_as_every_class(some_digits, sheet, tmp_path):
    figures.all_attributes(*some_digits, out=tmp_path)
    rows, _, labels = sheet("all-attributes")
    model, test, codes = some_digits
    assert labels == ["input", "rec.", *"0123456789"]
    np.testing.assert_array_equal([row[0] for row in rows], test.images[:10])
    assert alike([row[1] for row in rows], model.decode(codes)[:10])
    sevens = codes[:10].with_attributes(np.repeat(np.eye(10)[7:8], 10, axis=0))
    assert alike([row[2 + 7] for row in rows], model.decode(sevens))


def test_the_first_faces_are_shown_with_each_attribute(some_faces, sheet, tmp_path):
    figures.all_attributes(*some_faces, out=tmp_path)
    rows, _, labels = sheet("all-attributes")
    model, _, codes = some_faces
    assert len(rows) == 8
    assert labels[2:] == [f"{name} toggled" if name == "Male" else name for name in PAPER18]
    turned = codes.attributes[:8].copy()
    turned[:, PAPER18.index("Male")] = 1 - turned[:, PAPER18.index("Male")]
    column = [row[labels.index("Male toggled")] for row in rows]
    assert alike(column, model.decode(codes[:8].with_attributes(turned)))


# --- Samples and lines ----------------------------------------------------------------------------


def test_samples_have_a_latent_a_row_and_an_attribute_a_column(model, sheet, tmp_path):
    figures.samples(model, 3, tmp_path)
    rows, _, labels = sheet("samples")
    assert (len(rows), labels) == (8, tuple("0123456789"))
    z = np.random.default_rng(3).standard_normal((8, 4), np.float32)
    assert alike(
        [row[2] for row in rows], model.decode(Codes(z, np.repeat(np.eye(10)[2:3], 8, axis=0)))
    )


def test_lines_end_at_the_reconstructions_of_two_test_images(some_digits, sheet, tmp_path):
    figures.interpolations(*some_digits, out=tmp_path)
    rows, _, labels = sheet("interpolations")
    model, test, codes = some_digits
    again = model.decode(codes)
    assert labels[:3] == ["real", "0%", "14%"]
    assert labels[-2:] == ["100%", "real"]
    assert len(rows) == 5
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(row[0], test.images[2 * index])
        np.testing.assert_array_equal(row[-1], test.images[2 * index + 1])
        assert alike(row[1], again[2 * index])
        assert alike(row[-2], again[2 * index + 1])
    assert not alike(rows[0][1], rows[0][-2])


# --- Curves ---------------------------------------------------------------------------------------


def test_weights_without_histories_have_no_curves(tmp_path):
    assert figures.curves(tmp_path, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_reports_four_panels_are_drawn_with_what_was_trained(tmp_path):
    counters = {"period": [1, 2], "step": [4, 8], "images": [256, 512], "seconds": [1, 2]}
    gan = {**counters, "discriminator_loss": [1.4, 1.3], "generator_loss": [0.7, 0.8]}
    histories = {"gan": {name: np.array(values, float) for name, values in gan.items()}}
    figures.four_panels(histories, tmp_path / "figure-3.png")
    with Image.open(tmp_path / "figure-3.png") as image:
        assert image.size == (1100, 704)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("some_digits", ["figure-5a.png"]),
        (
            "some_faces",
            [f"edit-{name}.png" for name in ("Eyeglasses", "Smiling", "Male", "Blond_Hair")],
        ),
    ],
)
def test_all_figures_have_files_of_their_own_edits_first(request, sheet, tmp_path, name, first):
    drawn = figures.figures(*request.getfixturevalue(name), seed=0, out=tmp_path)
    assert [figure.file.name for figure in drawn] == [
        *(*first, "reconstructions.png", "all-attributes.png"),
        *("samples.png", "interpolations.png"),
    ]
