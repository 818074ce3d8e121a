"""The evaluation's tables and findings, on made-up numbers and tiny networks."""

from __future__ import annotations

import numpy as np
import pytest

from common.datasets.records import Records
from common.metrics.hashes import all_hash_bits
from common.metrics.intervals import Interval
from common.reporting.tables import Table, show
from crg import tables

HASHES = ("dhash", "phash", "whash")


def exactly(value: float) -> Interval:
    return Interval(value, value, value, 100)


def measured(**values: float | Interval) -> dict[str, Interval]:
    """Metrics of a plausible model, with the given ones instead."""
    means = {"mae": 0.05, "mse": 0.02, "dhash": 0.9, "phash": 0.9, "whash": 0.9} | values
    return {k: v if isinstance(v, Interval) else exactly(v) for k, v in means.items()}


def cells(table: Table) -> dict[str, dict[str, object]]:
    """Row -> column -> cell; intervals by their means."""
    return {
        str(name): {
            column: cell.mean if isinstance(cell, Interval) else cell
            for column, cell in zip(table.columns[1:], row, strict=True)
        }
        for name, *row in table.rows
    }


# --- Tables 3 and 4 -------------------------------------------------------------------------------


def test_published_values_are_those_of_tables_3_and_4():
    rows = {method: list(values.values()) for method, values in tables.PAPER.items()}
    assert rows == {  # MAE and MSE of Table 3; dhash, phash and whash of Table 4
        "BiGAN": [0.268, 0.187, 0.749, 0.766, 0.832],
        "LR": [0.119, 0.118, 0.823, 0.866, 0.838],
        "CRG": [0.006, 0.021, 0.979, 0.977, 0.964],
    }
    assert list(tables.PAPER["CRG"]) == ["mae", "mse", *HASHES]


def test_the_crg_row_of_table_3_is_impossible_and_the_others_are_not():
    # MSE <= R MAE with R = 2 on [-1, 1]: 0.021 / 0.006 = 3.5, but 0.187 / 0.268 = 0.70 and
    # 0.118 / 0.119 = 0.99. Ours is possible, too.
    (found,) = [f for f in tables.table_3_findings(measured()) if "impossible" in f]
    assert found.startswith("The paper's CRG row of Table 3 is impossible")
    assert "errors of 3.5 or more" in found
    assert "BiGAN" not in found
    assert "LR" not in found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        # On [0, 1] no error exceeds 1, so an MSE above the MAE cannot be.
        ({"mae": 0.02, "mse": 0.05}, "Our own row is impossible, which is a defect"),
        (  # whole intervals count: BiGAN and LR have .749 and .823, .766 and .866, .832 and .838
            {"dhash": 0.824, "phash": Interval(0.9, 0.865, 0.935, 9), "whash": 0.838},
            "Above the paper's BiGAN and LR rows in dhash.",
        ),
        (  # the paper's CRG has .979, .977 and .964
            {"dhash": 0.98, "phash": Interval(0.9, 0.82, 0.98, 9), "whash": 0.963},
            "Below the paper's CRG row in whash.",
        ),
    ],
)
def test_our_own_row_is_compared_with_the_papers(values, said):
    assert [f for f in tables.table_3_findings(measured(**values)) if f.startswith(said)]


def test_errors_stand_in_both_ranges_and_hashes_once_each_less_the_papers_crg():
    table = cells(tables.paper_table(measured(mae=0.05, mse=0.02), None))
    assert list(table) == [
        *("MAE [0, 1]", "MAE [-1, 1]", "MSE [0, 1]", "MSE [-1, 1]"),
        *HASHES,
    ]
    ours = [row["ours"] for row in table.values()]
    assert ours == pytest.approx([0.05, 0.1, 0.02, 0.08, 0.9, 0.9, 0.9])  # twice, four times
    differences = [row["ours - CRG"] for row in table.values()]
    assert differences == pytest.approx(
        [0.044, 0.094, -0.001, 0.059, 0.9 - 0.979, 0.9 - 0.977, 0.9 - 0.964]
    )


def test_the_papers_crg_row_is_named_as_published_beside_ours_and_what_is_better():
    found = tables.paper_table(measured(mae=0.05), None).published
    told = [(one.figure, one.paper, one.better) for one in found]
    assert told == [
        *(("MAE [0, 1]", 0.006, "lower"), ("MAE [-1, 1]", 0.006, "lower")),
        *(("MSE [0, 1]", 0.021, "lower"), ("MSE [-1, 1]", 0.021, "lower")),
        *(("dhash", 0.979, "higher"), ("phash", 0.977, "higher"), ("whash", 0.964, "higher")),
    ]
    assert [one.as_dict()["ours"]["mean"] for one in found[:2]] == pytest.approx([0.05, 0.1])


def test_the_shipped_model_has_a_column_in_the_same_ranges_where_there_is_one():
    shipped = measured(mae=0.03)
    table = cells(tables.paper_table(measured(), shipped))
    assert table["MAE [0, 1]"]["shipped"] == 0.03
    assert table["MAE [-1, 1]"]["shipped"] == 0.06
    assert "shipped" not in tables.paper_table(measured(), None).columns


# --- Generated images -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(halving) -> tuple[np.ndarray, dict[str, dict[str, object]]]:
    images, table = tables.generated_table(halving, 200, seed=0)
    return images, cells(table)


