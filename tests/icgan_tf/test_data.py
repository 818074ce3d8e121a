"""The images of a run in their three splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.datasets import drawn, mnist
from common.datasets.celeba import loader as celeba
from common.files import ROOT
from common.settings.config import Source
from icgan_tf import data
from icgan_tf.config import ALL, PAPER18, Config, DataConfig, paper32, report, smoke

drawn_faces = drawn.load
CELEBA = ROOT.parent / "shared" / "data" / "celeba"


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that `mnist.load` reads five digits from, whatever the split; named in `source`."""
    from common.datasets.records import Records

    def load(split, folder, source=None):
        images = np.full((5, 28, 28, 1), 255, np.uint8)
        one_hot = np.eye(10, dtype=np.float32)[:5]
        return Records(images, one_hot, tuple("0123456789"), "mnist", f"{folder} {split}")

    monkeypatch.setattr("common.datasets.mnist.load", load)
    return tmp_path


# --- Digits ---------------------------------------------------------------------------------------


def test_digits_are_split_into_60000_5000_and_5000_that_share_none():
    config = report("mnist")
    train, dev, test = (data.load(config, split) for split in ("train", "dev", "test"))
    assert [len(records) for records in (train, dev, test)] == [60_000, 5_000, 5_000]
    whole = mnist.load("test")
    np.testing.assert_array_equal(np.concatenate([dev.images, test.images]), whole.images)
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in whole.images)


@pytest.mark.parametrize(("split", "part"), [("dev", "dev"), ("test", "test5000")])
def test_each_split_reads_its_part_of_the_runs_folder(few_digits, split, part):
    config = replace(paper32(), source=Source(data_dir=few_digits))
    assert data.load(config, split).source == f"{few_digits} {part}"


def test_digits_get_a_border_of_two_black_pixels_for_32x32(few_digits):
    images = data.load(paper32(), "test").images
    assert images.shape == (5, 32, 32, 1)
    assert (images[:, 2:30, 2:30] == 255).all()
    assert images.sum(dtype=int) == 5 * 28 * 28 * 255


def test_digits_stay_28x28_where_the_networks_are(few_digits):
    assert data.load(report("mnist"), "test").images.shape == (5, 28, 28, 1)


@pytest.mark.parametrize(("split", "count"), [("train", 3), ("dev", 3), ("test", 5)])
def test_a_limit_takes_the_first_images_and_leaves_the_test_alone(few_digits, split, count):
    config = replace(paper32(), source=Source(limit=3))
    records = data.load(config, split)
    assert records.labels.tolist() == list(range(count))


# --- Faces ----------------------------------------------------------------------------------------


def test_drawn_faces_come_as_the_settings_say(monkeypatch):
    asked = []
    monkeypatch.setattr(drawn, "load", lambda *args: asked.extend(args) or drawn_faces(*args))
    config = Config(dataset="drawn", data=DataConfig(image_size=16, attributes=("Male", "Bald")))
    data.load(config, "dev")
    assert asked == ["dev", 16, ("Male", "Bald"), "paper138"]


@pytest.mark.parametrize(("split", "count"), [("train", 10), ("dev", 10), ("test", 128)])
def test_a_limit_takes_drawn_faces_but_not_those_of_the_test(monkeypatch, split, count):
    monkeypatch.setattr(drawn, "COUNTS", {"train": 30, "dev": 20, "test": 128})
    config = Config(dataset="drawn", data=DataConfig(image_size=16), source=Source(limit=10))
    assert data.load(config, split).images.shape == (count, 16, 16, 3)


@pytest.mark.parametrize(("split", "limit"), [("train", 256), ("dev", 256), ("test", None)])
def test_celeba_is_read_as_the_settings_say(monkeypatch, tmp_path, split, limit):
    asked = {}
    monkeypatch.setattr(
        celeba, "load", lambda *args, **options: asked.update({"": args}, **options)
    )
    config = replace(
        smoke("celeba"), source=Source(limit=256, data_dir=tmp_path, cache_dir=tmp_path / "cache")
    )
    data.load(config, split)
    assert asked == {
        "": (split, tmp_path),
        "size": 32,
        "crop": "paper138",
        "attributes": PAPER18,
        "partition": "official",
        "limit": limit,
        "cache_dir": tmp_path / "cache",
        "source": None,
    }


@pytest.mark.data
def test_a_folder_of_celeba_gives_square_faces_with_18_attributes(tmp_path):
    if not CELEBA.is_dir():
        pytest.skip(f"no CelebA in {CELEBA}")
    config = replace(smoke("celeba"), source=Source(limit=8, data_dir=CELEBA, cache_dir=tmp_path))
    records = data.load(config, "train")
    assert (records.images.shape, records.attributes.shape) == ((8, 32, 32, 3), (8, 18))
    assert set(np.unique(records.attributes)) == {0.0, 1.0}


@pytest.mark.data
def test_all_40_attributes_of_celeba_are_those_of_its_own_list(tmp_path):
    if not CELEBA.is_dir():
        pytest.skip(f"no CelebA in {CELEBA}")
    config = replace(
        smoke("celeba"),
        source=Source(limit=4, data_dir=CELEBA, cache_dir=tmp_path),
        data=DataConfig(image_size=32, attributes=ALL),
    )
    header = (CELEBA / "list_attr_celeba.txt").read_text().splitlines()[1]
    assert data.load(config, "train").attribute_names == tuple(header.split())
