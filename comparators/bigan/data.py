"""The digits of a run, split as CRG has them."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.records import Records
from comparators.bigan.config import Config

SPLITS = {"train": "train-head", "dev": "train-tail", "test": "test"}  # 55,000, 5,000, 10,000


def load(config: Config, split: Literal["train", "dev", "test"]) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first `source.limit` images.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    return datasets.load(config.dataset, SPLITS[split], config.source)
