"""CelebA: 202,599 aligned faces of celebrities with 40 binary attributes (Liu et al. 2015).

The data are for non-commercial research and are not part of this project: `data_dir` names a
folder in the official layout, or any subset or resized copy of it.

    img_align_celeba/000001.jpg ...       178x218, or another size of that proportion; also PNG
    list_attr_celeba.txt                  the number of images, the 40 names, a line an image
    list_eval_partition.txt               0 train, 1 validation, 2 test; may be missing

The files may also lie in `Img/`, `Anno/` and `Eval/`, as they are downloaded. Images are decoded,
cropped and resized once, into a memory-mapped array of bytes below `cache_dir`, which is named
after a hash of the files and the transform.

Splits: `train`, `dev`, `test`. "official": those of `list_eval_partition.txt`, or the official
ranges of file numbers without it. "report": the IcGAN report's 97 / 1.5 / 1.5 % (its Sec. 4), in
the order of the files: 196,608 / 2,995 / 2,996 of all. People recur in CelebA, also across splits
by file order.
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
from common.datasets.records import Records
from common.device import cores
from common.errors import UserError, did_you_mean

logger = logging.getLogger(__name__)

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
ALL = ("all",)
WIDTH, HEIGHT = 178, 218  # pixels of an official image
CROPS = {  # left, top, right, bottom in an official image
    "center108": (35, 55, 143, 163),  # the IcGAN report, Sec. 4
    "paper138": (30, 40, 168, 178),  # the code of the IcGAN authors
    "center178": (0, 20, 178, 198),  # the whole width
}
SPLITS = {"train": 0, "dev": 1, "test": 2}  # numbers in list_eval_partition.txt
LAST_TRAIN, LAST_DEV = 162_770, 182_637  # file numbers, the official ranges
REPORT_TRAIN, REPORT_ALL = 196_608, 202_599  # the report's "97 %": 24 times its 8,192 images
SUFFIXES = (".jpg", ".jpeg", ".png")
BLOCK = 256  # images that a thread decodes at a time
NAMED = 100  # bad images that a message lists before it only counts

Crop = Literal["center108", "paper138", "center178"]
Partition = Literal["official", "report"]


def load(
    split: str,
    data_dir: str | Path | None,
    *,
    size: int = 64,
    crop: Crop = "center108",
    attributes: Sequence[str] = ALL,
    values: Literal["unit", "signed"] = "unit",
    partition: Partition = "official",
    limit: int | None = None,
    cache_dir: str | Path | None = None,
) -> Records:
    """Reads one split.

    Args:
        split: `train`, `dev` or `test`.
        data_dir: the folder, as the module describes it.
        size: side of the images to deliver.
        crop: the square that is kept, scaled with the width of the images.
        attributes: names of CelebA's attributes, in the order of the columns to deliver, or
            ("all",).
        values: "unit" for attributes of 0 and 1, "signed" for -1 and 1.
        partition: "official" or "report".
        limit: the first so many images of the split; only these are decoded.
        cache_dir: where the decoded images are kept; `~/.cache/image-editing-gans` if None.

    Returns:
        Records with images `[N, size, size, 3]` and attributes `[N, A]`.

    Raises:
        UserError: the folder or a file is missing, damaged, or does not fit the others; an unknown
            split or attribute; images that cannot be read (the first hundred are named).
    """
    if split not in SPLITS:
        raise UserError(f"CelebA has no split {split!r}; choose one of {', '.join(SPLITS)}.")
    names = check_attributes(attributes)
    if data_dir is None:
        raise UserError(
            "CelebA does not come with this project: name the folder that holds img_align_celeba/ "
            "and list_attr_celeba.txt by --data-dir (or try --dataset drawn, which needs none)."
        )
    folder = Path(data_dir)
    if not folder.is_dir():
        raise UserError(f"The CelebA folder {folder} does not exist; name another by --data-dir.")
    files = find_images(folder)
    rows = read_attributes(find(folder, "list_attr_celeba.txt", "Anno"))
    stems = [stem for stem in sorted(files) if stem in rows]
    if not stems:
        raise UserError(
            f"{folder} has {len(files):,} images ({min(files)}, ...) and {len(rows):,} rows of "
            f"attributes ({min(rows, default='none')}, ...), but none of the same name."
        )
    if len(stems) < max(len(files), len(rows)):
        logger.info(
            "CelebA: using the %s images that have attributes, of %s images and %s rows",
            *(f"{count:,}" for count in (len(stems), len(files), len(rows))),
        )
    chosen = chosen_stems(folder, stems, split, partition)[:limit]
    if not chosen:
        raise UserError(f"{folder} has no images in the split {split!r} ({partition} partition).")
    paths = [files[stem] for stem in chosen]
    with contextlib.suppress(OSError), Image.open(paths[0]) as first:
        if first.size != (WIDTH, HEIGHT):
            scale = first.width / WIDTH
            logger.info("CelebA: images of %dx%d, so crops are scaled by %.3g", *first.size, scale)
    present = np.stack([rows[stem] for stem in chosen])
    columns = [ATTRIBUTES.index(name) for name in names]
    return Records(
        images=decoded_images(paths, size, crop, cache_dir),
        attributes=np.where(present[:, columns], 1.0, -1.0 if values == "signed" else 0.0).astype(
            np.float32
        ),
        attribute_names=names,
        name="celeba",
        source=f"{folder}, split {split} ({partition}), crop {crop}",
    )


def check_attributes(names: Sequence[str]) -> tuple[str, ...]:
    """The attributes that are meant: all of them, or those named.

    Raises:
        UserError: an unknown name, with the nearest one, or the same name twice.
    """
    if tuple(names) == ALL:
        return ATTRIBUTES
    for name in names:
        if name not in ATTRIBUTES:
            raise UserError(
                f"CelebA has no attribute {name!r}.{did_you_mean(name, ATTRIBUTES)} "
                f"It has: {listed(ATTRIBUTES)}."
            )
    if len(set(names)) < len(names):
        raise UserError(f"The attributes {list(names)} name one of them twice.")
    return tuple(names)


def find(folder: Path, name: str, inside: str) -> Path:
    """A file in the folder or in its official subfolder.

    Raises:
        UserError: it is in neither.
    """
    for file in (folder / name, folder / inside / name):
        if file.is_file():
            return file
    there = listed(sorted(entry.name for entry in folder.iterdir())) or "nothing"
    raise UserError(
        f"{folder} has no {name}, neither in it nor in {inside}/; it contains {there}. "
        "Put CelebA's own file there."
    )


def find_images(folder: Path) -> dict[str, Path]:
    """Stem -> file of all images in `img_align_celeba/`, or in a folder of that name inside it.

    Raises:
        UserError: there is no such folder, or it holds no images.
    """
    places = [folder, folder / "Img", folder / "img_align_celeba"]
    candidates = [place / "img_align_celeba" for place in places if place.is_dir()]
    for candidate in reversed([place for place in candidates if place.is_dir()]):
        with os.scandir(candidate) as entries:
            found = {
                entry.name.rpartition(".")[0]: Path(entry.path)
                for entry in sorted(entries, key=lambda entry: entry.name)
                if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
            }
        if found:
            return found
    packed = [folder / place / "img_align_celeba.zip" for place in (".", "Img")]
    there = [file for file in packed if file.is_file()]
    if there:
        raise UserError(f"{there[0]} is not unpacked: unzip it where it lies.")
    raise UserError(
        f"{folder} has no images in img_align_celeba/; --data-dir must name the folder that holds "
        "this folder of 000001.jpg, 000002.jpg and so on."
    )


def read_attributes(file: Path) -> dict[str, np.ndarray]:
    """Reads `list_attr_celeba.txt`: stem -> bool `[40]`.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    lines = _lines(file)
    if len(lines) < 2 or not lines[0].strip().isdigit() or tuple(lines[1].split()) != ATTRIBUTES:
        raise UserError(
            f"{file} is not CelebA's list of attributes: its first line must be the number of "
            "images and its second one the 40 names; take the original file."
        )
    rows = {}
    for number, line in enumerate(lines[2:], start=3):
        name, *values = line.split() or [""]
        wrong = set(values) - {"1", "-1", "0"}
        if len(values) != len(ATTRIBUTES) or wrong:
            raise UserError(
                f"{file}, line {number}: expected a name and 40 values of 1 and -1, but it has "
                f"{listed(sorted(wrong)) or f'{len(values)} values'}; take the original file."
            )
        rows[name.rpartition(".")[0]] = np.array([value == "1" for value in values])
    if int(lines[0]) != len(rows):
        logger.warning(
            "%s says that it has %s rows, but it has %s: it may be cut off.",
            *(file, f"{int(lines[0]):,}", f"{len(rows):,}"),
        )
    return rows


