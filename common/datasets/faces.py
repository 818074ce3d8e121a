"""Faces as networks see them: crops of aligned photographs, decoded once into a cache.

Aligned as CelebA's: 178x218 pixels, or another size of that proportion, with the eyes at the same
place in all of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import math
import os
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image

from common.datasets.folder import as_array, as_mode, decode, image_files, listed
from common.device import cores
from common.errors import UserError

logger = logging.getLogger(__name__)

WIDTH, HEIGHT = 178, 218  # pixels of an official image
CROPS = {  # left, top, right, bottom in an official image
    "center108": (35, 55, 143, 163),  # the IcGAN report, Sec. 4
    "paper138": (30, 40, 168, 178),  # the code of the IcGAN authors
    "center178": (0, 20, 178, 198),  # the whole width
}
BLOCK = 256  # images that a thread decodes at a time
NAMED = 100  # bad images that a message lists before it only counts

Crop = Literal["center108", "paper138", "center178"]


def face(image: Image.Image, size: int, crop: Crop) -> np.ndarray:
    """An image as the networks see faces.

    Aligned images of CelebA's proportion are cropped as named; of others the middle square is
    kept, which for a square is all of it. Resized with a bilinear filter (antialiased).

    Args:
        image: of any size and mode.
        size: side to deliver.
        crop: one of `CROPS`.

    Returns:
        uint8 `[size, size, 3]`.
    """
    image = as_mode(image, "RGB")
    if is_aligned(image):
        scale = image.width / WIDTH
        left, top, right, bottom = (scale * edge for edge in CROPS[crop])
    else:
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        right, bottom = left + side, top + side
    # Cropped first, so that the filter sees nothing beyond the box; then to the parts of a pixel.
    whole = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    box = (left - whole[0], top - whole[1], right - whole[0], bottom - whole[1])
    image = image.crop(whole)
    return as_array(image.resize((size, size), Image.Resampling.BILINEAR, box=box))


def read_faces(path: str | Path, size: int, crop: Crop) -> tuple[list[str], np.ndarray]:
    """Reads a photograph, or all images of a folder, as the networks see faces; see `face`.

    Args:
        path: an image file or a folder, as for `common.datasets.folder.read_images`.
        size: side to deliver.
        crop: what is kept of aligned images.

    Returns:
        The stems, and the images, uint8 `[N, size, size, 3]` in the same order.

    Raises:
        UserError: the path is missing, holds no images or an unreadable one, or two of one stem.
    """
    files = image_files(path)
    images = [decode(file) for file in files]
    others = [
        f"{file.name} ({image.width}x{image.height})"
        for file, image in zip(files, images, strict=True)
        if not is_aligned(image) and image.width != image.height
    ]
    if others:
        logger.warning(
            "Neither square nor of CelebA's proportion, so the middle square is used: %s. Faces "
            "should fill it as CelebA's do.",
            listed(others),
        )
    return [file.stem for file in files], np.stack([face(image, size, crop) for image in images])


def is_aligned(image: Image.Image) -> bool:
    """The image has CelebA's proportion of 178 to 218, within two percent."""
    return abs(image.width / image.height * HEIGHT / WIDTH - 1.0) < 0.02


def default_cache() -> Path:
    """`~/.cache/image-editing-gans`, or below what XDG_CACHE_HOME names."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "image-editing-gans"


def decoded_images(
    paths: Sequence[Path], size: int, crop: Crop, cache_dir: str | Path | None = None
) -> np.ndarray:
    """The images of these files, from the cache or decoded into it.

    Args:
        paths: N image files of CelebA's proportion.
        size: side to deliver.
        crop: one of `CROPS`.
        cache_dir: the cache; see `default_cache`.

    Returns:
        A read-only memory map, uint8 `[N, size, size, 3]`.

    Raises:
        UserError: images that cannot be read or are not aligned (the first hundred are named); no
            room; a damaged cache.
    """
    folder = Path(cache_dir) if cache_dir is not None else default_cache()
    key = _key(paths, {"size": size, "crop": crop, "filter": "bilinear", "format": 2})
    cached = folder / f"faces-{size}-{crop}-{len(paths)}-{key}.npy"
    if not cached.is_file():
        _build(paths, size, crop, cached)
    try:
        return np.load(cached, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{cached} is damaged ({error}); delete it, it is made anew.") from error


def _key(paths: Sequence[Path], transform: dict) -> str:
    """A hash of the files' names, sizes and times of change, and of what is made of them."""
    digest = hashlib.sha256(json.dumps(transform, sort_keys=True).encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _build(paths: Sequence[Path], size: int, crop: Crop, target: Path) -> None:
    """Decodes all files into `target`, which appears complete or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot make the cache {target.parent} ({error.strerror}); name another by "
            "--cache-dir."
        ) from error
    sweep(target.parent)
    temporary = target.with_name(f".{uuid.uuid4().hex[:8]}~{target.name}")
    logger.info("decoding %s images once, into %s", f"{len(paths):,}", target)
    try:
        with temporary.open("wb") as file:
            with contextlib.suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            bad = _decode(paths, size, crop, file)
            if bad:
                raise UserError(
                    f"{len(bad)} images are no CelebA faces of 178x218 or that proportion: "
                    f"{listed(sorted(bad), most=NAMED)}. Replace them, or take them out of the "
                    "folder: the others can be used without them."
                )
            file.flush()
            os.replace(temporary, target)
    except OSError as error:
        raise UserError(
            f"Cannot write the cache {target} ({error.strerror}); it needs "
            f"{len(paths) * size * size * 3 / 1e9:.1f} GB: make room or name another folder by "
            "--cache-dir."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _decode(paths: Sequence[Path], size: int, crop: Crop, file: BinaryIO) -> list[str]:
    """Decodes all files into an open one, as `.npy`; returns those that are no aligned faces."""
    from rich.console import Console
    from rich.progress import Progress

    # Written, not mapped: on a full disk a write raises, but touching a mapped page kills.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), size, size, 3)}
    np.lib.format.write_array_header_1_0(file, header)
    begin, lock = file.tell(), threading.Lock()
    bad: list[str] = []

    def fill(start: int) -> None:
        some = paths[start : start + BLOCK]
        faces = np.zeros((len(some), size, size, 3), np.uint8)
        for row, path in enumerate(some):
            try:
                image = decode(path)
            except UserError:
                bad.append(f"{path} (unreadable)")
                continue
            if not is_aligned(image):
                bad.append(f"{path} ({image.width}x{image.height})")
                continue
            faces[row] = face(image, size, crop)
        with lock:
            file.seek(begin + start * size * size * 3)
            file.write(faces.data)

    starts = range(0, len(paths), BLOCK)
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal)
    pool = ThreadPoolExecutor(cores())
    try:
        with bar:
            for _ in bar.track(pool.map(fill, starts), len(starts), description="decoding"):
                pass
    finally:  # after an error or Ctrl-C, too, but then without what has not begun
        pool.shutdown(cancel_futures=True)
    return bad


def sweep(folder: Path) -> None:
    """Deletes what builds that were killed have left in the cache: nobody holds their locks."""
    for left in folder.glob(".*~faces-*.npy"):
        with contextlib.suppress(OSError), left.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.stat().st_size:  # else it has just been made and is not locked yet
                left.unlink()
