"""The condition y: its encoding, the prior of the fakes' y', and labels that cannot be right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from common.training.adversarial import AdversarialModel
from icgan_tf.conditions import Conditions, encoded

CLASSES = np.eye(10, dtype=np.float32)
FACES = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]], np.float32)


def classes(counts: list[int]) -> np.ndarray:
    """One-hot rows, so many of each class."""
    return np.eye(len(counts), dtype=np.float32)[np.repeat(np.arange(len(counts)), counts)]


def given(integers: list):
    """Draws these integers, whatever is asked for."""
    return lambda *_: tf.constant(integers, tf.int32)


def drawn(conditions: Conditions, count: int, **options) -> np.ndarray:
    """Rows of y', in classes or as tuples, for a batch of the first training row."""
    y = tf.repeat(conditions.rows[:1], count, axis=0)
    return np.asarray(conditions.sample(y, AdversarialModel(**options).integers))


# Encoding


def test_attributes_are_minus_one_and_one_or_stay_zero_and_one():
    attributes = tf.constant([[0.0, 1.0, 1.0]])
    np.testing.assert_array_equal(encoded(attributes, "signed"), [[-1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(encoded(attributes, "unit"), [[0.0, 1.0, 1.0]])


@pytest.mark.parametrize(("values", "off"), [("signed", -1.0), ("unit", 0.0)])
def test_all_that_the_networks_see_has_the_same_two_values(values, off):
    conditions = Conditions(classes([3, 3, 3]), values, one_hot=True)
    integers = AdversarialModel().integers
    y = conditions.encode(classes([1, 1, 1]))
    uniform = Conditions(classes([3, 3, 3]), values, "uniform", one_hot=True)
    faces = Conditions(FACES, values)
    for shown in (
        y,
        conditions.sample(y, integers),
        conditions.mismatched(y, integers),
        uniform.sample(y, integers),
        faces.sample(faces.encode(FACES), integers),
        faces.mismatched(faces.encode(FACES), integers),
    ):
        assert set(np.unique(shown)) == {off, 1.0}


def test_images_that_are_all_alike_are_refused():
    with pytest.raises(UserError, match="All 5 training images have the same attributes"):
        Conditions(np.repeat(FACES[:1], 5, axis=0))


def test_a_uniform_class_needs_classes():
    with pytest.raises(UserError, match="draws classes, as digits have"):
        Conditions(FACES, prior="uniform")


def test_the_answer_of_e_y_is_its_greatest_class():
    conditions = Conditions(CLASSES[:3, :3], one_hot=True)
    y = conditions.encode(np.eye(3, dtype=np.float32))
    # Right, wrong, and right although every value is below 0: 2 of 3.
    answer = tf.constant([[0.2, -0.5, 0.1], [0.9, 0.8, -1.0], [-0.9, -0.8, -0.1]])
    assert float(conditions.agreement(y, answer)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("values", "middle"), [("signed", 0.0), ("unit", 0.5)])
def test_each_attribute_that_e_y_puts_on_the_right_side_of_the_middle_counts(values, middle):
    conditions = Conditions(FACES, values)
    y = conditions.encode(FACES[:2])  # 0 1 0, 1 1 0
    side = np.array([[-0.1, 0.2, 0.1], [0.1, -0.2, -0.1]], np.float32)
    # Right: the first two, and the first and the last: 4 of 6.
    assert float(conditions.agreement(y, middle + side)) == pytest.approx(4 / 6)


# The prior p_y


def test_the_prior_batch_gives_the_labels_of_the_real_images():
    conditions = Conditions(FACES, prior="batch")
    y = conditions.encode(FACES)
    np.testing.assert_array_equal(conditions.sample(y, given([])), y)


def test_the_prior_empirical_draws_whole_rows_of_training_images():
    rows = drawn(Conditions(FACES, "unit"), 4000)
    counts = Counter(tuple(row) for row in rows.astype(int).tolist())
    # 2, 1 and 1 of 4 rows; standard deviations 32 and 27. Independent attributes would mix them.
    assert set(counts) == {(0, 1, 0), (1, 1, 0), (0, 0, 1)}
    assert abs(counts[0, 1, 0] - 2000) < 130
    assert abs(counts[1, 1, 0] - 1000) < 110


def test_the_prior_empirical_does_not_depend_on_the_real_batch():
    conditions = Conditions(FACES)
    integers = AdversarialModel().integers
    one, other = (conditions.sample(tf.fill((50, 3), value), integers) for value in (-1.0, 1.0))
    np.testing.assert_array_equal(one, other)


def test_the_prior_uniform_draws_each_class_as_often_whatever_the_labels():
    rows = drawn(Conditions(classes([97, 1, 1, 1]), "unit", "uniform", one_hot=True), 4000)
    np.testing.assert_array_equal(rows.sum(axis=1), 1.0)
    counts = np.bincount(rows.argmax(axis=1), minlength=4)
    # Chi-square of 3 degrees of freedom: above 16.3 in one of 1,000 cases.
    assert (np.square(counts - 1000) / 1000).sum() < 16.3


# Labels that do not match


def test_a_wrong_digit_is_each_of_the_nine_others_as_often_and_never_the_right_one():
    conditions = Conditions(CLASSES, "unit", one_hot=True)
    y = conditions.encode(np.repeat(CLASSES, 900, axis=0))
    wrong = np.asarray(conditions.mismatched(y, AdversarialModel().integers))
    np.testing.assert_array_equal(wrong.sum(axis=1), 1.0)
    pairs = np.zeros((10, 10))
    np.add.at(pairs, (np.asarray(y).argmax(axis=1), wrong.argmax(axis=1)), 1)
    np.testing.assert_array_equal(pairs.diagonal(), 0)
    others = pairs[~np.eye(10, dtype=bool)]  # 90 pairs, 100 expected of each
    # Chi-square of 10 * 8 degrees of freedom: above 125 in one of 1,000 cases.
    assert (np.square(others - 100) / 100).sum() < 125


@pytest.mark.parametrize(("step", "digit"), [(0, 4), (5, 9), (6, 0), (8, 2)])
def test_wrong_digits_count_on_from_the_right_one_and_wrap_around(step, digit):
    conditions = Conditions(CLASSES, one_hot=True)
    wrong = conditions.mismatched(conditions.encode(CLASSES[3:4]), given([step]))
    assert int(np.asarray(wrong).argmax()) == digit  # 3 + 1 + step, mod 10


def test_wrong_attributes_are_drawn_again_while_they_are_equal():
    conditions = Conditions(FACES, "unit")
    y = conditions.encode(FACES[:1])
    # Rows 0 and 3 are y's own; row 2 is the first that is not.
    wrong = conditions.mismatched(y, given([[0, 3, 0, 2, 1, 0, 0, 1]]))
    np.testing.assert_array_equal(wrong, FACES[2:3])


def test_wrong_attributes_are_those_of_the_first_draw_when_it_differs():
    conditions = Conditions(FACES, "unit")
    wrong = conditions.mismatched(conditions.encode(FACES[:1]), given([[1, 2, 0, 2, 2, 2, 2, 2]]))
    np.testing.assert_array_equal(wrong, FACES[1:2])


@pytest.mark.parametrize("own", [0, 1])
def test_wrong_attributes_differ_even_when_all_but_one_image_are_equal(own):
    common, rare = FACES[:2]
    rows = np.concatenate([np.repeat(common[None], 10_000, axis=0), rare[None]])
    conditions = Conditions(rows, "unit")
    y = tf.repeat(FACES[own][None], 200, axis=0)
    wrong = np.asarray(conditions.mismatched(y, AdversarialModel().integers))
    np.testing.assert_array_equal(wrong, np.repeat(FACES[1 - own][None], 200, axis=0))


def test_wrong_attributes_are_rows_of_training_images_unequal_to_each_y():
    rng = np.random.default_rng(0)
    rows = rng.integers(2, size=(40, 4)).astype(np.float32)
    conditions = Conditions(rows[:20])
    y = np.asarray(conditions.encode(rows))  # half of them from images that it does not know
    known = {tuple(row) for row in np.asarray(conditions.rows).tolist()}
    model = AdversarialModel()
    for step in range(20):
        model.step.assign(step)
        wrong = np.asarray(conditions.mismatched(y, model.integers))
        assert np.all((wrong != y).any(axis=1))
        assert {tuple(row) for row in wrong.tolist()} <= known


@pytest.mark.parametrize("rows", [CLASSES, FACES])
def test_a_step_draws_its_prior_and_its_wrong_labels_apart(rows):
    conditions = Conditions(rows, one_hot=rows is CLASSES)
    names, integers = [], AdversarialModel().integers

    def named(shape: tuple, below: int, salt: str) -> tf.Tensor:
        names.append(salt)
        return integers(shape, below, salt)

    conditions.sample(conditions.rows, named)
    conditions.mismatched(conditions.rows, named)
    assert len(set(names)) == 2
