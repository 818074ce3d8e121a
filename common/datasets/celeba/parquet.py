"""CelebA as the parquet tables of the Hugging Face hub."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.datasets.celeba.lists import ALL_IMAGES, ATTRIBUTES
from common.datasets.celeba.readers import Form, fingerprint, what_is_wrong
from common.datasets.folder import listed
from common.errors import UserError

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

SPLIT_NAMES = {"train": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2}
ROWS_AT_ONCE = 256  # of a parquet file


def parquet_form(files: Sequence[Path]) -> Form:
    """CelebA as parquet tables with the bytes of the images and a column for each attribute.

    The names are those that the tables have of the images. Without them they are the rows, counted
    over the files in the order train, valid, test: of all CelebA, and where the names of the files
    tell the splits, its file numbers. All of CelebA as one split has the official one by these.
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
    total = sum(len(told) for told, _ in tables)
    whole = total == ALL_IMAGES and not untold
    if not total:
        raise UserError(f"{listed([str(file) for file in order])}: no rows; download them again.")
    for file, (told, present) in zip(order, tables, strict=True):
        for row, (path, values) in enumerate(zip(told, present, strict=True)):
            number = f"{len(rows) + 1:06d}"
            name = Path(path).stem if path else number if whole else f"row-{number}"
            if name in rows:
                raise UserError(f"{file} has the image {name} a second time.")
            rows[name], places[name], parts[name] = values, (file, row), splits[file] or 0

    content = functools.cache(fingerprint)

    def stamp(name: str) -> str:
        file, row = places[name]
        return f"{content(file)} {row}"

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
    # All of CelebA as one split is a copy that was not divided: the file numbers tell.
    divided = not untold and not (total == ALL_IMAGES and len(set(splits.values())) == 1)
    return Form(title, rows, parts if divided else None, sorted(rows), stamp, read, numbered)


def _split_of(file: Path) -> int | None:
    """The split by a word of a file's name, as in `train-00000-of-00019`, or by its folder's."""
    for name in (file.stem, file.parent.name):
        words = re.split(r"[^a-z]+", name.lower())
        told = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
        if len(told) == 1:
            return told.pop()
    return None


def _broken() -> tuple[type[Exception], ...]:
    """What damaged tables make Arrow and its callers raise."""
    import pyarrow

    return (pyarrow.ArrowException, ValueError, KeyError, TypeError, OSError)


def _open_parquet(file: Path) -> pyarrow.parquet.ParquetFile:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except _broken() as error:
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
        stored = {column.path: column.physical_type for column in _columns(table)}
        if "BYTE_ARRAY" not in (stored.get("image"), stored.get("image.bytes")):
            raise UserError(
                f"{file}: its column image holds no files of images ({listed(sorted(stored))}); "
                "take a copy that has them, with image.bytes."
            )
        named = "image.path" in stored
        try:
            present = table.read(columns=list(ATTRIBUTES))
            names = table.read(columns=["image.path"])["image"].to_pylist() if named else []
        except _broken() as error:
            raise UserError(what_is_wrong(file, "parquet file", error)) from error
    told: list[str | None] = [name and name["path"] for name in names] or [None] * len(present)
    values = [_present(present[name], f"{file}: {name}") for name in ATTRIBUTES]
    return told, np.stack(values, axis=1)


def _present(column: pyarrow.ChunkedArray, what: str) -> np.ndarray:
    """A column of attributes as bool `[N]`."""
    values = np.asarray(column)
    if values.dtype.kind not in "biuf" or not np.isin(values, (-1, 0, 1)).all():
        values = column.to_pylist()
        wrong = {repr(value) for value in values if value not in (-1, 0, 1)}
        if not wrong:  # decimals
            return np.array(values, np.float32) == 1
        raise UserError(
            f"{what} has the values {listed(sorted(wrong))}; attributes are true and false, 1 and "
            "0, or 1 and -1. Convert them."
        )
    return values == 1


def _columns(table: pyarrow.parquet.ParquetFile) -> list[Any]:
    """The columns of a table as they are stored."""
    return [table.schema.column(number) for number in range(len(table.schema))]


def _parquet_images(file: Path, rows: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Some rows of a table with the bytes of their images."""
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
        except _broken() as error:
            raise UserError(what_is_wrong(file, "parquet file", error)) from error
