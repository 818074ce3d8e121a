"""What distances of sets of images are measured on: features of a network, by their own names.

- `inception`: pool_3 of the Inception network of 2015, `classify_image_graph_def.pb`, which the FID
  and the KID of the literature mean; it is read from a file that you have. The graph scales images
  to 299x299 itself, without antialiasing, as the authors of the FID let it.
- `digits`: 64 values of the project's classifier of MNIST: "FD-mnist-cnn".
- `faces`: 128 values of the project's classifier of face attributes: "FD-face-cnn".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.classifiers.faces import SIZE, FaceClassifier, seen
from common.errors import UserError
from common.images import in_blocks, to_range

if TYPE_CHECKING:
    import keras

FEATURES, IMAGE = "pool_3:0", "ExpandDims:0"  # tensors of the graph of 2015
INCEPTION_BATCH = 32


@dataclass(frozen=True, slots=True)
class Space:
    """Features of images.

    Attributes:
        frechet: what the Frechet distance of them is called.
        kernel: what the kernel distance is called.
        note: whose features they are, for the report.
        of: uint8 images `[N, H, W, C]` to features `[N, D]`.
    """

    frechet: str
    kernel: str
    note: str
    of: Callable[[np.ndarray], np.ndarray]


def digits() -> Space:
    """Of the classifier of MNIST that comes along, for images 28x28x1."""
    from common.classifiers.digits import load_classifier

    network = _features(load_classifier())

    def of(images: np.ndarray) -> np.ndarray:
        if images.shape[1:] != (28, 28, 1):
            raise UserError(
                f"Features of digits are of gray images, 28x28; these are {list(images.shape[1:])}."
            )
        return in_blocks(lambda block: network(to_range(block), training=False), images)

    return Space("FD-mnist-cnn", "KD-mnist-cnn", "64 features of our classifier of digits", of)


def faces(classifier: FaceClassifier) -> Space:
    """Of a classifier of face attributes, for faces of any size and crop."""
    network = _features(classifier.network)

    def of(images: np.ndarray) -> np.ndarray:
        return in_blocks(lambda block: network(seen(block), training=False), images)

    note = (
        f"128 features of the project's classifier of attributes, trained on "
        f"{classifier.images:,} faces, images scaled to {SIZE}x{SIZE}"
    )
    return Space("FD-face-cnn", "KD-face-cnn", note, of)


def _features(network: keras.Model) -> Any:
    import keras

    return keras.Model(network.inputs, network.get_layer("features").output)


def inception(graph: Path) -> Space:
    """Of the Inception network of 2015.

    Args:
        graph: `classify_image_graph_def.pb`, of `inception-2015-12-05.tgz`.

    Raises:
        UserError: the file is missing, or is not that graph.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    definition = tf.compat.v1.GraphDef()
    try:
        content = graph.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        definition.ParseFromString(content)
        network = _wrapped(definition)
    except (OSError, DecodeError, ValueError, KeyError) as error:
        raise UserError(
            f"{graph} is not the Inception graph of 2015, classify_image_graph_def.pb "
            f"({type(error).__name__}); unpack inception-2015-12-05.tgz and name the file in it."
        ) from error

    def of(images: np.ndarray) -> np.ndarray:
        rgb = np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images
        starts = range(0, len(rgb), INCEPTION_BATCH)
        blocks = (rgb[start : start + INCEPTION_BATCH].astype(np.float32) for start in starts)
        return np.concatenate([np.reshape(network(block), (len(block), -1)) for block in blocks])

    note = (
        f"pool_3 of the Inception of 2015, {graph.name} (SHA-256 {digest[:12]}...), images scaled "
        "to 299x299 by the graph, bilinear without antialiasing"
    )
    return Space("FID", "KID", note, of)


def _wrapped(definition: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The graph as a function of RGB images `[N, H, W, 3]` in 0..255.

    It runs in a session, as it was made for: functions of TensorFlow 2 forget which version made a
    graph, and then refuse operations that are as old as this one's.
    """
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3])
        (features,) = tf.import_graph_def(
            definition, input_map={IMAGE: image}, return_elements=[FEATURES]
        )
    session = tf.compat.v1.Session(graph=graph)
    return lambda images: np.asarray(session.run(features, {image: images}))
