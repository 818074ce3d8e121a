"""Pairs that labels choose, edits that a stand-in of the classifier reads, and Table 5."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from common.datasets.records import Records
from common.metrics.intervals import Interval
from common.metrics.pairs import metrics_of
from common.reporting.sections import Reconstructions
from common.reporting.tables import Table
from crg.codes import Direction
from crg.editor import CRGEditor
from crg.faces import edits, tables
from crg.faces.config import Config, GANConfig, NetworkConfig

SIDE = 8


class Bright:
    """Reads "Bright" where the first pixel is light, "Red" where the second one is."""

    names = ("Bright", "Red")

    def read(self, images: np.ndarray) -> np.ndarray:
        return images[:, 0, :2, 0] > 127


@pytest.fixture(scope="module")
def halving() -> CRGEditor:
    """g shows z in the first four values of 8x8 faces, and e reads all of it there."""
    z, image = keras.Input((4,)), keras.Input((SIDE, SIDE, 3))
    show, read = keras.layers.Dense(192, use_bias=False), keras.layers.Dense(4, use_bias=False)
    generator = keras.Model(z, keras.layers.Reshape((SIDE, SIDE, 3))(show(z)))
    encoder = keras.Model(image, read(keras.layers.Flatten()(image)))
    show.set_weights([np.eye(4, 192)])
    read.set_weights([np.eye(192, 4)])
    config = Config(networks=NetworkConfig(channels=(4, 4)), gan=GANConfig(batch_sizes=(4, 4)))
    return CRGEditor(Path("run"), config, generator, encoder)


def faces(values: list[tuple[int, ...]], labels: list[tuple[int, ...]]) -> Records:
    """Gray images but for their first four values."""
    images = np.full((len(values), SIDE * SIDE * 3), 128, np.uint8)
    images[:, : len(values[0])] = values
    attributes = np.array(labels, np.float32)
    names = tuple(["Bright", "Red", "Old"][: attributes.shape[1]])
    return Records(images.reshape(-1, SIDE, SIDE, 3), attributes, names, "celeba", "a test")


def test_the_editor_of_faces_knows_its_kind_and_its_prior(halving):
    assert (halving.kind.noun, halving.kind.size) == ("face", SIDE)
    z = halving.draw(2_000, 0)
    assert z.shape == (2_000, 4)
    assert z.std() == pytest.approx(1.0, abs=0.05)


def test_a_pair_differs_in_the_attribute_and_least_in_others_and_uses_no_face_twice():
    labels = [(0, 1, 1), (0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 1, 0), (0, 1, 1)]
    records = faces([(0,)] * 6, labels)
    assert edits.pairs(records, 0, 10).tolist() == [[0, 3], [1, 2], [5, 4]]
    assert edits.pairs(records, 0, 1).tolist() == [[0, 3]]


def test_directions_come_from_one_pair_from_many_and_from_labels():
    latents = np.array([[0, 0], [0, 2], [4, 0], [4, 6]], np.float32)
    present = np.array([False, False, True, True])
    found = edits.directions(latents, present, np.array([[0, 2], [1, 3]]))
    assert list(found) == ["one pair", "2 pairs", "labels, mean", "labels, logistic"]
    assert found["one pair"].step.tolist() == [4, 0]
    assert found["2 pairs"].step.tolist() == [4, 2]
    assert found["labels, mean"].step.tolist() == [4, 2]


def test_success_and_preservation_are_counted_at_every_strength(halving):
    # First values -1 and -0.5 (of 0..255: 0 and 64); strength 1 adds 1, 2 adds 2: light from > 0.
    dark = faces([(0, 0, 0, 0), (64, 0, 0, 0)], [(0, 0), (0, 0)])
    step = np.array([1.0, 0.0, 0.0, 0.0], np.float32)
    every = {"one pair": Direction(np.zeros(4, np.float32), step)}
    table, curves = edits.edit_table(halving, "Bright", every, dark, Bright())
    reached = [value.mean for value in curves["one pair"].reached]
    # -1 + s > 0 only at 1.5 and 2; -.498 + s at .75 and above (.5 leads to 0.002: rounds to 128).
    assert dict(zip(edits.STRENGTHS, reached, strict=True)) == {
        0.0: 0.0,
        0.25: 0.0,
        0.5: 0.5,
        0.75: 0.5,
        1.0: 1.0,
        1.5: 1.0,
        2.0: 1.0,
    }
    assert [value.mean for value in curves["one pair"].kept] == [1.0] * len(edits.STRENGTHS)
    assert curves["one pair"].length == 1.0
    assert [row[0] for row in table.rows][:2] == ["one pair, +0.00", "one pair, +0.25"]


def test_what_an_edit_changes_besides_is_not_kept(halving):
    dark = faces([(0, 0, 0, 0)], [(0, 0)])
    # The second pixel's red value is the fourth of all values: the direction lights it as well.
    step = np.array([2.0, 0.0, 0.0, 2.0], np.float32)
    every = {"one pair": Direction(np.zeros(4, np.float32), step)}
    _, curves = edits.edit_table(halving, "Bright", every, dark, Bright())
    assert curves["one pair"].kept[0].mean == 1.0
    assert curves["one pair"].kept[edits.STRENGTHS.index(1.0)].mean == 0.0


def test_the_sentence_tells_success_at_strength_1_beside_the_reconstructions(halving):
    dark = faces([(0, 0, 0, 0), (200, 0, 0, 0)], [(0, 0), (0, 0)])
    step = np.array([2.0, 0.0, 0.0, 0.0], np.float32)
    every = {"one pair": Direction(np.zeros(4, np.float32), step)}
    _, curves = edits.edit_table(halving, "Bright", every, dark, Bright())
    assert edits.sentence("Bright", curves) == (
        "Bright at strength 1: read in 100% (one pair; 100% of the other attributes kept) of the "
        "edited faces, in 50% of their reconstructions."
    )


def test_the_figures_of_edits_are_drawn(halving, tmp_path, monkeypatch):
    monkeypatch.setattr(edits, "ATTRIBUTES", ("Bright", "Red", "Old"))
    rng = np.random.default_rng(0)
    labels = [(i % 2, i // 2 % 2) for i in range(12)]
    records = faces([tuple(rng.integers(0, 255, 4)) for _ in labels], labels)
    found = edits.edits(halving, records, records, Bright(), tmp_path, 0)
    assert [figure.file.name for figure in found.figures] == [
        *("edits-Bright.png", "edit-Bright.png", "edits-Red.png", "edit-Red.png", "edit-both.png"),
    ]
    assert all(figure.file.is_file() for figure in found.figures)
    assert [table.title for table in found.tables] == ["Edits: Bright", "Edits: Red"]
    assert len(found.findings) == 2


# --- Table 5 --------------------------------------------------------------------------------------


def measured(value: float) -> Interval:
    return Interval(value, value - 0.01, value + 0.01, 4)


def test_table_5_has_the_papers_rows_ours_and_the_baselines():
    names = ("mse", "dhash", "phash", "whash")
    metrics = dict(zip(names, map(measured, (0.02, 0.9, 0.8, 0.88)), strict=True))
    baselines = Table(
        "",
        ("reconstruction", *names),
        [["this model", *metrics.values()], ["PCA-32", 0.01, 0.85, 0.82, 0.92]],
    )
    found = Reconstructions({}, ({}, {}), metrics, baselines, baselines, [])
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    bits = metrics_of(images, images)[0][0]
    rows = tables.table_5(found, images, bits, 16).rows
    assert [row[0] for row in rows] == [
        *("PIONEER (paper, 128 pixels)", "CRG (paper, 128 pixels)", "ours", "PCA-32"),
        "Gaussian blur",
    ]
    assert rows[0][1:] == [None, 0.852, 0.804, 0.864]
    assert rows[1][1:] == [None, 0.871, 0.848, 0.892]
    assert rows[3][1:] == [0.01, 0.85, 0.82, 0.92]
    assert tables.table_5_findings(metrics) == [
        "Above the paper's PIONEER row in dhash, whash.",
        "Above the paper's CRG row in dhash.",
        "Below the paper's CRG row in phash, whash.",
    ]


def test_a_blur_keeps_the_mean_and_takes_the_contrast():
    images = np.zeros((1, 64, 64, 3), np.uint8)
    images[:, ::2] = 200
    blurred = tables.blurred(images).astype(float)
    assert blurred.mean() == pytest.approx(100, abs=1)
    assert blurred[:, 8:-8].std() < 1  # of 100; the edges repeat their last row
