"""IcGAN: a conditional GAN that two encoders invert, to edit images by their attributes.

Perarnau et al. 2016 (arXiv 1611.06355) as the Stanford report of Sun, Li & Xu rebuilt it; see
README.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import common  # noqa: F401 (checks that the requirements are there)

if TYPE_CHECKING:
    from icgan_tf.editor import IcGANEditor


def load(run: Path | None = None) -> IcGANEditor:
    """The editor of a run, or of the model that comes with the project; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from icgan_tf import editor

    return editor.load(run)
