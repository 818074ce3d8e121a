"""CelebA: the layouts, the splits, the crops, the cache, and every way in which a folder is bad."""

from __future__ import annotations

import errno
import fcntl
import io
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from common.datasets.celeba import faces
from common.datasets.celeba import loader as celeba
from common.datasets.celeba.faces import face
from common.datasets.celeba.forms import Form, find
from common.datasets.celeba.lists import read_attributes, read_partition
from common.datasets.celeba.loader import ATTRIBUTES, chosen_names
from common.datasets.drawn import write_celeba
from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT

SIZE = 16
OF_THE_AUTHORS = (  # names, and their places in CelebA's header, counted from 1
    {"Bald": 5, "Bangs": 6, "Black_Hair": 9, "Blond_Hair": 10, "Brown_Hair": 12}
    | {"Bushy_Eyebrows": 13, "Eyeglasses": 16, "Gray_Hair": 18, "Heavy_Makeup": 19, "Male": 21}
    | {"Mouth_Slightly_Open": 22, "Mustache": 23, "Pale_Skin": 27, "Receding_Hairline": 29}
    | {"Smiling": 32, "Straight_Hair": 33, "Wavy_Hair": 34, "Wearing_Hat": 36}
)
ALL_STEMS = [f"{number:06d}" for number in range(1, 202_600)]
UNLISTED = Form("all of it", {}, None, ALL_STEMS, str, lambda names: iter(()))
CROP = (30, 40, 168, 178)  # left, top, right, bottom
REAL = ROOT.parent / "shared" / "data" / "celeba"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "celeba"
    write_celeba(folder, {"train": 12, "dev": 4, "test": 4})
    return folder


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "celeba"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    celeba.announce.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "image-editing-gans"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the files that are decoded."""
    names, decode = [], faces.decode

    def counted(file: BinaryIO, name: str) -> Image.Image:
        names.append(name)
        return decode(file, name)

    monkeypatch.setattr(faces, "decode", counted)
    return names


def load(folder: Path, split: str = "train", size: int = SIZE, **options) -> Records:
    return celeba.load(split, folder, size=size, **options)


def rewrite(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    file.write_text("".join(change(file.read_text().splitlines(keepends=True))))


def same(one: Records, other: Records) -> None:
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.attributes, other.attributes)


# Layouts


def test_the_official_layout_gives_its_three_splits(original):
    records = {split: load(original, split) for split in ("train", "dev", "test")}
    assert [len(part) for part in records.values()] == [12, 4, 4]
    for part in records.values():
        assert part.images.shape == (len(part), 16, 16, 3)
        assert part.images.dtype == np.uint8
        assert part.attributes.shape == (len(part), 40)
        assert part.name == "celeba"


def as_download(folder: Path) -> None:
    for inside, name in (
        ("Anno", "list_attr_celeba.txt"),
        ("Eval", "list_eval_partition.txt"),
        ("Img", "img_align_celeba"),
    ):
        (folder / inside).mkdir()
        (folder / name).rename(folder / inside / name)


def as_png(folder: Path) -> None:
    for file in (folder / "img_align_celeba").iterdir():
        Image.open(file).save(file.with_suffix(".png"))
        file.unlink()


def in_reverse(folder: Path) -> None:
    """Rows belong to images by name and not by place."""
    for name, head in (("list_attr_celeba.txt", 2), ("list_eval_partition.txt", 0)):
        rewrite(folder / name, lambda lines, n=head: lines[:n] + lines[n:][::-1])


def among_others(folder: Path) -> None:
    """Hidden files and other files are no images."""
    for name in ("._000001.jpg", "Thumbs.db", "000021.txt"):
        (folder / "img_align_celeba" / name).write_bytes(b"of another system")


@pytest.mark.parametrize("change", [as_download, as_png, in_reverse, among_others])
def test_other_layouts_give_the_same_faces(original, folder, change):
    change(folder)
    for split in ("train", "dev", "test"):
        same(load(folder, split), load(original, split))
    assert find(folder).names == find(original).names


def test_images_are_in_the_order_of_their_names(original, monkeypatch):
    monkeypatch.setattr(faces, "BLOCK", 5)  # several blocks, the last one not full
    files = sorted((original / "img_align_celeba").iterdir())[:12]
    images = load(original).images
    for file, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(image, face(Image.open(file), SIZE, faces.WHOLE_WIDTH))


def test_a_subset_is_announced(folder, caplog):
    (folder / "img_align_celeba" / "000001.jpg").unlink()
    rewrite(folder / "list_attr_celeba.txt", lambda lines: lines[:-1])
    with caplog.at_level(logging.INFO):
        assert len(load(folder)) == 11
    message = "18 images with attributes (of 19 images and 19 rows)"
    assert any(message in told for told in caplog.messages)


def test_what_was_found_is_told_once(original, caplog):
    with caplog.at_level(logging.INFO):
        for split in ("train", "dev", "test"):
            load(original, split)
    told = [message for message in caplog.messages if message.startswith("CelebA: ")]
    place = original / "img_align_celeba"
    assert told == [f"CelebA: JPEG files in {place}, 20 images with attributes"]


# Splits


def test_no_image_is_in_two_splits(original):
    splits = [
        {image.tobytes() for image in load(original, split).images}
        for split in ("train", "dev", "test")
    ]
    assert len(set.union(*splits)) == 20


def test_the_partition_file_decides(folder):
    before = load(folder)
    rewrite(
        folder / "list_eval_partition.txt",
        lambda lines: [lines[0].replace(" 0", " 2"), *lines[1:]],
    )
    np.testing.assert_array_equal(load(folder).images, before.images[1:])
    np.testing.assert_array_equal(load(folder, "test").images[0], before.images[0])


def parts_of_all(train_files: int | None = None) -> list[list[str]]:
    """All of CelebA's files without a list of splits, split."""
    return [
        chosen_names(UNLISTED, ALL_STEMS, split, train_files) for split in ("train", "dev", "test")
    ]


