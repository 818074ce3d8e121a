"""A small classifier of digits, trained on real MNIST images only.

It reads what an edit did to a digit: whether a digit asked to become a 7 is read as a 7, whether
a reconstruction keeps its class. It never sees a generated image in training, so it cannot favour
one of the four systems. Its 64 values before the last layer (layer `features`) serve a Frechet
distance between digits; call that "FD-mnist-cnn", never FID.

    python -m common.classifiers --out weights/classifier-mnist
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from common.datasets.pipeline import with_options
from common.errors import UserError
from common.images import to_range
from common.metrics.intervals import Interval, proportion_interval
from common.runs.weights import default_weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

logger = logging.getLogger(__name__)

SHIPPED = default_weights("classifier-mnist")
WEIGHTS = "classifier.weights.h5"
EPOCHS = 12


def digit_classifier(widths: tuple[int, ...] = (16, 32, 64), features: int = 64) -> keras.Model:
    """Builds the network: images `[B, 28, 28, 1]` in [-1, 1] to logits `[B, 10]`.

    61,210 parameters with the default widths (224 of them moving statistics of BatchNorm).
    """
    import keras

    image = keras.Input((28, 28, 1), name="image")
    hidden = image
    for width in widths:  # 28 -> 14 -> 7 -> 3
        hidden = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(hidden)
        hidden = keras.layers.MaxPooling2D(2)(hidden)  # first: BatchNorm then sees a quarter
        hidden = keras.layers.BatchNormalization(momentum=0.9)(hidden)
        hidden = keras.layers.ReLU()(hidden)
    hidden = keras.layers.Flatten()(hidden)
    hidden = keras.layers.Dense(features, activation="relu", name="features")(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
    logits = keras.layers.Dense(10, dtype="float32", name="logits")(hidden)
    return keras.Model(image, logits, name="digit_classifier")


def train(
    train_images: np.ndarray,
    train_labels: np.ndarray,
    seed: int = 0,
    *,
    epochs: int = EPOCHS,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    shift: int = 2,
) -> keras.Model:
    """Trains a new classifier with cross-entropy and Adam.

    Sets the global random seeds. On the same machine two runs agree up to the order in which
    threads add numbers.

    Args:
        train_images: uint8 `[N, 28, 28, 1]`.
        train_labels: int `[N]` in 0..9.
        seed: of the initial weights, the order of the images, dropout and the shifts.
        epochs: passes over the images.
        batch_size: images a step.
        learning_rate: of the first step; falls to 0 along a cosine.
        shift: each batch is moved by up to this many pixels; a digit fills 20x20 of 28x28.

    Returns:
        The trained network, without the optimizer.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)

    def moved(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        offset = tf.random.uniform([2], -shift, shift + 1, dtype=tf.int32, seed=seed)
        return to_range(tf.roll(image, offset, axis=[1, 2])), label

    batches = with_options(
        tf.data.Dataset.from_tensor_slices((train_images, train_labels))
        .shuffle(len(train_images), seed=seed)
        .batch(batch_size)
        .map(moved)
    )
    decay = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))
    network = digit_classifier()
    network.compile(
        optimizer=keras.optimizers.Adam(cast(Any, decay)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=cast(Any, False),  # XLA's convolutions are slower than oneDNN's on a CPU
    )

    def report(epoch: int, logs: dict[str, float]) -> None:
        done = f"epoch {epoch + 1} of {epochs}"
        logger.info(
            "%s: loss %.4f, accuracy %.4f in training", done, logs["loss"], logs["accuracy"]
        )

    network.fit(
        batches,
        epochs=epochs,
        shuffle=False,  # `batches` shuffles
        verbose=cast(Any, 0),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
    )
    trained = digit_classifier()
    trained.set_weights(network.get_weights())
    return trained


def predict_labels(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Most probable digit of each uint8 image `[N, 28, 28, 1]`, int64 `[N]` in 0..9."""
    return predict_probabilities(network, images).argmax(axis=1)


def predict_probabilities(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Probability of each digit.

    Args:
        network: a classifier of this module.
        images: uint8 `[N, 28, 28, 1]`.

    Returns:
        float64 `[N, 10]`, each row summing to 1.

    Raises:
        UserError: images of another type or size.
    """
    from scipy.special import softmax

    if images.dtype != np.uint8 or images.shape[1:] != (28, 28, 1):
        raise UserError(
            "The digit classifier reads uint8 images [N, 28, 28, 1]; "
            f"received {images.dtype} {list(images.shape)}."
        )
    blocks = [images[start : start + 1000] for start in range(0, len(images), 1000)]
    logits = [np.asarray(network(to_range(block), training=False)) for block in blocks]
    return softmax(np.concatenate([np.zeros((0, 10)), *logits]), axis=1)


def accuracy(network: keras.Model, images: np.ndarray, labels: np.ndarray) -> Interval:
    """Share of uint8 images `[N, 28, 28, 1]` read as their label `[N]`, with Wilson's interval."""
    return proportion_interval(int((predict_labels(network, images) == labels).sum()), len(labels))


def load_classifier(folder: Path = SHIPPED) -> keras.Model:
    """Loads the trained classifier.

    Args:
        folder: where `python -m common.classifiers --out FOLDER` wrote it.

    Returns:
        The network in float32; its stored weights are float16.

    Raises:
        UserError: the folder holds no classifier.
    """
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise UserError(
            f"There is no digit classifier at {path}. "
            "Train one: python -m common.classifiers --out FOLDER (minutes)."
        )
    network = digit_classifier()
    network.load_weights(path)
    return network
