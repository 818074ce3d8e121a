"""Drawn faces: a function of number and attributes, each attribute to be seen, CelebA's layout."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.datasets import drawn, load
from common.datasets.celeba import faces, lists
from common.datasets.celeba import loader as celeba
from common.datasets.drawn import ATTRIBUTES, draw, random_attributes, write_celeba
from common.datasets.records import Records
from common.errors import UserError
from common.settings.config import Source

COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
VISIBLE = [name for name in ATTRIBUTES if name != "Straight_Hair"]  # which is hair without waves


def pixels(number: int, **has: bool) -> np.ndarray:
    return np.asarray(draw(number, has)).astype(int)


@pytest.fixture(scope="module")
def dev() -> Records:
    return drawn.load("dev", size=32)


@pytest.fixture(scope="module")
def people() -> dict[str, np.ndarray]:
    """Whether each of 2,000 faces has each attribute."""
    rows = [random_attributes(number) for number in range(2_000)]
    return {name: np.array([row[name] for row in rows]) for name in ATTRIBUTES}


# Records


def test_a_split_is_records_of_faces(dev):
    assert dev.images.shape == (128, 32, 32, 3)
    assert dev.attributes.shape == (128, 18)
    assert np.unique(dev.attributes).tolist() == [0.0, 1.0]
    assert dev.attribute_names == ATTRIBUTES
    assert dev.name == "drawn"


def test_splits_have_their_sizes_and_no_face_in_common():
    numbers = {
        split: range(drawn.FIRST[split], drawn.FIRST[split] + count)
        for split, count in drawn.COUNTS.items()
    }
    assert [len(part) for part in numbers.values()] == [8_192, 128, 128]
    assert len(set().union(*numbers.values())) == 8_448


def test_rows_are_the_faces_of_their_numbers(dev):
    for row in (0, 127):
        has = random_attributes(100_000 + row)
        np.testing.assert_array_equal(
            dev.images[row], faces.face(draw(100_000 + row, has), 32, faces.WHOLE_WIDTH)
        )
        assert dev.attributes[row].tolist() == [float(has[name]) for name in ATTRIBUTES]


def test_no_two_faces_are_the_same(dev):
    assert len({image.tobytes() for image in dev.images}) == 128


def test_a_crop_is_that_of_celeba(monkeypatch):
    monkeypatch.setitem(drawn.COUNTS, "dev", 1)
    has = random_attributes(100_000)
    for crop in ((35, 55, 143, 163), (30, 40, 168, 178)):
        (image,) = drawn.load("dev", 32, crop=crop).images
        np.testing.assert_array_equal(image, faces.face(draw(100_000, has), 32, crop))


def test_a_limit_draws_the_first_faces_alone(dev):
    few = load("drawn", "train", Source(limit=3), size=32)
    assert len(few) == 3
    np.testing.assert_array_equal(few.images, drawn.load("train", 32, limit=5).images[:3])
    assert len(drawn.load("dev", 32, limit=1_000)) == len(dev)


def test_columns_come_as_they_are_asked_for(dev):
    some = drawn.load("dev", 8, ("Smiling", "Bald"))
    assert some.attribute_names == ("Smiling", "Bald")
    np.testing.assert_array_equal(some.attributes, dev.attributes[:, [14, 0]])


def test_unknown_splits_and_attributes_and_a_folder_of_data_are_refused(tmp_path):
    with pytest.raises(UserError, match="no split 'val'; choose one of train, dev, test"):
        drawn.load("val")
    with pytest.raises(UserError, match=r"no attributes \['Young'\]; they have Bald, Bangs, "):
        drawn.load("dev", attributes=("Male", "Young"))
    with pytest.raises(UserError, match=r"--data-dir .* has no effect on faces that this program"):
        load("drawn", "test", Source(data_dir=tmp_path))


# Attributes


def test_the_attributes_are_the_authors_18_of_celeba():
    # their places in CelebA's header, counted from 1
    places = [5, 6, 9, 10, 12, 13, 16, 18, 19, 21, 22, 23, 27, 29, 32, 33, 34, 36]
    assert [celeba.ATTRIBUTES.index(name) + 1 for name in ATTRIBUTES] == places


def test_every_attribute_is_there_and_absent(people):
    for name, has in people.items():
        assert 0.03 < has.mean() < 0.6, name


def test_half_of_the_faces_are_male_and_half_smile(people):
    # 4 standard deviations of 2,000: 4 * 0.5 / sqrt(2000) = 0.045
    assert abs(people["Male"].mean() - 0.5) < 0.045
    assert abs(people["Smiling"].mean() - 0.5) < 0.045


@pytest.mark.parametrize(
    "group",
    [COLOURS, ("Straight_Hair", "Wavy_Hair"), ("Bald", "Bangs", "Receding_Hairline")],
)
def test_what_excludes_each_other_is_not_together(people, group):
    assert sum(people[name].astype(int) for name in group).max() == 1


def test_the_bald_have_no_hair_only_men_are_bald_or_have_moustaches_and_only_women_make_up(people):
    for name in (*COLOURS, "Straight_Hair", "Wavy_Hair"):
        assert not (people["Bald"] & people[name]).any()
    assert not ((people["Bald"] | people["Mustache"]) & ~people["Male"]).any()
    assert not (people["Heavy_Makeup"] & people["Male"]).any()


# Drawings


def test_a_face_is_always_drawn_alike_and_faces_of_equal_attributes_differ():
    np.testing.assert_array_equal(pixels(3, Male=True), pixels(3, Male=True))
    np.testing.assert_array_equal(pixels(3, **dict.fromkeys(ATTRIBUTES, False)), pixels(3))
    assert np.abs(pixels(3) - pixels(4)).mean() > 5


@pytest.mark.parametrize("name", VISIBLE)
def test_every_attribute_is_to_be_seen_in_64_pixels(name):
    for number in (3, 4):
        without, having = (
            faces.face(draw(number, has), 64, (30, 40, 168, 178)).astype(int)
            for has in ({}, {name: True})
        )
        changed = (np.abs(having - without).max(axis=2) > 30).sum()
        assert changed > 15, number  # of 4,096 pixels


def test_an_attribute_leaves_the_rest_of_the_chances_alone():
    for name in VISIBLE:
        np.testing.assert_array_equal(pixels(3, **{name: True})[:20, :20], pixels(3)[:20, :20])


def test_black_hair_is_darker_than_blond_hair():
    assert pixels(3, Black_Hair=True).mean() < pixels(3, Blond_Hair=True).mean() - 5


def test_a_hat_differs_from_face_to_face():
    hats = {tuple(pixels(number, Wearing_Hat=True)[50, 89]) for number in range(5)}
    assert len(hats) == 5


# CelebA's layout


def test_what_is_written_is_celebas_layout(tmp_path):
    write_celeba(tmp_path / "faces", {"train": 2, "dev": 1, "test": 1})
    names = [f"00000{number}.jpg" for number in (1, 2, 3, 4)]
    assert (
        sorted(file.name for file in (tmp_path / "faces" / "img_align_celeba").iterdir()) == names
    )
    assert (tmp_path / "faces" / "list_eval_partition.txt").read_text() == (
        "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n"
    )
    count, header, *rows = (tmp_path / "faces" / "list_attr_celeba.txt").read_text().splitlines()
    assert count == "4"
    assert header.split() == list(celeba.ATTRIBUTES)
    assert [row.split()[0] for row in rows] == names
    with Image.open(tmp_path / "faces" / "img_align_celeba" / names[0]) as image:
        assert (image.size, image.format) == ((178, 218), "JPEG")


def test_what_is_written_reads_back_as_drawn(tmp_path, dev):
    write_celeba(tmp_path / "faces", {"dev": 3})
    records = celeba.load(
        "dev",
        tmp_path / "faces",
        size=32,
        attributes=ATTRIBUTES,
        cache_dir=tmp_path / "cache",
    )
    np.testing.assert_array_equal(records.attributes, dev.attributes[:3])
    difference = np.abs(records.images.astype(int) - dev.images[:3])
    assert difference.mean() < 2  # JPEG's


def test_attributes_that_are_not_drawn_are_written_as_absent(tmp_path):
    write_celeba(tmp_path / "faces", {"test": 5})
    table = lists.read_attributes(tmp_path / "faces" / "list_attr_celeba.txt")
    others = [name not in ATTRIBUTES for name in celeba.ATTRIBUTES]
    assert sum(others) == 22
    assert not np.stack(list(table.values()))[:, others].any()


def test_smaller_images_keep_celebas_proportion(tmp_path):
    write_celeba(tmp_path / "faces", {"train": 1}, width=89)
    with Image.open(tmp_path / "faces" / "img_align_celeba" / "000001.jpg") as image:
        assert image.size == (89, 109)