def test_without_a_partition_file_the_official_numbers_decide(caplog):
    with caplog.at_level(logging.INFO):
        parts = parts_of_all()
    assert [len(part) for part in parts] == [162_770, 19_867, 19_962]
    assert [(part[0], part[-1]) for part in parts] == [
        ("000001", "162770"),
        ("162771", "182637"),
        ("182638", "202599"),
    ]
    assert "no list_eval_partition.txt" in caplog.text


def test_a_numbered_copy_without_a_partition_file_is_all_training(folder):
    (folder / "list_eval_partition.txt").unlink()
    assert len(load(folder)) == 20
    with pytest.raises(
        UserError, match=r"no images in the split 'dev' \(official\).*--data\.split"
    ):
        load(folder, "dev")


@pytest.mark.parametrize(
    ("train_files", "sizes"),
    # 202,599 - 196,608 = 5,991 = 2,995 + 2,996; 202,599 - 182,638 = 19,961 = 9,980 + 9,981
    [(196_608, [196_608, 2_995, 2_996]), (182_638, [182_638, 9_980, 9_981])],
)
def test_so_many_files_train_and_the_rest_is_halved_in_their_order(train_files, sizes):
    parts = parts_of_all(train_files)
    assert [len(part) for part in parts] == sizes
    assert [stem for part in parts for stem in part] == ALL_STEMS


def test_a_split_of_a_subset_keeps_the_shares_whatever_the_list_of_splits_says(original):
    # 20 * 196,608 / 202,599 = 19.4: 19 and, of the one that is left, 0 and 1
    assert len(load(original, "train", train_files=196_608)) == 19
    assert len(load(original, "test", train_files=196_608)) == 1
    with pytest.raises(UserError, match=r"in the split 'dev' \(196,608 of all files train\)"):
        load(original, "dev", train_files=196_608)


