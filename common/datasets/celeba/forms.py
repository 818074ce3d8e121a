"""CelebA in the forms that people have of it; `find` tells which one a folder holds.

    official       img_align_celeba/000001.jpg ..., list_attr_celeba.txt, list_eval_partition.txt,
                   together or in Img/, Anno/ and Eval/ as they are downloaded; or PNG copies
    zip            the same with img_align_celeba.zip, read as it is
    Kaggle         list_attr_celeba.csv, list_eval_partition.csv and the images
    parquet        train-*.parquet, valid-*.parquet, test-*.parquet of the Hugging Face hub
    TFDS           celeb_a/2.*/, as tensorflow-datasets prepares it

Images are handed on as the bytes of their files, so every form gives the same pixels.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from common.datasets import prepared
from common.datasets.celeba.lists import ALL_IMAGES, ATTRIBUTES, read_attributes, read_partition
from common.datasets.celeba.parquet import parquet_form
from common.datasets.celeba.readers import (
    ATTRIBUTE_LISTS,
    IMAGES,
    SUFFIXES,
    ZIP,
    Form,
    Read,
    fingerprint,
    folder_reader,
    refuse_twice,
    unchanged,
    zip_reader,
)
from common.datasets.folder import listed
from common.errors import UserError

logger = logging.getLogger(__name__)

PARTITION_LISTS = ("list_eval_partition.txt", "list_eval_partition.csv")
TFDS_SPLITS = {"train": 0, "validation": 1, "test": 2}


def find(path: Path) -> Form:
    """The form of CelebA that a folder holds, or of which `path` is a file.

    Raises:
        UserError: there is none, or one of its files is missing, damaged, or not what its name
            says.
    """
    found = _found(path)
    if found is not None:
        return found
    folder = path if path.is_dir() else path.parent
    there = listed(sorted(entry.name for entry in folder.iterdir())) or "nothing"
    raise UserError(
        f"{folder} has no CelebA: looked for images in {IMAGES[0]}/, {ZIP}, *.parquet and "
        f"celeb_a/2.*/ of tensorflow-datasets, and it contains {there}. --data-dir must name the "
        f"folder that holds one of them{elsewhere(folder)}."
    )


def _found(path: Path) -> Form | None:
    """The form of a folder, if it is any."""
    if not path.exists():
        raise UserError(f"The CelebA folder {path} does not exist; name another by --data-dir.")
    folder = path if path.is_dir() else path.parent
    if path.suffix == ".zip" and path.is_file():
        return listed_form(folder, *unchanged(zip_reader, path))
    images = named(image_files(folder))
    packed = first_file(folder, (ZIP,), ("Img", "celeba"))
    if images:
        if packed is not None and _half_unpacked(packed, images):
            logger.warning("%s is unpacked in part, so it is read itself.", packed)
            return listed_form(folder, *unchanged(zip_reader, packed))
        return listed_form(folder, *folder_reader(images))
    if packed is not None:
        return listed_form(folder, *unchanged(zip_reader, packed))
    tables = parquet_files(folder)
    if tables and tables[0].parent != folder:
        inside = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
        others = [entry for entry in inside if has_image_form(entry)]
        if others:
            raise UserError(
                f"{folder} holds several sets, such as {tables[0].parent} and {others[0]}; name "
                "one of them by --data-dir."
            )
    if tables:
        return parquet_form(tables)
    version = prepared.newest(folder, "celeb_a")
    return prepared_form(version) if version is not None else None


def _half_unpacked(packed: Path, images: Collection[str]) -> bool:
    """Whether the unpacking of an intact zip has stopped: the first of its images are there."""
    try:
        names = unchanged(zip_reader, packed)[1]
    except UserError:
        return False
    return len(images) < len(names) and set(names[: len(images)]) == set(images)


def holds(path: Path) -> bool:
    """Whether a folder has anything that CelebA comes in."""
    folder = path if path.is_dir() else path.parent
    return bool(
        image_files(folder)
        or first_file(folder, (ZIP, *ATTRIBUTE_LISTS), ("Img", "Anno", "celeba"))
        or parquet_files(folder)
        or prepared.newest(folder, "celeb_a")
    )


def elsewhere(folder: Path) -> str:
    """Where CelebA lies instead, one folder deeper or higher: `, such as ...`, or nothing."""
    with contextlib.suppress(OSError):
        near = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and holds(entry)]
        higher = folder.absolute().parent
        if folder.name in IMAGES and first_file(higher, ATTRIBUTE_LISTS, ("Anno", "../Anno")):
            near.append(higher)
        return f", such as {near[0]}" if near else ""
    return ""


def parquet_files(folder: Path) -> list[Path]:
    """The tables of a folder, or of the folders in it, or of those in them."""
    for pattern in ("*.parquet", "*/*.parquet", "*/*/*.parquet"):
        if found := sorted(file for file in folder.glob(pattern) if file.is_file()):
            return found
    return []


def has_image_form(folder: Path) -> bool:
    """Whether a folder has CelebA as images or their zip, beside which tables are another set."""
    return bool(image_files(folder)) or first_file(folder, (ZIP,), ("Img", "celeba")) is not None


def first_file(folder: Path, names: Sequence[str], inside: Sequence[str]) -> Path | None:
    """The first of these files that is in the folder or in one of its official subfolders."""
    for place, name in itertools.product((folder, *(folder / one for one in inside)), names):
        if (place / name).is_file():
            return place / name
    return None


# --- The official lists and Kaggle's, beside images or their zip ----------------------------------


def listed_form(
    folder: Path,
    title: str,
    names: Sequence[str],
    stamp: Callable[[str], str],
    read: Read,
) -> Form:
    """Images of whatever kind with the lists of attributes and splits beside them."""
    attributes = first_file(folder, ATTRIBUTE_LISTS, ("Anno", "../Anno", "celeba"))
    if attributes is None:
        there = listed(sorted(entry.name for entry in folder.iterdir()))
        higher = first_file(folder.absolute().parent, ATTRIBUTE_LISTS, ())
        mend = f"Name {higher.parent}, which has it" if higher else "Put CelebA's own file there"
        raise UserError(
            f"{folder} has no {ATTRIBUTE_LISTS[0]} (or .csv), neither in it nor in Anno/; it "
            f"contains {there}. {mend}."
        )
    partition = first_file(folder, PARTITION_LISTS, ("Eval", "../Eval", "celeba"))
    rows = unchanged(read_attributes, attributes)
    parts = unchanged(read_partition, partition) if partition is not None else None
    tables = "Kaggle's tables and " if attributes.suffix == ".csv" else ""
    return Form(tables + title, rows, parts, names, stamp, read)


def image_files(folder: Path) -> list[Path]:
    """The images of a folder in the official layout, of several the fullest, sorted by name."""
    places = [folder, folder / "Img", folder / "celeba", *(folder / name for name in IMAGES)]
    candidates = [place / name for place in places for name in IMAGES]
    fullest: list[Path] = []
    for candidate in [place for place in candidates if place.is_dir()]:
        with os.scandir(candidate) as entries:
            found = sorted(
                Path(entry.path)
                for entry in entries
                if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
            )
        if len(found) > len(fullest):
            fullest = found
    return fullest


def named(files: Sequence[Path]) -> dict[str, Path]:
    """Name in CelebA's lists, which have no suffix there -> file.

    Raises:
        UserError: two files have one name.
    """
    by_name = {file.stem: file for file in files}
    refuse_twice(
        files[0].parent if files else "",
        [file.name for file in files if by_name[file.stem] is not file],
    )
    return by_name


# --- As tensorflow-datasets prepares it -----------------------------------------------------------


def prepared_form(folder: Path) -> Form:
    """CelebA as tensorflow-datasets has prepared it, in the order of the original files.

    It keeps no names. Of all CelebA they are known, and the order is undone; of a part of it, names
    that are no file numbers stand in.
    """
    stamps = [file.stat() for file in sorted(folder.iterdir()) if file.is_file()]
    return _prepared_form(
        folder, max(one.st_mtime_ns for one in stamps), sum(one.st_size for one in stamps)
    )


@functools.lru_cache(maxsize=2)
def _prepared_form(folder: Path, changed: int, size: int) -> Form:
    """While the folder stays what it was, its attributes are read once."""
    data = prepared.Prepared(folder, "celeb_a")
    counts = [data.counts[split] for split in TFDS_SPLITS]
    whole = sum(counts) == ALL_IMAGES
    rows: dict[str, np.ndarray] = {}
    parts: dict[str, int] = {}
    places: dict[str, tuple[str, int]] = {}
    for (split, part), count in zip(TFDS_SPLITS.items(), counts, strict=True):
        numbers = range(len(rows) + 1, len(rows) + count + 1)
        names = [f"{number:06d}" for number in numbers]
        if whole:
            names = prepared.shuffled([f"{name}.jpg" for name in names], split)
        else:
            names = [f"{split}-{name}" for name in names]
        read = data.examples(split, {"attributes": dict.fromkeys(ATTRIBUTES, True)})
        for row, (name, values) in enumerate(zip(names, read, strict=True)):
            name = name.removesuffix(".jpg")
            rows[name] = np.array([values["attributes"][key] for key in ATTRIBUTES], bool)
            parts[name], places[name] = part, (split, row)

    @functools.cache
    def content() -> str:
        return " ".join(fingerprint(file) for file in sorted(folder.iterdir()) if file.is_file())

    def read_images(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for split in TFDS_SPLITS:
            wanted = {places[name][1]: name for name in names if places[name][0] == split}
            if wanted:
                for row, content in data.encoded(split, list(wanted)):
                    yield wanted[row], content

    return Form(
        f"{folder}, prepared by tensorflow-datasets",
        rows,
        parts,
        sorted(rows),
        lambda name: f"{content()} {places[name]}",
        read_images,
        numbered=whole,
    )
