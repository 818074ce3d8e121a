"""The images of a run, in three splits."""

from __future__ import annotations

from typing import Literal

import numpy as np

from common import datasets
from common.datasets.records import Records
from common.errors import UserError
from igan.config import GRAY, Config, class_names, groups

Split = Literal["train", "dev", "test"]
IN_FILES = {"train": "train-head", "dev": "train-tail", "test": "test"}  # 55,000, 5,000, 10,000


def load(config: Config, split: Split) -> Records:
    """Reads one split of the run's data; of `train` and `dev` the first `source.limit` images.

    Args:
        config: names the data set, its folder, the limit, the size and the classes.
        split: of digits and clothing the first 55,000 and the last 5,000 of the training file, and
            the test file; of others as their loaders tell.

    Returns:
        Records with square images of `config.data.image_size` pixels, of the chosen classes.

    Raises:
        UserError: the data are missing, or not what the loader needs, or have no image of the
            classes.
    """
    gray = config.dataset in GRAY
    records = datasets.load(
        config.dataset,
        IN_FILES[split] if gray else split,
        config.source,
        size=config.data.image_size,
    )
    if config.data.classes == ("all",):
        return records
    return of_classes(config, records)


def of_classes(config: Config, records: Records) -> Records:
    """Those records whose class is chosen.

    Raises:
        UserError: there are none.
    """
    names, several = class_names(config.dataset), groups(config.dataset)
    chosen = {name for one in config.data.classes for name in several.get(one, (one,))}
    rows = np.flatnonzero(np.isin(records.labels, [names.index(name) for name in chosen]))
    if not len(rows):
        raise UserError(f"{records.source} has no images of {', '.join(sorted(chosen))}.")
    return records.take(rows)
