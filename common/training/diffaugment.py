"""DiffAugment: a discriminator that sees every image changed does not memorise a small data set."""

from __future__ import annotations

import tensorflow as tf

from common.datasets.augmentation import recoloured, shifted
from common.training.adversarial import AdversarialModel


def diffaugmented(model: AdversarialModel, image: tf.Tensor, span: float) -> tf.Tensor:
    """Images as the discriminator sees them, which is never as they are.

    The i-th images of a step, real or not, are changed alike. Zhao et al. (arXiv 2006.10738) add up
    to a quarter of the range in brightness, scale saturation by 0 to 2 and contrast by 0.5 to 1.5,
    and move by up to an eighth of the side, zeros coming in.

    Args:
        model: draws the changes, by its seed and step.
        image: float32 `[B, H, W, C]`.
        span: the length of its range: 1 for [0, 1], 2 for [-1, 1].

    Returns:
        float32 `[B, H, W, C]`, with gradients with respect to the images.
    """
    count, most = tf.shape(image)[0], (image.shape[1] or 0) // 8
    brightness, contrast, saturation = tf.unstack(
        model.noise((count, 3), "colours", "uniform"), axis=1
    )
    factors = tf.stack([tf.ones_like(contrast), 1.0 + 0.5 * contrast, 1.0 + saturation], axis=1)
    image = recoloured(image + 0.25 * span * brightness[:, None, None, None], factors)
    offset = model.integers((count, 2), 2 * most + 1, "translation") - most
    return shifted(image, offset, "zero")
