"""PIONEER, the Progressively Growing Generative Autoencoder: Heljakka, Solin & Kannala 2018.

arXiv 1807.03026; a system of Tables 2 and 5 of CRG (arXiv 1907.01841): AGE, grown level by level.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparators.pioneer.editor import PioneerEditor


def load(run: Path | None = None) -> PioneerEditor:
    """The trained networks of a run; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from comparators.pioneer import editor

    return editor.load(run)
