"""Records: their checks, their rows, their fingerprint."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from common import datasets
from common.datasets import records as records_module
from common.datasets.records import Records
from common.errors import UserError


def make(**changes) -> Records:
    fields = {
        "images": np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4, 1),
        "attributes": np.eye(3, dtype=np.float32)[[2, 0, 1]],
        "attribute_names": ("a", "b", "c"),
        "name": "toy",
        "source": "memory",
    }
    return Records(**{**fields, **changes})


def test_labels_are_the_columns_of_the_ones():
    records = make()
    assert len(records) == 3
    assert records.labels.tolist() == [2, 0, 1]


def test_records_cannot_be_reassigned():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().images = None  # pyright: ignore[reportAttributeAccessIssue]


def test_attributes_that_are_not_one_hot_have_no_labels():
    for attributes in (np.ones((3, 3), np.float32), np.zeros((3, 3), np.float32)):
        with pytest.raises(UserError, match="no class labels: their 3 attributes are not one-hot"):
            _ = make(attributes=attributes).labels


def test_images_without_attributes_are_records_without_labels():
    records = make(attributes=np.zeros((3, 0), np.float32), attribute_names=())
    assert records.attributes.shape == (3, 0)
    with pytest.raises(UserError, match="no class labels"):
        _ = records.labels


def test_take_keeps_images_and_attributes_aligned():
    records = make()
    for rows, labels in ((slice(1, None), [0, 1]), ([2, 0], [1, 2]), (np.array([1, 1]), [0, 0])):
        taken = records.take(rows)
        assert taken.labels.tolist() == labels
        np.testing.assert_array_equal(taken.images, records.images[rows])
        assert (taken.attribute_names, taken.name) == (records.attribute_names, records.name)


def test_a_limit_takes_evenly_spaced_records():
    # Ten records, four wanted: 0, 3, 6, 9.
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    records = make(images=images, attributes=np.zeros((10, 3), np.float32))
    assert records.spaced(4).images.ravel().tolist() == [0, 3, 6, 9]
    assert records.spaced(None) is records
    assert records.spaced(10) is records


def test_a_slice_of_a_memory_map_is_still_one(tmp_path):
    images = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(3, 2, 4, 1))
    assert isinstance(make(images=images).take(slice(1, 3)).images, np.memmap)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((3, 2, 4), np.uint8)}, r"uint8 \[N, H, W, 1 or 3\] but are uint8"),
        ({"images": np.zeros((3, 2, 4, 2), np.uint8)}, r"but are uint8 \[3, 2, 4, 2\]"),
        ({"images": np.zeros((3, 2, 4, 1), np.float32)}, "but are float32"),
        ({"attributes": np.eye(3)}, r"float32 \[N, A\] but are float64 \[3, 3\]"),
        ({"attributes": np.eye(4, 3, dtype=np.float32)}, "3 images but 4 rows of attributes"),
        ({"attribute_names": ("a", "b")}, r"3 attribute columns need .* names are \['a', 'b'\]"),
        ({"attribute_names": ("a", "b", "b")}, "as many different names"),
        ({"attributes": np.full((3, 3), np.nan, np.float32)}, "not finite"),
    ],
)
def test_what_does_not_belong_together_is_refused(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        make(**changes)
    assert str(caught.value).startswith("Records of toy from memory: ")


def test_fingerprint_depends_on_contents_only():
    original = make().fingerprint()
    assert len(original) == 16
    assert make(source="elsewhere", name="other").fingerprint() == original
    images = make().images.copy()
    images[1, 1, 1, 0] += 1
    for changes in (
        {"images": images},
        {"images": make().images.reshape(3, 4, 2, 1)},
        {"attributes": np.eye(3, dtype=np.float32)},
        {"attribute_names": ("a", "b", "d")},
    ):
        assert make(**changes).fingerprint() != original


def test_fingerprint_of_a_memory_map_is_that_of_the_array(tmp_path):
    images = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(3, 2, 4, 1))
    images[:] = make().images
    assert make(images=images).fingerprint() == make().fingerprint()


def test_fingerprint_of_large_images_samples_the_first_and_the_last(monkeypatch):
    monkeypatch.setattr(records_module, "HASHED_WHOLE_BYTES", 10)
    monkeypatch.setattr(records_module, "HASHED_ROWS", 2)
    original = make().fingerprint()
    for row, noticed in ((0, True), (1, False), (2, True)):
        images = make().images.copy()
        images[row] += 1
        assert (make(images=images).fingerprint() != original) is noticed


def test_load_dispatches_by_name_and_names_what_there_is():
    assert datasets.load("mnist", "test-half-1").name == "mnist"
    with pytest.raises(UserError, match="no data set 'minst'; choose one of mnist, fashion"):
        datasets.load("minst", "train")


def test_loaders_do_not_import_tensorflow():
    code = (
        "import sys, common.datasets.celeba.loader, common.datasets.drawn, common.datasets.folder;"
        "import common.datasets.pipeline, common.datasets as d;"
        "d.load('mnist', 'test'); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
