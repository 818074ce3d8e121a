"""Fashion-MNIST (Xiao et al. 2017): 70,000 articles of clothing, 28x28 gray, in MNIST's form.

It is not part of this repository: --data-dir names the folder of its four IDX files, or one of the
other forms in which `common.datasets.mnist` reads digits. Splits are those of MNIST.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from common.datasets import mnist
from common.datasets.records import Records
from common.errors import UserError

CLASSES = (  # in the order of the labels
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def load(split: str, data_dir: str | Path | None) -> Records:
    """Reads one split.

    Args:
        split: one of `common.datasets.mnist.SPLITS`.
        data_dir: the folder.

    Returns:
        Records with images `[N, 28, 28, 1]` and one-hot attributes `[N, 10]` named by `CLASSES`.

    Raises:
        UserError: the folder is not named, or as `common.datasets.mnist.load`.
    """
    check(data_dir)
    records = mnist.load(split, data_dir)
    return dataclasses.replace(records, attribute_names=CLASSES, name="fashion")


def check(data_dir: str | Path | None) -> None:
    """Refuses a folder that does not hold the data set.

    Raises:
        UserError: it is not named, or holds no set of MNIST's form.
    """
    if data_dir is None:
        raise UserError("Name the folder of Fashion-MNIST's four IDX files by --data-dir.")
    mnist.check(data_dir)
