"""A classifier of face attributes, trained on real training images only: the judge of face edits.

The counterpart of the attribute network A of the IcGAN authors' `evaluateModel`: no GAN is trained
with it, none of its training images is a test image, and its own accuracy and F1 on real test
images stand beside each figure that it gives. It is trained where it is needed, within minutes, and
kept in the cache: weights made from CelebA's faces do not belong into a repository.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from common.datasets.celeba import ALL
from common.datasets.records import Records
from common.errors import UserError
from common.files import atomic_path
from common.images import in_blocks, to_range

if TYPE_CHECKING:
    import keras

    from common.metrics.features import Space

logger = logging.getLogger(__name__)

Judge: TypeAlias = Callable[[np.ndarray], np.ndarray]  # faces [N, H, W, 3] -> probabilities [N, A]
JUDGE_IMAGES = 20_000  # training faces of a run's judge, at most
WIDTHS = (24, 48, 96, 192)
EPOCHS = 12
MOST_IMAGES = 300_000  # in training, at most
BATCH = 64
LEARNING_RATE = 1e-3
DROPOUT = 0.25  # at 0.5 rare attributes, such as Eyeglasses, were never read


def attribute_classifier(size: int, attributes: int) -> keras.Model:
    """Builds the network: images `[B, size, size, 3]` in [-1, 1] to logits `[B, A]`."""
    import keras

    image = keras.Input((size, size, 3), name="image")
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
    """Trains a new classifier with binary cross-entropy and Adam; half of the images mirrored.

    Sets the global random seeds.

    Args:
        records: real images `[N, S, S, 3]`, attributes of 0 and 1.
        seed: of the initial weights, the order of the images, dropout and mirroring.
        epochs: passes over the images, as long as these are at most `MOST_IMAGES`.

    Returns:
        The trained network, without the optimizer.
    """
    import keras

    from common.datasets.pipeline import endless_batches

    keras.utils.set_random_seed(seed)
    steps = max(1, min(epochs * len(records), MOST_IMAGES) // BATCH)
    logger.info(
        "training the judge of attributes on %s real images: a minute a thousand or less, on two "
        "cores; it is kept for the next time",
        f"{len(records):,}",
    )
    network = attribute_classifier(records.images.shape[1], len(records.attribute_names))
    network.compile(
        optimizer=keras.optimizers.Adam(
            cast(Any, keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
        ),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=cast(Any, False),
    )
    batches = endless_batches(records, BATCH, seed, flip=True)
    network.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=cast(Any, 0))
    trained = attribute_classifier(records.images.shape[1], len(records.attribute_names))
    trained.set_weights(network.get_weights())
    return trained


def load_or_train(records: Records, cache_dir: Path | None, seed: int = 0) -> keras.Model:
    """The judge for these training images: from the cache, or trained into it.

    Args:
        records: real training images.
        cache_dir: `common.datasets.faces.default_cache()` if None.
        seed: of the training.
    """
    from common.datasets.faces import default_cache

    settings = {
        "data": records.fingerprint(),
        "seed": seed,
        "network": [WIDTHS, EPOCHS, MOST_IMAGES, BATCH, LEARNING_RATE, DROPOUT],
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    file = (cache_dir or default_cache()) / f"judge-{records.name}-{key}.weights.h5"
    if not file.is_file():
        network = train(records, seed)
        with atomic_path(file) as temporary:
            network.save_weights(temporary)
        return network
    network = attribute_classifier(records.images.shape[1], len(records.attribute_names))
    try:
        network.load_weights(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is damaged ({error}); delete it, it is made anew.") from error
    return network


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Probability of each attribute.

    Args:
        network: a classifier of this module.
        images: uint8 `[N, S, S, 3]`.

    Returns:
        float64 `[N, A]` in 0..1.
    """
    from scipy.special import expit

    logits = in_blocks(lambda block: network(to_range(block), training=False), images)
    return expit(logits.astype(np.float64))


def faces_judge(
    config: Any, load: Callable[..., Records], names: Sequence[str] = ALL
) -> tuple[Judge, tuple[str, ...], Space]:
    """What reads attributes in faces of a run's size and crop, the same for all such runs.

    It is trained on the first `JUDGE_IMAGES` training images and on all attributes that the data
    have, whatever the run was trained on.

    Args:
        config: a run's settings, with `run` and `data.attributes`.
        load: reads a split of the data as such settings describe it: `load(config, "train")`.
        names: the attributes to tell of, in order; by default all.

    Returns:
        The judge, the names of the columns of its answers, and its features.
    """
    from common.metrics import features

    whole = dataclasses.replace(
        config,
        run=dataclasses.replace(config.run, limit=JUDGE_IMAGES),
        data=dataclasses.replace(config.data, attributes=ALL),
    )
    records = load(whole, "train")
    network = load_or_train(records, config.run.cache_dir)
    known = records.attribute_names
    told = known if tuple(names) == ALL else tuple(names)
    columns = [known.index(name) for name in told]
    space = features.faces(network, len(records), config.data.crop)
    return lambda images: predict(network, images)[:, columns], told, space
