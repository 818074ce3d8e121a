"""A training of AGE from end to end, on narrow networks and drawn faces."""

from __future__ import annotations

import numpy as np
import pytest

from common.editor import editor_of
from comparators.age.train import main
from tests.runs import history


@pytest.mark.slow
def test_a_run_trains_both_networks_and_reconstructs_faces(tmp_path):
    run = tmp_path / "run"
    main(["--preset", "smoke", "--out", str(run)])
    rows = history(run, "age")
    assert [row["step"] for row in rows] == ["4", "8", "12"]  # of 128 faces in batches of 32
    assert {"real_kl", "fake_kl", "image_loss", "val_image_mse"} <= set(rows[0])
    assert {file.stem for file in (run / "networks").iterdir()} == {"generator", "encoder"}
    model = editor_of(run).load(run)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    assert (model.title, model.kind.size) == ("AGE", 32)
    assert model.reconstruct(images).shape == images.shape
