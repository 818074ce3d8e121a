"""The order of the data is a function of (seed, step), and the batches hold what it says."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from common.datasets.pipeline import endless_batches, ordered_batches, shuffled
from common.datasets.records import Records
from common.errors import UserError


def numbered(count: int, attributes: int = 1, images: np.ndarray | None = None) -> Records:
    """Records whose images and first attribute say which record they are (count <= 256)."""
    if images is None:
        images = np.empty((count, 2, 3, 1), np.uint8)
    images[:] = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    columns = np.tile(np.arange(count, dtype=np.float32)[:, np.newaxis], attributes)
    return Records(images, columns, tuple("abc"[:attributes]), "toy", "memory")


def rows(dataset: tf.data.Dataset, steps: int) -> np.ndarray:
    """Which records the first batches contain, [steps, B]."""
    return np.stack([attributes[:, 0] for _, attributes in dataset.take(steps).as_numpy_iterator()])


def order(count: int, seed: int, start: int, stop: int) -> np.ndarray:
    return np.asarray(shuffled(tf.range(start, stop, dtype=tf.int64), count, seed))


def test_batches_are_typed_scaled_and_of_static_shape():
    dataset = endless_batches(numbered(256), 64, seed=0)
    assert [spec.shape.as_list() for spec in tf.nest.flatten(dataset.element_spec)] == [
        [64, 2, 3, 1],
        [64, 1],
    ]
    assert [spec.dtype for spec in tf.nest.flatten(dataset.element_spec)] == [
        tf.float32,
        tf.float32,
    ]
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    images = np.concatenate([image for image, _ in dataset.take(4).as_numpy_iterator()])
    assert (images.min(), images.max()) == (-1.0, 1.0)


def test_images_stay_with_their_attributes():
    for dataset in (endless_batches(numbered(100), 30, 0), ordered_batches(numbered(100), 30)):
        for image, attributes in dataset.take(4).as_numpy_iterator():
            which = np.rint((image + 1) * 127.5)
            np.testing.assert_array_equal(
                which, np.broadcast_to(attributes[:, :, None, None], image.shape)
            )


def test_each_epoch_is_a_permutation_and_epochs_differ():
    epochs = rows(endless_batches(numbered(60), 10, seed=1), 18).reshape(3, 60)
    for epoch in epochs:
        assert sorted(epoch) == list(range(60))
        assert not np.array_equal(epoch, np.arange(60))
    assert not np.array_equal(epochs[0], epochs[1])


@pytest.mark.parametrize("flip", [False, True])
def test_starting_at_a_step_equals_skipping_to_it(flip):
    records = sided(50)
    whole, resumed = (
        list(endless_batches(records, 8, 3, start, flip=flip).take(steps).as_numpy_iterator())
        for start, steps in ((0, 20), (13, 7))
    )
    for one, other in zip(whole[13:], resumed, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_the_seed_alone_chooses_the_order():
    first = order(1000, 5, 0, 1000)
    np.testing.assert_array_equal(order(1000, 5, 0, 1000), first)
    for seed in (6, -5, 5 + 2**32):
        assert (order(1000, seed, 0, 1000) == first).mean() < 0.02  # expected: 1 in 1000


def test_the_order_is_pinned():
    """A change here makes every resumed run see another order than the one it began with."""
    assert order(10, 0, 0, 10).tolist() == [6, 1, 9, 8, 2, 0, 3, 7, 4, 5]
    assert order(60_000, 42, 60_000 * 249, 60_000 * 249 + 5).tolist() == [
        3583,
        11214,
        1882,
        48827,
        51830,
    ]


def test_orders_of_epochs_look_independent():
    """The cipher with TensorFlow's 4 rounds fails both: 0.9 and less than half of the pairs."""
    count = 60_000
    epochs = order(count, 0, 0, 12 * count).reshape(12, count)
    correlation = np.corrcoef(np.vstack([epochs, np.arange(count)])) - np.eye(13)
    assert np.abs(correlation).max() < 5 / np.sqrt(count)  # 5 standard deviations
    near = (np.abs(np.diff(epochs, axis=1)) <= 10).mean()
    assert 0.8 < near / (20 / count) < 1.2  # of 12 x 60,000 pairs, 240 expected


def test_positions_beyond_32_bits_are_in_range():
    positions = order(202_599, 0, 12_000_000 * 1000, 12_000_000 * 1000 + 100)
    assert len(set(positions.tolist())) == 100
    assert 0 <= positions.min() <= positions.max() < 202_599
    late = rows(endless_batches(numbered(50), 10, seed=0, start_step=10**10), 5)
    assert sorted(late.ravel()) == list(range(50))  # step 1e10 x 10 is the start of an epoch


@hypothesis.given(st.integers(1, 600), st.integers(), st.integers(0, 2**31))
@hypothesis.settings(max_examples=15, deadline=None)
def test_any_epoch_of_any_seed_is_a_permutation(count, seed, epoch):
    assert sorted(order(count, seed, epoch * count, (epoch + 1) * count)) == list(range(count))


@hypothesis.given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**63), st.integers(0, 9))
@hypothesis.settings(max_examples=10, deadline=None)
def test_batches_are_consecutive_pieces_of_the_stream(count, batch_size, seed, start_step):
    stream = rows(endless_batches(numbered(count), batch_size, seed, start_step), 3).ravel()
    start = start_step * batch_size
    np.testing.assert_array_equal(stream, order(count, seed, start, start + 3 * batch_size))


