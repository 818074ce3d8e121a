"""The faces of a run: the authors' test images train nothing, and their 32 faces are those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import datasets
from common.datasets.drawn import write_celeba
from common.datasets.records import Records
from common.errors import UserError
from common.settings.config import Source
from ifcvaegan import data
from ifcvaegan.config import Config, DataConfig

REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba"


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    """Of 104 drawn training faces, 4 of dev and 4 of test in CelebA's layout."""
    return celeba(tmp_path_factory.mktemp("data"), 104)


def celeba(folder: Path, train: int) -> Config:
    """Faces of 16x16 in CelebA's layout below the folder."""
    write_celeba(folder / "celeba", {"train": train, "dev": 4, "test": 4})
    source = Source(data_dir=folder / "celeba", cache_dir=folder / "cache")
    return Config(source=source, data=DataConfig(image_size=16))


def every(config: Config) -> Records:
    """All training images, also the authors'."""
    options = {"size": 16, "attributes": ("Smiling",), "crop": (0, 20, 178, 198)}
    return datasets.load("celeba", "train", config.source, train_files=None, **options)


def test_the_authors_test_images_train_nothing(config):
    train, there = data.load(config, "train"), every(config)
    assert (len(train), len(there)) == (4, 104)
    assert np.array_equal(train.images, there.images[100:])
    assert np.array_equal(train.attributes, there.attributes[100:])
    assert [len(data.load(config, split)) for split in ("dev", "test")] == [4, 4]


def test_the_faces_of_table_1_are_the_first_32(config):
    few, there = data.first_faces(config), every(config)
    assert few is not None
    assert np.array_equal(few.images, there.images[:32])
    assert np.array_equal(few.attributes, there.attributes[:32])


def test_a_limit_is_that_of_the_images_that_train(config):
    limited = replace(config, source=replace(config.source, limit=3))
    train = data.load(limited, "train")
    assert np.array_equal(train.images, data.load(config, "train").images[:3])


def test_data_that_leave_nothing_to_train_on_are_refused(tmp_path):
    config = celeba(tmp_path, 60)
    with pytest.raises(
        UserError, match=r"60 training images, all of them among the authors' first 100"
    ):
        data.load(config, "train")


def test_a_part_without_the_authors_images_loses_none_and_has_no_row_of_theirs(tmp_path):
    config = celeba(tmp_path, 60)
    for file in sorted((tmp_path / "celeba" / "img_align_celeba").iterdir())[:40]:
        file.with_name(f"1{file.name[1:]}").write_bytes(file.read_bytes())  # 100001 and so on
        file.unlink()
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        file = tmp_path / "celeba" / name
        file.write_text(file.read_text() + "".join(renamed(file.read_text(), 40)))
    assert len(data.load(config, "train")) == 40  # 41 to 60 are the authors'
    assert data.first_faces(config) is None


def renamed(text: str, count: int) -> list[str]:
    """The rows of the first images once more, as those of the images from 100001 on."""
    rows = [line for line in text.splitlines(keepends=True) if line.startswith("0")]
    return [f"1{row[1:]}" for row in rows[:count]]


def test_other_data_have_no_faces_of_table_1():
    assert data.first_faces(Config(dataset="drawn")) is None


@pytest.mark.data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"there is no CelebA in {REAL}")
def test_sixteen_of_the_authors_faces_smile(tmp_path):
    source = Source(data_dir=REAL, cache_dir=tmp_path)
    few = data.first_faces(Config(source=source, data=DataConfig(image_size=16)))
    assert few is not None
    assert few.attributes.sum() == 16
