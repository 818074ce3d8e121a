"""What each edit does to y, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from icgan_tf.codes import binary, shifted, variations, with_values
from icgan_tf.config import PAPER18


def one_hot(*classes: int) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[list(classes)]


# --- Digits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "k", "expected"),
    [
        ((9,), 1, [0]),
        ((0, 4, 7, 9), 5, [5, 9, 2, 4]),
        ((4,), -1, [3]),
        ((4,), 10, [4]),
        ((4,), 23, [7]),
        ((4,), -14, [0]),
    ],
)
def test_any_integer_is_added_to_a_digit_modulo_ten(classes, k, expected):
    np.testing.assert_array_equal(shifted(one_hot(*classes), k), one_hot(*expected))


@pytest.mark.parametrize(("end", "other", "k"), [(9, 8, 1), (0, 1, -1)])
def test_without_the_modulo_a_step_past_the_end_asks_for_no_class(end, other, k):
    found = shifted(one_hot(end, other), k, wrap=False)
    np.testing.assert_array_equal(found, [np.zeros(10), *one_hot(end)])


def test_of_classes_the_largest_is_meant_however_small():
    read = np.array([[-3.0, -1.0, -2.0], [0.6, 0.9, 2.0]])
    assert binary(read, one_hot=True).tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_attributes_are_there_above_one_half():
    read = np.array([[0.49, 0.5, 0.51, -2.0, 3.0]])
    assert binary(read, one_hot=False).tolist() == [[0, 0, 1, 0, 1]]


# --- Faces ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "values", "expected"),
    [
        # One is set or cleared, and all others stay.
        ("Male Wavy_Hair", {"Smiling": 1}, "Male Wavy_Hair Smiling"),
        ("Male Wavy_Hair", {"Male": -1}, "Wavy_Hair"),
        # One of a group clears the others of it alone.
        ("Blond_Hair Brown_Hair Gray_Hair Male", {"Black_Hair": 1}, "Black_Hair Male"),
        ("Black_Hair Brown_Hair Gray_Hair Bangs", {"Blond_Hair": 1}, "Blond_Hair Bangs"),
        ("Black_Hair Blond_Hair Gray_Hair Wavy_Hair", {"Brown_Hair": 1}, "Brown_Hair Wavy_Hair"),
        ("Black_Hair Blond_Hair Brown_Hair", {"Gray_Hair": 1}, "Gray_Hair"),
        ("Bangs Receding_Hairline Black_Hair", {"Bald": 1}, "Bald Black_Hair"),
        ("Bald Receding_Hairline", {"Bangs": 1}, "Bangs"),
        ("Bald Bangs", {"Receding_Hairline": 1}, "Receding_Hairline"),
        ("Wavy_Hair Male", {"Straight_Hair": 1}, "Straight_Hair Male"),
        ("Straight_Hair Male", {"Wavy_Hair": 1}, "Wavy_Hair Male"),
        # Clearing one leaves the others, and what is set itself is not cleared by its group.
        ("Black_Hair Gray_Hair", {"Gray_Hair": -1}, "Black_Hair"),
        ("", {"Gray_Hair": 1, "Black_Hair": 1}, "Gray_Hair Black_Hair"),
    ],
)
def test_an_attribute_is_set_or_cleared_with_those_that_it_excludes(present, values, expected):
    start = np.array([[float(name in present.split()) for name in PAPER18]])
    (row,) = with_values(start, PAPER18, values)
    found = {name for name, value in zip(PAPER18, row, strict=True) if value == 1.0}
    assert found == set(expected.split())
    assert set(np.unique(row)) <= {0.0, 1.0}


def test_groups_can_be_left_alone():
    (row,) = with_values(
        np.array([[1.0, 0.0]]), ("Black_Hair", "Gray_Hair"), {"Gray_Hair": 1}, False
    )
    assert row.tolist() == [1.0, 1.0]


def test_groups_do_not_mind_attributes_that_the_model_lacks():
    found = with_values(np.zeros((1, 2)), ("Gray_Hair", "Male"), {"Gray_Hair": 1.0})
    assert found.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(("value", "expected"), [(1, 1.0), (-1, 0.0), (0, 0.5), (3, 2.0)])
def test_values_from_minus_one_to_one_are_those_from_absent_to_present(value, expected):
    assert with_values(np.zeros((1, 1)), ("Male",), {"Male": value}).tolist() == [[expected]]


def test_an_edit_does_not_write_into_its_attributes():
    attributes = np.zeros((1, len(PAPER18)), np.float32)
    with_values(attributes, PAPER18, {"Male": 1.0})
    variations(attributes, PAPER18, one_hot=False)
    assert not attributes.any()


# --- All in turn ----------------------------------------------------------------------------------


def test_variations_of_a_digit_are_all_ten_classes():
    found = variations(one_hot(3, 7), tuple("0123456789"), one_hot=True)
    assert list(found) == list("0123456789")
    for digit, rows in enumerate(found.values()):
        np.testing.assert_array_equal(rows, one_hot(digit, digit))


@pytest.mark.parametrize(("exclusive", "gray"), [(True, [0, 1, 1]), (False, [1, 1, 1])])
def test_variations_of_a_face_set_each_attribute_but_turn_male_over(exclusive, gray):
    names = ("Black_Hair", "Gray_Hair", "Male")
    faces = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    found = variations(faces, names, one_hot=False, exclusive=exclusive)
    assert {label: rows.tolist() for label, rows in found.items()} == {
        "Black_Hair": [[1, 0, 1], [1, 0, 0]],
        "Gray_Hair": [gray, [0, 1, 0]],
        "Male toggled": [[1, 0, 0], [0, 0, 1]],
    }
