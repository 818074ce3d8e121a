"""The models of digits as they lie in the tree; what they can do is tested with their packages."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from common.runs.weights import default_weights


@pytest.mark.parametrize(("model", "largest"), [("crg-mnist", 11.5e6), ("icgan-mnist", 10.5e6)])
def test_a_model_is_small_enough(model, largest):
    assert sum(file.stat().st_size for file in default_weights(model).iterdir()) < largest


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("crg-mnist", ["encoder", "generator"]),
        ("icgan-mnist", ["encoder_y", "encoder_z", "generator"]),
    ],
)
def test_weights_are_finite_and_stored_in_float16(model, names):
    kinds = set()

    def check(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            kinds.add(item.dtype)
            assert np.isfinite(np.asarray(item, np.float32)).all()

    files = sorted(default_weights(model).glob("*.weights.h5"))
    assert [file.name.removesuffix(".weights.h5") for file in files] == names
    for path in files:
        with h5py.File(path) as file:
            file.visititems(check)
    assert kinds == {np.dtype(np.float16)}


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("crg-mnist", ["| stage encoder | ", *(f"| {m} | 0." for m in ("dhash", "mse", "mae"))]),
        ("icgan-mnist", ["| stage gan | ", "read as the next digit"]),
    ],
)
def test_a_card_tells_where_a_model_comes_from(model, own):
    card = (default_weights(model) / "card.md").read_text(encoding="utf-8")
    for row in ("training", "seed", "data", "device", "revision", "size"):
        assert f"\n| {row} | " in card
    assert all(words in card for words in own)
