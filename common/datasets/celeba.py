"""CelebA: 202,599 aligned faces of celebrities with 40 binary attributes (Liu et al. 2015).

The data are for non-commercial research and are not part of this project: `data_dir` names a
folder in the official layout, or any subset or resized copy of it.

    img_align_celeba/000001.jpg ...       178x218, or another size of that proportion; also PNG
    list_attr_celeba.txt                  the number of images, the 40 names, a line an image
    list_eval_partition.txt               0 train, 1 validation, 2 test; may be missing

The files may also lie in `Img/`, `Anno/` and `Eval/`, as they are downloaded. Images are decoded,
cropped and resized once, into a memory-mapped array of bytes below `cache_dir`, which is named
after a hash of the files and the transform (`common.datasets.faces`).

Splits: `train`, `dev`, `test`. "official": those of `list_eval_partition.txt`, or the official
ranges of file numbers without it. "report": the IcGAN report's 97 / 1.5 / 1.5 % (its Sec. 4), in
the order of the files: 196,608 / 2,995 / 2,996 of all. "authors": that of the IcGAN authors' code,
which holds the last 19,961 images out; `dev` is their first half, `test` the second one. People
recur in CelebA, also across splits by file order.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from common.datasets.faces import HEIGHT, WIDTH, Crop, decoded_images
from common.datasets.folder import listed
from common.datasets.records import Records
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
SPLITS = {"train": 0, "dev": 1, "test": 2}  # numbers in list_eval_partition.txt
LAST_TRAIN, LAST_DEV = 162_770, 182_637  # file numbers, the official ranges
ALL_IMAGES = 202_599
REPORT_TRAIN = 196_608  # the report's "97 %": 24 times its 8,192 images
AUTHORS_TRAIN = ALL_IMAGES - 19_961  # the code of the IcGAN authors holds so many out
SUFFIXES = (".jpg", ".jpeg", ".png")

Partition = Literal["official", "report", "authors"]


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
        partition: "official", "report" or "authors".
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
        raise UserError(
            f"{folder} has no images in the split {split!r} ({partition} partition): take more of "
            "CelebA, or split it in another way by --data.split."
        )
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
    if partition != "official":
        of_all = REPORT_TRAIN if partition == "report" else AUTHORS_TRAIN
        train = len(stems) * of_all // ALL_IMAGES
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
