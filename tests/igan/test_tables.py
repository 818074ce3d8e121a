"""The tables of an evaluation, on blobs and on made-up numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from igan import tables
from igan.projection import Projection
from igan.session import EditSession
from igan.tables import Found


def found(*costs: float) -> Found:
    """A method that ended at these costs."""
    cost = np.array(costs)
    projection = Projection(np.zeros((len(cost), 2)), cost, cost[:, None], None, None)
    return Found(projection, np.zeros((len(cost), 4, 4, 1), np.uint8), 0.5)


def test_the_hybrid_is_told_beside_as_many_starts_without_the_predictor():
    methods = {
        "opt, 1 start": found(0.4, 0.2),
        "opt, 8 starts": found(0.2, 0.2),
        "cnn": found(0.5, 0.7),
        "cnn_opt": found(0.1, 0.4),
        "cnn_opt, 8 starts": found(0.1, 0.1),
    }
    assert tables.hybrid_finding(methods) == (
        "L of the hybrid projection, beside as many starts without the predictor: "
        "0.2500 (opt, 1 start: 0.3000), 0.1000 (opt, 8 starts: 0.2000); "
        "the predictor alone: 0.6000."
    )


def test_ratios_of_classes_stand_beside_the_reports():
    told = tables._class_findings({"shoes": 0.1, "bags": 0.25, "shirts": 0.3}, {"b": 0.112})
    assert "2.5 times as large on bags and 3.0 times on shirts" in told[0]
    assert told[1].startswith(
        "On shoes b, a model of all three classes, has +12% of the first model's L"
    )
    assert tables._class_findings({}, {"b": 0.112}) == []  # the first is no model of shoes


@pytest.mark.parametrize(
    ("classes", "others", "published", "told"),
    [
        (("shoes",), {"ten classes": ("all",), "bags": ("bags",)}, 2, 1),
        (("shoes",), {"joint": ("shirts", "shoes", "bags")}, 2, 2),
        (("bags",), {"joint": ("shirts", "shoes", "bags"), "shoes": ("shoes",)}, 0, 0),
    ],
)
def test_only_a_model_of_shoes_stands_beside_the_reports(model, classes, others, published, told):
    def of(classes):
        data = replace(model.config.data, classes=classes)
        return replace(model, config=replace(model.config, dataset="fashion", data=data))

    models = {"a": of(classes), **{name: of(one) for name, one in others.items()}}
    images = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 3)).astype(np.uint8)
    sets = dict.fromkeys(("shoes", "bags", "shirts"), images)
    table, findings = tables.class_table(models, sets, iterations=1)
    assert len(table.rows) == 3 * len(models)
    assert (len(table.published), len(findings)) == (published, told)


def test_fewer_starts_are_a_part_of_more_and_cost_at_least_as_much(model):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    methods = tables.projected(model, images, (1, 4), iterations=2, seed=0)
    assert list(methods) == [
        *("opt, 1 start", "opt, 4 starts", "cnn", "cnn_opt", "cnn_opt, 4 starts"),
    ]
    costs = {name: one.projection.cost for name, one in methods.items()}
    assert (costs["opt, 4 starts"] <= costs["opt, 1 start"]).all()
    assert (costs["cnn_opt"] <= costs["cnn"]).all()
    assert (costs["cnn_opt, 4 starts"] <= costs["cnn_opt"]).all()
    assert (costs["cnn_opt, 4 starts"] <= costs["opt, 1 start"]).all()
    table = tables.projection_table(images, methods)
    assert table.rows[0][1].mean == pytest.approx(costs["opt, 1 start"].mean())
    assert table.rows[0][5] == pytest.approx(table.rows[1][5] / 4)  # seconds: their share


@pytest.mark.slow
def test_errors_of_strokes_fall_and_distances_shrink_with_smoothness(model, monkeypatch):
    monkeypatch.setattr(tables, "BAND", ((0.2, 0.25), (0.3, 0.25)))
    images = model.decode(tables.Codes(np.full((2, 12), -0.3, np.float32)))
    monkeypatch.setattr(
        model.__class__, "encode", lambda self, x: tables.Codes(np.full((2, 12), -0.3))
    )
    table, sentence = tables.edit_table(EditSession(model, count=2), images)
    rows = {(row[0], row[1]): row for row in table.rows}
    for smoothness in tables.SMOOTHNESS:
        row = rows["colour", smoothness]
        assert row[3].mean < row[2].mean
    assert rows["colour", 0.0][4].mean > rows["colour", 25.0][4].mean
    share = 1 - rows["colour", 5.0][3].mean / rows["colour", 5.0][2].mean
    assert f"falls by {share:.0%} (colour)" in sentence
