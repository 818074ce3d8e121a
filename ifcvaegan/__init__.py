"""IFcVAEGAN: a conditional VAE-GAN whose latent an adversary strips of the attribute.

Creswell, Bharath & Sengupta 2017 (arXiv 1711.05175 v1); see README.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import common  # noqa: F401 (checks that the requirements are there)

if TYPE_CHECKING:
    from ifcvaegan.editor import IFcVAEGANEditor


def load(run: Path | None = None) -> IFcVAEGANEditor:
    """The editor of a run, or of the model that comes with the project; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from ifcvaegan import editor

    return editor.load(run)
