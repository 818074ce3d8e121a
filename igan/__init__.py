"""iGAN: generative visual manipulation on the image manifold (Zhu et al. 2016).

Rebuilt from the report of Gupta, Kansal & Bansal (2016). A photo is projected onto the manifold of
a DCGAN, edited there by strokes, and the edit is transferred back to the photo.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import common  # noqa: F401 (checks that the requirements are there)

if TYPE_CHECKING:
    from igan.editor import IGANEditor


def load(run: Path | None = None) -> IGANEditor:
    """The editor of a run, or of the model that comes with the project; TensorFlow starts here.

    Raises:
        UserError: the folder is no run, or is not trained yet, or Keras has another backend.
    """
    from common import device

    device.before_models()
    from igan import editor

    return editor.load(run)
