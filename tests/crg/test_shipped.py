"""The model in `weights/crg-mnist`, as it lies in the tree."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from common.runs.weights import default_weights
from crg import editor

FOLDER = default_weights(editor.SHIPPED)
LARGEST = 11.5e6  # bytes
PAPER = {"dhash": 0.823, "phash": 0.866, "whash": 0.838}  # the better of BiGAN and LR, Table 4


@pytest.fixture(scope="module")
def metrics() -> dict[str, np.ndarray]:
    """The metrics of every 20th test image, float64 `[500]` each."""
    from common import datasets
    from common.metrics.pairs import pair_values

    test = datasets.load("mnist", "test").take(slice(0, None, 20)).images
    return pair_values(test, editor.load(None).reconstruct(test))


def test_it_is_small_enough():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < LARGEST


@pytest.mark.parametrize("name", ["generator", "encoder"])
def test_its_weights_are_finite_and_stored_in_float16(name):
    kinds = set()

    def check(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            kinds.add(item.dtype)
            assert np.isfinite(np.asarray(item, np.float32)).all()

    with h5py.File(FOLDER / f"{name}.weights.h5") as file:
        file.visititems(check)
    assert kinds == {np.dtype(np.float16)}


def test_its_encoder_alone_reconstructs_within_the_promised_error(metrics):
    assert metrics["mse"].mean() < 0.018


@pytest.mark.parametrize("kind", PAPER)
def test_its_hashes_are_above_the_papers_other_methods(metrics, kind):
    assert metrics[kind].mean() > PAPER[kind]


def test_its_card_tells_where_it_comes_from():
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    for row in ("training", "seed", "data", "device", "revision", "stage encoder", "size"):
        assert f"\n| {row} | " in card
    for metric in (*PAPER, "mse", "mae"):
        assert f"\n| {metric} | 0." in card
