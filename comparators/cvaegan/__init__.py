"""CVAE-GAN on faces: Bao, Chen, Wen, Li & Hua 2017 (arXiv 1703.10155).

"Architecture most similar to our own" in Figure 1 of IFcVAEGAN (arXiv 1711.05175 v1), which has no
figures of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparators.cvaegan.editor import CVAEGANEditor


def load(run: Path | None = None) -> CVAEGANEditor:
    """The trained networks of a run; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from comparators.cvaegan import editor

    return editor.load(run)
