"""What an edit does to y, and latent arithmetic."""

from __future__ import annotations

import numpy as np

from ifcvaegan.codes import attribute_vector, moved, with_values


def test_values_are_set_and_all_others_stay():
    read = np.array([[0.2, 0.7, 0.1], [0.9, 0.4, 0.6]])
    found = with_values(
        read, ("Smiling", "Male", "Eyeglasses"), {"Eyeglasses": 1.0, "Smiling": 0.25}
    )
    np.testing.assert_allclose(found, [[0.25, 0.7, 1.0], [0.25, 0.4, 1.0]])
    assert found.dtype == np.float32
    assert read[0, 0] == 0.2


def test_the_attribute_vector_leads_from_the_mean_without_to_the_mean_with():
    means = np.array([[0.0, 1.0], [2.0, 1.0], [5.0, 4.0]])
    vector = attribute_vector(means, np.array([False, False, True]))
    np.testing.assert_allclose(vector, [4.0, 3.0])  # (5, 4) - (1, 1)
    np.testing.assert_allclose(moved(means[:1], vector, 0.5), [[2.0, 2.5]])
