"""Image files in a folder or in a zip, read by their names; and what a set of them is: `Form`."""

from __future__ import annotations

import functools
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from common.datasets.folder import listed
from common.errors import UserError

T = TypeVar("T")

SUFFIXES = (".jpg", ".jpeg", ".png")
IMAGES = ("img_align_celeba", "img_align_celeba_png")  # folders
ZIP = "img_align_celeba.zip"
ATTRIBUTE_LISTS = ("list_attr_celeba.txt", "list_attr_celeba.csv")

Read: TypeAlias = Callable[[Sequence[str]], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Form:
    """CelebA as it lies somewhere.

    Attributes:
        title: what it is, for people.
        rows: name of an image, a file name without its suffix -> its attributes, bool `[40]`.
        parts: name -> 0 train, 1 dev, 2 test; None where the form does not tell.
        names: of the images that are there, sorted.
        stamp: name -> a text that tells the image's content, wherever and whenever it was written.
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


Reader = tuple[str, Sequence[str], Callable[[str], str], Read]


def fingerprint(file: Path) -> str:
    """A hash of a file's bytes: names, sizes and times can be those of another folder's files.

    For 200,000 small images that is 9 s of a processor's time; their status took 1 s, and decoding
    takes more than a minute.
    """
    with file.open("rb") as content:
        return hashlib.file_digest(content, "blake2b").hexdigest()


def folder_reader(files: Mapping[str, Path]) -> Reader:
    """Reads image files."""

    def stamp(name: str) -> str:
        try:
            return f"{files[name].name} {fingerprint(files[name])}"
        except OSError:
            return f"{files[name].name} cannot be read"

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
            folders: dict[Path, dict[str, zipfile.ZipInfo]] = {}
            twice: dict[Path, list[str]] = {}
            for info in archive.infolist():
                inside = Path(info.filename)
                if info.filename.lower().endswith(SUFFIXES) and not inside.name.startswith("."):
                    known = folders.setdefault(inside.parent, {})
                    if inside.stem in known:
                        twice.setdefault(inside.parent, []).append(inside.name)
                    known[inside.stem] = info
            lists = {Path(name).name for name in archive.namelist()} & set(ATTRIBUTE_LISTS)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        raise UserError(what_is_wrong(file, "zip", error)) from error
    if lists:
        raise UserError(
            f"{file} holds {lists.pop()} beside the images, as Kaggle packs it: unpack it, and "
            "name the folder by --data-dir."
        )
    if not folders:
        raise UserError(f"{file} holds no images; take CelebA's own {ZIP}.")
    members: dict[str, zipfile.ZipInfo] = {}
    # Where names recur, as of masks: those of CelebA's own folder, or of the fullest, come last.
    ranked = sorted(folders, key=lambda folder: (folder.name in IMAGES, len(folders[folder])))
    for folder in ranked:
        members |= folders[folder]
    refuse_twice(f"{file}/{ranked[-1]}", twice.get(ranked[-1], []))

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


def refuse_twice(place: str | Path, files: Sequence[str]) -> None:
    """Refuses files of names that others have with another suffix: lists give names without one.

    Raises:
        UserError: naming them, if there are any.
    """
    if files:
        raise UserError(
            f"{place} has {len(files)} images twice, which differ in their suffix alone: "
            f"{listed(files)}. Take one of each away, such as all PNG copies."
        )


def what_is_wrong(file: Path, kind: str, error: Exception) -> str:
    """The sentence on a file that is not what its name says."""
    try:
        size = file.stat().st_size
        with file.open("rb") as content:
            start = content.read(256).lstrip().lower()
    except OSError as unreadable:
        return f"{file} cannot be read ({unreadable.strerror})."
    if start.startswith((b"<!doctype html", b"<html")):
        return (
            f"{file} is a web page of {size:,} bytes, not a {kind}: Google Drive sends one when "
            "too many people have downloaded the file. Download it again later, or from elsewhere."
        )
    return (
        f"{file}, {size:,} bytes, is not an intact {kind} ({error}): it may be cut off. Download "
        "it again."
    )


def unchanged(read: Callable[[Path], T], file: Path) -> T:
    """What a list or a zip says; while the file stays what it was, it is parsed once.

    For all of CelebA that takes 2 s each.
    """
    status = file.stat()
    return _unchanged(read, file, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _unchanged(read: Callable[[Path], T], file: Path, *_: int) -> T:
    return read(file)
