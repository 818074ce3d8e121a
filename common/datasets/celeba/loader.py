"""CelebA: 202,599 aligned faces of celebrities with 40 binary attributes (Liu et al. 2015).

The data are for non-commercial research and are not part of this project: `data_dir` names a
folder that holds them in one of the forms of `common.datasets.celeba.forms`, whole, in part, or as
a smaller copy of that proportion (178x218). Images are decoded, cropped and resized once, into a
memory-mapped array of bytes below `cache_dir`, which is named after a hash of the files' bytes and
the transform (`common.datasets.celeba.faces`).

Splits: `train`, `dev`, `test`, by default those of `list_eval_partition.txt`, or the official
ranges of file numbers without it. A paper may split by the order of the files instead: so many of
all train, and what is left is halved into `dev` and `test`. People recur in CelebA, also across
splits by file order.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from common.datasets import prepared
from common.datasets.celeba.faces import (
    HEIGHT,
    WHOLE_WIDTH,
    WIDTH,
    Crop,
    decoded_images,
    is_aligned,
)
from common.datasets.celeba.forms import PARTITION_LISTS, find, prepared_form
from common.datasets.celeba.lists import ALL_IMAGES, ATTRIBUTES
from common.datasets.celeba.readers import Form
from common.datasets.folder import decode, listed
from common.datasets.records import Records
from common.errors import UserError, did_you_mean

logger = logging.getLogger(__name__)

ALL = ("all",)
SPLITS = {"train": 0, "dev": 1, "test": 2}  # numbers in the list of splits
LAST_TRAIN, LAST_DEV = 162_770, 182_637  # file numbers, the official ranges


def load(
    split: str,
    data_dir: str | Path | None,
    *,
    size: int = 64,
    crop: Crop = WHOLE_WIDTH,
    attributes: Sequence[str] = ALL,
    values: Literal["unit", "signed"] = "unit",
    train_files: int | None = None,
    limit: int | None = None,
    source: Literal["tfds"] | None = None,
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
        train_files: of all 202,599 files in their order, the first so many train; of a part of
            CelebA the same share. The official splits if None.
        limit: the first so many images of the split; only these are decoded.
        source: "tfds" for what tensorflow-datasets has prepared in `data_dir` or, without it, in
            its own folder; else whatever `data_dir` holds.
        cache_dir: where the decoded images are kept; `~/.cache/image-editing-gans` if None.

    Returns:
        Records with images `[N, size, size, 3]` and attributes `[N, A]`.

    Raises:
        UserError: the folder or a file is missing, damaged, or does not fit the others; an unknown
            split or attribute; images that cannot be read (the first hundred are named).
    """
    columns = [ATTRIBUTES.index(name) for name in check_attributes(attributes)]
    form, chosen = found(split, data_dir, train_files, source)
    chosen = chosen[:limit]
    present = np.stack([form.rows[name] for name in chosen])[:, columns]
    return Records(
        images=decoded_images(form, chosen, size, crop, cache_dir),
        attributes=np.where(present, 1.0, -1.0 if values == "signed" else 0.0).astype(np.float32),
        attribute_names=check_attributes(attributes),
        name="celeba",
        source=f"{form.title}, split {split} ({by(train_files)}), crop {crop}",
    )


def found(
    split: str,
    data_dir: str | Path | None,
    train_files: int | None = None,
    source: Literal["tfds"] | None = None,
) -> tuple[Form, list[str]]:
    """The images of a split, which are not read yet; see `load`.

    Returns:
        How they lie there, and their names, in order.
    """
    if split not in SPLITS:
        raise UserError(f"CelebA has no split {split!r}; choose one of {', '.join(SPLITS)}.")
    form = form_of(data_dir, source)
    there = [name for name in form.names if name in form.rows]
    if not there:
        raise UserError(
            f"{form.title} has {len(form.names):,} images ({form.names[0]}, ...) and "
            f"{len(form.rows):,} rows of attributes ({min(form.rows, default='none')}, ...), but "
            "none of the same name."
        )
    announce(describe(form, there))
    chosen = chosen_names(form, there, split, train_files)
    if not chosen:
        raise UserError(
            f"{form.title} has no images in the split {split!r} ({by(train_files)}): take more of "
            "CelebA, or split it in another way by --data.split."
        )
    return form, chosen


