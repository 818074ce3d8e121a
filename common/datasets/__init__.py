"""Loaders, each of which returns `Records`, and the pipeline that makes batches of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.datasets.records import Records
from common.errors import UserError
from common.settings.config import Source

if TYPE_CHECKING:
    from common.datasets.celeba.faces import Crop

NAMES = ("mnist", "fashion", "celeba", "drawn", "folder")
FINAL = ("test", "test-half-2")  # splits for final figures


def load(
    name: str,
    split: str,
    source: Source | None = None,
    *,
    size: int | None = None,
    attributes: Sequence[str] = ("all",),
    crop: Crop | None = None,
    train_files: int | None = None,
) -> Records:
    """Reads one split of a data set by its name.

    Of splits that train or choose, which are all but `FINAL`, the first `source.limit` images.

    Args:
        name: `mnist`, `fashion` (Fashion-MNIST), `celeba`, `drawn` (faces drawn by this program) or
            `folder` (photographs without labels).
        split: `train`, `dev`, `test` or another that the loader documents; MNIST and Fashion-MNIST
            have no `dev`, but parts of their files by other names, and `all` of a folder are all
            of its images.
        source: names the folders of the data and of the cache, and the limit; all their defaults if
            None.
        size: side of the images to deliver, 64 for faces by default; digits and clothing, which
            are 28, get a black border.
        attributes: of faces, or ("all",).
        crop: of faces; the whole width by default.
        train_files: of CelebA, how it is split, see `celeba.loader.load`.

    Returns:
        The records.

    Raises:
        UserError: the name or the split is unknown, or the files are not what the loader needs.
    """
    source = source or Source()
    limit = None if split in FINAL else source.limit
    if name in ("mnist", "fashion"):
        from common.datasets import fashion, mnist
        from common.images import padded

        if name == "mnist":
            records = mnist.load(split, source.data_dir, source.source)
        else:
            records = fashion.load(split, source.data_dir)
        records = records.take(slice(limit))
        return dataclasses.replace(records, images=padded(records.images, size or 28))
    from common.datasets.celeba.faces import WHOLE_WIDTH

    crop = crop or WHOLE_WIDTH
    if name == "drawn":
        from common.datasets import drawn

        check(name, source)
        return drawn.load(split, size or 64, attributes, crop, limit)
    if name == "celeba":
        from common.datasets.celeba import loader as celeba

        return celeba.load(
            split,
            source.data_dir,
            size=size or 64,
            crop=crop,
            attributes=attributes,
            train_files=train_files,
            limit=limit,
            source=source.source,
            cache_dir=source.cache_dir,
        )
    if name == "folder":
        from common.datasets import plain

        return plain.load(
            split,
            source.data_dir,
            size=size or 64,
            crop=crop,
            limit=limit,
            cache_dir=source.cache_dir,
        )
    raise UserError(f"There is no data set {name!r}; choose one of {', '.join(NAMES)}.")


def check(name: str, source: Source, attributes: Sequence[str] = ("all",)) -> None:
    """Refuses what `load` would refuse and a name or a look at the folder tells, within a second.

    Args:
        name: of the data set.
        source: its folder.
        attributes: of faces.

    Raises:
        UserError: a folder that does not hold the data set; attributes that it does not have.
    """
    if name == "mnist":
        from common.datasets import mnist

        mnist.check(source.data_dir, source.source)
    elif name == "fashion":
        from common.datasets import fashion

        fashion.check(source.data_dir)
    elif name == "folder":
        from common.datasets import plain

        plain.check(source.data_dir)
    elif name == "drawn":
        from common.datasets import drawn

        given = f"--data-dir {source.data_dir}" if source.data_dir else f"--source {source.source}"
        if source.data_dir or source.source:
            raise UserError(
                f"{given} has no effect on faces that this program draws; leave "
                "it out, or choose --dataset celeba."
            )
        drawn.check_attributes(attributes)
    elif name == "celeba":
        from common.datasets.celeba import loader as celeba

        celeba.check_attributes(attributes)
        celeba.form_of(source.data_dir, source.source)