def test_latent_error_is_the_mean_square_over_uniform_latents(generated):
    # z - z/2 = z/2 with z ~ U[-1, 1]: E z^2 / 4 = 1/12. The standard error of the mean of 4 * 200
    # values z^2/4 is sqrt(4/45)/4/sqrt(800) = 0.0026.
    images, table = generated
    assert images.shape == (200, 28, 28, 1)
    assert table["latent z, mean squared error"]["mean"] == pytest.approx(1 / 12, abs=0.008)


def test_latents_cover_the_symmetric_cube(generated):
    shown = generated[0][:, 0, :4, 0]  # z itself, from 0 for -1 to 255 for 1
    assert shown.min() < 5
    assert shown.max() > 250
    assert shown.mean() == pytest.approx(127.5, abs=10)  # standard error 74 / sqrt(800) = 2.6


def test_generated_images_are_compared_with_what_becomes_of_them(generated):
    # Only four of 784 pixels differ, by |z|/2 on [-1, 1], |z|/4 on [0, 1]: E = 1/8 each.
    assert generated[1]["image, mae"]["mean"] == pytest.approx(4 / 784 / 8, rel=0.06)


def test_the_seed_chooses_the_generated_images(halving):
    first, again, other = (tables.generated_table(halving, 5, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# --- Digits, as a classifier reads them -----------------------------------------------------------


def records(labels: list[int]) -> Records:
    """Images whose only pixel value is the row's number, so that a stub knows them again."""
    images = np.zeros((len(labels), 28, 28, 1), np.uint8)
    images += np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    names = tuple(map(str, range(10)))
    return Records(images, np.eye(10, dtype=np.float32)[labels], names, "mnist", "a test")


def test_digits_are_counted_where_the_classifier_is_sure(monkeypatch):
    """200 generated images: 150 sure threes, 2 sure sevens, one sure nine, 47 unsure fours."""
    made = np.zeros((200, 10))
    for rows, digit in ((slice(150), 3), (slice(150, 152), 7), (slice(152, 153), 9)):
        made[rows, digit] = 0.95
    made[153:, 4] = 0.89  # less than sure
    test = records([3, 3, 4, 4])
    read = {200: made, 4: np.eye(10)[[3, 3, 4, 7]]}  # the classifier mistakes one real four
    again = np.full((4, 28, 28, 1), 99, np.uint8)

    def stub(_, images: np.ndarray) -> np.ndarray:
        if len(images) == 4 and images[0, 0, 0, 0] == 99:
            return np.eye(10)[[3, 5, 4, 4]]  # and reads one reconstructed three as a five
        return read[len(images)]

    monkeypatch.setattr("crg.tables.load_classifier", lambda: None)
    monkeypatch.setattr("crg.tables.predict_probabilities", stub)
    generated = np.zeros((200, 28, 28, 1), np.uint8)
    table, sentence = tables.digits_table(test, again, generated)

    shares = [row["share of generated"] for row in cells(table).values()]
    assert shares == pytest.approx([0, 0, 0, 0.75, 0, 0, 0, 0.01, 0, 0.005, 153 / 200])
    real = {name: row["real images read right"] for name, row in cells(table).items()}
    assert (real["3"], real["4"], real["5"], real["all"]) == (1.0, 0.5, None, 0.75)
    kept = {name: row["reconstructions read right"] for name, row in cells(table).items()}
    assert (kept["3"], kept["4"], kept["all"]) == (0.5, 1.0, 0.75)
    # At least 1 % of the images: threes, and two of 200 sevens.
    assert "makes 2 of 10 digits" in sentence
    assert "keep their digit in 75.0%" in sentence


# --- The shipped model ----------------------------------------------------------------------------


def test_the_shipped_model_is_measured_on_the_same_images_unless_it_is_the_one(
    monkeypatch, halving, model
):
    monkeypatch.setattr("crg.tables.default_weights", lambda name: model.folder)
    monkeypatch.setattr("crg.editor.load", {model.folder: halving}.__getitem__)
    images = np.full((2, 28, 28, 1), 128, np.uint8)
    images[0, 0, 0, 0] = 255  # `halving` makes it 191, and keeps everything else
    test = Records(images, np.eye(10, dtype=np.float32)[:2], records([]).attribute_names, "", "")
    found = tables.shipped_metrics(halving, test, all_hash_bits(images))
    assert found is not None
    assert found["mae"].mean == pytest.approx(64 / 255 / 784 / 2)
    assert tables.shipped_metrics(model, test, all_hash_bits(images)) is None


def test_without_a_shipped_model_there_is_no_comparison(monkeypatch, model, tmp_path):
    monkeypatch.setattr("crg.tables.default_weights", lambda name: tmp_path / name)
    assert tables.shipped_metrics(model, records([1, 2]), {}) is None


def test_the_papers_table_fits_a_terminal_of_80_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    show(tables.paper_table(measured(), measured()))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if line.startswith("│ whash ")]
    assert len(rows) == 1
    assert len(rows[0].split("│")) == 9  # seven cells between eight lines


def test_a_table_too_wide_for_the_terminal_is_not_cut(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    show(Table("", ("name", "a", "b"), [["x", 0.123456, 1234.5678]]))
    assert "│ x    │" in capsys.readouterr().out.splitlines()[-2]
    show(tables.paper_table(measured(), measured()))
    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("│ whash "))
    assert len(row.split("│")) == 9
