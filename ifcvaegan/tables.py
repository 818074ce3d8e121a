"""What an evaluation measures: Table 1 again, and what the paper does not show beside it.

A network that no autoencoder was trained with reads the attributes
(`common.metrics.face_classifier`); its own accuracy, on real faces and on reconstructions, bounds
every figure that it gives and stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from common.datasets.records import Records
from common.metrics.attributes import accuracy, f1, majority
from common.metrics.baselines import other_rows
from common.metrics.intervals import Interval, mean_interval, proportion_interval
from common.tables import Cell, Table
from ifcvaegan import probes
from ifcvaegan.codes import attribute_vector, decode, encode, moved, sampled
from ifcvaegan.config import TABLE_1

if TYPE_CHECKING:
    from ifcvaegan.trained import Trained

Judge: TypeAlias = Callable[[np.ndarray], np.ndarray]  # faces [N, H, W, 3] -> probabilities [N, 40]
AMOUNTS = (0.5, 1.0, 1.5, 2.0, 3.0)  # of the attribute vector, of which dev chooses one
ACTIVE = 0.01  # variance of mu from which a dimension of z counts as used


class Codes:
    """The codes of some faces, and edits of them.

    Args:
        model: E and D.
        records: the faces.
        seed: of z.

    Attributes:
        means: of z `[N, Z]`.
        latents: z ~ N(mu, sigma^2) `[N, Z]`, which the paper decodes.
        read: y as E reads it `[N, A]`.
    """

    def __init__(self, model: Trained, records: Records, seed: int):
        self.model, self.records = model, records
        self.means, self.log_variances, self.read = encode(model, records.images)
        self.latents = sampled(self.means, self.log_variances, seed)

    def edited(self, column: int, value: float, latents: np.ndarray | None = None) -> np.ndarray:
        """The faces with one attribute set, uint8 `[N, S, S, 3]`."""
        attributes = np.array(self.read)
        attributes[:, column] = value
        return decode(self.model, attributes, self.latents if latents is None else latents)

    def reconstructions(self, latents: np.ndarray) -> np.ndarray:
        """The faces with y as E reads it."""
        return decode(self.model, self.read, latents)


def classes(
    codes: Codes, column: int, judge: Judge, judged: int, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Class0 and Class1: whether each chosen face, decoded with y = k, is read as k.

    Args:
        codes: of all faces.
        column: of the attribute in y.
        judge: reads attributes.
        judged: column of the attribute in its answers.
        chosen: bool `[N]`, the faces that are edited.

    Returns:
        Two bool `[M]` of the M chosen faces.
    """
    read = [judge(codes.edited(column, value)[chosen])[:, judged] > 0.5 for value in (0.0, 1.0)]
    return ~read[0], read[1]


def table_1(
    published: str | None,
    codes: Codes,
    few: Codes | None,
    column: int,
    judge: Judge,
    judged: int,
) -> tuple[Table, dict[str, Interval]]:
    """Table 1 of the paper beside ours, by both protocols.

    Args:
        published: the row of the paper with this alpha, beta and gamma, if any.
        codes: of the test faces.
        few: of the authors' first 32 faces; None where the data have none.
        column: of the attribute in y.
        judge: reads attributes.
        judged: column of the attribute in its answers.

    Returns:
        The table, and `class0`, `class1`, `mse` and `edit_effect` of the test faces.
    """
    rows: list[list[Cell]] = []
    if published is not None:
        rows.append([f"the paper's row {published}", 16, *TABLE_1[published], None])

    def row(name: str, some: Codes, chosen: np.ndarray, pixels: np.ndarray) -> list[Interval]:
        zero, one = classes(some, column, judge, judged, chosen)
        effect = np.abs(some.edited(column, 1.0).astype(float) - some.edited(column, 0.0)) / 255.0
        values = [
            mean_interval(pixels),
            proportion_interval(int(zero.sum()), len(zero)),
            proportion_interval(int(one.sum()), len(one)),
            mean_interval(effect.mean(axis=(1, 2, 3))[chosen]),
        ]
        rows.append([name, int(chosen.sum()), *values])
        return values

    def squared(some: Codes) -> np.ndarray:
        difference = some.reconstructions(some.latents).astype(float) - some.records.images
        return np.square(difference / 255.0).mean(axis=(1, 2, 3))

    if few is not None:
        smiling = few.records.attributes[:, column] > 0.5
        if smiling.any():
            row("the authors' faces (first 32) with it", few, smiling, squared(few))
    there = codes.records.attributes[:, column] > 0.5
    errors = squared(codes)
    if there.any():
        row("test faces with it, as in the paper", codes, there, errors)
    if (~there).any():
        row("test faces without it", codes, ~there, errors)
    values = row("all test faces", codes, np.ones(len(there), bool), errors)
    name = codes.model.attribute_names[column]
    return (
        Table(
            f"Table 1: {name}",
            ("faces", "n", "MSE", "Class0", "Class1", "edit effect"),
            rows,
            "Class k: share of the faces that, decoded with y = k, the judge reads as k. Where "
            "Class0 and Class1 add up to 1, y has no effect. MSE of reconstructions on [0, 1], of "
            "the authors' faces over all 32. z is sampled, as in the paper. Edit effect: mean "
            "absolute difference of D(1, z) and D(0, z) on [0, 1]. The paper's judge was another "
            "network.",
        ),
        dict(zip(("mse", "class0", "class1", "edit_effect"), values, strict=True)),
    )


