"""What an evaluation measures: Table 1 again, and what the paper does not show beside it.

A network that no autoencoder was trained with reads the attributes
(`common.metrics.face_classifier`); its own accuracy, on real faces and on reconstructions, bounds
every figure that it gives and stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from common.metrics.attributes import accuracy, f1, majority
from common.metrics.baselines import other_rows
from common.metrics.intervals import Interval, mean_interval, proportion_interval
from common.metrics.reconstruction import mse
from common.tables import Cell, Table
from ifcvaegan import probes
from ifcvaegan.codes import attribute_vector, moved
from ifcvaegan.judged import Codes, Judged

if TYPE_CHECKING:
    from common.metrics.face_classifier import Judge

AMOUNTS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of the attribute vector; dev chooses one
ACTIVE = 0.01  # variance of mu from which a dimension of z counts as used


def table_1(
    name: str,
    judged: Judged,
    means: Judged,
    few: Judged | None,
    published: tuple[str, Sequence[Cell]] | None,
) -> tuple[Table, dict[str, Interval]]:
    """Table 1 of the paper beside ours, by both protocols.

    Args:
        name: of the attribute.
        judged: the test faces.
        means: the same, with the mean of z.
        few: the authors' first 32 faces; None where the data have none.
        published: what to call the paper's row, and its values, if one is to stand beside.

    Returns:
        The table, and `mse`, `class0`, `class1` and `edit_effect` of all test faces and, after
        "with: ", "without: ", "authors: " and "mean: ", of those with and without it, of the
        authors' and with the mean of z.
    """
    rows: list[list[Cell]] = []
    if published is not None:
        rows.append([published[0], 16, *published[1], None])
    there = judged.present
    protocols = [
        ("test faces with it, as in the paper", "with: ", judged, there, there),
        ("test faces without it", "without: ", judged, ~there, ~there),
        ("all test faces", "", judged, np.ones_like(there), np.ones_like(there)),
        ("all test faces, mean of z", "mean: ", means, np.ones_like(there), np.ones_like(there)),
    ]
    if few is not None:  # [C] edits those with it, and takes the MSE of all
        every = np.ones_like(few.present)
        title = "the authors' faces (first 32) with it"
        protocols.insert(0, (title, "authors: ", few, few.present, every))
    found: dict[str, Interval] = {}
    for title, prefix, some, chosen, measured in protocols:
        if chosen.any():
            values = {
                "mse": mean_interval(some.errors[measured]),
                "class0": share(some.right(0)[chosen]),
                "class1": share(some.right(1)[chosen]),
                "edit_effect": mean_interval(some.effect[chosen]),
            }
            rows.append([title, int(chosen.sum()), *values.values()])
            found |= {prefix + key: value for key, value in values.items()}
    return (
        Table(
            f"Table 1: {name}",
            ("faces", "n", "MSE", "Class0", "Class1", "edit effect"),
            rows,
            "Class k: share of the faces that, decoded with y = k, the judge reads as k. Where "
            "Class0 and Class1 add up to 1, y has no effect. MSE of reconstructions on [0, 1], of "
            "the authors' faces over all 32. z is sampled, as in the paper, but in the last row. "
            "Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. The paper's "
            "judge was another network; its n, not stated, follows from its shares, multiples of "
            "1/16.",
        ),
        found,
    )


def share(right: np.ndarray) -> Interval:
    """The share of True with its interval."""
    return proportion_interval(int(right.sum()), len(right))


def judge_table(
    judged: Judged, labels: np.ndarray, names: Sequence[str]
) -> tuple[Table, dict[str, Interval]]:
    """How well the judge, and E's own y-head, read the attribute, and the judge the others.

    Args:
        judged: the test faces.
        labels: all attributes that the judge reads, bool `[N, J]`.
        names: theirs.

    Returns:
        The table, and the share of right answers of each reader, such as "the judge, real faces".
    """
    true, column = judged.present, judged.judged
    shown = {"real faces": judged.read_real, "reconstructions": judged.read_rebuilt}
    readers = {f"the judge, {images}": read[:, column] for images, read in shown.items()}
    readers["E's y-head, real faces"] = judged.codes.read[:, judged.column] > 0.5
    found = {name: accuracy(read, true) for name, read in readers.items()}
    rows: list[list[Cell]] = [[name, found[name], f1(readers[name], true)] for name in readers]
    rows.append(["always the more frequent answer", majority(true), None])
    if "Male" in names and names[column] != "Male":
        male = names.index("Male")
        for images, read in shown.items():
            right, score = (rate(read[:, male], labels[:, male]) for rate in (accuracy, f1))
            rows.append([f"the judge on Male, {images}", right, score])
    if len(names) > 1:
        for images, read in shown.items():
            right = np.delete(read == labels, column, axis=1).mean(axis=1)
            rows.append([f"the judge on all others, {images}", mean_interval(right), None])
    return Table("Who reads the attribute how well", ("reader", "accuracy", "F1"), rows), found


def leak_table(
    train: Codes, test: Codes, column: int, seed: int
) -> tuple[Table, dict[str, Interval]]:
    """How well fresh readers find y in z.

    Returns:
        The table, and the share of right answers by kind of reader and of code, such as
        "network, latents".
    """
    labels = [codes.records.attributes[:, column] > 0.5 for codes in (train, test)]
    frequency = labels[1].mean()
    uncertainty = float(scipy.stats.entropy([frequency, 1.0 - frequency]))
    rows: list[list[Cell]] = []
    found: dict[str, Interval] = {}
    for kind in ("linear", "network"):
        cells: list[Cell] = []
        for name in ("means", "latents"):
            logits = probes.read(getattr(train, name), labels[0], getattr(test, name), kind, seed)
            found[f"{kind}, {name}"] = share((logits > 0.0) == labels[1])
            loss = np.logaddexp(0.0, logits) - labels[1] * logits
            cells += [found[f"{kind}, {name}"], mean_interval(uncertainty - loss)]
        rows.append([f"{kind} reader", *cells])
    base = majority(labels[1])
    rows.append(["base rate", base, 0.0, base, 0.0])
    return (
        Table(
            "What z tells about y",
            ("reader", "mean of z: right", "nats", "z: right", "nats"),
            rows,
            f"Fresh readers trained on the codes of {len(labels[0]):,} training faces, right on so "
            f"many of the {len(labels[1]):,} test faces, and the nats by which their answers beat "
            f"the base rate, of H(y) = {uncertainty:.3f}. Where few or most faces have the "
            "attribute, only the nats tell: 0 or less is nothing.",
        ),
        found,
    )


def kept_table(
    judged: Judged, names: Sequence[str], seed: int
) -> tuple[Table, dict[str, Interval]]:
    """What an edit leaves as it was: the face, and the other attributes.

    Args:
        judged: the test faces.
        names: of all columns of the judge's answers.
        seed: of the other face.
    """
    images = judged.codes.records.images
    another = images[other_rows(len(images), seed)]
    male = names.index("Male") if "Male" in names and names[judged.judged] != "Male" else None
    shown = {
        "reconstruction": (judged.rebuilt, judged.read_rebuilt),
        **{f"y = {value}": (judged.edits[value], judged.read_edits[value]) for value in (0, 1)},
    }
    rows: list[list[Cell]] = []
    kept: dict[str, Interval] = {}
    for title, (made, read) in shown.items():
        values: dict[str, Interval] = {"nearer": share(mse(made, images) < mse(made, another))}
        for than, other in (("", judged.read_rebuilt), (" as in the photo", judged.read_real)):
            same = read == other
            rest = np.delete(same, judged.judged, axis=1).mean(axis=1)
            values[f"others{than}"] = mean_interval(rest)
            if male is not None:
                values[f"male{than}"] = share(same[:, male])
        rows.append([title, *values.values()])
        if title != "reconstruction":
            kept |= {f"{key} {title[-1]}": interval for key, interval in values.items()}
    titles = ["images", "nearer to its own face"]
    for than in ("as in the reconstruction", "as in the photo"):
        titles += [f"others {than}", *([f"Male {than}"] if male is not None else [])]
    answer = np.delete(judged.read_real, judged.judged, axis=1).mean(axis=0)
    constant = float(np.maximum(answer, 1.0 - answer).mean())
    return (
        Table(
            "What an edit leaves as it was",
            titles,
            rows,
            "Nearer: a smaller MSE to its own input than to another random test face. Others: the "
            "judge's answers for the other attributes, the mean share that is equal; one answer "
            f"for all faces would agree with the photos' in {constant:.1%}. z is sampled.",
        ),
        kept,
    )


def arithmetic_table(
    train: Codes, dev: Codes, judged: Judged, judge: Judge, seed: int
) -> tuple[Table, dict[str, Interval]]:
    """Latent arithmetic (Larsen et al. 2016) on the same autoencoder, beside the change of y.

    z moves along the difference of the means of z with and without the attribute, y stays as E
    reads it; the amount is the one that is best on `dev`.

    Args:
        train: training faces, of which the direction is taken.
        dev: by which the amount is chosen.
        judged: the test faces.
        judge: reads attributes.
        seed: of the other face.

    Returns:
        The table, and the shares of the moved faces, such as "moved: class0".
    """
    present = train.records.attributes[:, judged.column] > 0.5
    vector = attribute_vector(train.means, present)
    images = judged.codes.records.images
    another = images[other_rows(len(images), seed)]

    def edited(codes: Codes, amount: float) -> list[np.ndarray]:
        """The faces with z moved backwards and forwards."""
        return [
            codes.reconstructions(moved(codes.latents, vector, sign * amount)) for sign in (-1, 1)
        ]

    def right(read: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Class0 and Class1."""
        return [~read[0][:, judged.judged], read[1][:, judged.judged]]

    def on_dev(amount: float) -> float:
        return float(np.mean(right([judge(some) > 0.5 for some in edited(dev, amount)])))

    def measured(edits: Sequence[np.ndarray], read: Sequence[np.ndarray]) -> dict[str, Interval]:
        near = np.concatenate([mse(some, images) < mse(some, another) for some in edits])
        same = np.concatenate([some == judged.read_rebuilt for some in read])
        others = np.delete(same, judged.judged, axis=1).mean(axis=1)
        return {
            **{f"class{value}": share(one) for value, one in enumerate(right(read))},
            "nearer": share(near),
            "others": mean_interval(others),
        }

    best = max(AMOUNTS, key=on_dev)
    edits = edited(judged.codes, best)
    of_z = measured(edits, [judge(some) > 0.5 for some in edits])
    of_y = measured(list(judged.edits.values()), list(judged.read_edits.values()))
    titles = ("Class0", "Class1", "nearer to its own face", "others as in the reconstruction")
    return (
        Table(
            "Beside latent arithmetic on the same autoencoder",
            ("edit of all test faces", *titles),
            [
                ["y set (this paper)", *of_y.values()],
                [f"z moved by {best:g} attribute vectors", *of_z.values()],
            ],
            f"The amount is the best of {', '.join(f'{amount:g}' for amount in AMOUNTS)} on dev; "
            "y stays as E reads it, and holds the decoder back. Where L_aux has taken the "
            "attribute out of z, little is left to move along: compare with a model without it. "
            "Nearer and others: of both edits, as in the table on what an edit leaves.",
        ),
        {f"moved: {key}": value for key, value in of_z.items()},
    )


def code_table(codes: Codes) -> Table:
    """What the codes of test faces look like."""
    kl = 0.5 * (
        np.square(codes.means) + np.exp(codes.log_variances) - 1.0 - codes.log_variances
    ).sum(axis=1)
    active = int((codes.means.var(axis=0) > ACTIVE).sum())
    rows: list[list[Cell]] = [
        ["KL to N(0, I), nats", mean_interval(kl)],
        ["dimensions in use", active],
        ["dimensions", codes.means.shape[1]],
        ["largest mean", float(np.abs(codes.means).max())],
    ]
    return Table(
        "The codes",
        ("what", "value"),
        rows,
        f"A dimension is in use when the variance of its mean over the faces exceeds {ACTIVE:g}.",
    )
