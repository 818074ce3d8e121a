"""The digits or the faces of a run."""

from __future__ import annotations

from typing import Literal

from common import datasets
from common.datasets.records import Records
from crg.config import Config
from crg.faces.config import CROPS
from crg.faces.config import Config as FacesConfig

SPLITS = {"train": "train-head", "dev": "train-tail", "test": "test"}  # 55,000, 5,000, 10,000


def load(config: Config | FacesConfig, split: Literal["train", "dev", "test"]) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first `source.limit` images.

    The paper trains on all 60,000 digits, and on 30,000 faces that it does not name; it chooses by
    none of them.

    Raises:
        UserError: the data are missing or are not what the loader needs.
    """
    if isinstance(config, Config):
        return datasets.load(config.dataset, SPLITS[split], config.source)
    return datasets.load(
        config.dataset,
        split,
        config.source,
        size=config.image_size,
        attributes=config.data.attributes,
        crop=CROPS[config.data.crop],
    )
