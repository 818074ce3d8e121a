"""Fetches the original files of MNIST and CelebA, only when asked to.

A download that stops goes on where it was. What has been fetched must have the size and the SHA-256
of the original, which tensorflow-datasets knows; so must a file that is there.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from common.datasets.prepared import Name
from common.errors import UserError
from common.files import DISK

logger = logging.getLogger(__name__)

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
CELEBA = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
TIMEOUT = 30  # seconds without an answer
CHUNK = 1 << 20  # bytes
PAGES = (b"<!doctype html", b"<html")  # how a web page begins


@dataclass(frozen=True, slots=True)
class Original:
    """A file of a data set.

    Attributes:
        name: its name.
        url: where it is.
        size: in bytes.
        sha256: of its content.
    """

    name: str
    url: str
    size: int
    sha256: str


def originals(name: Name) -> list[Original]:
    """The files of a data set, as tensorflow-datasets knows them by size and SHA-256."""
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir="/nonexistent")
    found = []
    for url, info in builder.url_infos.items():
        drive = url.rpartition("id=")[2] if "drive.google.com" in url else None
        where = f"{DRIVE}{drive}" if drive else url
        found.append(Original(str(info.filename), where, info.size, info.checksum))
    return found


def fetch(name: Name, folder: Path) -> Path:
    """Fetches what is missing of a data set.

    Args:
        name: of the data set. CelebA's terms allow non-commercial research only.
        folder: gets the files.

    Returns:
        The folder.

    Raises:
        UserError: a file cannot be had, or is not the original.
    """
    if name == "celeb_a":
        logger.info("CelebA is for non-commercial research only; its terms are at %s", CELEBA)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot make the folder {folder} ({error.strerror}); name another by --out."
        ) from error
    for original in originals(name):
        fetch_file(original, folder)
    return folder


def fetch_file(
    original: Original,
    folder: Path,
    opened: Callable[..., object] = urllib.request.urlopen,
) -> Path:
    """Fetches one file, or the rest of it; `<name>.part` is what has been fetched so far.

    Args:
        original: what to fetch.
        folder: gets it.
        opened: opens a request; for tests.

    Returns:
        The file.

    Raises:
        UserError: it cannot be had, there is no room for it, or it is not the original.
    """
    file, part = folder / original.name, folder / f"{original.name}.part"
    if file.is_file():
        if file.stat().st_size != original.size:
            raise UserError(
                f"{file} has {file.stat().st_size:,} bytes, the original {original.size:,}: move "
                "it away and fetch again."
            )
        if sha256(file) != original.sha256:
            raise UserError(
                f"{file} has the size of the original, but another SHA-256: move it away and "
                "fetch again."
            )
        logger.info("%s is there", file)
        return file
    begun = part.stat().st_size if part.is_file() else 0
    room = shutil.disk_usage(folder).free
    if room < original.size - begun:
        raise UserError(
            f"{original.name} needs {(original.size - begun) / 1e9:.2f} GB more, and {folder} has "
            f"{room / 1e9:.2f} GB: make room or name another folder by --out."
        )
    if begun < original.size:
        _receive(original, part, begun, opened)
    _check(original, part)
    part.rename(file)
    return file


def _receive(original: Original, part: Path, begun: int, opened: Callable[..., object]) -> None:
    """Appends what is missing to `part`, with a progress bar."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    headers = {"User-Agent": "Mozilla/5.0"} | ({"Range": f"bytes={begun}-"} if begun else {})
    request = urllib.request.Request(original.url, headers=headers)
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            opened(request, timeout=TIMEOUT) as answer,  # type: ignore[attr-defined]
            Progress(*columns, console=console, disable=not console.is_terminal) as bar,
        ):
            goes_on = answer.status == 206  # else it begins again
            chunk = answer.read(CHUNK)
            if chunk.lstrip()[:64].lower().startswith(PAGES):
                raise UserError(
                    f"{original.url} answers with a web page instead of {original.name}, as Google "
                    "Drive does with a file that too many people have asked for. Nothing is wrong "
                    "here; try again tomorrow, or fetch it by hand (CelebA: " + CELEBA + ")."
                )
            task = bar.add_task(original.name, total=original.size)
            with part.open("ab" if goes_on else "wb") as file:
                bar.update(task, completed=file.tell())
                while chunk:
                    file.write(chunk)
                    bar.advance(task, len(chunk))
                    chunk = answer.read(CHUNK)
    except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
        if isinstance(error, OSError) and error.errno in DISK:
            raise UserError(
                f"Cannot write {part} ({error.strerror}): make room or name another folder by "
                "--out; the same command goes on."
            ) from error
        told = getattr(error, "reason", None) or error
        there = part.stat().st_size if part.is_file() else 0
        raise UserError(
            f"{original.url} cannot be fetched ({told}). {there:,} of {original.size:,} bytes of "
            f"{original.name} are there; the same command goes on."
        ) from error


def _check(original: Original, part: Path) -> None:
    """Refuses what is not the original, and throws it away."""
    size = part.stat().st_size
    if size < original.size:
        raise UserError(
            f"{original.name} ended after {size:,} of {original.size:,} bytes; the same command "
            "goes on."
        )
    digest = sha256(part)
    if digest != original.sha256:
        part.unlink()
        raise UserError(
            f"{original.url} gave another file than the original {original.name} (its SHA-256 "
            f"begins with {digest[:16]}, not with {original.sha256[:16]}), which is "
            "deleted again; fetch once more, or from elsewhere."
        )


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
