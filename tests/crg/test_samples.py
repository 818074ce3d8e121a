"""What a training draws, on tiny networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from common import datasets
from common.runs.directory import Run
from common.settings.config import RunConfig
from crg.samples import generated_samples, reconstruction_samples


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """Stands in for the sheets: file -> its rows of images."""
    found = {}
    monkeypatch.setattr("crg.samples.grid", lambda rows, path: found.update({path: rows}))
    return found


@pytest.fixture
def sheet(drawn, tmp_path) -> Callable[[str], list]:
    return lambda name: drawn[tmp_path / "samples" / f"{name}.png"]


def test_samples_are_of_the_same_latents_each_time_and_of_others_for_another_seed(
    tmp_path, sheet, model
):
    for seed in (0, 1):
        config = replace(model.config, run=RunConfig(seed=seed))
        sample = generated_samples(Run(tmp_path), replace(model, config=config))
        sample(f"{seed}-first")
        sample(f"{seed}-again")
    assert [len(row) for row in sheet("0-first")] == [8] * 8
    np.testing.assert_array_equal(sheet("0-first"), sheet("0-again"))
    assert not np.array_equal(sheet("0-first"), sheet("1-first"))


def test_each_row_of_test_images_stands_above_its_reconstructions(tmp_path, sheet, model):
    test = datasets.load("mnist", "test").take(slice(30))
    reconstruction_samples(Run(tmp_path), test, model)("encoder")
    images = test.images[8:16]
    rows = sheet("encoder")
    assert [len(row) for row in rows] == [8] * 6
    np.testing.assert_array_equal(rows[2], images)
    np.testing.assert_array_equal(rows[3], model.reconstruct(images))
