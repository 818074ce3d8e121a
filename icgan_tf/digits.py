"""What an evaluation on digits measures: edits, style, encoders, read by a classifier.

The report's only number is that "74.60 %" of one random batch were "visually clear and correctly
edited by human perception" (Sec. 6.2). Here a classifier of real digits reads thousands of edits,
and its confidence stands for "visually clear".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from common.classifiers.digits import (
    accuracy,
    load_classifier,
    predict_labels,
    predict_probabilities,
)
from common.datasets import mnist
from common.datasets.records import Records
from common.errors import UserError
from common.metrics.attributes import correlation
from common.metrics.baselines import other_rows
from common.metrics.digits import ink, slant
from common.metrics.intervals import Interval, proportion_interval, share_interval
from common.reporting.tables import Cell, Published, Table
from icgan_tf.codes import shifted

if TYPE_CHECKING:
    import keras

    from icgan_tf.editor import Codes, IcGANEditor

REPORT = 0.7460  # Sec. 6.2, by eye, of a batch of unknown size
GOOD = 0.99  # accuracy on `dev` that the classifier must have
SURE = 0.9  # probability from which the classifier's answer counts as clear
DIGITS = 10


def edit_table(
    model: IcGANEditor,
    real: Records,
    codes: Codes,
    seed: int,
) -> tuple[Table, dict[str, Interval], Interval]:
    """Edits, reconstructions and samples as the classifier reads them.

    Args:
        model: the trained networks.
        real: real digits.
        codes: of them.
        seed: of the random latents.

    Returns:
        The table, the shares that read as wanted by the names of the rows, and the share of +1
        that surely reads so.

    Raises:
        UserError: the classifier is not good enough.
    """
    classifier = load_classifier()
    on_dev = checked_accuracy(classifier)
    labels, true = real.labels, real.attributes
    rows: list[list[Cell]] = []
    shares: dict[str, Interval] = {}

    def reading(name: str, edits: Sequence, ks: Sequence[int], seen: slice | np.ndarray):
        """A row: images `[N, 28, 28, 1]` for each k, of which the labels plus k are wanted."""
        answers = [predict_probabilities(classifier, images) for images in edits]
        right = [
            a.argmax(axis=1) == (labels[seen] + k) % DIGITS
            for a, k in zip(answers, ks, strict=True)
        ]
        clear = [r & (a.max(axis=1) >= SURE) for r, a in zip(right, answers, strict=True)]
        shares[name], sure = _share(right), _share(clear)
        rows.append([name, shares[name], sure, len(right[0])])
        return sure

    every, below = slice(None), labels < DIGITS - 1
    edited = plus(model, codes, 1)
    sure = reading("+1", [edited], [1], every)
    reading("+1, y* from the true label", [plus(model, codes.with_attributes(true), 1)], [1], every)
    reading("+1, without the digit 9", [edited[below]], [1], below)
    reading("+1, without the modulo (baseline)", [plus(model, codes, 1, wrap=False)], [1], every)
    ks = range(1, DIGITS)
    reading("+1 to +9, all of them", [plus(model, codes, k) for k in ks], ks, every)
    reading("+0, reconstruction", [plus(model, codes, 0)], [0], every)
    random = np.random.default_rng(seed).standard_normal(codes.latent.shape, np.float32)
    drawn = model.decode(replace(codes, latent=random, attributes=true))
    reading("random z, y of the images", [drawn], [0], every)
    reading("the real images", [real.images], [0], every)
    rows.append(["the report, one batch, by eye", None, REPORT, None])
    return (
        Table(
            "Edits as a classifier of real digits reads them",
            ("edit", "read as wanted", f"and at least {SURE:.0%} sure", "n"),
            rows,
            "Wanted is the true label plus k, modulo ten; y* comes from what E_y reads unless it "
            "says otherwise, so that E_y's errors count. Without the modulo, 9 + 1 asks for no "
            f"digit at all. The classifier is right on {on_dev.mean:.2%} of the {on_dev.n:,} real "
            "digits of dev. The report counted digits that were clear and right. ±: 95 % interval "
            "over the images.",
            [
                Published(
                    table="IcGAN, the Stanford report, Sec. 6.2",
                    figure="+1 (paper: clear and right by eye; ours: read with "
                    f"{SURE:.0%} confidence)",
                    paper=REPORT,
                    ours=sure,
                    n=sure.n,
                    better="higher",
                )
            ],
        ),
        shares,
        sure,
    )


def plus(model: IcGANEditor, codes: Codes, k: int, wrap: bool = True) -> np.ndarray:
    """The images of the codes with k added to their digit, uint8 `[N, 28, 28, 1]`."""
    return model.decode(codes.with_attributes(shifted(codes.attributes, k, wrap)))


def checked_accuracy(classifier: keras.Model) -> Interval:
    """The classifier's accuracy on the real digits of `dev`, which are no test digits here.

    Raises:
        UserError: it is below `GOOD`.
    """
    dev = mnist.load("test-half-1")
    measured = accuracy(classifier, dev.images, dev.labels)
    if measured.mean < GOOD:
        raise UserError(
            f"The digit classifier is right on {measured.mean:.2%} of dev only, {GOOD:.0%} are "
            "needed: train it anew by python -m common.classifiers."
        )
    return measured


def _share(right: Sequence[np.ndarray]) -> Interval:
    """Share of True in several bool `[N]` of the same images, which remain N samples."""
    if len(right) == 1:
        return proportion_interval(int(right[0].sum()), len(right[0]))
    return share_interval(np.mean(right, axis=0))


def digit_table(model: IcGANEditor, real: Records, codes: Codes) -> Table:
    """The same, digit by digit: what E_y reads, what reconstruction and +1 are read as."""
    classifier = load_classifier()
    labels = real.labels
    again, edited = (predict_labels(classifier, plus(model, codes, k)) for k in (0, 1))
    read = codes.attributes.argmax(axis=1)
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
    model: IcGANEditor, real: Records, codes: Codes, seed: int
) -> tuple[Table, Interval]:
    """Whether an edit keeps the style: stroke, slant and z, within the digits of one class.

    Returns:
        The table, and the correlation of ink between inputs and their +1.
    """
    labels = real.labels
    again, edited = (plus(model, codes, k) for k in (0, 1))
    another = codes.latent[other_rows(len(codes.latent), seed)]
    other = plus(model, replace(codes, latent=another), 1)

    def kept(measure: Callable[[np.ndarray], np.ndarray]) -> list[Interval]:
        own = measure(real.images)
        return [correlation(own, measure(images), labels) for images in (again, edited, other)]

    of_ink = kept(ink)
    rows: list[list[Cell]] = [
        ["correlation with the input, ink (share of white)", *of_ink],
        ["correlation with the input, slant in degrees", *kept(slant)],
    ]
    moved = [
        float(np.square(model.encode(images).latent - codes.latent).mean())
        for images in (again, edited, other)
    ]
    rows.append(["mean square of E_z(x*) - E_z(x)", *moved])
    spreads = [_diversity(images, labels) for images in (again, edited, other)]
    rows.append(
        [
            "distance within a class, real = 1",
            *(s / _diversity(real.images, labels) for s in spreads),
        ]
    )
    return (
        Table(
            "Style that is kept",
            ("what", "reconstruction", "+1", "+1 with another's z"),
            rows,
            "Correlations within the digits of one class, so that a 1 being thinner than a 0 does "
            "not count. The last column is chance. The distance within a class, the mean absolute "
            "difference of two images of one class, would be 0 if each class had one template.",
        ),
        of_ink[1],
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
