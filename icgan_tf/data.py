"""The images of a run: digits or faces as its networks see them, in three splits."""

from __future__ import annotations

import dataclasses
from typing import Literal

from common.datasets.records import Records
from icgan_tf.config import Config

Split = Literal["train", "dev", "test"]


def load(config: Config, split: Split) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first `config.run.limit` images.

    Args:
        config: names the data set, its folder, the size and the attributes.
        split: digits: 60,000, and the halves of the test file (the report, Sec. 4); faces: as
            `common.datasets.celeba` tells.

    Returns:
        Records with square images of `config.data.image_size` pixels.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    data = config.data
    limit = None if split == "test" else config.run.limit
    if config.dataset == "mnist":
        from common.datasets import mnist
        from common.images import padded

        name = {"train": "train", "dev": "dev", "test": "test5000"}[split]
        records = mnist.load(name, config.run.data_dir).take(slice(limit))
        return dataclasses.replace(records, images=padded(records.images, data.image_size))
    if config.dataset == "drawn":
        from common.datasets import drawn

        records = drawn.load(split, data.image_size, data.attributes, data.crop)
        return records.take(slice(limit))
    from common.datasets import celeba

    return celeba.load(
        split,
        config.run.data_dir,
        size=data.image_size,
        crop=data.crop,
        attributes=data.attributes,
        partition=data.split,
        limit=limit,
        cache_dir=config.run.cache_dir,
    )