def test_the_first_images_of_a_split_are_a_part_of_it(original, decoded):
    whole = load(original, "dev")
    decoded.clear()
    part = load(original, "dev", limit=3)
    np.testing.assert_array_equal(part.images, whole.images[:3])
    np.testing.assert_array_equal(part.attributes, whole.attributes[:3])
    assert len(decoded) == 3  # and no more than these


# Attributes


def test_there_are_40_attributes_in_alphabetical_order_the_authors_18_at_their_places(original):
    assert len(set(ATTRIBUTES)) == 40
    assert list(ATTRIBUTES) == sorted(ATTRIBUTES)
    assert (ATTRIBUTES[0], ATTRIBUTES[-1]) == ("5_o_Clock_Shadow", "Young")
    assert {name: ATTRIBUTES.index(name) + 1 for name in OF_THE_AUTHORS} == OF_THE_AUTHORS
    assert load(original).attribute_names == ATTRIBUTES


@pytest.mark.parametrize("absent", ["-1", " 0"])
def test_ones_are_present_and_the_others_absent(folder, absent):
    row = ["000001.jpg", *[absent] * 4, " 1", *[absent] * 35]  # the fifth name is Bald
    rewrite(
        folder / "list_attr_celeba.txt",
        lambda lines: [*lines[:2], " ".join(row) + "\n", *lines[3:]],
    )
    for values, none in (("unit", 0.0), ("signed", -1.0)):
        found = load(folder, values=values).attributes
        assert found.dtype == np.float32
        assert np.unique(found).tolist() == [none, 1.0]
        assert found[0].tolist() == [none] * 4 + [1.0] + [none] * 35


def test_columns_come_as_they_are_asked_for(original):
    some = load(original, attributes=("Smiling", "Male"))
    assert some.attribute_names == ("Smiling", "Male")
    np.testing.assert_array_equal(some.attributes, load(original).attributes[:, [31, 20]])


def test_a_list_that_is_shorter_than_its_first_line_says_is_named(folder, caplog):
    list_ = folder / "list_attr_celeba.txt"
    read_attributes(list_)
    assert not caplog.messages
    rewrite(list_, lambda lines: lines[:-1])
    assert len(read_attributes(list_)) == 19
    assert "says that it has 20 rows, but it has 19: it may be cut off" in caplog.text


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("Male", "glasses"),
            r"no attribute 'glasses'\. Did you mean 'Eyeglasses'\? It has: 5_o",
        ),
        (("xyz",), r"no attribute 'xyz'\. It has: .* and 35 more\.$"),
        (("Male", "Bald", "Male"), r"\['Male', 'Bald', 'Male'\] name one of them twice"),
    ],
)
def test_unknown_or_repeated_attributes_are_refused(original, names, said):
    with pytest.raises(UserError, match=said):
        load(original, attributes=names)


# Crops


def test_a_half_size_copy_shows_the_same_faces(original, folder):
    for file in (folder / "img_align_celeba").iterdir():
        Image.open(file).resize((89, 109), Image.Resampling.BOX).save(file, quality=95)
    difference = load(folder).images.astype(int) - load(original).images
    assert np.abs(difference).mean() < 1.5  # of 255; two pixels further on it would be 10


def test_photographs_are_read_as_the_networks_see_faces(original, tmp_path, caplog):
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(original / "img_align_celeba" / "000001.jpg", photos / "b.jpg")
    Image.new("RGB", (178, 218), (90, 90, 90)).save(photos / "a.png")
    stems, images = faces.read_faces(photos, SIZE, CROP)
    assert stems == ["a", "b"]
    assert images.shape == (2, 16, 16, 3)
    assert not caplog.messages
    np.testing.assert_array_equal(images[1], load(original, crop=CROP).images[0])


# What is refused


