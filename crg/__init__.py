"""CRG, the Cyclic Reverse Generator of Dogan & Keles (arXiv 1907.01841), on MNIST.

An encoder inverts a frozen generator by two cyclic losses; directions in its latent space come
from one pair of images, and edits are steps along them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import common  # noqa: F401 (checks that the requirements are there)

if TYPE_CHECKING:
    from crg.editor import CRGEditor


def load(run: Path | None = None) -> CRGEditor:
    """The editor of a run, or of the model that comes with the project; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from crg import editor

    return editor.load(run)
