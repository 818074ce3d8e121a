"""The faces of a run, in three splits."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Literal

from common import datasets
from common.datasets.celeba.loader import announce
from common.datasets.records import Records
from common.errors import UserError
from ifcvaegan.config import CROPS, SPLITS, Config

Split = Literal["train", "dev", "test"]
HELD_OUT = [f"{number:06d}" for number in range(1, 101)]  # the authors' test images
FIRST = HELD_OUT[:32]  # those of Table 1: 16 smile


def load(config: Config, split: Split) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first images up to the limit.

    The authors' test images, CelebA's first 100, train nothing: they are the first of the official
    `train`. Of a part of CelebA those of them are held out that are there, where its images have
    CelebA's numbers: a part prepared by TFDS, or as parquet without file names, has not.

    Args:
        config: names the data set, its folder, the limit, the size and the attributes.
        split: as `common.datasets.celeba.loader` tells.

    Raises:
        UserError: the data are missing, are not what the loader needs, or leave no training image.
    """
    if config.dataset != "celeba" or split != "train":
        return _read(config, split, config.source.limit)
    limit, held_out = config.source.limit, _beginning(config, HELD_OUT)
    announce(
        f"CelebA: of the authors' {len(HELD_OUT)} test faces, {held_out} are among the training "
        "images and train nothing"
        + ("" if held_out else ": they are not there, or the files have no numbers")
    )
    records = _read(config, split, None if limit is None else limit + held_out)
    if len(records) <= held_out:
        raise UserError(
            f"The data have {len(records)} training images, all of them among the authors' first "
            f"{len(HELD_OUT)}, which are held out; use more images, or --dataset drawn."
        )
    return records.take(slice(held_out, None))


def first_faces(config: Config) -> Records | None:
    """The faces of the paper's Table 1, CelebA's first 32, which train nothing.

    Returns:
        Those faces; None where they are not there.
    """
    if config.dataset != "celeba" or _beginning(config, FIRST) < len(FIRST):
        return None
    return _read(config, "train", len(FIRST))


def _beginning(config: Config, names: Sequence[str]) -> int:
    """With how many of these CelebA's training images begin."""
    from common.datasets.celeba import loader as celeba

    source, wanted = config.source, set(names)
    _, there = celeba.found("train", source.data_dir, SPLITS[config.data.split], source.source)
    return sum(1 for _ in itertools.takewhile(wanted.__contains__, there))


def _read(config: Config, split: Split, limit: int | None) -> Records:
    """One split as the settings describe it, at most so many images."""
    data = config.data
    return datasets.load(
        config.dataset,
        split,
        dataclasses.replace(config.source, limit=limit),
        size=data.image_size,
        attributes=data.attributes,
        crop=CROPS[data.crop],
        train_files=SPLITS[data.split],
    )
