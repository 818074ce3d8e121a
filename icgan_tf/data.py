"""The images of a run: digits or faces as its networks see them, in three splits."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.records import Records
from icgan_tf.config import CROPS, SPLITS, Config

Split = Literal["train", "dev", "test"]
DIGITS = {"train": "train", "dev": "test-half-1", "test": "test-half-2"}  # 60,000, 5,000, 5,000


def load(config: Config, split: Split) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first images up to the limit.

    Args:
        config: names the data set, its folder, the limit, the size and the attributes.
        split: digits: all 60,000 of the training file, and halves of the test file (the report,
            Sec. 4); faces: as `common.datasets.celeba.loader` tells.

    Returns:
        Records with square images of `config.data.image_size` pixels.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    data = config.data
    return datasets.load(
        config.dataset,
        DIGITS[split] if config.dataset == "mnist" else split,
        config.source,
        size=data.image_size,
        attributes=data.attributes,
        crop=CROPS[data.crop],
        train_files=SPLITS[data.split],
    )
