"""Writing files so that nobody ever reads half of one.

Everything that a run leaves behind is written into a temporary file of the same folder and then
renamed: a kill leaves the old file or the new one, and never a mixture.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import tokenize
import unicodedata
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from common.errors import PlaceError, UserError

ROOT = Path(__file__).resolve().parent.parent  # of this checkout
DISK = frozenset(  # errors of a place that cannot be written to
    {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
)
DAMAGED = (  # what NumPy raises about an `.npz` that is none, or is cut off or changed
    *(OSError, EOFError, ValueError, TypeError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
PROBE = 1 << 16  # bytes, by which a folder is tried out
ENDING = 60  # characters of at most four bytes
TEMPORARY = re.compile(r"\.[0-9a-f]{8}~")  # how the names of temporary files begin


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its place when the block succeeds.

    The temporary name ends as `path` does (`.png`, `.weights.h5`), since many writers choose the
    format by it. Missing folders are made. If the block fails, whatever lay at `path` stays.

    Raises:
        PlaceError: the folder cannot be made or written into, or the disk is full or has become
            read-only.
        UserError: `path` is itself a folder.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(f"Cannot make the folder {path.parent}: {error.strerror}.") from error
    if not os.access(path.parent, os.W_OK):
        raise PlaceError(f"Cannot write into {path.parent}: it is read-only, or not yours.")
    if path.is_dir():
        raise UserError(f"Cannot write the file {path}: a folder of this name is in the way.")
    temporary = beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            raise
        mend = "Make it writable" if error.errno == errno.EROFS else "Make room"
        raise PlaceError(f"Cannot write {path}: {error.strerror}. {mend} and go on.") from error
    finally:
        with contextlib.suppress(OSError):  # on such a disk nothing can be deleted, either
            temporary.unlink(missing_ok=True)


def check_writable(folder: Path, needed: int = PROBE) -> None:
    """Finds out whether files can be written into a folder, which may be missing yet.

    By writing one: permissions, a disk that is full and one that is read-only show in no other way.
    Nothing is left.

    Args:
        folder: where they go.
        needed: bytes that must be free there.

    Raises:
        UserError: they cannot.
    """
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".") as file:
            file.write(bytes(PROBE))
        if shutil.disk_usage(there).free < needed:
            raise OSError(errno.ENOSPC, f"less than {needed / 1e6:.1f} MB free")
    except OSError as error:
        raise UserError(
            f"Cannot write into {folder} ({there}: {error.strerror}); make room there, or name "
            "another folder."
        ) from error


def beside(path: Path) -> Path:
    """A new temporary path in the folder of `path`, whose name ends as that does.

    Its end alone: names may have 255 bytes.
    """
    return path.with_name(f".{uuid.uuid4().hex[:8]}~{path.name[-ENDING:]}")


def called(path: Path) -> str:
    """The name of a file or a folder for people, also of `.`; equal for names that look equal."""
    path = Path(os.path.abspath(path))
    return shown(alike(path.name or str(path)))


def called_apart(paths: Sequence[Path]) -> list[str]:
    """The names of several, with as many of their parents as tell those of one name apart.

    Args:
        paths: of files or folders, of which some may have one name.

    Returns:
        A name each, no two alike; the same path twice is numbered.
    """
    whole = [Path(os.path.abspath(path)) for path in paths]
    names = [called(path) for path in paths]
    for depth in range(2, max((len(path.parts) for path in whole), default=0)):
        places: dict[str, set[Path]] = {}
        for name, path in zip(names, whole, strict=True):
            places.setdefault(name, set()).add(path)
        names = [
            "/".join(called(Path(part)) for part in path.parts[1:][-depth:])
            if len(places[name]) > 1
            else name
            for path, name in zip(whole, names, strict=True)
        ]
    if len(set(names)) < len(names):
        names = [f"{number}: {name}" for number, name in enumerate(names, start=1)]
    return names


def alike(name: str) -> str:
    """Equal for names that look equal: `é` is one character on Linux and two from a Mac."""
    return unicodedata.normalize("NFC", name)


def shown(text: str, most: int | None = None) -> str:
    r"""A text on one line in characters that can be shown; others as in Python, `\n`, `\udcff`.

    Args:
        text: such as a name, which may have any bytes.
        most: characters; of longer ones the middle is left out.
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if most is None or len(text) <= most:
        return text
    return f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"


def refuse_overwriting(inputs: Iterable[Path], folder: Path) -> None:
    """Checks that results in `folder` cannot replace what they are made of.

    Files are compared, not their names: a link or another spelling of the folder is no way around.

    Raises:
        UserError: a file in the folder is one of the inputs.
    """
    originals = {_identity(file): file for file in inputs}
    for file in folder.iterdir() if folder.is_dir() else ():
        original = file.exists() and originals.get(_identity(file))
        if original:
            raise UserError(
                f"{folder} holds the input images ({file.name} there is {original}), and "
                "results might replace them; name another folder by --out."
            )


def _identity(file: Path) -> tuple[int, int]:
    """Equal for all paths that lead to one file."""
    status = file.stat()
    return status.st_dev, status.st_ino


def sweep(folder: Path) -> None:
    """Deletes the temporary files that a killed `atomic_path` has left in `folder` and below."""
    for path in folder.rglob(".*"):
        if TEMPORARY.match(path.name) and path.is_file():
            path.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Writes `text` as UTF-8 with the line ends as they are, atomically.

    The bytes of names that are not UTF-8 become `\udcff`, which JSON reads back as they were.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes `value` as indented JSON, atomically; NumPy numbers and arrays become plain ones.

    Raises:
        ValueError: a number is NaN or infinite; JSON knows neither.
        TypeError: something in `value` has no JSON form.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    write_text(path, text + "\n")


def _plain(value: Any) -> Any:
    """The JSON form of what `json` does not know: arrays and NumPy scalars, and paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")
