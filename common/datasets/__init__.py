"""Loaders, each of which returns `Records`, and the pipeline that makes batches of them."""

from __future__ import annotations

from pathlib import Path

from common.datasets.records import Records
from common.errors import UserError


def load(name: str, split: str, data_dir: str | Path | None = None) -> Records:
    """Reads one split of a data set by its name.

    Args:
        name: `mnist`.
        split: One of the splits that its loader documents; all have `train`, `dev` and `test`.
            MNIST's `test` is the whole test file and so contains `dev`.
        data_dir: Where its files lie; None for the place that its loader documents.

    Returns:
        The records.

    Raises:
        UserError: The name or the split is unknown, or the files are not what the loader needs.
    """
    if name == "mnist":
        from common.datasets import mnist

        return mnist.load(split, data_dir)
    raise UserError(f"There is no data set {name!r}; choose one of: mnist.")
