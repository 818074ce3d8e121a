"""The images of a run in their three splits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from common import datasets
from common.datasets import drawn, mnist
from common.files import ROOT
from common.settings.config import Source
from icgan_tf import data
from icgan_tf.config import ALL, PAPER18, Config, DataConfig
from icgan_tf.presets import paper, paper32, report, smoke

CELEBA = ROOT.parent / "shared" / "data" / "celeba"


def test_digits_are_split_into_60000_5000_and_5000_that_share_none():
    config = report("mnist")
    train, dev, test = (data.load(config, split) for split in ("train", "dev", "test"))
    assert [records.images.shape for records in (train, dev, test)] == [
        *((60_000, 28, 28, 1), (5_000, 28, 28, 1), (5_000, 28, 28, 1)),
    ]
    shown = [{image.tobytes() for image in records.images} for records in (train, dev, test)]
    assert shown[1] | shown[2] == {image.tobytes() for image in mnist.load("test").images}
    assert not shown[0] & (shown[1] | shown[2])
    assert not shown[1] & shown[2]


def test_digits_get_a_border_of_two_black_pixels_for_32x32():
    config = replace(paper32(), source=Source(limit=3))
    images = data.load(config, "train").images
    assert images.shape == (3, 32, 32, 1)
    np.testing.assert_array_equal(images[:, 2:30, 2:30], mnist.load("train").images[:3])
    assert images.sum(dtype=int) == images[:, 2:30, 2:30].sum(dtype=int)


def test_drawn_faces_have_the_attributes_and_the_size_of_the_settings():
    chosen = DataConfig(image_size=16, attributes=("Male", "Bald"))
    records = data.load(Config(dataset="drawn", data=chosen, source=Source(limit=10)), "dev")
    assert records.images.shape == (10, 16, 16, 3)
    assert records.attribute_names == ("Male", "Bald")


@pytest.mark.parametrize(
    ("dataset", "split", "count"),
    [
        *(("mnist", "train", 3), ("mnist", "dev", 3), ("mnist", "test", 5_000)),
        *(("drawn", "train", 3), ("drawn", "dev", 3), ("drawn", "test", 8)),
    ],
)
def test_a_limit_takes_the_first_images_and_leaves_the_test_alone(
    monkeypatch, dataset, split, count
):
    monkeypatch.setattr(drawn, "COUNTS", dict.fromkeys(drawn.COUNTS, 8))
    config = replace(smoke(dataset), source=Source())
    every = data.load(config, split).images
    some = data.load(replace(config, source=Source(limit=3)), split).images
    assert len(some) == count <= len(every)
    np.testing.assert_array_equal(some, every[:count])


SOURCE = Source(limit=256)


@pytest.mark.parametrize(
    ("config", "split", "part", "expected"),
    [
        (paper32(), "dev", "test-half-1", {"size": 32, "attributes": ALL}),
        (paper32(), "test", "test-half-2", {"size": 32, "attributes": ALL}),
        (report("mnist"), "train", "train", {"size": 28, "attributes": ALL}),
        (smoke("celeba"), "test", "test", {"size": 32, "attributes": PAPER18}),
        # The authors hold the last 19,961 of 202,599 files out; the report's epoch has 196,608.
        (paper("celeba"), "dev", "dev", {"attributes": PAPER18, "train_files": 182_638}),
        (
            report("celeba"),
            "train",
            "train",
            {"attributes": ALL, "crop": (35, 55, 143, 163), "train_files": 196_608},
        ),
    ],
)
def test_each_split_is_read_as_the_settings_say(monkeypatch, config, split, part, expected):
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        datasets, "load", lambda *words, **options: asked.update(options, words=words)
    )
    data.load(replace(config, source=SOURCE), split)
    assert asked == {
        "words": (config.dataset, part, SOURCE),
        "size": 64,
        "crop": (30, 40, 168, 178),
        "train_files": None,
        **expected,
    }


@pytest.mark.data
@pytest.mark.parametrize(("attributes", "count"), [(PAPER18, 18), (ALL, 40)])
def test_a_folder_of_celeba_gives_square_faces_with_their_attributes(tmp_path, attributes, count):
    if not CELEBA.is_dir():
        pytest.skip(f"no CelebA in {CELEBA}")
    config = replace(
        smoke("celeba"),
        source=Source(limit=8, data_dir=CELEBA, cache_dir=tmp_path),
        data=DataConfig(image_size=32, attributes=attributes),
    )
    records = data.load(config, "train")
    assert (records.images.shape, records.attributes.shape) == ((8, 32, 32, 3), (8, count))
    assert set(np.unique(records.attributes)) == {0.0, 1.0}
    header = (CELEBA / "list_attr_celeba.txt").read_text().splitlines()[1].split()
    assert records.attribute_names == (tuple(header) if attributes == ALL else PAPER18)
