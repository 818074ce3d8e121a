"""Eqs. 3 and 4 in numbers, and images to codes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from crg.codes import decode, direction, edit, encode, steps

# The pair of all examples below: z_1 - z_2 = (3, -4), of length 5 and squared length 25.
WITHOUT, WITH = np.array([3.0, 0.0]), np.array([0.0, 4.0])


# --- Eq. 3 ----------------------------------------------------------------------------------------


def test_direction_is_the_difference_over_its_squared_length():
    np.testing.assert_allclose(direction(WITHOUT, WITH), [0.12, -0.16], rtol=1e-12)


def test_direction_has_the_inverse_length_of_the_pairs_distance():
    assert np.linalg.norm(direction(WITHOUT, WITH)) == pytest.approx(0.2)  # 1 / 5


@pytest.mark.parametrize(
    ("norm", "toward", "expected"),
    [
        ("squared", "without", [3 / 25, -4 / 25]),
        ("squared", "with", [-3 / 25, 4 / 25]),
        ("unit", "without", [3 / 5, -4 / 5]),
        ("unit", "with", [-3 / 5, 4 / 5]),
        ("none", "without", [3.0, -4.0]),
        ("none", "with", [-3.0, 4.0]),
    ],
)
def test_direction_divides_and_points_as_asked(norm, toward, expected):
    np.testing.assert_allclose(direction(WITHOUT, WITH, norm, toward), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("norm", "toward", "expected"),
    [
        ("squared", "without", -25.0),
        ("squared", "with", 25.0),
        ("unit", "without", -5.0),
        ("unit", "with", 5.0),
        ("none", "without", -1.0),
        ("none", "with", 1.0),
    ],
)
def test_steps_are_the_pairs_own_distance_in_units_of_the_direction(norm, toward, expected):
    assert steps(WITHOUT, WITH, norm, toward) == pytest.approx(expected)


def test_two_equal_codes_have_no_direction():
    with pytest.raises(UserError, match=r"same code.*choose two different images"):
        direction(WITHOUT, WITHOUT.copy())


def test_codes_that_differ_by_rounding_only_have_no_direction():
    with pytest.raises(UserError, match="same code"):
        direction(WITHOUT, WITHOUT + 1e-7)


# --- Eq. 4 ----------------------------------------------------------------------------------------


def test_minus_25_steps_lead_from_the_image_without_to_the_one_with():
    edited = edit(WITHOUT[None], [direction(WITHOUT, WITH)], [-25.0])
    np.testing.assert_allclose(edited, [[0.0, 4.0]], atol=1e-6)


def test_positive_k_takes_the_attribute_away():
    edited = edit(WITH[None], [direction(WITHOUT, WITH)], [25.0])
    np.testing.assert_allclose(edited, [[3.0, 0.0]], atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=6),
    st.sampled_from(["squared", "unit", "none"]),
    st.sampled_from(["without", "with"]),
)
def test_strength_1_lands_on_the_second_image_for_every_norm_and_side(values, norm, toward):
    z_1, z_2 = np.array(values, np.float32).reshape(2, 3)
    assume(np.linalg.norm(z_1 - z_2) > 1e-3)
    k = steps(z_1, z_2, norm, toward)
    edited = edit(z_1[None], [direction(z_1, z_2, norm, toward)], [k])
    np.testing.assert_allclose(edited[0], z_2, atol=1e-5)


def test_several_attributes_add_up():
    z = np.array([[1.0, 2.0], [-1.0, 0.0]])
    edited = edit(z, [np.array([1.0, 0.0]), np.array([0.5, -1.0])], [2.0, -4.0])
    # 2 (1, 0) - 4 (0.5, -1) = (0, 4) is added to each code.
    np.testing.assert_allclose(edited, [[1.0, 6.0], [-1.0, 4.0]])


def test_the_order_of_attributes_does_not_matter():
    random = np.random.default_rng(0)
    z, (a, b) = random.normal(size=(3, 4)), random.normal(size=(2, 4))
    np.testing.assert_allclose(edit(z, [a, b], [2.0, -3.0]), edit(z, [b, a], [-3.0, 2.0]))


def test_amount_0_leaves_the_codes_bit_for_bit():
    z = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    edited = edit(z, [np.ones(4, np.float32)], [0.0])
    np.testing.assert_array_equal(edited, z)
    assert edited.dtype == np.float32


def test_edit_does_not_write_into_its_codes():
    z = np.zeros((1, 2))
    edit(z, [np.ones(2)], [5.0])
    np.testing.assert_array_equal(z, [[0.0, 0.0]])


def test_every_direction_needs_its_amount():
    with pytest.raises(ValueError, match="argument 2 is longer"):
        edit(np.zeros((1, 2)), [np.ones(2), np.ones(2)], [1.0])


# --- Images to codes and back ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def pixels():
    """A "network" whose codes are the two pixels of an image, and one that shows them."""
    import keras

    image, code = keras.Input((1, 2, 1)), keras.Input((2,))
    return (
        keras.Model(image, keras.layers.Reshape((2,))(image)),
        keras.Model(code, keras.layers.Reshape((1, 2, 1))(code)),
    )


def test_encode_shows_the_encoder_images_in_the_symmetric_range(pixels):
    images = np.array([[0, 255], [51, 204]], np.uint8).reshape(2, 1, 2, 1)
    # x / 127.5 - 1: 51 is a fifth of the range from -1 to 1, 204 four fifths.
    np.testing.assert_allclose(encode(pixels[0], images), [[-1, 1], [-0.6, 0.6]], atol=1e-6)


def test_decode_clips_and_rounds_to_8_bits(pixels):
    images = decode(pixels[1], np.array([[-1.0, 1.0], [-1.5, 7.0], [0.0, -0.6]]))
    assert images.dtype == np.uint8
    # 127.5 lies between two levels and goes to the even one.
    assert images.reshape(3, 2).tolist() == [[0, 255], [0, 255], [128, 51]]


def test_blocks_of_500_encode_and_decode_as_one_call_would(pixels):
    images = np.random.default_rng(0).integers(0, 256, (1001, 1, 2, 1), dtype=np.uint8)
    codes = encode(pixels[0], images)
    np.testing.assert_allclose(codes, images.reshape(1001, 2) / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(decode(pixels[1], codes), images)


def test_encode_and_decode_run_networks_as_after_training():
    import keras

    code = keras.Input((2,))
    dropped = keras.Model(code, keras.layers.Dropout(0.9)(code))
    image = keras.Input((1, 2, 1))
    flat = keras.layers.Dropout(0.9)(keras.layers.Reshape((2,))(image))
    np.testing.assert_array_equal(encode(keras.Model(image, flat), np.full((1, 1, 2, 1), 255)), 1)
    np.testing.assert_array_equal(decode(dropped, np.ones((1, 2), np.float32)), 255)
