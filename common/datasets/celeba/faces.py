"""Faces as networks see them: crops of aligned photographs, decoded once into a cache.

Aligned as CelebA's: 178x218 pixels, or another size of that proportion, with the eyes at the same
place in all of them.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import itertools
import json
import logging
import math
import os
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np
from PIL import Image

from common.datasets.folder import (
    GRAY_MODES,
    as_array,
    as_mode,
    decode,
    listed,
    read_each,
    see_through,
    tell_transparent,
)
from common.device import cores
from common.errors import UserError

try:
    import fcntl
except ImportError:  # Windows, where a cache is not swept while others may fill it
    fcntl = None

if TYPE_CHECKING:
    from common.datasets.celeba.readers import Form

logger = logging.getLogger(__name__)

WIDTH, HEIGHT = 178, 218  # pixels of an official image
Crop: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom in an official image
WHOLE_WIDTH: Crop = (0, 20, 178, 198)
BLOCK = 256  # images that a thread decodes at a time
NAMED = 100  # bad images that a message lists before it only counts


def face(image: Image.Image, size: int, crop: Crop) -> np.ndarray:
    """An image as the networks see faces.

    Aligned images of CelebA's proportion are cropped; of others the middle square is
    kept, which for a square is all of it. Resized with a bilinear filter (antialiased).

    Args:
        image: of any size and mode.
        size: side to deliver.
        crop: a square in an image of 178x218; scaled with the width of the image.

    Returns:
        uint8 `[size, size, 3]`.
    """
    image = as_mode(image, "RGB")
    if is_aligned(image):
        scale = image.width / WIDTH
        left, top, right, bottom = (scale * edge for edge in crop)
    else:
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        right, bottom = left + side, top + side
    # Cropped first, so that the filter sees nothing beyond the box; then to the parts of a pixel.
    whole = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    box = (left - whole[0], top - whole[1], right - whole[0], bottom - whole[1])
    image = image.crop(whole)
    return as_array(image.resize((size, size), Image.Resampling.BILINEAR, box=box))


def face_text(size: int, crop: Crop) -> str:
    """What `face` does, in words, for the users of exported networks."""
    box = ", ".join(map(str, crop))
    return (
        f"a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) ({box}), "
        f"scaled to {size}x{size}, bilinear and antialiased"
    )


def read_faces(path: str | Path, size: int, crop: Crop) -> tuple[list[str], np.ndarray]:
    """Reads a photograph, or all images of a folder, as the networks see faces; see `face`.

    Args:
        path: an image file or a folder, as for `common.datasets.folder.read_each`.
        size: side to deliver.
        crop: what is kept of aligned images.

    Returns:
        The stems, and the images, uint8 `[N, size, size, 3]` in the same order.

    Raises:
        UserError: as for `common.datasets.folder.read_each`.
    """

    def read(image: Image.Image) -> tuple[np.ndarray, str, bool, bool]:
        framed = is_aligned(image) or image.size == (size, size)
        shape = "" if framed else f"{image.width}x{image.height}"
        return face(image, size, crop), shape, image.mode in GRAY_MODES, see_through(image)

    pictures = read_each(path, read)
    others = [f"{file.name} ({shape})" for file, (_, shape, _, _) in pictures if shape]
    gray = [file.name for file, (_, _, is_gray, _) in pictures if is_gray]
    tell_transparent([file.name for file, (*_, transparent) in pictures if transparent])
    if gray:
        logger.warning("%s: without colour, and this model knows faces in colour.", listed(gray))
    if others:
        logger.warning(
            "Not of CelebA's proportion of 178 to 218, so nobody has aligned these faces, and the "
            "middle square is used: %s. The model knows faces that fill it, eyes level and "
            "half-way down; of others, such as whole people, it makes something else. --photo FILE "
            "finds and aligns the face of a photograph.",
            listed(others),
        )
    return [file.stem for file, _ in pictures], np.stack([image for _, (image, *_) in pictures])


def is_aligned(image: Image.Image) -> bool:
    """The image has CelebA's proportion of 178 to 218, within two percent."""
    return abs(image.width / image.height * HEIGHT / WIDTH - 1.0) < 0.02


def default_cache() -> Path:
    """`~/.cache/image-editing-gans`, or below what XDG_CACHE_HOME names.

    Raises:
        UserError: the user has no home.
    """
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise UserError(
            "There is no home folder here to keep decoded images in; name a folder by --cache-dir."
        ) from None
    return Path(home) / "image-editing-gans"