def test_a_memory_map_gives_the_same_batches(tmp_path):
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(50, 2, 3, 1))
    datasets = [
        endless_batches(records, 8, seed=0).take(10)
        for records in (numbered(50), numbered(50, images=mapped))
    ]
    assert datasets[0].element_spec == datasets[1].element_spec
    for one, other in zip(*(dataset.as_numpy_iterator() for dataset in datasets), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_evaluation_sees_every_record_once_in_order():
    dataset = ordered_batches(numbered(10), 4)
    assert [spec.shape.as_list() for spec in tf.nest.flatten(dataset.element_spec)] == [
        [None, 2, 3, 1],
        [None, 1],
    ]
    batches = [attributes[:, 0].tolist() for _, attributes in dataset.as_numpy_iterator()]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert dataset.cardinality() == 3


def test_no_autotuner_delays_the_end_of_a_training_period():
    # TensorFlow's tuner of running pipelines holds up who drops the iterator, for up to a minute.
    for batches in (endless_batches(numbered(8), 4, seed=0), ordered_batches(numbered(8), 4)):
        assert batches.options().autotune.enabled is False
        assert batches.options().deterministic is True


def test_what_no_batch_can_be_made_of_is_refused():
    for make in (lambda *values: endless_batches(*values, seed=0), ordered_batches):
        with pytest.raises(UserError, match="memory contains no images of toy"):
            make(numbered(0), 4)
        with pytest.raises(UserError, match="batch size is 0; it must be at least 1"):
            make(numbered(3), 0)
    with pytest.raises(UserError, match="cannot start at step -1"):
        endless_batches(numbered(3), 4, seed=0, start_step=-1)


# Ranges


@pytest.mark.parametrize(
    ("pixel_range", "ends"), [("signed", (-1.0, 1.0)), ("unit", (0.0, 1.0)), ("raw", (0.0, 255.0))]
)
def test_batches_are_in_the_range_that_is_asked_for_also_without_attributes(pixel_range, ends):
    records = numbered(256, attributes=0)
    for dataset in (
        endless_batches(records, 256, seed=0, pixel_range=pixel_range),
        ordered_batches(records, 256, pixel_range),
    ):
        image, attributes = next(dataset.as_numpy_iterator())
        assert (image.min(), image.max()) == ends
        assert attributes.shape == (256, 0)


# Mirroring


def sided(count: int) -> Records:
    """Records whose first column is the number, the last one 255, the rows unlike each other."""
    records = numbered(count)
    records.images[:, :, 1] = np.array([50, 60], np.uint8)[:, None]
    records.images[:, :, 2] = 255
    return records


def mirrored_batches(seed: int = 0, start_step: int = 0, steps: int = 4) -> list:
    dataset = endless_batches(sided(200), 100, seed, start_step, pixel_range="raw", flip=True)
    return list(dataset.take(steps).as_numpy_iterator())


def is_mirrored(batches: list) -> np.ndarray:
    return np.concatenate([image[:, 0, 0, 0] == 255 for image, _ in batches])


def test_about_half_of_the_images_are_mirrored():
    batches = mirrored_batches(steps=20)
    # 4 standard deviations of 2,000: 4 * 0.5 / sqrt(2000) = 0.045
    assert abs(is_mirrored(batches).mean() - 0.5) < 0.045


def test_mirrored_images_are_so_from_left_to_right_and_stay_with_their_attributes():
    records = sided(200)
    for image, attributes in mirrored_batches():
        for pixels, number in zip(image, attributes[:, 0].astype(int), strict=True):
            step = -1 if pixels[0, 0, 0] == 255 else 1
            np.testing.assert_array_equal(pixels, records.images[number][:, ::step])


def test_mirroring_does_not_change_the_order():
    plain = endless_batches(sided(200), 100, seed=0).take(4).as_numpy_iterator()
    for (_, one), (_, other) in zip(plain, mirrored_batches(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_mirrored_depends_on_the_seed_and_the_step_alone():
    assert (is_mirrored(mirrored_batches(seed=7)) == is_mirrored(mirrored_batches(seed=7))).all()
    agreeing = is_mirrored(mirrored_batches(seed=7)) == is_mirrored(mirrored_batches(seed=8))
    assert 0.3 < agreeing.mean() < 0.7
    first, second = (is_mirrored([batch]) for batch in mirrored_batches(steps=2))
    assert 0.3 < (first == second).mean() < 0.7


def test_the_mirroring_is_pinned():
    """A change here makes every resumed run see other images than the one it began with."""
    sides = is_mirrored(mirrored_batches(seed=42, start_step=3, steps=1))
    assert "".join("M" if side else "." for side in sides[:20]) == "M.M...MM.MM....MM.MM"


def test_without_mirroring_no_image_is_mirrored():
    dataset = endless_batches(sided(200), 100, seed=0, pixel_range="raw").take(4)
    assert not is_mirrored(list(dataset.as_numpy_iterator())).any()


@pytest.mark.parametrize("seed", [2**63, -1])
def test_of_any_seed_the_low_64_bits_count(seed):
    one, other = (is_mirrored(mirrored_batches(seed=s, steps=1)) for s in (seed, seed + 2**64))
    assert (one == other).all()
