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

import csv
import functools
import itertools
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from common.datasets import prepared
from common.datasets.folder import listed
from common.errors import UserError

if TYPE_CHECKING:
    import pyarrow.parquet

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
SUFFIXES = (".jpg", ".jpeg", ".png")
IMAGES = ("img_align_celeba", "img_align_celeba_png")  # folders
ZIP = "img_align_celeba.zip"
ATTRIBUTE_LISTS = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITION_LISTS = ("list_eval_partition.txt", "list_eval_partition.csv")
SPLIT_NAMES = {"train": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2}
ALL_IMAGES = 202_599
TFDS_SPLITS = {"train": 0, "validation": 1, "test": 2}
ROWS_AT_ONCE = 256  # of a parquet file


Read: TypeAlias = Callable[[Sequence[str]], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Form:
    """CelebA as it lies somewhere.

    Attributes:
        title: what it is, for people.
        rows: name of an image, a file name without its suffix -> its attributes, bool `[40]`.
        parts: name -> 0 train, 1 dev, 2 test; None where the form does not tell.
        names: of the images that are there, sorted.
        stamp: name -> a text that changes when the image does.
        read: names -> these names with the bytes of their files, in the order that suits the form;
            no bytes of a file that cannot be read.
        numbered: the names are CelebA's file numbers, or the names that stand in for them.
    """

    title: str
    rows: Mapping[str, np.ndarray]
    parts: Mapping[str, int] | None
    names: Sequence[str]
    stamp: Callable[[str], str]
    read: Read
    numbered: bool = True


def find(path: Path) -> Form:
    """The form of CelebA that a folder holds, or of which `path` is a file.

    Raises:
        UserError: there is none, or one of its files is missing, damaged, or not what its name
            says.
    """
    if not path.exists():
        raise UserError(f"The CelebA folder {path} does not exist; name another by --data-dir.")
    folder = path if path.is_dir() else path.parent
    if path.suffix == ".zip":
        return listed_form(folder, *zip_reader(path))
    images = image_files(folder)
    if images:
        return listed_form(folder, *folder_reader(images))
    packed = first_file(folder, (ZIP,), ("Img", "celeba"))
    if packed is not None:
        return listed_form(folder, *zip_reader(packed))
    tables = parquet_files(folder)
    if tables:
        return parquet_form(tables)
    version = prepared.newest(folder, "celeb_a")
    if version is not None:
        return prepared_form(version)
    there = listed(sorted(entry.name for entry in folder.iterdir())) or "nothing"
    raise UserError(
        f"{folder} has no CelebA: looked for images in {IMAGES[0]}/, {ZIP}, *.parquet and "
        f"celeb_a/2.*/ of tensorflow-datasets, and it contains {there}. --data-dir must name the "
        "folder that holds one of them."
    )


def holds(path: Path) -> bool:
    """Whether a folder has anything that CelebA comes in."""
    folder = path if path.is_dir() else path.parent
    return bool(
        image_files(folder)
        or first_file(folder, (ZIP, *ATTRIBUTE_LISTS), ("Img", "Anno", "celeba"))
        or parquet_files(folder)
        or prepared.newest(folder, "celeb_a")
    )


def parquet_files(folder: Path) -> list[Path]:
    """The tables of a folder, or of the first folder in it that has some."""
    for place in (folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())):
        if found := sorted(place.glob("*.parquet")):
            return found
    return []


def first_file(folder: Path, names: Sequence[str], inside: Sequence[str]) -> Path | None:
    """The first of these files that is in the folder or in one of its official subfolders."""
    for place, name in itertools.product((folder, *(folder / one for one in inside)), names):
        if (place / name).is_file():
            return place / name
    return None


# --- The official lists and Kaggle's, beside images or their zip ----------------------------------

Reader = tuple[str, Sequence[str], Callable[[str], str], Read]


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
        raise UserError(
            f"{folder} has no {ATTRIBUTE_LISTS[0]}, neither in it nor in Anno/; it contains "
            f"{there}. Put CelebA's own file there."
        )
    partition = first_file(folder, PARTITION_LISTS, ("Eval", "../Eval", "celeba"))
    rows = unchanged(read_attributes, attributes)
    parts = unchanged(read_partition, partition) if partition is not None else None
    tables = "Kaggle's tables and " if attributes.suffix == ".csv" else ""
    return Form(tables + title, rows, parts, names, stamp, read)