def decoded_images(
    form: Form,
    names: Sequence[str],
    size: int,
    crop: Crop,
    cache_dir: str | Path | None = None,
    aligned: bool = True,
) -> np.ndarray:
    """Some images of CelebA, from the cache or decoded into it.

    Args:
        form: where and how the images lie.
        names: N of them, in the order to deliver.
        size: side to deliver.
        crop: as of `face`.
        cache_dir: the cache; see `default_cache`.
        aligned: refuse images that have not CelebA's proportion.

    Returns:
        A read-only memory map, uint8 `[N, size, size, 3]`.

    Raises:
        UserError: images that cannot be read or are not aligned (the first hundred are named); no
            room; a damaged cache.
    """
    folder = Path(cache_dir) if cache_dir is not None else default_cache()
    transform = {"size": size, "crop": list(crop), "filter": "bilinear", "format": 2}
    if not aligned:
        transform["aligned"] = False
    key = _key(form, names, transform)
    cached = folder / f"faces-{size}-{'-'.join(map(str, crop))}-{len(names)}-{key}.npy"
    if not cached.is_file():
        _build(form, names, size, crop, cached, aligned)
    try:
        return np.load(cached, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{cached} is damaged ({error}); delete it, it is made anew.") from error


def _key(form: Form, names: Sequence[str], transform: dict) -> str:
    """A hash of what tells that an image has changed, and of what is made of them."""
    digest = hashlib.sha256(json.dumps(transform, sort_keys=True).encode())
    for name in names:
        digest.update(f"{form.stamp(name)}\n".encode())
    return digest.hexdigest()[:16]


def _build(
    form: Form, names: Sequence[str], size: int, crop: Crop, target: Path, aligned: bool
) -> None:
    """Decodes all images into `target`, which appears complete or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot make the cache {target.parent} ({error.strerror}); name another by "
            "--cache-dir."
        ) from error
    sweep(target.parent)
    temporary = target.with_name(f".{uuid.uuid4().hex[:8]}~{target.name}")
    logger.info("decoding %s images once, into %s", f"{len(names):,}", target)
    try:
        with temporary.open("wb") as file:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # some network file systems have no locks
                    fcntl.flock(file, fcntl.LOCK_EX)
            bad = _decode(form, names, size, crop, file, aligned)
            if bad:
                kind = "faces of 178x218 or that proportion" if aligned else "intact images"
                lines = ", or their lines in the list of attributes" if form.rows else ""
                raise UserError(
                    f"{len(bad)} images are no {kind} ({form.title}): "
                    f"{listed(sorted(bad), most=NAMED)}. Replace them, or take them out{lines}: "
                    "the others can be used without them."
                )
            file.flush()
            os.replace(temporary, target)
    except OSError as error:
        raise UserError(
            f"Cannot write the cache {target} ({error.strerror}); it needs "
            f"{len(names) * size * size * 3 / 1e9:.1f} GB: make room or name another folder by "
            "--cache-dir."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _decode(
    form: Form, names: Sequence[str], size: int, crop: Crop, file: BinaryIO, aligned: bool
) -> list[str]:
    """Decodes all images into an open `.npy`; returns those that are not what they should be."""
    from rich.console import Console
    from rich.progress import Progress

    # Written, not mapped: on a full disk a write raises, but touching a mapped page kills.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(names), size, size, 3)}
    np.lib.format.write_array_header_1_0(file, header)
    bad: list[str] = []

    rows = {name: row for row, name in enumerate(names)}
    begin, bytes_each = file.tell(), size * size * 3

    def decoded(some: Sequence[tuple[str, bytes]]) -> list[tuple[int, np.ndarray]]:
        faces = []
        for name, content in some:
            try:
                image = decode(io.BytesIO(content), name)
            except UserError:
                bad.append(f"{name} (unreadable)")
                continue
            if is_aligned(image) or not aligned:
                faces.append((rows[name], face(image, size, crop)))
            else:
                bad.append(f"{name} ({image.width}x{image.height})")
        return faces

    def write(block: Future[list[tuple[int, np.ndarray]]]) -> None:
        for row, image in block.result():
            file.seek(begin + row * bytes_each)
            file.write(image.data)
        bar.advance(task, BLOCK)

    images = form.read(names)
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal)
    task = bar.add_task("decoding", total=len(names))
    with bar, ThreadPoolExecutor(cores()) as pool:
        begun: collections.deque[Future[list[tuple[int, np.ndarray]]]] = collections.deque()
        try:
            while some := list(itertools.islice(images, BLOCK)):
                begun.append(pool.submit(decoded, some))
                if len(begun) > 2 * cores():  # little is read and not yet written
                    write(begun.popleft())
            while begun:
                write(begun.popleft())
        finally:  # after an error or Ctrl-C, too, but then without what has not begun
            pool.shutdown(cancel_futures=True)
    return bad


def sweep(folder: Path) -> None:
    """Deletes what builds that were killed have left in the cache: nobody holds their locks."""
    if fcntl is None:
        return
    for left in folder.glob(".*~faces-*.npy"):
        with contextlib.suppress(OSError), left.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.stat().st_size:  # else it has just been made and is not locked yet
                left.unlink()
