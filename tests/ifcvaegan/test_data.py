"""The faces of a run: the authors' test images train nothing, and their 32 faces are those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.config import RunConfig
from common.datasets.drawn import write_celeba
from ifcvaegan import data
from ifcvaegan.config import Config, DataConfig

REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba"


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    """Of 104 drawn training faces, 4 of dev and 4 of test in CelebA's layout."""
    folder = tmp_path_factory.mktemp("data")
    write_celeba(folder / "celeba", {"train": 104, "dev": 4, "test": 4})
    run = RunConfig(data_dir=folder / "celeba", cache_dir=folder / "cache")
    return Config(run=run, data=DataConfig(image_size=16))


def test_the_authors_test_images_train_nothing(config):
    from common import datasets

    train = data.load(config, "train")
    options = {"size": 16, "attributes": ("Smiling",), "crop": "center178"}
    every = datasets.load("celeba", "train", config.run, partition="official", **options)
    assert (len(train), len(every)) == (4, 104)
    assert np.array_equal(train.images, every.images[100:])
    assert np.array_equal(train.attributes, every.attributes[100:])
    assert [len(data.load(config, split)) for split in ("dev", "test")] == [4, 4]


def test_the_faces_of_table_1_are_the_first_32(config):
    few = data.first_faces(config)
    assert few is not None
    assert len(few) == 32
    assert few.images.shape[1:] == (16, 16, 3)


def test_other_data_have_no_faces_of_table_1(config):
    assert data.first_faces(Config(dataset="drawn")) is None
    report = replace(config, data=replace(config.data, split="report"))
    assert data.first_faces(report) is None


@pytest.mark.data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"there is no CelebA in {REAL}")
def test_sixteen_of_the_authors_faces_smile(tmp_path):
    run = RunConfig(data_dir=REAL, cache_dir=tmp_path)
    few = data.first_faces(Config(run=run, data=DataConfig(image_size=16)))
    assert few is not None
    assert few.attributes.sum() == 16
