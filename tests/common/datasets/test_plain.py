"""A plain folder of photographs: splits without overlap, any size, no labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common import datasets
from common.datasets import plain
from common.errors import UserError
from common.settings.config import Source


@pytest.fixture
def folder(tmp_path) -> Path:
    """100 photographs of different sizes and modes, each of a gray value of its own."""
    (tmp_path / "photos").mkdir()
    for number in range(100):
        size = (40 + number, 120 - number)
        image = Image.new(
            "RGB" if number % 2 else "L", size, (number,) * 3 if number % 2 else number
        )
        image.save(tmp_path / "photos" / f"{number:03d}.png")
    return tmp_path / "photos"


def load(folder: Path, split: str, **options):
    return plain.load(split, folder, size=16, cache_dir=folder.parent / "cache", **options)


def test_the_last_images_are_held_out_and_none_is_in_two_splits(folder):
    parts = [load(folder, split) for split in ("train", "dev", "test")]
    assert [len(part) for part in parts] == [96, 2, 2]
    values = [int(image[0, 0, 0]) for part in parts for image in part.images]
    assert values == list(range(100))
    for part in parts:
        assert part.images.shape[1:] == (16, 16, 3)
        assert part.attributes.shape == (len(part), 0)


@pytest.mark.parametrize("count", [1, 2, 99])
def test_all_of_them_are_all_of_them(folder, count):
    for file in sorted(folder.iterdir())[count:]:
        file.unlink()
    assert load(folder, "all").images[:, 0, 0, 0].tolist() == list(range(count))


@pytest.mark.parametrize("name", ["more/", "portrait.heic", "gone.jpg"])
def test_what_is_left_out_is_named(folder, caplog, name):
    if name == "gone.jpg":
        (folder / name).symlink_to("nothing")
    else:
        (folder / name).mkdir()
    load(folder, "all")
    assert f"1 left out: {name.removesuffix('.heic')}" in caplog.text


def test_the_middle_square_is_kept(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        image = Image.new("RGB", (60, 20), (255, 0, 0))
        image.paste((0, 0, 255), (20, 0, 40, 20))
        image.save(tmp_path / "photos" / f"{number}.png")
    assert (load(tmp_path / "photos", "train").images == (0, 0, 255)).all()


def test_it_is_loaded_by_its_name_with_the_runs_limit(folder):
    run = Source(data_dir=folder, cache_dir=folder.parent / "cache", limit=5)
    found = datasets.load("folder", "train", run, size=16)
    np.testing.assert_array_equal(found.images, load(folder, "train").images[:5])
    assert found.name == "folder"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda f: (f / "050.png").write_bytes(b"no image"),
            r"1 images are no intact images .*050",
        ),
        (lambda f: [p.unlink() for p in sorted(f.iterdir())[2:]], ": 2 images; a training needs"),
        (lambda f: [p.unlink() for p in f.iterdir()], "There are no images in"),
    ],
)
def test_a_bad_folder_is_refused(folder, change, said):
    change(folder)
    with pytest.raises(UserError, match=said):
        load(folder, "train")


def test_no_folder_and_other_splits_are_refused(folder):
    with pytest.raises(UserError, match="by --data-dir"):
        plain.load("train", None)
    with pytest.raises(UserError, match="no split 'val'; choose all, train, dev, test"):
        load(folder, "val")