def judge_table(
    codes: Codes, column: int, judge: Judge, judged: int
) -> tuple[Table, dict[str, float]]:
    """How well the judge, and E's own y-head, read the attribute."""
    true = codes.records.attributes[:, column] > 0.5
    readers = {
        "the judge, real faces": judge(codes.records.images)[:, judged] > 0.5,
        "the judge, reconstructions": judge(codes.reconstructions(codes.latents))[:, judged] > 0.5,
        "E's y-head, real faces": codes.read[:, column] > 0.5,
    }
    rows: list[list[Cell]] = [
        [name, accuracy(read, true), f1(read, true)] for name, read in readers.items()
    ]
    rows.append(["always the more frequent answer", majority(true), None])
    shares = {name: accuracy(read, true).mean for name, read in readers.items()}
    return Table("Who reads the attribute how well", ("reader", "accuracy", "F1"), rows), shares


def leak_table(
    train: Codes, test: Codes, column: int, seed: int
) -> tuple[Table, dict[str, Interval]]:
    """How well fresh readers find y in z."""
    labels = [codes.records.attributes[:, column] > 0.5 for codes in (train, test)]
    rows: list[list[Cell]] = []
    found: dict[str, Interval] = {}
    for kind in ("linear", "network"):
        cells: list[Cell] = []
        for name in ("means", "latents"):
            right = probes.accuracy(
                getattr(train, name), labels[0], getattr(test, name), labels[1], kind, seed
            )
            found[f"{kind}, {name}"] = proportion_interval(int(right.sum()), len(right))
            cells.append(found[f"{kind}, {name}"])
        rows.append([f"{kind} reader", *cells])
    base = majority(labels[1])
    rows.append(["base rate", base, base])
    return (
        Table(
            "What z tells about y",
            ("reader", "of the mean of z", "of z"),
            rows,
            f"Fresh readers trained on the codes of {len(labels[0]):,} training faces, right on so "
            f"many of the {len(labels[1]):,} test faces. At the base rate z tells nothing.",
        ),
        found,
    )


def kept_table(
    codes: Codes, column: int, judge: Judge, judged: int, names: Sequence[str], seed: int
) -> tuple[Table, dict[str, Interval]]:
    """What an edit leaves as it was: the face, and the other attributes.

    Args:
        codes: of the test faces.
        column: of the attribute in y.
        judge: reads attributes.
        judged: column of the attribute in its answers.
        names: of all columns of its answers.
        seed: of the other face.
    """
    images = codes.records.images.astype(np.float32) / 255.0
    another = images[other_rows(len(images), seed)]
    before = judge(codes.reconstructions(codes.latents)) > 0.5
    rows: list[list[Cell]] = []
    kept: dict[str, Interval] = {}
    for value in (0.0, 1.0):
        edits = codes.edited(column, value)
        pixels = edits.astype(np.float32) / 255.0
        own = np.square(pixels - images).mean(axis=(1, 2, 3))
        other = np.square(pixels - another).mean(axis=(1, 2, 3))
        after = judge(edits) > 0.5
        same = np.delete(after == before, judged, axis=1)
        values = {
            "nearer": proportion_interval(int((own < other).sum()), len(own)),
            "others": mean_interval(same.mean(axis=1)),
        }
        if "Male" in names and names[judged] != "Male":
            male = names.index("Male")
            right = after[:, male] == before[:, male]
            values["male"] = proportion_interval(int(right.sum()), len(right))
        rows.append([f"y = {value:g}", values["nearer"], values["others"], values.get("male")])
        kept |= {f"{name} {value:g}": interval for name, interval in values.items()}
    return (
        Table(
            "What an edit leaves as it was",
            ("edit", "nearer to its own face", "other attributes kept", "Male kept"),
            rows,
            "Nearer: the edited image has a smaller MSE to its own input than to another random "
            "test face. Kept: read by the judge as in the reconstruction.",
        ),
        kept,
    )


def arithmetic_table(
    train: Codes, dev: Codes, test: Codes, column: int, judge: Judge, judged: int, ours: Table
) -> Table:
    """Latent arithmetic (Larsen et al. 2016) on the same autoencoder, beside the change of y.

    z moves along the difference of the means of z with and without the attribute, y stays as E
    reads it; the amount is the one that is best on `dev`.
    """
    present = train.records.attributes[:, column] > 0.5
    vector = attribute_vector(train.means, present)

    def shares(codes: Codes, amount: float) -> tuple[np.ndarray, np.ndarray]:
        read = [
            judge(codes.reconstructions(moved(codes.means, vector, sign * amount)))[:, judged] > 0.5
            for sign in (-1.0, 1.0)
        ]
        return ~read[0], read[1]

    def success(amount: float) -> float:
        return float(np.mean([right.mean() for right in shares(dev, amount)]))

    best = max(AMOUNTS, key=success)
    zero, one = shares(test, best)
    mine = ours.rows[-1]
    return Table(
        "Beside latent arithmetic on the same autoencoder",
        ("edit of all test faces", "Class0", "Class1"),
        [
            ["y set (this paper)", mine[3], mine[4]],
            [
                f"z moved by {best:g} attribute vectors",
                *(proportion_interval(int(right.sum()), len(right)) for right in (zero, one)),
            ],
        ],
        f"The amount is the best of {', '.join(f'{amount:g}' for amount in AMOUNTS)} on dev.",
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
