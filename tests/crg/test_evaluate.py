"""What `crg.evaluate` measures, on three images and an editor whose errors are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.cli.evaluation import Evaluation
from common.datasets.records import Records
from common.reporting.document import Figure, Report
from common.reporting.tables import Table
from crg import evaluate
from tests.runs import METRICS

# The first four pixels of each image, of which `halving` keeps the half around 127.5: 0 becomes
# 63.75, 255 becomes 191.25, and 128 stays, as do all other pixels, which it never sees. So 4, 0
# and 1 of 784 pixels are wrong, by 64 levels each.
CORNERS = [[0, 255, 255, 0], [128, 128, 128, 128], [255, 128, 128, 128]]


def records(images: np.ndarray, split: str) -> Records:
    labels = np.eye(10, dtype=np.float32)[np.arange(len(images)) % 10]
    return Records(images, labels, tuple("0123456789"), "mnist", split)


@pytest.fixture(scope="module")
def measured(halving, tmp_path_factory) -> tuple[Report, dict[str, Any]]:
    """The report, and what the distance of sets and the table of digits were asked to compare."""
    test = np.full((3, 28, 28, 1), 128, np.uint8)
    test[:, 0, :4, 0] = CORNERS
    train = np.zeros((9, 28, 28, 1), np.uint8) + np.arange(9, dtype=np.uint8)[:, None, None, None]
    work = Evaluation(
        editor=halving,
        config=halving.config,
        train=records(train, "train"),
        split="test",
        real=records(test, "test"),
        total=10,
        out=tmp_path_factory.mktemp("report"),
        seed=0,
        facts=[("seed", "0")],
    )
    asked: dict[str, Any] = {}

    def sets(space, real, generated, others, seed) -> list[Table]:
        asked.update(space=space, real=real, generated=generated, others=others, seed=seed)
        return [Table("Sets", (), ())]

    def digits(test, reconstructions, generated) -> tuple[Table, str]:
        asked.update(reconstructions=reconstructions, read=generated)
        return Table("Digits", (), ()), "All keep their digit."

    edits = Table("Edits", (), ()), [Figure("Edit", Path("edit.png"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.reporting.unpaired.generated_table", sets)
        patch.setattr("crg.figures.edit_table", lambda *_: edits)
        patch.setattr("crg.figures.figures", lambda *_: [Figure("Images", Path("images.png"))])
        patch.setattr("crg.tables.digits_table", digits)
        patch.setattr("crg.tables.default_weights", lambda name: Path("nowhere"))
        return evaluate.measure(work), asked


def test_errors_are_those_of_the_pixels_that_differ(measured):
    metrics = measured[0].metrics
    assert list(metrics) == METRICS
    error = 64 / 255
    expected = {
        "mae": 5 * error / 784 / 3,
        "mse": 5 * error**2 / 784 / 3,
        "rmse": 3 * error / 28 / 3,  # the roots of 4, 0 and 1
    }
    assert {name: metrics[name].mean for name in expected} == pytest.approx(expected)
    assert {metric.n for metric in metrics.values()} == {3}
    # Errors 4, 0 and 1 have s = sqrt(13/3); t(0.975, 2) = 4.3027: 4.3027 s / sqrt(3) = 5.1713.
    mae = metrics["mae"]
    assert mae.high - mae.mean == pytest.approx(5.1713 * error / 784, rel=1e-4)


def test_originals_stand_before_what_becomes_of_them(measured):
    report, asked = measured
    (black,) = [row for row in report.tables[1].rows if row[0] == "black"]
    # Of 3 * 784 pixels 3 are 255, 2 are 0 and all others 128.
    assert black[2] == pytest.approx((3 + 2347 * (128 / 255) ** 2) / (3 * 784))
    assert asked["reconstructions"][:, 0, :4, 0].tolist() == [
        *([64, 191, 191, 64], [128, 128, 128, 128], [191, 128, 128, 128]),
    ]


def test_details_describe_the_codes_and_the_length_of_an_images_error(measured):
    # 28 times the RMSE: lengths of 2, 0 and 1 times 64 / 255, on average one of them. The codes
    # are -.5 .5 .5 -.5 / .5 and seven of 1 / 510: their sum is .51373, of squares 1.25003, of 12.
    assert measured[0].details == {
        "images": 3,
        "mean_l2": pytest.approx(64 / 255),
        "code_mean": pytest.approx(0.51373 / 12, rel=1e-4),
        "code_std": pytest.approx((1.25003 / 12 - (0.51373 / 12) ** 2) ** 0.5, rel=1e-4),
    }


def test_generated_images_stand_beside_as_many_training_images(measured):
    _, asked = measured
    assert asked["others"][:, 0, 0, 0].tolist() == [0, 4, 8]  # of nine, evenly spaced
    assert asked["real"][:, 0, :4, 0].tolist() == CORNERS
    z = np.random.default_rng(0).uniform(-1, 1, (3, 4))
    np.testing.assert_array_equal(asked["generated"][:, 0, :4, 0], np.rint((z + 1) * 127.5))
    np.testing.assert_array_equal(asked["read"], asked["generated"])
    assert asked["space"].frechet == "FD-mnist-cnn"


def test_the_report_has_its_tables_and_figures_in_order(measured):
    report, _ = measured
    assert (report.n, report.title) == (3, "CRG on MNIST: half")
    assert report.summary.startswith("3 real test images, evenly spaced of 10, encoded")
    assert [table.title for table in report.tables] == [
        "Tables 3 and 4: the paper's BiGAN, LR and CRG, and ours",
        "Beside baselines without a model",
        "Hashes against chance",
        "Generated images, encoded and generated anew",
        *("Digits", "Sets", "Edits"),
    ]
    assert [figure.title for figure in report.figures] == ["Images", "Edit"]
    assert report.facts == [("seed", "0")]
    assert "All keep their digit." in report.findings


def test_the_pose_of_digits_is_refused_before_anything_is_measured(capsys):
    digits = Path(evaluate.__file__).parents[1] / "weights" / "crg-mnist"
    with pytest.raises(SystemExit):
        evaluate.main([str(digits), "--pose"])
    assert "digits have none" in capsys.readouterr().err
