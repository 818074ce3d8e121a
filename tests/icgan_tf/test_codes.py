"""Codes in numbers: y* from y, and images to (z, y) and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from icgan_tf.codes import between, binary, decode, encode, shifted, variations, with_values
from icgan_tf.config import PAPER18

if TYPE_CHECKING:
    from icgan_tf.trained import Trained

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")


def one_hot(*classes: int) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[list(classes)]


# --- Digits: y* from y ----------------------------------------------------------------------------


def test_plus_one_of_a_nine_is_a_zero():
    assert shifted(one_hot(9), 1).tolist() == one_hot(0).tolist()


def test_digits_are_added_to_modulo_ten():
    found = shifted(one_hot(0, 4, 7, 9), 5)
    assert found.argmax(axis=1).tolist() == [5, 9, 2, 4]


@pytest.mark.parametrize(("k", "expected"), [(-1, 3), (10, 4), (23, 7), (-14, 0)])
def test_any_integer_can_be_added_to_a_four(k, expected):
    assert shifted(one_hot(4), k).argmax() == expected


@pytest.mark.parametrize("k", range(-11, 12))
def test_exactly_one_class_is_active_whatever_is_added(k):
    found = shifted(one_hot(*range(10)), k)
    assert sorted(np.unique(found)) == [0.0, 1.0]
    assert found.sum(axis=1).tolist() == [1.0] * 10


def test_without_the_modulo_a_nine_plus_one_asks_for_no_class():
    assert shifted(one_hot(9, 8), 1, wrap=False).tolist() == [[0.0] * 10, *one_hot(9).tolist()]


def test_without_the_modulo_a_zero_minus_one_asks_for_no_class():
    assert shifted(one_hot(0, 1), -1, wrap=False).tolist() == [[0.0] * 10, *one_hot(0).tolist()]


def test_of_classes_the_largest_is_meant_however_small():
    assert binary(np.array([[-3.0, -1.0, -2.0], [0.6, 0.9, 2.0]]), True).tolist() == [
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
    ]


def test_attributes_are_there_above_one_half():
    assert binary(np.array([[0.49, 0.5, 0.51, -2.0, 3.0]]), False).tolist() == [[0, 0, 1, 0, 1]]


# --- Faces: y* from y -----------------------------------------------------------------------------


def edited(present: tuple[str, ...], *args, **values: float) -> set[str]:
    """The attributes that are there after `values` are set where those in `present` were."""
    start = np.array([[float(name in present) for name in PAPER18]])
    (row,) = with_values(start, PAPER18, values, *args)
    return {name for name, value in zip(PAPER18, row, strict=True) if value == 1.0}


def test_an_attribute_is_set_and_all_others_stay():
    assert edited(("Male", "Wavy_Hair"), Smiling=1.0) == {"Male", "Wavy_Hair", "Smiling"}


def test_an_attribute_is_cleared_and_all_others_stay():
    assert edited(("Male", "Wavy_Hair"), Male=-1.0) == {"Wavy_Hair"}


@pytest.mark.parametrize(
    "group",
    [HAIR, ("Bald", "Bangs", "Receding_Hairline"), ("Straight_Hair", "Wavy_Hair")],
)
def test_setting_one_of_a_group_clears_the_others_of_it_alone(group):
    for name in group:
        others = tuple(other for other in group if other != name)
        assert edited((*others, "Eyeglasses", "Male"), **{name: 1.0}) == {
            *(name, "Eyeglasses", "Male"),
        }


def test_groups_do_not_reach_into_each_other():
    assert edited(("Bangs", "Wavy_Hair"), Blond_Hair=1.0) == {"Bangs", "Wavy_Hair", "Blond_Hair"}


def test_clearing_one_of_a_group_leaves_the_others():
    assert edited(("Black_Hair", "Gray_Hair"), Gray_Hair=-1.0) == {"Black_Hair"}


def test_groups_can_be_left_alone():
    assert edited(("Black_Hair",), False, Gray_Hair=1.0) == {"Black_Hair", "Gray_Hair"}


def test_what_is_set_itself_is_not_cleared_by_its_group():
    assert edited((), Gray_Hair=1.0, Black_Hair=1.0) == {"Gray_Hair", "Black_Hair"}


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


def test_variations_of_a_digit_are_all_ten_classes():
    found = variations(one_hot(3, 7), tuple("0123456789"), one_hot=True)
    assert list(found) == list("0123456789")
    assert [rows.argmax(axis=1).tolist() for rows in found.values()] == [[k, k] for k in range(10)]


def test_variations_of_a_face_set_each_attribute_but_turn_male_over():
    names = ("Black_Hair", "Gray_Hair", "Male")
    found = variations(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]), names, one_hot=False)
    assert {label: rows.tolist() for label, rows in found.items()} == {
        "Black_Hair": [[1, 0, 1], [1, 0, 0]],
        "Gray_Hair": [[0, 1, 1], [0, 1, 0]],
        "Male toggled": [[1, 0, 0], [0, 0, 1]],
    }


def test_variations_of_a_face_can_leave_groups_alone():
    names = ("Black_Hair", "Gray_Hair")
    found = variations(np.array([[1.0, 0.0]]), names, one_hot=False, exclusive=False)
    assert found["Gray_Hair"].tolist() == [[1.0, 1.0]]


def test_a_quarter_of_the_way_is_a_quarter_in_latents_and_in_attributes():
    z, y = between((np.array([[0.0, 4.0]]), one_hot(2)), (np.array([[4.0, 0.0]]), one_hot(5)), 0.25)
    assert z.tolist() == [[1.0, 3.0]]
    assert y.tolist() == [[0, 0, 0.75, 0, 0, 0.25, 0, 0, 0, 0]]


# --- Images to codes and back ---------------------------------------------------------------------


def toy(config, size: int = 28, conditions: str = "signed", pixels: str = "signed") -> Trained:
    """E_z reads all pixels, E_y the first ten; G shows z times the fourth value of y."""
    import keras

    from icgan_tf.trained import Trained

    image, z, y = (keras.Input(shape) for shape in ((size, size, 1), (size * size,), (10,)))
    flat: Any = keras.layers.Flatten()(image)
    gate: Any = y
    family = "dense" if size == 28 else "paper"
    config = replace(
        config,
        data=replace(config.data, image_size=size, condition_values=conditions, pixel_range=pixels),
        networks=replace(config.networks, family=family),
    )
    return Trained(
        Path("nowhere"),
        config,
        generator=keras.Model([z, y], keras.layers.Reshape((size, size, 1))(z * gate[:, 3:4])),
        encoder_z=keras.Model(image, flat),
        encoder_y=keras.Model(image, flat[:, :10]),
    )


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [("signed", [-1, -0.6, 1]), ("unit", [0, 0.2, 1])],
)
def test_the_encoders_see_images_in_the_range_of_the_settings(dense_config, pixels, expected):
    images = np.zeros((1, 28, 28, 1), np.uint8)
    images[0, 0, :3, 0] = (0, 51, 255)  # 51 is a fifth of the way
    latents, _ = encode(toy(dense_config, pixels=pixels), images)
    np.testing.assert_allclose(latents[0, :3], expected, atol=1e-6)


def test_digits_get_a_black_border_where_the_networks_are_larger(dense_config):
    latents, _ = encode(toy(dense_config, size=32), np.full((1, 28, 28, 1), 255, np.uint8))
    seen = latents.reshape(32, 32)
    assert (seen[2:30, 2:30] == 1.0).all()
    assert seen.sum() == 28**2 - (32**2 - 28**2)  # all else is -1


@pytest.mark.parametrize(
    ("conditions", "pixels", "expected"),
    [
        ("signed", "signed", [0, 1]),  # E_y says -1 and 1
        ("unit", "signed", [-1, 1]),
        ("signed", "unit", [0.5, 1]),  # E_y says 0 and 1
        ("unit", "unit", [0, 1]),
    ],
)
def test_what_e_y_says_is_put_on_the_scale_of_0_absent_and_1_present(
    dense_config, conditions, pixels, expected
):
    images = np.zeros((1, 28, 28, 1), np.uint8)
    images[0, 0, 1, 0] = 255
    _, answers = encode(toy(dense_config, conditions=conditions, pixels=pixels), images)
    np.testing.assert_allclose(answers[0, :2], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("conditions", "pixels", "levels"),
    [  # of y = 0, 0.75 and 1
        ("signed", "signed", [0, 191, 255]),  # G's -1, 0.5 and 1: 1.5 * 127.5 = 191.25
        ("unit", "signed", [128, 223, 255]),  # G's 0, 0.75 and 1: 1.75 * 127.5 = 223.1
        ("signed", "unit", [0, 128, 255]),  # G's -1, 0.5 and 1: 0.5 * 255 = 127.5
        ("unit", "unit", [0, 191, 255]),  # G's 0, 0.75 and 1: 0.75 * 255 = 191.25
    ],
)
def test_g_is_told_conditions_and_read_in_the_ranges_of_the_settings(
    dense_config, conditions, pixels, levels
):
    attributes = np.zeros((3, 10), np.float32)
    attributes[:, 3] = (0.0, 0.75, 1.0)
    model = toy(dense_config, conditions=conditions, pixels=pixels)
    images = decode(model, np.ones((3, 784), np.float32), attributes)
    assert (images.dtype, images.shape) == (np.uint8, (3, 28, 28, 1))
    assert images[:, 14, 14, 0].tolist() == levels


def test_generated_digits_come_without_their_border(dense_config):
    z = np.arange(1024, dtype=np.float32).reshape(1, 32, 32) / 1024
    image = decode(toy(dense_config, size=32, pixels="unit"), z.reshape(1, 1024), one_hot(3))
    expected = np.rint(z[0, 2:30, 2:30] * 255)
    np.testing.assert_array_equal(image[0, :, :, 0], expected)


def test_blocks_of_500_encode_and_decode_as_one_call_would(dense_config):
    images = np.random.default_rng(0).integers(0, 256, (1001, 28, 28, 1), dtype=np.uint8)
    model = toy(dense_config)
    latents, answers = encode(model, images)
    np.testing.assert_allclose(answers * 2 - 1, latents[:, :10], atol=1e-6)
    np.testing.assert_array_equal(decode(model, latents, np.ones((1001, 10))), images)


@pytest.mark.parametrize("name", ["model", "dense_model", "faces_model"])
def test_the_code_and_the_edit_of_an_image_do_not_depend_on_the_rest_of_the_batch(
    request, digits, faces, name
):
    model = request.getfixturevalue(name)
    images = digits if model.digits else faces.images[:10]
    latents, answers = encode(model, images)
    alone = encode(model, images[4:5])
    np.testing.assert_allclose(alone[0], latents[4:5], atol=1e-4)
    np.testing.assert_allclose(alone[1], answers[4:5], atol=1e-4)
    attributes = 1.0 - binary(answers, model.digits)
    together = decode(model, latents, attributes).astype(int)
    assert abs(together - together[:1]).max() > 50  # the others are other images
    (single,) = decode(model, latents[4:5], attributes[4:5])
    assert abs(single - together[4]).max() <= 1  # sums of another order may round
