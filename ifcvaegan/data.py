"""The faces of a run, in three splits."""

from __future__ import annotations

import dataclasses
from typing import Literal

from common import datasets
from common.datasets.records import Records
from common.errors import UserError
from ifcvaegan.config import Config

Split = Literal["train", "dev", "test"]
HELD_OUT = 100  # the authors' test images: the first rows of CelebA, in its official training split
FIRST = 32  # the first so many of them make Table 1: 16 smile


def load(config: Config, split: Split) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first `config.run.limit` images.

    The authors' test images, CelebA's first 100, train nothing: they lie in the official `train`.

    Args:
        config: names the data set, its folder, the size and the attributes.
        split: as `common.datasets.celeba` tells.

    Raises:
        UserError: the data are missing, are not what the loader needs, or leave no training image.
    """
    if config.dataset != "celeba" or split != "train":
        return _read(config, split, config.run.limit)
    limit = config.run.limit
    records = _read(config, split, None if limit is None else limit + HELD_OUT)
    if len(records) <= HELD_OUT:
        raise UserError(
            f"The data have {len(records)} training images, of which the authors' first {HELD_OUT} "
            "are held out; use more images, or --dataset drawn."
        )
    return records.take(slice(HELD_OUT, None))


def first_faces(config: Config) -> Records | None:
    """The faces of the paper's Table 1, CelebA's first 32, which train nothing; None of other data.

    They are the first 32 of the training split, as in the official files: of a part of CelebA they
    are the authors' only if it begins as CelebA does.
    """
    return _read(config, "train", FIRST) if config.dataset == "celeba" else None


def _read(config: Config, split: Split, limit: int | None) -> Records:
    """One split as the settings describe it, at most so many images."""
    data = config.data
    return datasets.load(
        config.dataset,
        split,
        dataclasses.replace(config.run, limit=limit),
        size=data.image_size,
        attributes=data.attributes,
        crop=data.crop,
        partition=data.split,
    )
