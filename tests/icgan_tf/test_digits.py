"""What an evaluation measures on digits, with editors whose success is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from common.classifiers.digits import load_classifier, predict_labels
from common.datasets import mnist
from common.datasets.records import Records
from common.errors import UserError
from common.metrics.intervals import Interval
from icgan_tf import digits

NAMES = tuple("0123456789")
LABELS = np.array([0, 9, 3, 4])
READ = np.array([0, 9, 3, 7])  # what E_y says: it takes the 4 for a 7
SURE = np.array([0.95, 0.95, 0.5, 0.95])  # how sure the classifier is of what is made of each z


def one_hot(classes: np.ndarray) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[classes]


def showing(classes: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Images that say by their first two pixels what the classifier of `plain` reads."""
    images = np.zeros((len(classes), 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = classes
    images[:, 0, 1, 0] = np.rint(100 * sure)
    return images


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier that reads the first two pixels, and an editor that does what it is told.

    Where no class is asked for it shows a 5.
    """

    def read(judge: None, images: np.ndarray) -> np.ndarray:
        sure = images[:, 0, 1, 0, None] / 100
        return np.where(one_hot(images[:, 0, 0, 0]) > 0, sure, (1 - sure) / 9)

    def decode(model: None, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
        classes = np.where(attributes.any(axis=1), attributes.argmax(axis=1), 5)
        return showing(classes, np.clip(latents[:, 0], 0.2, 0.99))

    monkeypatch.setattr(digits, "load_classifier", lambda: None)
    monkeypatch.setattr(digits, "checked_accuracy", lambda judge: Interval(0.995, 0.99, 1.0, 5000))
    monkeypatch.setattr(digits, "predict_probabilities", read)
    monkeypatch.setattr(digits, "decode", decode)


def records(images: np.ndarray, labels: np.ndarray) -> Records:
    return Records(images, one_hot(labels), NAMES, "mnist", "a test")


def edit_rows(labels: np.ndarray, read: np.ndarray, latents: np.ndarray) -> dict[str, list]:
    """Name -> the other cells of the table of edits."""
    test = records(showing(labels, np.ones(len(labels))), labels)
    table, _, _ = digits.edit_table(None, test, latents, one_hot(read), seed=0)
    return {str(row[0]): list(row[1:]) for row in table.rows}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("row", "right", "n"),
    [
        ("+1", 3, 4),  # all but the 4 that E_y misread
        ("+1, y* from the true label", 4, 4),
        ("+1, without the digit 9", 2, 3),
        ("+1, without the modulo (baseline)", 2, 4),  # nor the 9
        ("+1 to +9, all of them", 3, 4),
        ("+0, reconstruction", 3, 4),
        ("random z, y of the images", 4, 4),
        ("the real images", 4, 4),
    ],
)
def test_an_editor_that_does_what_it_is_told_fails_where_e_y_does(row, right, n):
    share, _, count = edit_rows(LABELS, READ, SURE[:, None])[row]
    assert (share.mean, share.n, count) == (right / n, n, n)


@pytest.mark.usefixtures("plain")
def test_nine_edits_of_an_image_are_no_nine_samples():
    # Of four images one is wrong in all its edits: mean 0.75, s = 0.5, t(0.975, 3) s / 2 = 0.796
    share = edit_rows(LABELS, READ, SURE[:, None])["+1 to +9, all of them"][0]
    assert (share.mean, share.n) == (0.75, 4)
    assert share.high - share.mean == pytest.approx(0.7956, abs=1e-4)


def test_a_classifier_that_misreads_real_digits_is_no_judge(monkeypatch):
    monkeypatch.setattr(digits, "accuracy", lambda *_: Interval(0.985, 0.98, 0.99, 5000))
    with pytest.raises(UserError, match=r"right on 98\.50% of dev only, 99% are needed"):
        digits.checked_accuracy(None)


@pytest.mark.usefixtures("plain")
def test_an_edit_counts_as_clear_where_the_classifier_is_90_percent_sure():
    rows = edit_rows(LABELS, READ, SURE[:, None])
    assert [rows["+1"][1].mean, rows["+1, y* from the true label"][1].mean] == [0.5, 0.75]


@pytest.mark.usefixtures("plain")
def test_the_reports_own_number_stands_last():
    rows = edit_rows(LABELS, READ, SURE[:, None])
    assert list(rows)[-1] == "the report, one batch, by eye"
    assert rows["the report, one batch, by eye"] == [None, 0.7460, None]


@pytest.mark.usefixtures("plain")
def test_random_latents_are_those_of_the_seed_and_not_those_of_the_images():
    latents = np.full((4, 1), 0.95)
    sure = edit_rows(LABELS, READ, latents)["random z, y of the images"][1].mean
    expected = np.random.default_rng(0).standard_normal((4, 1), np.float32) >= 0.895
    assert sure == expected.mean() < 1.0


@pytest.mark.usefixtures("plain")
def test_each_digit_has_its_own_row():
    test = records(showing(LABELS, np.ones(4)), LABELS)
    table = digits.digit_table(None, test, SURE[:, None], one_hot(READ))
    assert [row[:2] for row in table.rows] == [
        *(["0", 1], ["1", 0], ["2", 0], ["3", 1], ["4", 1]),
        *(["5", 0], ["6", 0], ["7", 0], ["8", 0], ["9", 1]),
    ]
    means = [[cell.mean for cell in table.rows[digit][2:]] for digit in (0, 4, 9)]
    assert means == [[1, 1, 1], [0, 0, 0], [1, 1, 1]]
    assert table.rows[1][2:] == [None, None, None]


# --- With the classifier that ships ---------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Records:
    return mnist.load("test5000").take(slice(60))


@pytest.fixture(scope="module")
def judge():
    return load_classifier()


@pytest.fixture
def shares(real, judge, monkeypatch) -> Callable[..., dict[str, Interval]]:
    """The shares of an editor that shows real digits of the classes that `choose` gives."""

    def measured(choose: Callable[[np.ndarray], np.ndarray]) -> dict[str, Interval]:
        def decode(model: None, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
            return real.images[digit_of_class[choose(attributes.argmax(axis=1))]]

        monkeypatch.setattr(digits, "load_classifier", lambda: judge)
        monkeypatch.setattr(digits, "decode", decode)
        latents = np.zeros((len(real), 1), np.float32)
        return digits.edit_table(None, real, latents, real.attributes, seed=0)[1]

    digit_of_class = np.array([np.argmax(real.labels == digit) for digit in range(10)])
    return measured


def test_the_success_of_an_oracle_is_the_accuracy_of_the_classifier(shares, real, judge):
    found = shares(lambda classes: classes)
    right = predict_labels(judge, real.images) == real.labels
    of_class = np.array([right[np.argmax(real.labels == digit)] for digit in range(10)])
    assert found["the real images"].mean == right.mean() > 0.95
    assert found["+1"].mean == pytest.approx(of_class[(real.labels + 1) % 10].mean())
    assert found["+1"].mean > 0.9


def test_the_success_of_a_random_editor_is_about_one_in_ten(shares):
    random = np.random.default_rng(0)
    found = shares(lambda classes: random.integers(10, size=len(classes)))
    # 540 edits: the standard deviation of the share is sqrt(0.1 * 0.9 / 540) = 0.013.
    assert found["+1 to +9, all of them"].mean == pytest.approx(0.1, abs=0.04)


# --- Style ----------------------------------------------------------------------------------------

INKS = np.array([40, 80, 60, 100, 20, 120, 70, 90])
KINDS = np.array([1, 1, 1, 1, 2, 2, 2, 2])


def bars(inks: np.ndarray) -> np.ndarray:
    """Upright bars of that brightness."""
    images = np.zeros((len(inks), 28, 28, 1), np.uint8)
    images[:, 4:24, 12:16, 0] = np.asarray(inks)[:, None, None]
    return images


@pytest.fixture
def style(monkeypatch) -> Callable[..., tuple[dict[str, list], Interval]]:
    """The table of an editor: (z, wanted classes) -> brightness. E_z reads the brightness."""

    def measured(edit: Callable) -> tuple[dict[str, list], Interval]:
        monkeypatch.setattr(
            digits, "decode", lambda model, z, y: bars(edit(z[:, 0], y.argmax(axis=1)))
        )
        monkeypatch.setattr(
            digits, "encode", lambda model, images: (images[:, 10, 13].astype(float), None)
        )
        test, latents = records(bars(INKS), KINDS), INKS[:, None].astype(float)
        table, kept = digits.style_table(None, test, latents, one_hot(KINDS), 0)
        return {str(row[0]): list(row[1:]) for row in table.rows}, kept

    return measured


def test_an_editor_that_keeps_the_brightness_keeps_the_ink(style):
    rows, kept = style(lambda z, classes: z + 5 * classes)
    assert kept.mean == pytest.approx(1.0)
    assert [cell.mean for cell in rows["correlation with the input, ink (share of white)"][:2]] == [
        pytest.approx(1.0),
        pytest.approx(1.0),
    ]
    # The reconstructions of a 1 are brighter by 5 and of a 2 by 10, the next digits by 5 more.
    assert rows["mean square of E_z(x*) - E_z(x)"][:2] == [62.5, 162.5]


def test_another_ones_latents_do_not_keep_the_ink(style):
    rows, _ = style(lambda z, classes: z)
    assert abs(rows["correlation with the input, ink (share of white)"][2].mean) < 0.9
    assert rows["mean square of E_z(x*) - E_z(x)"][2] > 100


def test_an_editor_that_turns_brightness_round_has_a_negative_correlation(style):
    _, kept = style(lambda z, classes: 200 - z)
    assert kept.mean == pytest.approx(-1.0)


def test_within_a_class_images_of_a_faithful_editor_are_as_far_apart_as_real_ones(style):
    rows, _ = style(lambda z, classes: z)
    assert rows["distance within a class, real = 1"][:2] == [1.0, 1.0]
    rows, _ = style(lambda z, classes: 30 + z / 2)
    assert rows["distance within a class, real = 1"][0] == pytest.approx(0.5)


def test_a_template_for_each_class_has_no_distance_within_and_no_correlation(style):
    rows, kept = style(lambda z, classes: 20.0 * classes)
    assert rows["distance within a class, real = 1"] == [0.0, 0.0, 0.0]
    assert np.isnan(kept.mean)


def test_one_of_each_digit_is_the_first_of_its_class():
    assert digits.one_of_each(np.array([4, 1, 4, 9, 1])) == [1, 0, 3]


def test_the_shipped_classifier_has_a_margin_over_what_judging_asks():
    assert digits.checked_accuracy(load_classifier()).mean >= digits.GOOD + 0.001  # 5 of 5,000
