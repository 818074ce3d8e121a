"""What a discriminator sees by DiffAugment."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from common.training.adversarial import AdversarialModel
from common.training.diffaugment import diffaugmented


class Still(AdversarialModel):
    """A game without players, of which only the noise matters."""

    loss_names = ("loss",)


@pytest.mark.parametrize("span", [1.0, 2.0])
def test_brightness_moves_by_a_quarter_of_the_range_at_most(span):
    changed = np.asarray(diffaugmented(Still(), tf.zeros((200, 16, 16, 3)), span))
    most = np.abs(changed).max(axis=(1, 2, 3))  # all other changes leave a plain image as it is
    assert 0.2 * span < most.max() <= 0.25 * span
    assert np.median(most) == pytest.approx(0.125 * span, rel=0.2)


def test_an_image_has_gradients_and_moves_by_an_eighth_of_its_side_at_most():
    image = np.zeros((100, 16, 16, 3), np.float32)
    image[:, 8, 8] = 1.0
    variable = tf.Variable(image)
    with tf.GradientTape() as tape:
        seen = diffaugmented(Still(), variable, 1.0)
        total = tf.reduce_sum(seen)
    brightest = np.asarray(tf.reduce_sum(seen, axis=3)).reshape(100, -1).argmax(axis=1)
    rows, columns = np.unravel_index(brightest, (16, 16))
    assert {*rows - 8} == {*columns - 8} == {-2, -1, 0, 1, 2}
    gradient = np.asarray(tape.gradient(total, variable))
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max(axis=(1, 2, 3)) > 0).all()
