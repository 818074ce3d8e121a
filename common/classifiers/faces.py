"""One classifier of face attributes for all packages, trained on real faces only: it reads edits.

The counterpart of the attribute network of the IcGAN authors' `evaluateModel`: no GAN is trained
with it, none of its training images is a test image, and its own accuracy and F1 on real test
images stand beside each figure that it gives. It sees squares of many sizes and places around the
face, so that it reads faces whatever their crop, and figures of different packages compare.

That of CelebA is trained where it is needed, within minutes, and kept in the cache: weights made
from CelebA's faces do not belong into a repository. That of drawn faces comes with the project:

    python -m common.classifiers --dataset drawn --out weights/classifier-drawn
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from common import datasets
from common.datasets.records import Records
from common.errors import UserError
from common.files import atomic_path
from common.images import in_blocks, to_range
from common.runs.weights import default_weights
from common.settings.config import Source

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

logger = logging.getLogger(__name__)

WEIGHTS = "classifier.weights.h5"
SHIPPED = {"drawn": default_weights("classifier-drawn")}
IMAGES = 20_000  # training faces, at most
SKIPPED = 100  # CelebA's first faces: the authors of IFcVAEGAN test on them
DRAWN_IMAGES = 1_024  # drawn faces that it learns from
LOADED = 96  # side of the training images, of the whole width
SIZE = 64  # side of what the network sees
SMALLEST = 0.6  # side of the smallest square that is cut out; 108 of 178 pixels is .61
SHIFT = 0.06  # of the square from the centre, at most
WIDTHS = (24, 48, 96, 192)
EPOCHS = 24
MOST_IMAGES = 500_000  # in training, at most
BATCH = 64
LEARNING_RATE = 1e-3
DROPOUT = 0.25  # at 0.5 rare attributes, such as Eyeglasses, were never read


@dataclass(frozen=True, slots=True)
class FaceClassifier:
    """Reads attributes in faces of any size and crop.

    Attributes:
        network: images `[B, 64, 64, 3]` in [-1, 1] to logits `[B, A]`.
        names: of the A attributes.
        images: on how many faces it was trained.
    """

    network: keras.Model
    names: tuple[str, ...]
    images: int

    def probabilities(self, images: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
        """Probability of each attribute.

        Args:
            images: uint8 `[N, S, S, 3]`.
            names: the attributes to tell of, in order; all by default.

        Returns:
            float64 `[N, A]` in 0..1.
        """
        from scipy.special import expit

        logits = in_blocks(lambda block: self.network(seen(block), training=False), images)
        columns = [self.names.index(name) for name in (self.names if names is None else names)]
        return expit(logits[:, columns].astype(np.float64))

    def read(self, images: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
        """Which attributes the images have, bool `[N, A]`; the arguments as above."""
        return self.probabilities(images, names) > 0.5


def seen(images: np.ndarray) -> tf.Tensor:
    """Uint8 images `[N, S, S, 3]` as the network sees them, `[N, 64, 64, 3]` in [-1, 1]."""
    import tensorflow as tf

    shown = to_range(images)
    if images.shape[1:3] == (SIZE, SIZE):
        return shown
    return tf.image.resize(shown, (SIZE, SIZE), antialias=True)


def attribute_classifier(attributes: int) -> keras.Model:
    """Builds the network: images `[B, 64, 64, 3]` in [-1, 1] to logits `[B, A]`."""
    import keras

    image = keras.Input((SIZE, SIZE, 3), name="image")
    hidden = image
    for width in WIDTHS:  # 64 -> 32 -> 16 -> 8 -> 4
        hidden = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(hidden)
        hidden = keras.layers.MaxPooling2D(2)(hidden)  # first: BatchNorm then sees a quarter
        hidden = keras.layers.BatchNormalization(momentum=0.9)(hidden)
        hidden = keras.layers.ReLU()(hidden)
    hidden = keras.layers.Flatten()(hidden)
    hidden = keras.layers.Dropout(DROPOUT)(hidden)
    hidden = keras.layers.Dense(128, activation="relu", name="features")(hidden)
    hidden = keras.layers.Dropout(DROPOUT)(hidden)
    logits = keras.layers.Dense(attributes, dtype="float32", name="logits")(hidden)
    return keras.Model(image, logits, name="attribute_classifier")


def train(records: Records, seed: int = 0, epochs: int = EPOCHS) -> keras.Model:
    """Trains a new classifier with binary cross-entropy and Adam.

    Each batch shows half of its images mirrored, and of each a random square. Sets the global
    random seeds.

    Args:
        records: real images `[N, S, S, 3]`, attributes of 0 and 1.
        seed: of the initial weights, the order of the images, dropout, mirroring and the squares.
        epochs: passes over the images, as long as these are at most `MOST_IMAGES`.

    Returns:
        The trained network, without the optimizer.
    """
    import keras
    import tensorflow as tf

    from common.datasets.pipeline import endless_batches

    keras.utils.set_random_seed(seed)
    steps = max(1, min(epochs * len(records), MOST_IMAGES) // BATCH)
    logger.info(
        "training the classifier of attributes on %s real images: a minute a thousand or less, on "
        "two cores; it is kept for the next time",
        f"{len(records):,}",
    )
    network = attribute_classifier(len(records.attribute_names))
    network.compile(
        optimizer=keras.optimizers.Adam(
            cast(Any, keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
        ),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=cast(Any, False),
    )

    def squares(step: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor]):
        image, attributes = batch
        key = tf.stack([tf.constant(seed, tf.int64), step])
        draws = tf.random.stateless_uniform((3, BATCH), key)
        side = SMALLEST + (1.0 - SMALLEST) * draws[0]
        margin = 1.0 - side  # what is cut off, about as much on all sides
        top, left = (
            tf.clip_by_value(margin / 2.0 + SHIFT * (2.0 * draw - 1.0), 0.0, margin)
            for draw in (draws[1], draws[2])
        )
        boxes = tf.stack([top, left, top + side, left + side], axis=1)
        return tf.image.crop_and_resize(image, boxes, tf.range(BATCH), (SIZE, SIZE)), attributes

    batches = endless_batches(records, BATCH, seed, flip=True).enumerate().map(squares)
    network.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=cast(Any, 0))
    trained = attribute_classifier(len(records.attribute_names))
    trained.set_weights(network.get_weights())
    return trained


def training_faces(dataset: str, source: Source) -> Records:
    """The faces that the classifier of a data set learns from, with all attributes."""
    skipped, most = (SKIPPED, IMAGES) if dataset == "celeba" else (0, DRAWN_IMAGES)
    limited = dataclasses.replace(source, limit=most + skipped)
    records = datasets.load(dataset, "train", limited, size=LOADED)
    return records.take(slice(min(skipped, len(records) // 10), None))


def load_classifier(dataset: str, source: Source | None = None) -> FaceClassifier:
    """The classifier of a data set's faces: shipped, from the cache, or trained into it.

    Args:
        dataset: "celeba" or "drawn".
        source: names the folders of the data and of the cache.

    Raises:
        UserError: the data are not what the loader needs, or a damaged file.
    """
    from common.datasets.celeba.faces import default_cache

    if dataset in SHIPPED:
        return load_stored(SHIPPED[dataset])
    source = source or Source()
    records = training_faces(dataset, source)
    file = (
        source.cache_dir or default_cache()
    ) / f"classifier-{dataset}-{_key(records)}.weights.h5"
    if not file.is_file():
        network = train(records)
        with atomic_path(file) as temporary:
            network.save_weights(temporary)
        return FaceClassifier(network, records.attribute_names, len(records))
    return _loaded(file, records.attribute_names, len(records))


def _key(records: Records) -> str:
    """A hash of all that the weights depend on."""
    settings = {
        "data": records.fingerprint(),
        "network": [WIDTHS, SIZE, EPOCHS, MOST_IMAGES, BATCH, LEARNING_RATE, DROPOUT],
        "squares": [LOADED, SMALLEST, SHIFT],
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def load_stored(folder: Path) -> FaceClassifier:
    """The classifier that `python -m common.classifiers --out FOLDER` has stored.

    Raises:
        UserError: there is none, or it is damaged.
    """
    file = folder / "config.json"
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds no classifier of faces: {error}.") from error
    return _loaded(folder / WEIGHTS, tuple(about["attributes"]), int(about["images"]))


def _loaded(file: Path, names: tuple[str, ...], images: int) -> FaceClassifier:
    network = attribute_classifier(len(names))
    try:
        network.load_weights(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is damaged ({error}); delete it, it is made anew.") from error
    return FaceClassifier(network, names, images)