def unchanged(read: Callable[[Path], T], file: Path) -> T:
    """What a list says; while the file stays what it was, it is parsed once: 2 s for all CelebA."""
    status = file.stat()
    return _unchanged(read, file, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _unchanged(read: Callable[[Path], T], file: Path, *_: int) -> T:
    return read(file)


def image_files(folder: Path) -> dict[str, Path]:
    """Name -> file of the images of a folder in the official layout, of several the fullest."""
    places = [folder, folder / "Img", folder / "celeba", *(folder / name for name in IMAGES)]
    candidates = [place / name for place in places for name in IMAGES]
    fullest: dict[str, Path] = {}
    for candidate in [place for place in candidates if place.is_dir()]:
        with os.scandir(candidate) as entries:
            found = {
                entry.name.rpartition(".")[0]: Path(entry.path)
                for entry in sorted(entries, key=lambda entry: entry.name)
                if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
            }
        if len(found) > len(fullest):
            fullest = found
    return fullest


def folder_reader(files: Mapping[str, Path]) -> Reader:
    """Reads image files."""

    def stamp(name: str) -> str:
        status = files[name].stat()
        return f"{files[name].name} {status.st_size} {status.st_mtime_ns}"

    def read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for name in names:
            try:
                yield name, files[name].read_bytes()
            except OSError:
                yield name, b""

    kind = "PNG" if next(iter(files.values())).suffix.lower() == ".png" else "JPEG"
    place = next(iter(files.values())).parent
    return f"{kind} files in {place}", sorted(files), stamp, read


def zip_reader(file: Path) -> Reader:
    """Reads image files out of a zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {
                Path(info.filename).stem: info
                for info in archive.infolist()
                if info.filename.lower().endswith(SUFFIXES)
                and not Path(info.filename).name.startswith(".")
            }
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(what_is_wrong(file, "zip", error)) from error
    if not members:
        raise UserError(f"{file} holds no images; take CelebA's own {ZIP}.")

    def stamp(name: str) -> str:
        return f"{members[name].filename} {members[name].file_size} {members[name].CRC}"

    def read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(file) as archive:
            for name in names:
                try:
                    yield name, archive.read(members[name])
                except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError):
                    yield name, b""  # damaged, or (RuntimeError) with a password or another method

    return f"the images of {file}", sorted(members), stamp, read


def what_is_wrong(file: Path, kind: str, error: Exception) -> str:
    """The sentence on a file that is not what its name says."""
    size = file.stat().st_size
    with file.open("rb") as content:
        start = content.read(256).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return (
            f"{file} is a web page of {size:,} bytes, not a {kind}: Google Drive sends one when "
            "too many people have downloaded the file. Download it again later, or from elsewhere."
        )
    return (
        f"{file}, {size:,} bytes, is not an intact {kind} ({error}): it may be cut off. Download "
        "it again."
    )


def read_attributes(file: Path) -> dict[str, np.ndarray]:
    """Reads `list_attr_celeba.txt`, or Kaggle's `.csv`: name -> bool `[40]`.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    lines = _lines(file)
    if file.suffix == ".csv":
        header, told, words = _csv_header(lines), None, csv.reader(lines[1:])
        known, first = header[1:] == list(ATTRIBUTES), 2
        rule = "its first line must be image_id and the 40 names, with commas"
    else:
        told = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        words = (line.split() for line in lines[2:])
        known = told is not None and len(lines) > 1 and tuple(lines[1].split()) == ATTRIBUTES
        first = 3
        rule = "its first line must be the number of images and its second one the 40 names"
    if not known:
        raise UserError(f"{file} is not CelebA's list of attributes: {rule}; take the original.")
    rows = {}
    for number, row in enumerate(words, start=first):
        name, *values = row or [""]
        wrong = set(values) - {"1", "-1", "0"}
        if len(values) != len(ATTRIBUTES) or wrong:
            raise UserError(
                f"{file}, line {number}: expected a name and 40 values of 1 and -1, but it has "
                f"{listed(sorted(wrong)) or f'{len(values)} values'}; take the original file."
            )
        rows[name.rpartition(".")[0]] = np.array([value == "1" for value in values])
    if told is not None and told != len(rows):
        logger.warning(
            "%s says that it has %s rows, but it has %s: it may be cut off.",
            *(file, f"{told:,}", f"{len(rows):,}"),
        )
    return rows


def read_partition(file: Path) -> dict[str, int]:
    """Reads `list_eval_partition.txt`, or Kaggle's `.csv`: name -> 0, 1 or 2.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    lines, comma = _lines(file), file.suffix == ".csv"
    if comma and len(_csv_header(lines)) != 2:
        raise UserError(f"{file}: its first line must be image_id,partition; take the original.")
    parts = {}
    for number, line in enumerate(lines[comma:], start=1 + comma):
        words = line.split("," if comma else None)
        if len(words) != 2 or words[1] not in ("0", "1", "2"):
            raise UserError(
                f"{file}, line {number}: expected a file name and 0, 1 or 2, but it is {line!r}."
            )
        parts[words[0].rpartition(".")[0]] = int(words[1])
    return parts


def _csv_header(lines: Sequence[str]) -> list[str]:
    return next(csv.reader(lines[:1]), [])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as text ({error}); take the original.") from error


# --- Tables of the Hugging Face hub ---------------------------------------------------------------


def parquet_form(files: Sequence[Path]) -> Form:
    """CelebA as parquet tables with the bytes of the images and a column for each attribute.

    The names are those that the tables have of the images. Without them they are the rows, counted
    over the files in the order train, valid, test: of all CelebA its file numbers.
    """
    splits = {file: _split_of(file) for file in files}
    untold = [file.name for file, split in splits.items() if split is None]
    if untold and len(untold) < len(files):
        raise UserError(
            f"{files[0].parent}: the names of {listed(untold)} do not say to which split they "
            "belong, as train-, valid- and test- of the others do; rename them, or take them out."
        )
    order = sorted(files, key=lambda file: (splits[file] or 0, file.name))
    rows: dict[str, np.ndarray] = {}
    places: dict[str, tuple[Path, int]] = {}
    parts: dict[str, int] = {}
    tables = [_parquet_rows(file) for file in order]
    whole = sum(len(told) for told, _ in tables) == ALL_IMAGES
    for file, (told, present) in zip(order, tables, strict=True):
        for row, (path, values) in enumerate(zip(told, present, strict=True)):
            number = f"{len(rows) + 1:06d}"
            name = Path(path).stem if path else number if whole else f"row-{number}"
            if name in rows:
                raise UserError(f"{file} has the image {name} a second time.")
            rows[name], places[name], parts[name] = values, (file, row), splits[file] or 0

    def stamp(name: str) -> str:
        file, row = places[name]
        status = file.stat()
        return f"{file.name} {status.st_size} {status.st_mtime_ns} {row}"

    def read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        wanted: dict[Path, dict[int, str]] = {}
        for name in names:
            file, row = places[name]
            wanted.setdefault(file, {})[row] = name
        for file, some in wanted.items():
            for row, content in _parquet_images(file, some):
                yield some[row], content

    title = f"{len(order)} parquet files in {order[0].parent}"
    numbered = all(name.isdigit() for name in rows)
    return Form(title, rows, None if untold else parts, sorted(rows), stamp, read, numbered)


def _split_of(file: Path) -> int | None:
    """The split by the beginning of a file's name, as in `train-00000-of-00019.parquet`."""
    return SPLIT_NAMES.get(file.name.partition("-")[0].partition(".")[0].lower())


def _open_parquet(file: Path) -> pyarrow.parquet.ParquetFile:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise UserError(what_is_wrong(file, "parquet file", error)) from error


def _parquet_rows(file: Path) -> tuple[list[str | None], np.ndarray]:
    """The names of a table's images, where it has them, and the attributes, bool `[N, 40]`."""
    with _open_parquet(file) as table:
        columns = set(table.schema_arrow.names)
        missing = [name for name in ("image", *ATTRIBUTES) if name not in columns]
        if missing:
            raise UserError(
                f"{file} has no columns {listed(missing)}; a table of CelebA has image and the 40 "
                "attributes."
            )
        named = "image.path" in [column.path for column in _columns(table)]
        try:
            present = table.read(columns=list(ATTRIBUTES))
            names = table.read(columns=["image.path"])["image"].to_pylist() if named else []
        except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
            raise UserError(what_is_wrong(file, "parquet file", error)) from error
    told: list[str | None] = [name["path"] for name in names] or [None] * len(present)
    values = [np.asarray(present[name]) == 1 for name in ATTRIBUTES]
    return told, np.stack(values, axis=1)


def _columns(table: pyarrow.parquet.ParquetFile) -> list[Any]:
    """The columns of a table as they are stored."""
    return [table.schema.column(number) for number in range(len(table.schema))]


def _parquet_images(file: Path, rows: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Some rows of a table with the bytes of their images."""
    import pyarrow

    last = max(rows, default=-1)
    with _open_parquet(file) as table:
        try:
            begin = 0
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=["image"]):
                images = batch.column(0)
                for row in range(begin, begin + len(batch)):
                    if row in rows:
                        image = images[row - begin].as_py()
                        yield row, (image["bytes"] if isinstance(image, dict) else image) or b""
                begin += len(batch)
                if begin > last:
                    return
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise UserError(what_is_wrong(file, "parquet file", error)) from error


# --- As tensorflow-datasets prepares it -----------------------------------------------------------


def prepared_form(folder: Path) -> Form:
    """CelebA as tensorflow-datasets has prepared it, in the order of the original files.

    It keeps no names. Of all CelebA they are known, and the order is undone; of a part of it, names
    that are no file numbers stand in.
    """
    return _prepared_form(folder, (folder / "dataset_info.json").stat().st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _prepared_form(folder: Path, changed: int) -> Form:
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
        lambda name: f"{changed} {places[name]}",
        read_images,
        numbered=whole,
    )
