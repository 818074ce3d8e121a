"""BiGAN and the latent regressor on MNIST: Donahue, Krähenbühl & Darrell (arXiv 1605.09782).

The two systems of Tables 3 and 4 of CRG (arXiv 1907.01841), with the networks and losses of their
authors' code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparators.bigan.editor import BiGANEditor


def load(run: Path | None = None) -> BiGANEditor:
    """The trained networks of a run; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from comparators.bigan import editor

    return editor.load(run)
