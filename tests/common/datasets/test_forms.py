"""CelebA in every form: the same faces and labels from all, and what is said of broken ones."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets import celeba, forms, prepared
from common.datasets.drawn import write_celeba
from common.datasets.forms import ATTRIBUTES, find
from common.datasets.records import Records
from common.errors import UserError

SIZE = 16
COUNTS = {"train": 40, "dev": 10, "test": 10}


@pytest.fixture(scope="module")
def official(tmp_path_factory) -> Path:
    """60 drawn faces in the official layout."""
    folder = tmp_path_factory.mktemp("official") / "celeba"
    write_celeba(folder, COUNTS)
    return folder


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    celeba.announce.cache_clear()


def images(folder: Path) -> list[Path]:
    return sorted((folder / "img_align_celeba").iterdir())


def lists(folder: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (target / name).write_bytes((folder / name).read_bytes())


def as_zip(folder: Path, target: Path) -> None:
    lists(folder, target)
    with zipfile.ZipFile(target / "img_align_celeba.zip", "w") as archive:
        archive.mkdir("img_align_celeba")
        for file in images(folder):
            archive.write(file, f"img_align_celeba/{file.name}")


def as_download(folder: Path, target: Path) -> None:
    as_zip(folder, target)
    for inside, name in (
        ("Anno", "list_attr_celeba.txt"),
        ("Eval", "list_eval_partition.txt"),
        ("Img", "img_align_celeba.zip"),
    ):
        (target / inside).mkdir()
        (target / name).rename(target / inside / name)


def as_png(folder: Path, target: Path) -> None:
    lists(folder, target)
    (target / "img_align_celeba_png").mkdir()
    for file in images(folder):
        Image.open(file).save(target / "img_align_celeba_png" / f"{file.stem}.png")


def as_kaggle(folder: Path, target: Path) -> None:
    nested = target / "img_align_celeba" / "img_align_celeba"
    nested.mkdir(parents=True)
    for file in images(folder):
        (nested / file.name).write_bytes(file.read_bytes())
    rows = [line.split() for line in (folder / "list_attr_celeba.txt").read_text().splitlines()]
    parts = (folder / "list_eval_partition.txt").read_text().splitlines()
    for name, table in (
        ("list_attr_celeba.csv", [["image_id", *rows[1]], *rows[2:]]),
        ("list_eval_partition.csv", [["image_id", "partition"], *(line.split() for line in parts)]),
    ):
        with (target / name).open("w", newline="") as file:
            csv.writer(file).writerows(table)


def as_parquet(folder: Path, target: Path, *, named: bool = True) -> None:
    import pyarrow
    import pyarrow.parquet

    (target / "data").mkdir(parents=True)
    form = find(folder)
    assert form.parts is not None
    for split, part in (("train", 0), ("valid", 1), ("test", 2)):
        names = [name for name in form.names if form.parts[name] == part]
        for shard, some in enumerate((names[: len(names) // 2], names[len(names) // 2 :])):
            pictures = [
                {"bytes": content, "path": f"{name}.jpg" if named else None}
                for name, content in form.read(some)
            ]
            columns = {
                key: [form.rows[name][i] for name in some] for i, key in enumerate(ATTRIBUTES)
            }
            table = pyarrow.table({"image": pictures, "celeb_id": [1] * len(some), **columns})
            file = target / "data" / f"{split}-{shard:05d}-of-00002.parquet"
            pyarrow.parquet.write_table(table, file, row_group_size=7)


def as_unnamed_parquet(folder: Path, target: Path) -> None:
    as_parquet(folder, target, named=False)


def as_tfds(folder: Path, target: Path) -> None:
    """By TFDS's own code, from the original files."""
    files = target.with_name("originals")
    as_zip(folder, files)
    names = [file.name for file in images(folder)]
    places = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y"
    head = f"{len(names)}\n{places} rightmouth_x rightmouth_y\n"
    marks = "".join(f"{name} {' '.join(['50'] * 10)}\n" for name in names)
    (files / "list_landmarks_align_celeba.txt").write_text(head + marks)
    (files / "identity_CelebA.txt").write_text("".join(f"{name} 7\n" for name in names))
    prepared.prepare("celeb_a", files, target)


FORMS = (as_zip, as_download, as_png, as_kaggle, as_parquet, as_unnamed_parquet)


def load(folder: Path, split: str = "train", **options) -> Records:
    return celeba.load(split, folder, size=SIZE, **options)


@pytest.mark.parametrize("write", FORMS)
def test_every_form_gives_the_same_faces_and_labels(official, tmp_path, write):
    write(official, tmp_path / "other")
    for split in ("train", "dev", "test"):
        one, other = load(official, split), load(tmp_path / "other", split)
        assert len(one) == COUNTS[split]
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.attributes, other.attributes)


@pytest.mark.parametrize("write", FORMS)
def test_every_form_gives_the_files_themselves(official, tmp_path, write):
    write(official, tmp_path / "other")
    form, other = find(official), find(tmp_path / "other")
    some = [form.names[i] for i in (0, 3, 17, 41, 59)]
    if write is not as_png:
        assert dict(other.read(some)) == dict(form.read(some))
    assert other.names == form.names
    assert other.parts == form.parts


def test_what_tfds_prepares_gives_the_same_faces_and_labels(official, tmp_path, monkeypatch):
    monkeypatch.setattr(forms, "ALL_IMAGES", 60)  # whole: the order of the files is then known
    as_tfds(official, tmp_path / "tfds")
    for folder in (tmp_path / "tfds", tmp_path / "tfds" / "celeb_a"):
        for split in ("train", "dev", "test"):
            one, other = load(official, split), load(folder, split)
            np.testing.assert_array_equal(one.images, other.images)
            np.testing.assert_array_equal(one.attributes, other.attributes)
    some = ["000050", "000003", "000060"]
    form = find(tmp_path / "tfds")
    assert dict(form.read(some)) == dict(find(official).read(some))


def test_a_part_that_tfds_has_prepared_has_the_official_split_in_another_order(official, tmp_path):
    as_tfds(official, tmp_path / "tfds")
    one, other = load(official), load(tmp_path / "tfds")
    pairs = [
        sorted(zip((image.tobytes() for image in r.images), r.attributes.tolist(), strict=True))
        for r in (one, other)
    ]
    assert pairs[0] == pairs[1]
    with pytest.raises(UserError, match=r"order of CelebA's files is lost there"):
        load(tmp_path / "tfds", partition="report")