def chosen_stems(folder: Path, stems: list[str], split: str, partition: Partition) -> list[str]:
    """The images of a split, sorted.

    Raises:
        UserError: a partition file that is none, or file names without numbers where it is missing.
    """
    if partition == "report":
        train = len(stems) * REPORT_TRAIN // REPORT_ALL
        dev = train + (len(stems) - train) // 2
        part = {"train": slice(train), "dev": slice(train, dev), "test": slice(dev, None)}[split]
        return stems[part]
    places = (folder / "list_eval_partition.txt", folder / "Eval" / "list_eval_partition.txt")
    for file in places:
        if file.is_file():
            parts = read_partition(file)
            missing = [stem for stem in stems if stem not in parts]
            if missing:
                raise UserError(
                    f"{file} does not say to which split {listed(missing)} belong; take the file "
                    "that belongs to these images, or use the report's split (--data.split report)."
                )
            return [stem for stem in stems if parts[stem] == SPLITS[split]]
    if not all(stem.isdigit() for stem in stems):
        raise UserError(
            f"{folder} has no list_eval_partition.txt, and the images are not numbered as CelebA's "
            "are, so there is no official split: add the file, or use the report's split "
            "(--data.split report)."
        )
    logger.info("CelebA: no list_eval_partition.txt, so splits are the official file numbers")
    ends = {"train": (0, LAST_TRAIN), "dev": (LAST_TRAIN, LAST_DEV), "test": (LAST_DEV, 10**9)}
    low, high = ends[split]
    return [stem for stem in stems if low < int(stem) <= high]


def read_partition(file: Path) -> dict[str, int]:
    """Reads `list_eval_partition.txt`: stem -> 0, 1 or 2.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    parts = {}
    for number, line in enumerate(_lines(file), start=1):
        words = line.split()
        if len(words) != 2 or words[1] not in ("0", "1", "2"):
            raise UserError(
                f"{file}, line {number}: expected a file name and 0, 1 or 2, but it is {line!r}."
            )
        parts[words[0].rpartition(".")[0]] = int(words[1])
    return parts


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as text ({error}); take the original.") from error


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
    cached = folder / f"celeba-{size}-{crop}-{len(paths)}-{key}.npy"
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
    logger.info("CelebA: decoding %s images once, into %s", f"{len(paths):,}", target)
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
    for left in folder.glob(".*~celeba-*.npy"):
        with contextlib.suppress(OSError), left.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.stat().st_size:  # else it has just been made and is not locked yet
                left.unlink()
