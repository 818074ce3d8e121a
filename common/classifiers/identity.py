"""An embedding of faces that no network here was trained with: is it the same person?

dlib's face recognition network (Davis King 2017, weights CC0, from the package
`face_recognition_models`): 128 values, trained so that two pictures of one person are less than 0.6
apart. It is optional: `pip install -r requirements-identity.txt`.

dlib finds eyes and nose in a photograph and cuts a square by them. Here the faces are aligned
already, and reconstructions are too soft for landmarks. So the square is always the same one, in
which the eyes of CelebA's average face are where dlib expects them.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from common.datasets.celeba.faces import Crop

NETWORK = "models/dlib_face_recognition_resnet_model_v1.dat"  # in `face_recognition_models`
SIDE = 150  # of what the network sees, in pixels
# Of dlib's average face the eyes are at (47.7, 47.1) and (100.3, 47.1) of 150, with its margin of a
# quarter; CelebA's average face has them at (69, 111) and (107, 111) of 178x218.
SEEN = (34.5, 77.0, 142.9, 185.4)  # left, top, right, bottom, in an official image
REQUIREMENTS = "requirements-identity.txt"


def available() -> bool:
    """Whether both packages are installed."""
    return all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))


def embeddings(images: np.ndarray, crop: Crop) -> np.ndarray:
    """The embedding of each face.

    Args:
        images: uint8 `[N, S, S, 3]`, faces aligned as CelebA's.
        crop: which square of the official image they show. What the network would see beyond it is
            the edge, repeated.

    Returns:
        float64 `[N, 128]`, of length 1 about. Of one face it is the same on every machine to
        rounding.

    Raises:
        ModuleNotFoundError: the packages are missing, see `available`.
    """
    network = _network()
    chips = [_chip(image, crop) for image in images]
    return np.array(network.compute_face_descriptor(chips)).reshape(-1, 128)


def _chip(image: np.ndarray, crop: Crop) -> np.ndarray:
    """What the network sees of a face, uint8 `[150, 150, 3]`."""
    side = len(image)
    scale = side / (crop[2] - crop[0])
    # In pixels of the image.
    left, top, right, bottom = (scale * (edge - crop[i % 2]) for i, edge in enumerate(SEEN))
    border = max(0, int(np.ceil(max(-left, -top, right - side, bottom - side))))
    wide = np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge")
    box = (left + border, top + border, right + border, bottom + border)
    whole = Image.fromarray(wide)
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))


@functools.cache
def _network() -> Any:
    dlib = importlib.import_module("dlib")
    found = importlib.util.find_spec("face_recognition_models")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0])
    return dlib.face_recognition_model_v1(str(folder / NETWORK))
