"""AGE, the Adversarial Generator-Encoder, on faces: Ulyanov et al. (arXiv 1704.02304).

A system of Table 2 of CRG (arXiv 1907.01841): encoder and generator alone play the game, without a
discriminator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparators.age.editor import AGEEditor


def load(run: Path | None = None) -> AGEEditor:
    """The trained networks of a run; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from comparators.age import editor

    return editor.load(run)
