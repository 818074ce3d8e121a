"""A plain folder of photographs, for whatever needs no labels.

Of each image the middle square is kept and resized; images of CelebA's proportion are cropped as
CelebA's are. `all` is all of them. For a training they are split by the order of their names: the
last 2 % of the images are `test`, the 2 % before them `dev`, at least one image each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.datasets.celeba.faces import WHOLE_WIDTH, Crop, decoded_images
from common.datasets.celeba.readers import Form, folder_reader
from common.datasets.folder import image_files, told_files
from common.datasets.records import Records
from common.errors import UserError

HELD_OUT = 0.02  # share of the images in `dev`, and in `test`
SPLITS = ("all", "train", "dev", "test")


def load(
    split: str,
    data_dir: str | Path | None,
    *,
    size: int = 64,
    crop: Crop = WHOLE_WIDTH,
    limit: int | None = None,
    cache_dir: str | Path | None = None,
) -> Records:
    """Reads one split.

    Args:
        split: `all`, `train`, `dev` or `test`.
        data_dir: the folder; folders inside it are not looked at.
        size: side of the images to deliver.
        crop: what is kept of images of CelebA's proportion.
        limit: the first so many images of the split; only these are decoded.
        cache_dir: where the decoded images are kept; see `celeba.faces.default_cache`.

    Returns:
        Records with images `[N, size, size, 3]` and no attributes, `[N, 0]`.

    Raises:
        UserError: an unknown split; a folder that is missing or has no images, too few to split,
            or one that cannot be read.
    """
    if split not in SPLITS:
        raise UserError(f"A folder of images has no split {split!r}; choose {', '.join(SPLITS)}.")
    form = plain_form(check(data_dir))
    chosen = chosen_names(form, split)[:limit]
    return Records(
        images=decoded_images(form, chosen, size, crop, cache_dir, aligned=False),
        attributes=np.zeros((len(chosen), 0), np.float32),
        attribute_names=(),
        name="folder",
        source=f"{form.title}, split {split}",
    )


def check(data_dir: str | Path | None) -> Path:
    """The folder, if it is one of images.

    Raises:
        UserError: it is not named, is missing, or has no images.
    """
    if data_dir is None:
        raise UserError("Name the folder of images by --data-dir.")
    image_files(data_dir)
    return Path(data_dir)


def chosen_names(form: Form, split: str) -> Sequence[str]:
    """The images of a split.

    Raises:
        UserError: there are too few images to split them.
    """
    count = len(form.names)
    if split == "all":
        return form.names
    if count < 3:
        raise UserError(f"{form.title}: {count} images; a training needs at least 3.")
    held_out = max(1, round(HELD_OUT * count))
    train, dev = count - 2 * held_out, count - held_out
    rows = {"train": slice(train), "dev": slice(train, dev), "test": slice(dev, None)}[split]
    return form.names[rows]


def plain_form(folder: Path) -> Form:
    """The images of a folder as `common.datasets.celeba.faces` reads them."""
    files = {file.stem: file for file in told_files(folder)}
    title, names, stamp, read = folder_reader(files)
    return Form(title, {}, None, names, stamp, read, numbered=False)
