"""What an evaluation on digits measures: edits, style, encoders, judged by a classifier.

The report's only number is that "74.60 %" of one random batch were "visually clear and correctly
edited by human perception" (Sec. 6.2). Here a classifier of real digits reads thousands of edits,
and its confidence stands for "visually clear".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.attributes import ink, slant
from common.datasets.records import Records
from common.metrics.attributes import correlation
from common.metrics.classifier import load_classifier, predict_probabilities
from common.metrics.intervals import Interval, proportion_interval
from common.tables import Cell, Table
from icgan_tf.edit import decode, encode, shifted

if TYPE_CHECKING:
    from icgan_tf.trained import Trained

REPORT = 0.7460  # Sec. 6.2, by eye, of a batch of unknown size
SURE = 0.9  # probability from which the classifier's answer counts as clear
DIGITS = 10


def edit_table(
    model: Trained,
    test: Records,
    latents: np.ndarray,
    attributes: np.ndarray,
    seed: int,
) -> tuple[Table, dict[str, Interval]]:
    """Edits, reconstructions and samples as the classifier reads them.

    Args:
        model: the trained networks.
        test: real digits.
        latents: E_z of them `[N, Z]`.
        attributes: E_y of them, one-hot `[N, 10]`.
        seed: of the random latents.

    Returns:
        The table, and the shares that read as wanted by the names of the rows.
    """
    judge = load_classifier()
    labels, true = test.labels, test.attributes
    rows: list[list[Cell]] = []
    shares: dict[str, Interval] = {}

    def judged(name: str, images: np.ndarray, wanted: np.ndarray) -> None:
        answers = predict_probabilities(judge, images)
        right = answers.argmax(axis=1) == wanted
        clear = right & (answers.max(axis=1) >= SURE)
        shares[name] = proportion_interval(int(right.sum()), len(right))
        sure = proportion_interval(int(clear.sum()), len(clear))
        rows.append([name, shares[name], sure, len(right)])

    plus = (labels + 1) % DIGITS
    edited = decode(model, latents, shifted(attributes, 1))
    judged("+1", edited, plus)
    judged("+1, y* from the true label", decode(model, latents, shifted(true, 1)), plus)
    below = labels < DIGITS - 1
    judged("+1, without the digit 9", edited[below], plus[below])
    judged(
        "+1, without the modulo (baseline)",
        decode(model, latents, shifted(attributes, 1, wrap=False)),
        plus,
    )
    several = [decode(model, latents, shifted(attributes, k)) for k in range(1, DIGITS)]
    judged(
        "+1 to +9, all of them",
        np.concatenate(several),
        np.concatenate([(labels + k) % DIGITS for k in range(1, DIGITS)]),
    )
    judged("+0, reconstruction", decode(model, latents, attributes), labels)
    random = np.random.default_rng(seed).standard_normal(latents.shape, np.float32)
    judged("random z, y of the images", decode(model, random, true), labels)
    judged("the real images", test.images, labels)
    rows.append(["the report, one batch, by eye", REPORT, REPORT, None])
    return (
        Table(
            "Edits as a classifier of real digits reads them",
            ("edit", "read as wanted", f"and at least {SURE:.0%} sure", "n"),
            rows,
            "Wanted is the true label plus k, modulo ten; y* comes from what E_y reads unless it "
            "says otherwise, so that E_y's errors count. Without the modulo, 9 + 1 asks for no "
            "digit at all. ±: 95 % interval over the test images.",
        ),
        shares,
    )


def digit_table(
    model: Trained, test: Records, latents: np.ndarray, attributes: np.ndarray
) -> Table:
    """The same, digit by digit: what E_y reads, what reconstruction and +1 are read as."""
    judge = load_classifier()
    labels = test.labels
    again, edited = (
        predict_probabilities(judge, decode(model, latents, shifted(attributes, k))).argmax(axis=1)
        for k in (0, 1)
    )
    read = attributes.argmax(axis=1)
    rows: list[list[Cell]] = []
    for digit in range(DIGITS):
        mine = labels == digit
        count = int(mine.sum())
        hits = (
            (read[mine] == digit).sum(),
            (again[mine] == digit).sum(),
            (edited[mine] == (digit + 1) % DIGITS).sum(),
        )
        cells = [proportion_interval(int(hit), count) if count else None for hit in hits]
        rows.append([f"{digit}", count, *cells])
    return Table(
        "Digit by digit",
        ("digit", "n", "E_y right", "reconstruction right", "+1 right"),
        rows,
    )


def style_table(
    model: Trained, test: Records, latents: np.ndarray, attributes: np.ndarray
) -> tuple[Table, Interval]:
    """Whether an edit keeps the style: stroke, slant and z, within the digits of one class.

    Returns:
        The table, and the correlation of ink between inputs and their +1.
    """
    labels = test.labels
    again = decode(model, latents, attributes)
    edited = decode(model, latents, shifted(attributes, 1))
    rng = np.random.default_rng(0)
    other = decode(model, latents[rng.permutation(len(latents))], shifted(attributes, 1))
    rows: list[list[Cell]] = []
    for what, measure in (("ink (share of white)", ink), ("slant in degrees", slant)):
        real = measure(test.images)
        rows.append(
            [
                f"correlation with the input, {what}",
                *(correlation(real, measure(images), labels) for images in (again, edited, other)),
            ]
        )
    moved = [
        float(np.square(encode(model, images)[0] - latents).mean())
        for images in (again, edited, other)
    ]
    rows.append(["mean square of E_z(x*) - E_z(x)", *moved])
    spreads = [_diversity(images, labels) for images in (again, edited, other)]
    rows.append(
        [
            "distance within a class, real = 1",
            *(s / _diversity(test.images, labels) for s in spreads),
        ]
    )
    kept = rows[0][2]
    assert isinstance(kept, Interval)
    return (
        Table(
            "Style that is kept",
            ("what", "reconstruction", "+1", "+1 with another's z"),
            rows,
            "Correlations within the digits of one class, so that a 1 being thinner than a 0 does "
            "not count. The last column is chance. The distance within a class, the mean absolute "
            "difference of two images of one class, would be 0 if each class had one template.",
        ),
        kept,
    )


def _diversity(images: np.ndarray, labels: np.ndarray) -> float:
    """Mean absolute difference of two neighbours among the images of one class."""
    distances = [
        np.abs(np.diff(images[labels == kind].astype(np.int16), axis=0)).mean()
        for kind in np.unique(labels)
        if (labels == kind).sum() > 1
    ]
    return float(np.mean(distances)) if distances else float("nan")


def one_of_each(labels: np.ndarray) -> list[int]:
    """The row of the first image of each class, in order of the classes."""
    return [int(np.argmax(labels == digit)) for digit in range(DIGITS) if (labels == digit).any()]