@pytest.mark.parametrize(
    ("split", "place", "said"),
    [
        ("val", ".", "no split 'val'; choose one of train, dev, test"),
        ("train", None, r"does not come with this project: .* by --data-dir"),
        ("train", "nowhere", r"The CelebA folder .*nowhere does not exist; name anothe"),
    ],
)
def test_an_unknown_split_or_no_folder_is_refused(tmp_path, split, place, said):
    with pytest.raises(UserError, match=said):
        celeba.load(split, place and tmp_path / place)


def test_a_missing_list_of_attributes_is_named_with_what_is_there(folder):
    (folder / "list_attr_celeba.txt").unlink()
    with pytest.raises(
        UserError,
        match=r"no list_attr_celeba\.txt \(or \.csv\), neither in it nor in Anno/; it contains "
        r"img_align_celeba, list_eval_partition\.txt\. Put CelebA's own file there",
    ):
        load(folder)


HEADER = r"list_attr_celeba\.txt is not CelebA's list of attributes: its first line"
ROW = r"celeba\.txt, line 7: expected a name and 40 values of 1 and -1, but it has {}; take the "
PART = r"partition\.txt, line 3: expected a file name and 0, 1 or 2, but it is '{}'"


def seventh(change: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines[:6], change(lines[6]), *lines[7:]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [], HEADER),
        (lambda lines: lines[1:], HEADER),
        (lambda lines: [lines[0], lines[1].replace("Bald ", "Hairless "), *lines[2:]], HEADER),
        (lambda lines: [lines[0], lines[1].replace("Bald ", ""), *lines[2:]], HEADER),
        (lambda lines: [lines[0], " ".join(lines[1].split()[::-1]) + "\n", *lines[2:]], HEADER),
        (seventh(lambda line: line.replace("-1 ", "", 1)), ROW.format("39 values")),
        (seventh(lambda line: line.replace("\n", " 1\n")), ROW.format("41 values")),
        (seventh(lambda line: line.replace("-1", "2", 1)), ROW.format("2")),
        (seventh(lambda line: "\n"), ROW.format("0 values")),
    ],
)
def test_a_bad_list_of_attributes_is_named_by_its_line(folder, change, said):
    rewrite(folder / "list_attr_celeba.txt", change)
    with pytest.raises(UserError, match=said):
        load(folder)


