"""Records -> batches for training and evaluation.

The order of the training data is a pure function of (seed, step), so a run that starts again at
step k sees exactly what it would have seen, and skipping there costs nothing. Number the images of
an endless stream by p = step * B + i: image p belongs to epoch e = p // N, and within the epoch
it is record `permutation_e(p % N)`, a permutation of the N records that is computed element by
element from the key (seed, e) and stored nowhere. Batches are therefore always full, one may
contain the end of an epoch and the start of the next, and every N images from a multiple of N on
contain each record once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from common.datasets.augmentation import recoloured, shifted
from common.datasets.records import Records
from common.errors import UserError
from common.images import PixelRange, to_range

if TYPE_CHECKING:
    import tensorflow as tf

PREFETCHED = 2  # batches that are made while a step is taken
IN_MEMORY_BYTES = 2**30  # arrays up to this size become one tensor; larger ones stay in NumPy

# The permutation is a block cipher. `tf.random.experimental.index_shuffle` fixes 4 rounds, which is
# too few: orders of different epochs correlate by up to 0.9, and neighbours hardly ever stay
# close. From 12 rounds on neither differs from true permutations. (It takes no key per index, too.)
CIPHER_ROUNDS = 16


def endless_batches(
    records: Records,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    *,
    pixel_range: PixelRange = "signed",
    flip: bool = False,
    shift: int = 0,
    jitter: float = 0.0,
) -> tf.data.Dataset:
    """Shuffled batches without end, for `fit` with `steps_per_epoch`.

    Args:
        records: N records, at least one.
        batch_size: B, at least 1; may exceed N, then a batch contains records several times.
        seed: Any integer; its low 64 bits count.
        start_step: The step whose batch comes first.
        pixel_range: The range of the images, as `common.images.to_range` has it.
        flip: Mirror each image with probability 1/2, a function of the seed and the step, too, as
            are the following.
        shift: Move each image by up to so many pixels each way; its mirrored edge comes in.
        jitter: Multiply brightness, contrast and saturation by factors from 1 - jitter to
            1 + jitter each; below 1.

    Returns:
        A dataset of `(image, attributes)`: float32 `[B, H, W, C]` and float32 `[B, A]`, with
        static shapes.

    Raises:
        UserError: There are no records, or `batch_size` or `start_step` is too small.
    """
    import tensorflow as tf

    check(records, batch_size)
    if start_step < 0:
        raise UserError(f"A run cannot start at step {start_step}; the first step is 0.")
    gather = gatherer(records, batch_size)
    low_64 = np.uint64(seed & 2**64 - 1).astype(np.int64)

    def batch(step):
        positions = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        image, attribute = gather(shuffled(positions, len(records), seed))
        if flip:
            heads = tf.random.stateless_uniform([batch_size], tf.stack([low_64, step]))
            # Chooses whole images; `tf.where` broadcasts, and makes all of it 3.5 times as slow.
            image = tf.raw_ops.Select(condition=heads < 0.5, x=mirrored(image), y=image)
        if shift or jitter:
            image = varied(image, tf.stack([low_64, step]), shift, jitter)
        return to_range(image, pixel_range), attribute

    steps = tf.data.Dataset.counter(start=start_step)
    return with_options(steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE))


def ordered_batches(
    records: Records, batch_size: int, pixel_range: PixelRange = "signed"
) -> tf.data.Dataset:
    """All records once, in their order, for evaluation.

    Args:
        records: N records, at least one.
        batch_size: B, at least 1; the last batch holds the remaining records.
        pixel_range: As for `endless_batches`.

    Returns:
        A finite dataset of `(image, attributes)`: float32 `[<=B, H, W, C]` and float32
        `[<=B, A]`.

    Raises:
        UserError: There are no records, or `batch_size` is less than 1.
    """
    import tensorflow as tf

    check(records, batch_size)
    gather = gatherer(records, None)

    def batch(start):
        image, attribute = gather(tf.range(start, tf.minimum(start + batch_size, len(records))))
        return to_range(image, pixel_range), attribute

    starts = tf.data.Dataset.range(0, len(records), batch_size)
    return with_options(starts.map(batch, num_parallel_calls=tf.data.AUTOTUNE))


def shuffled(positions, count: int, seed: int):
    """The record at each position of the endless stream.

    Args:
        positions: int64 tensor `[B]`, each at least 0.
        count: N, the number of records.
        seed: Any integer; its low 64 bits count.

    Returns:
        An int64 tensor `[B]` in 0..N-1.
    """
    import tensorflow as tf

    epoch = positions // count
    low, high = (tf.fill(tf.shape(epoch), np.int64(seed >> s & 0xFFFFFFFF)) for s in (0, 32))
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % count,
        seed=tf.stack([low, high, epoch], axis=1),  # [B, 3], three words of 32 bits
        max_index=tf.constant(count - 1, tf.int64),
        rounds=CIPHER_ROUNDS,
    )


def check(records: Records, batch_size: int) -> None:
    """Refuses what no batch can be made of."""
    if not len(records):
        raise UserError(f"{records.source} contains no images of {records.name}.")
    if batch_size < 1:
        raise UserError(f"The batch size is {batch_size}; it must be at least 1.")


def mirrored(image):
    """The images, a tensor `[B, H, W, C]`, with left and right exchanged."""
    import tensorflow as tf

    _, height, width, channels = image.shape
    rows = tf.reshape(image, (-1, width, channels))  # for these TensorFlow has a fast kernel
    return tf.reshape(tf.reverse(rows, [1]), (-1, height, width, channels))


def varied(image, seed, shift: int, jitter: float):
    """The images, shifted and recoloured by chance.

    Args:
        image: uint8 tensor `[B, H, W, C]`.
        seed: int64 tensor `[2]`.
        shift: up to so many pixels each way.
        jitter: how far the factors of colour are from 1, at most.

    Returns:
        A float32 tensor of the same shape, in 0..255.
    """
    import tensorflow as tf

    def uniform(columns: int, salt: int, low: float, high: float, dtype=tf.float32):
        shape = tf.stack([tf.shape(image)[0], columns])
        drawn: Any = tf.random.fold_in(seed, salt)
        return tf.random.stateless_uniform(shape, drawn, low, high, dtype)

    image = tf.cast(image, tf.float32)
    if shift:
        image = shifted(image, uniform(2, 1, -shift, shift + 1, tf.int32))
    if jitter:
        factors = uniform(3, 2, 1.0 - jitter, 1.0 + jitter)
        image = tf.clip_by_value(recoloured(image, factors), 0.0, 255.0)
    return image


def gatherer(records: Records, batch_size: int | None):
    """A function from record numbers, int64 `[B]`, to these records, the images as uint8."""
    import tensorflow as tf

    images, attributes = records.images, records.attributes
    in_memory = not isinstance(images, np.memmap) and images.nbytes <= IN_MEMORY_BYTES
    with tf.device("CPU:0"):  # the input pipeline runs there: do not fill a GPU with the data set
        attribute_tensor = tf.constant(attributes)
        image_tensor = tf.constant(images) if in_memory else None

    def read(rows: np.ndarray) -> np.ndarray:
        return images[rows]

    def gather(rows):
        if image_tensor is not None:
            image = tf.gather(image_tensor, rows)
        else:
            image = tf.numpy_function(read, [rows], tf.uint8, stateful=False)
        image.set_shape([batch_size, *images.shape[1:]])
        attribute = tf.gather(attribute_tensor, rows)
        attribute.set_shape([batch_size, attributes.shape[1]])
        return image, attribute

    return gather


def with_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Prefetching, and an order that does not depend on the threads' timing."""
    import tensorflow as tf

    options = tf.data.Options()
    options.deterministic = True
    # Each worker takes its part of every batch.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    # TensorFlow 2.21's autotuner sleeps for up to a minute and does not wake when its iterator is
    # dropped: each period of a training ended in a wait of up to 40 s, with both cores idle.
    options.autotune.enabled = False  # AUTOTUNE means as many threads as there are cores now
    return dataset.prefetch(PREFETCHED).with_options(options)