def form_of(data_dir: str | Path | None, source: Literal["tfds"] | None = None) -> Form:
    """How CelebA lies in a folder; the arguments are those of `load`.

    Raises:
        UserError: it does not, or no folder is named.
    """
    if source == "tfds":
        return prepared_form(prepared.wanted("celeb_a", data_dir))
    if data_dir is None:
        raise UserError(
            "CelebA does not come with this project: name the folder that holds it, as files, zip, "
            "parquet or prepared by TFDS, by --data-dir (or try --dataset drawn, which needs none)."
        )
    return find(Path(data_dir))


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


def by(train_files: int | None) -> str:
    """How CelebA is split, in words."""
    return "official" if train_files is None else f"{train_files:,} of all files train"


def chosen_names(
    form: Form, names: list[str], split: str, train_files: int | None = None
) -> list[str]:
    """The images of a split, sorted.

    Raises:
        UserError: a list of splits without some of the images, or names that are no file numbers
            where they are needed.
    """
    if train_files is not None:
        if not form.numbered:
            raise UserError(
                f"{form.title}: the order of CelebA's files is lost there, so it has the official "
                "split only (--data.split official)."
            )
        train = len(names) * train_files // ALL_IMAGES
        dev = train + (len(names) - train) // 2
        part = {"train": slice(train), "dev": slice(train, dev), "test": slice(dev, None)}[split]
        return names[part]
    if form.parts is not None:
        missing = [name for name in names if name not in form.parts]
        if missing:
            raise UserError(
                f"{form.title}: the list of splits does not say to which one {listed(missing)} "
                "belong; take the list that belongs to these images, or split by the order of "
                "the files (IcGAN: --data.split report)."
            )
        return [name for name in names if form.parts[name] == SPLITS[split]]
    if not all(name.isdigit() for name in names):
        raise UserError(
            f"{form.title}: there is no {PARTITION_LISTS[0]}, and the images are not numbered as "
            "CelebA's are, so there is no official split: add the file, or split by the order of "
            "the files (IcGAN: --data.split report)."
        )
    announce(f"CelebA: no {PARTITION_LISTS[0]}, so splits are the official file numbers")
    ends = {"train": (0, LAST_TRAIN), "dev": (LAST_TRAIN, LAST_DEV), "test": (LAST_DEV, 10**9)}
    low, high = ends[split]
    return [name for name in names if low < int(name) <= high]


def describe(form: Form, names: Sequence[str]) -> str:
    """What was found, in one line.

    Args:
        form: where and how CelebA lies.
        names: of the images that have attributes, at least one.
    """
    told = f"CelebA: {form.title}, {len(names):,} images with attributes"
    if len(names) < max(len(form.names), len(form.rows)):
        told += f" (of {len(form.names):,} images and {len(form.rows):,} rows)"
    name, content = next(form.read(names[:1]))
    with contextlib.suppress(UserError):  # reading it reports the error
        first = opened(content, name)
        width, height = first.size
        if width != WIDTH and is_aligned(first):
            told += f", of {width}x{height}, so crops are scaled by {width / WIDTH:.3g}"
    return told


def training_obstacles(form: Form, names: list[str]) -> list[str]:
    """What a training would refuse, as far as it shows without reading all images.

    Args:
        form: where and how CelebA lies.
        names: of the images that have attributes, at least one.

    Returns:
        A sentence each.
    """
    found = []
    try:
        empty = [split for split in SPLITS if not chosen_names(form, names, split)]
    except UserError as error:
        found.append(str(error))
    else:
        if empty:
            found.append(
                f"There are no images in {' and '.join(empty)}, which a training needs: take more "
                "of CelebA, or split by the order of the files (IcGAN: --data.split report)."
            )
    name, content = next(form.read(names[:1]))
    try:
        first = opened(content, f"{name} of {form.title}")
    except UserError as error:
        return [*found, str(error)]
    if not is_aligned(first):
        found.append(
            f"{name} is {first.width}x{first.height}, which is not CelebA's proportion of {WIDTH}x"
            f"{HEIGHT}: trainings refuse such images."
        )
    return found


def opened(content: bytes, name: str) -> Image.Image:
    """The pixels of a file's bytes.

    Raises:
        UserError: it is no image; `name` is what to call it.
    """
    return decode(io.BytesIO(content), name)


@functools.cache
def announce(text: str) -> None:
    """Logs what a process need not hear twice."""
    logger.info(text)
