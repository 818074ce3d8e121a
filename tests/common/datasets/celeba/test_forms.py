"""CelebA in every form: the same faces and labels from all, and what is said of broken ones."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck
from PIL import Image

from common.datasets import prepared
from common.datasets.celeba import forms, parquet
from common.datasets.celeba import loader as celeba
from common.datasets.celeba.forms import find
from common.datasets.celeba.lists import ATTRIBUTES
from common.datasets.drawn import write_celeba
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


def as_parquet(
    folder: Path, target: Path, *, named: bool = True, value: Callable[[bool], object] = bool
) -> None:
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
                key: [value(bool(form.rows[name][i])) for name in some]
                for i, key in enumerate(ATTRIBUTES)
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


def as_named_folder(folder: Path, target: Path) -> None:
    """In a folder of its own, as on the hub."""
    as_parquet(folder, target)
    (target / "data").rename(target / "img_align+identity+attr")


@pytest.fixture(scope="module")
def tfds(official, tmp_path_factory) -> Path:
    """The faces as TFDS has prepared them; not to be changed, nor `originals` beside it."""
    folder = tmp_path_factory.mktemp("prepared") / "tfds"
    as_tfds(official, folder)
    return folder


@pytest.fixture
def originals(tfds, tmp_path) -> Path:
    """A copy of what TFDS prepares from, which a test may change."""
    return Path(shutil.copytree(tfds.with_name("originals"), tmp_path / "originals"))


FORMS = (as_zip, as_download, as_png, as_kaggle, as_parquet, as_named_folder, as_unnamed_parquet)


def load(folder: Path, split: str = "train", **options) -> Records:
    return celeba.load(split, folder, size=SIZE, **options)


def same_splits(folder: Path, other: Path) -> None:
    """All splits have the same faces and labels in both folders."""
    for split in COUNTS:
        one, two = load(folder, split), load(other, split)
        np.testing.assert_array_equal(one.images, two.images)
        np.testing.assert_array_equal(one.attributes, two.attributes)


@pytest.fixture
def _whole(monkeypatch) -> Iterator[None]:
    """CelebA has 60 images: what there is, is all of it."""
    for module in (forms, parquet):
        monkeypatch.setattr(module, "ALL_IMAGES", 60)
    forms._prepared_form.cache_clear()  # what it holds was read as a part, or will be again
    yield
    forms._prepared_form.cache_clear()


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("write", FORMS)
def test_every_form_gives_the_same_faces_and_labels(official, tmp_path, write):
    write(official, tmp_path / "other")
    assert [len(load(official, split)) for split in COUNTS] == list(COUNTS.values())
    same_splits(official, tmp_path / "other")


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("write", FORMS)
def test_every_form_gives_the_files_themselves(official, tmp_path, write):
    write(official, tmp_path / "other")
    form, other = find(official), find(tmp_path / "other")
    some = [form.names[i] for i in (0, 3, 17, 41, 59)]
    if write is not as_png:
        assert dict(other.read(some)) == dict(form.read(some))
    assert other.names == form.names
    assert other.parts == form.parts


@pytest.mark.slow
@pytest.mark.usefixtures("_whole")  # the order of the files is then known
def test_what_tfds_prepares_gives_the_same_faces_and_labels(official, tfds):
    for folder in (tfds, tfds / "celeb_a"):
        same_splits(official, folder)
    some = ["000050", "000003", "000060"]
    form = find(tfds)
    assert dict(form.read(some)) == dict(find(official).read(some))


def test_rows_without_names_are_no_file_numbers_of_a_part(official, tmp_path):
    as_unnamed_parquet(official, tmp_path)
    form = find(tmp_path)
    assert form.names[0] == "row-000001"
    assert not form.numbered
    np.testing.assert_array_equal(load(tmp_path, "dev").images, load(official, "dev").images)


def test_training_tables_alone_are_training_images(official, tmp_path):
    as_parquet(official, tmp_path)
    for file in (tmp_path / "data").glob("[!t]*.parquet"):
        file.unlink()
    for file in (tmp_path / "data").glob("test*"):
        file.unlink()
    assert len(load(tmp_path)) == COUNTS["train"]
    assert set((find(tmp_path).parts or {}).values()) == {0}


def as_split_folders(file: Path) -> str:
    return f"{file.name.partition('-')[0]}/{file.name.split('-')[1]}.parquet"


def as_prefixed(file: Path) -> str:
    return f"celeba_{file.name.replace('-', '_')}"


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("place", [as_split_folders, as_prefixed])
def test_the_split_of_a_table_is_any_word_of_its_name_or_its_folder(
    official, tmp_path, place, named
):
    as_parquet(official, tmp_path / "given", named=named)
    for file in (tmp_path / "given" / "data").iterdir():
        target = tmp_path / "celeba" / place(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    same_splits(official, tmp_path / "celeba")


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("named", [True, False])
def test_all_of_it_as_training_tables_has_the_official_split(
    official, tmp_path, named, monkeypatch
):
    as_parquet(official, tmp_path, named=named)
    tables = [
        file.rename(file.with_name(f"train-{number:05d}.parquet"))
        for number, file in enumerate(
            sorted(
                (tmp_path / "data").iterdir(),
                key=lambda file: (["train", "valid", "test"].index(file.name.split("-")[0]), file),
            )
        )
    ]
    assert len(tables) == 6
    monkeypatch.setattr(celeba, "LAST_TRAIN", 40)
    monkeypatch.setattr(celeba, "LAST_DEV", 50)
    same_splits(official, tmp_path)


@pytest.mark.parametrize(
    "write",
    [lambda on: 1 if on else -1, int, bool, float, Decimal],
    ids=["signed", "unit", "bool", "float", "decimal"],
)
def test_attributes_of_tables_may_be_of_any_kind_of_number(official, tmp_path, write):
    as_parquet(official, tmp_path, value=write)
    np.testing.assert_array_equal(
        load(tmp_path, "dev").attributes, load(official, "dev").attributes
    )


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda on: "1" if on else "-1", "has the values '-1'.*; attributes are true and false"),
        (lambda on: True if on else None, "has the values None; attributes"),
        (lambda on: 255 if on else 0, "has the values 255; attributes"),
        (lambda on: [int(on)], r"has the values \[0\].*; attributes"),
    ],
    ids=["text", "empty", "bytes", "lists"],
)
def test_attributes_of_tables_that_are_no_numbers_are_refused(official, tmp_path, write, said):
    as_parquet(official, tmp_path, value=write)
    assert re.search(rf"train-00000-of-00002\.parquet: \w+ {said}", refused(tmp_path))


@pytest.mark.usefixtures("_whole")
def test_tables_that_tell_neither_names_nor_splits_are_not_taken_for_file_numbers(
    official, tmp_path
):
    as_parquet(official, tmp_path, named=False)
    for number, file in enumerate(sorted((tmp_path / "data").iterdir())):
        file.rename(file.with_name(f"{number:04d}.parquet"))
    form = find(tmp_path)
    assert (form.numbered, form.parts, form.names[0]) == (False, None, "row-000001")


def test_another_set_of_the_same_size_and_time_is_not_taken_from_the_cache(tfds, tmp_path):
    shutil.copytree(tfds, tmp_path / "one")
    write_celeba(tmp_path / "mirrored", COUNTS)
    for file in images(tmp_path / "mirrored"):
        Image.open(file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file, quality=95)
    as_tfds(tmp_path / "mirrored", tmp_path / "other")
    loaded = []
    for name in ("one", "other"):
        for file in (tmp_path / name).rglob("*"):
            os.utime(file, (1, 1))
        loaded.append(load(tmp_path / name).images)
    assert (loaded[0] != loaded[1]).any()


@pytest.mark.parametrize("image", [0, 3, 7])
def test_a_table_of_the_same_size_and_time_with_another_image_is_another(official, tmp_path, image):
    as_parquet(official, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    inside = images(official)[image].read_bytes()[300:340]
    for file in (tmp_path / "other").rglob("*.parquet"):
        file.write_bytes(file.read_bytes().replace(inside, inside[::-1]))
    for file in tmp_path.rglob("*.parquet"):
        os.utime(file, (1, 1))
    one, other = (find(tmp_path / name) for name in ("one", "other"))
    name = images(official)[image].stem
    assert one.stamp(name) != other.stamp(name)


def test_a_table_of_no_split_among_others_is_refused(official, tmp_path):
    as_parquet(official, tmp_path)
    (tmp_path / "data" / "test-00000-of-00002.parquet").rename(tmp_path / "data" / "more.parquet")
    assert "the names of more.parquet do not say to which split" in refused(tmp_path)


def test_a_zip_that_is_named_is_read_beside_images(official, tmp_path):
    as_download(official, tmp_path)
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "img_align_celeba" / "000001.jpg").write_bytes(images(official)[0].read_bytes())
    assert len(load(tmp_path / "Img" / "img_align_celeba.zip")) == COUNTS["train"]


def test_of_several_folders_the_fullest_is_read(official, tmp_path):
    as_kaggle(official, tmp_path)
    (tmp_path / "img_align_celeba_png").mkdir()
    Image.open(images(official)[0]).save(tmp_path / "img_align_celeba_png" / "000001.png")
    assert len(find(tmp_path).names) == 60


@pytest.mark.slow
def test_a_part_that_tfds_has_prepared_has_the_official_split_in_another_order(official, tfds):
    one, other = load(official), load(tfds)
    pairs = [
        sorted(zip((image.tobytes() for image in r.images), r.attributes.tolist(), strict=True))
        for r in (one, other)
    ]
    assert pairs[0] == pairs[1]
    with pytest.raises(UserError, match=r"order of CelebA's files is lost there"):
        load(tfds, train_files=196_608)


# --- What is wrong with them ----------------------------------------------------------------------


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(folder)
    return str(caught.value)


def test_a_web_page_in_the_place_of_the_zip_is_called_one(official, tmp_path):
    lists(official, tmp_path)
    file = tmp_path / "img_align_celeba.zip"
    page = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"
    file.write_bytes(page)
    assert refused(tmp_path) == (
        f"{file} is a web page of {len(page)} bytes, not a zip: Google Drive sends one when too "
        "many people have downloaded the file. Download it again later, or from elsewhere."
    )


def test_a_zip_that_is_cut_off_says_so(official, tmp_path):
    as_zip(official, tmp_path)
    file = tmp_path / "img_align_celeba.zip"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    said = refused(tmp_path)
    assert said.startswith(f"{file}, {len(content) // 2:,} bytes, is not an intact zip")
    assert said.endswith("it may be cut off. Download it again.")


def damage(file: Path) -> None:
    """Damages the seventh image in a zip."""
    content = bytearray(file.read_bytes())
    at = content.index(b"000007.jpg") + 2000
    content[at : at + 50] = bytes(50)
    file.write_bytes(content)


def test_an_image_that_is_damaged_in_the_zip_is_named(official, tmp_path):
    as_zip(official, tmp_path)
    damage(tmp_path / "img_align_celeba.zip")
    assert "1 images are no faces" in refused(tmp_path)
    assert "000007 (unreadable)" in refused(tmp_path)


@pytest.mark.parametrize("write", [as_zip, as_png])
def test_a_damaged_image_whose_line_is_taken_out_as_the_message_says_is_left_out(
    official, tmp_path, write
):
    write(official, tmp_path)
    if write is as_zip:
        damage(tmp_path / "img_align_celeba.zip")
    else:
        (tmp_path / "img_align_celeba_png" / "000007.png").write_bytes(b"")
    assert "take them out, or their lines in the list of attributes: the" in refused(tmp_path)
    file = tmp_path / "list_attr_celeba.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "000007" not in line))
    rest = load(tmp_path)
    assert len(rest) == COUNTS["train"] - 1
    if write is as_zip:
        np.testing.assert_array_equal(rest.images, np.delete(load(official).images, 6, axis=0))


def test_a_zip_without_images_is_refused(official, tmp_path):
    lists(official, tmp_path)
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "holds no images" in refused(tmp_path)


def test_kaggles_zip_as_it_is_downloaded_is_to_be_unpacked(official, tmp_path):
    as_kaggle(official, tmp_path / "kaggle")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for file in (tmp_path / "kaggle").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path / "kaggle"))
    assert refused(tmp_path / "archive.zip") == (
        f"{tmp_path / 'archive.zip'} holds list_attr_celeba.csv beside the images, as Kaggle packs "
        "it: unpack it, and name the folder by --data-dir."
    )


@hypothesis.settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@hypothesis.given(data=st.data())
@pytest.mark.parametrize("write", [as_zip, as_parquet])
def test_whatever_bytes_are_damaged_it_is_a_user_error_or_none(official, tmp_path, write, data):
    folder = tmp_path / "damaged"
    if not folder.exists():
        write(official, folder)
    file = next(file for pattern in ("*.zip", "*/train-*") for file in sorted(folder.glob(pattern)))
    content = file.read_bytes()
    damaged = bytearray(content)
    ends = st.integers(max(0, len(content) - 3000), len(content) - 1)  # where the directories lie
    for place in data.draw(st.lists(ends, min_size=1, max_size=8)):
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        file.write_bytes(damaged)
        with contextlib.suppress(UserError):
            load(folder)
    finally:
        file.write_bytes(content)


def test_a_zip_without_the_lists_asks_for_them(official, tmp_path):
    as_zip(official, tmp_path)
    (tmp_path / "list_attr_celeba.txt").unlink()
    assert "has no list_attr_celeba.txt (or .csv), neither in it nor in Anno/" in refused(tmp_path)


def test_a_parquet_file_that_is_cut_off_says_so(official, tmp_path):
    as_parquet(official, tmp_path)
    file = tmp_path / "data" / "test-00001-of-00002.parquet"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - 100])
    said = refused(tmp_path)
    assert said.startswith(f"{file}, {len(content) - 100:,} bytes, is not an intact parquet file")


@pytest.mark.parametrize(
    "kind",
    ["ArrowNotImplementedError", "ArrowCapacityError", "ArrowIndexError", "ArrowMemoryError"],
)
def test_whatever_arrow_says_of_a_table_it_is_not_intact(official, tmp_path, monkeypatch, kind):
    import pyarrow.parquet

    def damaged(file):
        raise getattr(pyarrow, kind)("Integers with more than 64 bits not implemented")

    as_parquet(official, tmp_path)
    monkeypatch.setattr(pyarrow.parquet, "ParquetFile", damaged)
    assert "is not an intact parquet file" in refused(tmp_path)


def table_of(folder: Path, images: list, rows: int) -> Path:
    import pyarrow
    import pyarrow.parquet

    folder.mkdir(exist_ok=True)
    columns = {name: [1] * rows for name in ATTRIBUTES}
    file = folder / "train-00000.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"image": images, **columns}), file)
    return file


def test_tables_without_files_of_images_are_refused(tmp_path):
    for images in ([{"path": "000001.jpg"}], [7]):
        file = table_of(tmp_path / "celeba", images, 1)
        said = refused(tmp_path / "celeba")
        assert said.startswith(f"{file}: its column image holds no files of images (")


def test_a_table_without_rows_is_refused(tmp_path):
    import pyarrow

    empty = pyarrow.array([], pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()}))
    file = table_of(tmp_path / "celeba", empty, 0)
    assert refused(tmp_path / "celeba") == f"{file}: no rows; download them again."


def test_a_missing_image_of_a_table_is_named(official, tmp_path):
    whole = images(official)[0].read_bytes()
    pictures = [{"bytes": whole, "path": "000001.jpg"}, None]
    table_of(tmp_path / "celeba", pictures, 2)
    assert "row-000002 (unreadable)" in refused(tmp_path / "celeba")


def test_a_web_page_in_the_place_of_a_table_is_called_one(tmp_path):
    (tmp_path / "train-0.parquet").write_bytes(b"<!doctype html><html></html>")
    assert "is a web page of 28 bytes, not a parquet file" in refused(tmp_path)


def test_a_folder_that_is_called_like_a_file_is_looked_into(official, tmp_path):
    as_kaggle(official, tmp_path / "celeba.zip")
    assert len(load(tmp_path / "celeba.zip")) == COUNTS["train"]
    (tmp_path / "x" / "all.parquet").mkdir(parents=True)
    assert "has no CelebA: looked for" in refused(tmp_path / "x")


def test_names_without_a_suffix_are_names(official, tmp_path):
    as_zip(official, tmp_path)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        file = tmp_path / name
        file.write_text(file.read_text().replace(".jpg", ""))
    assert len(load(tmp_path)) == COUNTS["train"]


def test_a_table_of_something_else_is_refused_by_its_columns(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"image": [b""], "label": [1]})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    assert "train.parquet has no columns 5_o_Clock_Shadow, Arched_Eyebrows" in refused(tmp_path)


def test_the_same_image_in_two_tables_is_refused(official, tmp_path):
    as_parquet(official, tmp_path)
    data = tmp_path / "data"
    file = data / "train-00002-of-00002.parquet"
    file.write_bytes((data / "train-00000-of-00002.parquet").read_bytes())
    assert refused(tmp_path) == f"{file} has the image 000001 a second time."


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("list_attr_celeba.csv", lambda t: t.replace("Bald", "Hairy", 1), "its first line must be"),
        ("list_attr_celeba.csv", lambda t: t.replace("-1", "7", 1), "line 2: .* but it has 7"),
        ("list_attr_celeba.csv", lambda t: t.replace(",-1", "", 1), "line 2: .* it has 39 values"),
        ("list_attr_celeba.csv", lambda t: "", "its first line must be image_id"),
        (
            "list_eval_partition.csv",
            lambda t: t[t.index("\n") :],
            "its first line must be image_id",
        ),
        ("list_eval_partition.csv", lambda t: t.replace(",0", ",5", 1), "line 2: expected a file"),
    ],
)
def test_a_bad_table_of_kaggle_is_named_by_its_line(official, tmp_path, name, change, said):
    as_kaggle(official, tmp_path)
    file = tmp_path / name
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=f"{name}.*{said}"):
        load(tmp_path)


def test_a_prepared_data_set_that_is_cut_off_says_so(tfds, tmp_path):
    shutil.copytree(tfds, tmp_path / "tfds")
    (file,) = (tmp_path / "tfds").glob("celeb_a/*/celeb_a-train.tfrecord*")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert refused(tmp_path / "tfds").endswith("; prepare it again.")


def test_originals_that_tfds_cannot_read_are_a_user_error(official, tmp_path):
    files = tmp_path / "files"
    as_zip(official, files)
    (files / "list_landmarks_align_celeba.txt").write_text("1\nx\n")
    (files / "identity_CelebA.txt").write_text("")
    with pytest.raises(UserError, match=r"cannot prepare celeb_a from .*; take the original files"):
        prepared.prepare("celeb_a", files, tmp_path / "tfds")


@pytest.mark.slow
def test_originals_lie_as_they_are_downloaded_too(tfds, originals, tmp_path):
    for inside, some in {"Anno": "list_[al]*", "Eval": "list_eval*", "Img": "*.zip"}.items():
        (originals / inside).mkdir()
        for file in originals.glob(some):
            file.rename(originals / inside / file.name)
    prepared.prepare("celeb_a", originals, tmp_path / "again")
    one, other = load(tfds), load(tmp_path / "again")
    np.testing.assert_array_equal(one.images, other.images)


def test_a_file_in_the_place_of_the_prepared_data_is_named(official, tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(UserError, match=r"--out .*taken is a file; name a folder"):
        prepared.prepare("celeb_a", official, tmp_path / "taken")


def test_files_that_tfds_needs_are_asked_for(official, tmp_path):
    as_zip(official, tmp_path / "files")
    with pytest.raises(
        UserError, match=r"has no list_landmarks_align_celeba\.txt, identity_CelebA"
    ):
        prepared.prepare("celeb_a", tmp_path / "files", tmp_path / "tfds")
    assert not (tmp_path / "tfds").exists()


def test_what_is_prepared_already_is_not_prepared_again(tfds, originals):
    with pytest.raises(
        UserError, match=r"celeb_a.2\..* is prepared already; move it away, or name"
    ):
        prepared.prepare("celeb_a", originals, tfds)


def test_of_a_zip_and_what_is_half_unpacked_of_it_the_zip_is_read(official, tmp_path):
    as_zip(official, tmp_path)
    (tmp_path / "img_align_celeba").mkdir()
    for file in images(official)[:45]:
        (tmp_path / "img_align_celeba" / file.name).write_bytes(file.read_bytes())
    assert len(find(tmp_path).names) == 60
    (tmp_path / "img_align_celeba.zip").write_bytes(b"<html>")  # but only where it is one
    assert len(find(tmp_path).names) == 45


def test_images_that_were_chosen_of_a_zip_are_read_and_not_the_zip(official, tmp_path):
    as_zip(official, tmp_path)
    (tmp_path / "img_align_celeba").mkdir()
    for file in images(official):
        if file.stem != "000003":  # taken out, as the message on a bad image says
            (tmp_path / "img_align_celeba" / file.name).write_bytes(file.read_bytes())
    assert len(find(tmp_path).names) == 59


def test_images_of_a_zip_that_lie_in_several_folders_are_one_set(official, tmp_path):
    lists(official, tmp_path)
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
        for number, file in enumerate(images(official)):
            archive.write(file, f"part{number % 3}/{file.name}")
        archive.write(images(official)[0], f"part1/{images(official)[0].name}")  # once more
    np.testing.assert_array_equal(load(tmp_path).images, load(official).images)


def test_a_stray_quotation_mark_is_named_by_its_line(official, tmp_path):
    as_kaggle(official, tmp_path)
    file = tmp_path / "list_eval_partition.csv"
    lines = file.read_text().splitlines()
    lines[5] = f'"{lines[5]}'
    file.write_text("\n".join(lines + [f"x{i:06d}.jpg,0" for i in range(9000)]))
    assert "list_eval_partition.csv, line 6: expected a file name and 0, 1 or 2" in refused(
        tmp_path
    )


@pytest.mark.parametrize("other", ["masks", "a"])
def test_of_two_folders_of_the_same_names_in_a_zip_celebas_own_is_read(official, tmp_path, other):
    as_zip(official, tmp_path)
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "a") as archive:
        for file in images(official)[::-1]:
            archive.writestr(f"{other}/{file.name}", images(official)[0].read_bytes())
        archive.writestr(f"{other}/more.jpg", images(official)[0].read_bytes())
    np.testing.assert_array_equal(load(tmp_path).images, load(official).images)


def test_a_link_to_nothing_is_a_bad_image(official, tmp_path):
    as_png(official, tmp_path)
    file = tmp_path / "img_align_celeba_png" / "000003.png"
    file.unlink()
    file.symlink_to(tmp_path / "nothing.png")
    assert "1 images are no faces" in (said := refused(tmp_path))
    assert "000003 (unreadable)" in said


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n".join(
            ",".join(f'"{word}"' for word in line.split(",")) for line in text.splitlines()
        ),
    ],
    ids=["byte order mark", "Windows", "quotes"],
)
def test_tables_as_other_programs_save_them_are_read(official, tmp_path, change):
    as_kaggle(official, tmp_path)
    for name in ("list_attr_celeba.csv", "list_eval_partition.csv"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_bytes(change(text).encode())
    same_splits(official, tmp_path)


def test_a_folder_with_nothing_says_what_was_looked_for(tmp_path):
    (tmp_path / "cat.jpg").touch()
    assert refused(tmp_path) == (
        f"{tmp_path} has no CelebA: looked for images in img_align_celeba/, img_align_celeba.zip, "
        "*.parquet and celeb_a/2.*/ of tensorflow-datasets, and it contains cat.jpg. --data-dir "
        "must name the folder that holds one of them."
    )


def test_tables_and_images_in_several_folders_are_not_chosen_between(official, tmp_path):
    as_parquet(official, tmp_path / "tables")
    as_zip(official, tmp_path / "zip")
    assert refused(tmp_path) == (
        f"{tmp_path} holds several sets, such as {tmp_path / 'tables' / 'data'} and "
        f"{tmp_path / 'zip'}; name one of them by --data-dir."
    )


def test_a_folder_higher_is_told_where_celeba_lies(official, tmp_path):
    as_png(official, tmp_path / "mine")
    assert f"holds one of them, such as {tmp_path / 'mine'}." in refused(tmp_path)


def test_the_images_folder_itself_is_told_where_the_lists_lie(official, tmp_path):
    as_kaggle(official, tmp_path)
    assert f"Name {tmp_path}, which has it." in refused(tmp_path / "img_align_celeba")


def test_a_row_that_stands_twice_is_refused(official, tmp_path):
    as_zip(official, tmp_path)
    file = tmp_path / "list_attr_celeba.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[4]]))
    assert "line 63: 000003.jpg a second time; take the original file." in refused(tmp_path)


def test_a_zip_that_cannot_be_prepared_is_named(originals, tmp_path):
    (originals / "img_align_celeba.zip").write_bytes(b"<html>Quota</html>")
    with pytest.raises(
        UserError, match=r"originals/img_align_celeba.zip is a web page of 18 bytes"
    ):
        prepared.prepare("celeb_a", originals, tmp_path / "more")


def test_the_zip_itself_may_be_named(official, tmp_path):
    as_zip(official, tmp_path)
    assert len(load(tmp_path / "img_align_celeba.zip")) == COUNTS["train"]