def test_a_list_that_is_no_text_is_refused(folder):
    (folder / "list_attr_celeba.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"list_attr_celeba\.txt cannot be read as text"):
        load(folder)


@pytest.mark.parametrize("line", ["000003.jpg", "000003.jpg 3", "000003.jpg 0 0", ""])
def test_a_bad_row_of_the_partition_is_named_by_its_line(folder, line):
    rewrite(folder / "list_eval_partition.txt", lambda lines: [*lines[:2], f"{line}\n", *lines[3:]])
    with pytest.raises(UserError, match=PART.format(line)):
        load(folder)


def test_images_that_the_partition_lacks_are_named(folder):
    rewrite(folder / "list_eval_partition.txt", lambda lines: lines[2:])
    with pytest.raises(UserError, match="does not say to which one 000001, 000002 belong; take"):
        load(folder, "test")


def test_without_partition_and_numbers_there_is_no_official_split(folder):
    (folder / "list_eval_partition.txt").unlink()
    (folder / "img_align_celeba" / "000001.jpg").rename(folder / "img_align_celeba" / "ann.jpg")
    rewrite(
        folder / "list_attr_celeba.txt",
        lambda lines: [*lines[:2], lines[2].replace("000001", "ann"), *lines[3:]],
    )
    with pytest.raises(UserError, match=r"no list_eval_partition\.txt, and the images are not num"):
        load(folder)
    assert len(load(folder, train_files=196_608)) == 19


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_images_is_refused(folder, there):
    shutil.rmtree(folder / "img_align_celeba")
    if there:
        (folder / "img_align_celeba").mkdir()
    with pytest.raises(UserError, match=r"has no CelebA: looked for .* --data-dir must"):
        load(folder)


def test_images_and_rows_without_a_common_name_are_refused(folder):
    rewrite(
        folder / "list_attr_celeba.txt",
        lambda lines: lines[:2] + [f"1{line}" for line in lines[2:]],
    )
    with pytest.raises(
        UserError,
        match=r"has 20 images \(000001, \.+\) and 20 rows of attributes \(1000001, \.+\), but none",
    ):
        load(folder)


def test_all_bad_images_are_named_and_nothing_is_kept(folder, cache, monkeypatch):
    monkeypatch.setattr(faces, "BLOCK", 2)
    images = folder / "img_align_celeba"
    cut = (images / "000011.jpg").read_bytes()
    (images / "000011.jpg").write_bytes(cut[: len(cut) // 2])
    for number in (1, 2, 3, 4, 5, 9):
        Image.new("RGB", (64, 64)).save(images / f"{number:06d}.jpg")
    with pytest.raises(UserError) as caught:
        load(folder)
    message = str(caught.value)
    for number in (1, 2, 3, 4, 5, 9):
        assert f"{number:06d} (64x64)" in message
    assert "000011 (unreadable)" in message
    assert message.startswith("7 images are no faces of 178x218 or that proportion (JPEG files")
    assert list(cache.iterdir()) == []


def test_very_many_bad_images_are_counted(folder, monkeypatch):
    monkeypatch.setattr(faces, "NAMED", 2)
    for number in range(1, 6):
        (folder / "img_align_celeba" / f"{number:06d}.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"000002 \(unreadable\) and 3 more\. Replace them"):
        load(folder)


def test_a_bad_image_of_another_split_does_not_matter(folder):
    (folder / "img_align_celeba" / "000001.jpg").write_bytes(b"")
    assert len(load(folder, "dev")) == 4


def test_a_cache_that_cannot_be_made_is_named(original, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        UserError, match=r"Cannot make the cache .*file/inside \(Not a directory\); .* --cache-dir"
    ):
        load(original, cache_dir=tmp_path / "file" / "inside")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always full device")
def test_a_full_disk_is_a_user_error_and_leaves_nothing(original, cache, monkeypatch):
    form = find(original)
    full, opened = open("/dev/full", "r+b"), Path.open  # noqa: SIM115

    def fully(path: Path, mode: str) -> BinaryIO:
        return full if mode == "wb" else opened(path, mode)

    monkeypatch.setattr(Path, "open", fully)
    with pytest.raises(
        UserError, match=r"Cannot write the cache .*\.npy \(No space left on device\); it needs 0.0"
    ):
        faces.decoded_images(form, form.names, 64, CROP)
    assert list(cache.iterdir()) == []


# The cache


def test_a_second_time_nothing_is_decoded(original, decoded):
    first = load(original)
    assert len(decoded) == 12
    second = load(original)
    assert len(decoded) == 12
    same(first, second)


def test_the_images_are_a_read_only_memory_map(original):
    images = load(original).images
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable


def test_the_cache_lies_where_it_is_told(original, tmp_path, cache):
    load(original, cache_dir=tmp_path / "here")
    (file,) = (tmp_path / "here").iterdir()
    assert file.name.startswith("faces-16-0-20-178-198-12-")
    assert not cache.exists()


def test_the_cache_lies_in_the_home_folder_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert faces.default_cache() == tmp_path / ".cache" / "image-editing-gans"


def test_another_size_or_crop_is_decoded_anew(original, decoded):
    for options in ({}, {"size": 8}, {"crop": CROP}):
        decoded.clear()
        load(original, "dev", **options)
        assert len(decoded) == 4


def test_another_time_or_place_of_the_same_images_is_no_reason_to_decode_them_anew(
    folder, tmp_path, decoded
):
    load(folder, "dev")
    os.utime(folder / "img_align_celeba" / "000013.jpg", ns=(1, 1))
    load(folder, "dev")
    load(shutil.copytree(folder, tmp_path / "moved"), "dev")
    assert len(decoded) == 4


def mirrored(content: bytes) -> bytes:
    """Another JPEG of the same size in bytes: what follows its end is not looked at."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file, "jpeg", quality=20)
    return file.getvalue().ljust(len(content), b"\0")


@pytest.mark.parametrize("changed", [["000013"], ["000014", "000016"], ["000015"]])
@pytest.mark.parametrize("packed", [False, True])
def test_images_of_equal_names_sizes_and_times_in_two_folders_are_not_taken_for_each_other(
    original, tmp_path, changed, packed
):
    loaded = []
    for name in ("one", "other"):
        place = shutil.copytree(original, tmp_path / name)
        if name == "other":
            for image in changed:
                file = place / "img_align_celeba" / f"{image}.jpg"
                file.write_bytes(mirrored(file.read_bytes()))
        for file in place.rglob("*"):
            os.utime(file, (4e8, 4e8))
        if packed:
            inside = place / "img_align_celeba"
            with zipfile.ZipFile(f"{inside}.zip", "w") as archive:
                for file in sorted(inside.iterdir()):
                    archive.write(file, f"{inside.name}/{file.name}")
            shutil.rmtree(inside)
            os.utime(f"{inside}.zip", (4e8, 4e8))
        loaded.append(load(place, "dev").images)
    rows = [number for number, pair in enumerate(zip(*loaded, strict=True)) if differs(*pair)]
    assert rows == [int(name) - 13 for name in changed]


def differs(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one != other).any())


def test_a_damaged_cache_is_named(original, cache):
    load(original)
    (file,) = cache.iterdir()
    for content in (b"", file.read_bytes()[:200]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=rf"{file} is damaged \(.*\); delete it, it is made an"):
            load(original)


def test_what_killed_builds_left_is_removed_and_the_rest_stays(original, cache):
    cache.mkdir(parents=True)
    killed, alive, fresh, other = (
        cache / name
        for name in (
            ".0000000a~faces-16-0-12-0.npy",
            ".0000000b~faces-16-0-12-0.npy",
            ".0000000c~faces-16-0-12-0.npy",
            ".0000000d~classifier-celeba-0.weights.h5",
        )
    )
    for file in (killed, alive, other):
        file.write_bytes(b"half of it")
    fresh.touch()  # made, not yet locked
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as the process holds it that builds
        load(original)
    assert not killed.exists()
    assert all(file.exists() for file in (alive, fresh, other))


KILLED = """
import os, signal, sys
from common.datasets.celeba import loader as celeba
from common.datasets.celeba import faces

def face(*arguments, real=faces.face, seen=[]):
    seen.append(1)
    if len(seen) > 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)

faces.face, faces.BLOCK, faces.cores = face, 1, lambda: 1
celeba.load("train", sys.argv[1], size=16, cache_dir=sys.argv[2])
"""


def test_after_a_kill_in_mid_build_the_next_load_is_as_if_there_had_been_none(original, tmp_path):
    cache = tmp_path / "cache"
    words = [sys.executable, "-c", KILLED, str(original), str(cache)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = cache.iterdir()
    assert left.name.startswith(".")
    assert left.stat().st_size > 0
    again = celeba.load("train", original, size=16, cache_dir=cache)
    same(again, celeba.load("train", original, size=16, cache_dir=tmp_path / "other"))
    assert [file.name[0] for file in cache.iterdir()] == ["f"]


def test_two_builds_of_one_cache_do_not_disturb_each_other(original, cache, monkeypatch):
    inner: list[Records] = []
    calls = itertools.count()

    def in_the_middle_of_the_first(*arguments) -> np.ndarray:
        if next(calls) == 5:
            monkeypatch.setattr(faces, "face", face)
            inner.append(load(original, size=64))
        return face(*arguments)

    monkeypatch.setattr(faces, "BLOCK", 1)  # so that there is a part of a file
    monkeypatch.setattr(faces, "cores", lambda: 1)
    monkeypatch.setattr(faces, "face", in_the_middle_of_the_first)
    outer = load(original, size=64)
    same(outer, inner[0])
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_build_stops_soon_and_leaves_nothing(original, cache, monkeypatch, error):
    tried, decode = [], faces.decode

    def fail(file: BinaryIO, name: str) -> Image.Image:
        tried.append(name)
        if len(tried) == 1:
            raise error
        time.sleep(0.1)
        return decode(file, name)

    monkeypatch.setattr(faces, "BLOCK", 1)
    monkeypatch.setattr(faces, "cores", lambda: 1)
    monkeypatch.setattr(faces, "decode", fail)
    with pytest.raises(error):
        load(original)
    assert len(tried) < 9  # of 12
    assert list(cache.iterdir()) == []


def test_errors_of_writing_keep_their_reason(original, monkeypatch):
    def refuse(*_) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=r"Cannot write the cache .* \(Read-only file system\)"):
        load(original)


# Records


def test_the_fingerprint_is_that_of_the_contents(original, folder):
    first = load(original)
    assert load(folder).fingerprint() == first.fingerprint()  # another place
    for other in (
        load(original, "dev"),
        load(original, limit=11),
        load(original, crop=CROP),
        load(original, attributes=("Male",)),
        load(original, values="signed"),
    ):
        assert other.fingerprint() != first.fingerprint()


def test_the_source_names_folder_split_and_crop(original):
    records = load(original, "dev", crop=CROP)
    place = original / "img_align_celeba"
    assert records.source == f"JPEG files in {place}, split dev (official), crop (30, 40, 168, 178)"


# Any list

STEMS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
ANY = hypothesis.settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


@hypothesis.given(
    st.dictionaries(STEMS, st.lists(st.booleans(), min_size=40, max_size=40), max_size=5),
    st.sampled_from([" ", "  ", "\t"]),
    st.sampled_from(["\n", " \n", "\r\n"]),
)
@ANY
def test_any_list_of_attributes_is_read_as_it_was_written(tmp_path, table, gap, end):
    rows = [[f"{stem}.jpg", *("1" if on else "-1" for on in row)] for stem, row in table.items()]
    lines = [[str(len(table))], list(ATTRIBUTES), *rows]
    file = tmp_path / "list.txt"
    file.write_text("".join(gap.join(line) + end for line in lines), newline="")
    assert {stem: row.tolist() for stem, row in read_attributes(file).items()} == table


@hypothesis.given(st.dictionaries(STEMS, st.integers(0, 2), max_size=9))
@ANY
def test_any_partition_is_read_as_it_was_written(tmp_path, table):
    file = tmp_path / "partition.txt"
    file.write_text("".join(f"{stem}.png {part}\n" for stem, part in table.items()))
    assert read_partition(file) == table


@hypothesis.given(st.binary(max_size=60), st.booleans())
@ANY
def test_anything_else_is_read_or_is_a_user_error(tmp_path, content, after_header):
    file = tmp_path / "list.txt"
    header = f"1\n{' '.join(ATTRIBUTES)}\n".encode()
    file.write_bytes(header + content if after_header else content)
    refusals = []
    for read in (read_attributes, read_partition):
        try:
            read(file)
        except UserError as error:
            refusals.append(str(error))
    assert all(str(file) in refusal for refusal in refusals)


# The real thing


@pytest.mark.data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"needs faces of CelebA in {REAL}")
def test_the_first_9000_faces_of_celeba_are_read():
    records = {split: load(REAL, split) for split in ("train", "dev", "test")}
    assert [len(part) for part in records.values()] == [8_192, 404, 404]
    first = dict(zip(ATTRIBUTES, records["train"].attributes[0], strict=True))
    assert {name for name, value in first.items() if value == 1.0} == {
        *("Arched_Eyebrows", "Attractive", "Brown_Hair", "Heavy_Makeup", "High_Cheekbones"),
        *("Mouth_Slightly_Open", "No_Beard", "Pointy_Nose", "Smiling", "Straight_Hair"),
        *("Wearing_Earrings", "Wearing_Lipstick", "Young"),
    }
