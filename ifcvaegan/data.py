"""The faces of a run, in three splits."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.records import Records
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
        UserError: the data are missing or are not what the loader needs.
    """
    data = config.data
    records = datasets.load(
        config.dataset,
        split,
        config.run,
        size=data.image_size,
        attributes=data.attributes,
        crop=data.crop,
        partition=data.split,
    )
    if config.dataset == "celeba" and split == "train":
        return records.take(slice(HELD_OUT, None))
    return records


def first_faces(config: Config) -> Records | None:
    """The faces of the paper's Table 1, CelebA's first 32; None for other data.

    They are in no training here, unless the split is `report`.
    """
    if config.dataset != "celeba" or config.data.split != "official":
        return None
    import dataclasses

    few = dataclasses.replace(config.run, limit=FIRST)
    data = config.data
    return datasets.load(
        config.dataset,
        "train",
        few,
        size=data.image_size,
        attributes=data.attributes,
        crop=data.crop,
        partition=data.split,
    )
