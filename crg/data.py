"""The digits of a run."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.records import Records
from crg.config import Config


def load(config: Config, split: Literal["train", "test"]) -> Records:
    """Reads one split of the run's data; of `train` the first `config.source.limit` images.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    return datasets.load(config.dataset, split, config.source)
