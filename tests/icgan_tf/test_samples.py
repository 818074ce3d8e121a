"""What a training draws, on tiny networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from common.runs.directory import Run
from common.settings.config import RunConfig
from icgan_tf.editor import Codes
from icgan_tf.samples import generated_samples, regenerated_samples


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[[str], tuple]:
    """Stands in for the sheets: name -> its rows of images and its labels."""
    drawn = {}
    monkeypatch.setattr(
        "icgan_tf.samples.grid",
        lambda rows, path, **labels: drawn.update({path: (np.array(rows), labels)}),
    )
    return lambda name: drawn[tmp_path / "samples" / f"{name}.png"]


@pytest.mark.parametrize(("name", "count"), [("model", 10), ("faces_model", 18)])
def test_a_row_of_samples_has_one_latent_and_a_column_one_attribute_alone(
    request, tmp_path, sheet, name, count
):
    model = request.getfixturevalue(name)
    generated_samples(Run(tmp_path), model)("gan")
    rows, labels = sheet("gan")
    assert rows.shape[:2] == (8, count)
    assert labels["column_labels"] == model.attribute_names
    z = np.random.default_rng(0).standard_normal((8, 4), np.float32)  # of the run's seed, 0
    alone = np.eye(count)
    # A corner off the diagonal tells rows from columns.
    expected = model.decode(Codes(z[[6, 1]], alone[[1, 6]]))
    assert abs(np.stack([rows[6, 1], rows[1, 6]]) - expected.astype(int)).max() <= 1
    assert abs(expected[0] - expected[1].astype(int)).max() > 5


def test_samples_are_of_the_same_latents_each_time_and_of_others_for_another_seed(
    tmp_path, sheet, model
):
    for seed in (0, 1):
        config = replace(model.config, run=RunConfig(seed=seed))
        sample = generated_samples(Run(tmp_path), replace(model, config=config))
        sample(f"{seed}-first")
        sample(f"{seed}-again")
    np.testing.assert_array_equal(sheet("0-first")[0], sheet("0-again")[0])
    assert not np.array_equal(sheet("0-first")[0], sheet("1-first")[0])


def test_generated_images_stand_above_what_g_makes_of_the_latents_found_in_them(
    tmp_path, sheet, faces_model, faces
):
    few = faces.take(slice(10))  # their attributes are used again and again
    regenerated_samples(Run(tmp_path), faces_model, few)("encoder_z")
    rows, _ = sheet("encoder_z")
    assert rows.shape == (6, 8, 16, 16, 3)  # 24 images in rows of 8, each row twice
    z = np.random.default_rng(0).standard_normal((24, 4), np.float32)
    attributes = np.concatenate([few.attributes] * 3)[:24]
    images = faces_model.decode(Codes(z, attributes))
    found = faces_model.found_again(Codes(z, attributes))
    again = faces_model.decode(Codes(found, attributes))
    np.testing.assert_array_equal(rows[2], images[8:16])
    np.testing.assert_array_equal(rows[3], again[8:16])
    assert abs(images - again.astype(int)).max() > 5
