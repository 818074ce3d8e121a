"""The faces of a run, in three splits."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.datasets.records import Records
from comparators.cvaegan.config import Config


def load(config: Config, split: Literal["train", "dev", "test"]) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first images up to the limit.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    data = config.data
    return datasets.load(
        config.dataset,
        split,
        config.source,
        size=data.image_size,
        attributes=data.attributes,
        crop=WHOLE_WIDTH,
        train_files=None,
    )
