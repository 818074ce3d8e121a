"""What an evaluation measures: Table 1 again, and what the paper does not show beside it.

A network that no autoencoder was trained with reads the attributes
(`common.classifiers.faces`); its own accuracy, on real faces and on reconstructions, bounds
every figure that it gives and stands beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from common.metrics.attributes import accuracy, f1, majority
from common.metrics.baselines import other_rows
from common.metrics.intervals import Interval, mean_interval, proportion_interval, share_interval
from common.metrics.reconstruction import mse
from common.reporting.tables import Cell, Table
from ifcvaegan import probes
from ifcvaegan.codes import attribute_vector, moved
from ifcvaegan.editor import Codes
from ifcvaegan.readings import Encoded, Readings
from ifcvaegan.results import Kept, Leaks, Moved, Protocols, Readers, Shares, beside

if TYPE_CHECKING:
    from common.classifiers.faces import FaceClassifier

AMOUNTS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of the attribute vector; dev chooses one
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")  # CelebA's hair colours
ACTIVE = 0.01  # variance of mu from which a dimension of z counts as used


def table_1(
    name: str,
    readings: Readings,
    means: Readings,
    few: Readings | None,
    published: tuple[str, Sequence[Cell]] | None,
) -> tuple[Table, Protocols]:
    """Table 1 of the paper beside ours, by several protocols.

    Args:
        name: of the attribute.
        readings: of the faces.
        means: the same, with the mean of z.
        few: the authors' first 32 faces; None where the data have none.
        published: what to call the paper's row, and its values, if one is to stand beside.

    Returns:
        The table, and its figures.
    """
    rows: list[list[Cell]] = []
    if published is not None:
        rows.append([published[0], 16, *published[1], None])

    def measured(title: str, some: Readings, chosen: np.ndarray, of: np.ndarray) -> Shares | None:
        """A row; `chosen` faces are edited, the MSE is that `of` these."""
        if not chosen.any():
            return None
        shares = Shares(
            mse=mean_interval(some.errors[of]),
            class0=share(some.right(0)[chosen]),
            class1=share(some.right(1)[chosen]),
            edit_effect=mean_interval(some.effect[chosen]),
        )
        values = (getattr(shares, field.name) for field in dataclasses.fields(shares))
        rows.append([title, int(chosen.sum()), *values])
        return shares

    authors, there = None, readings.present
    if few is not None:  # [C] edits those with it, and takes the MSE of all
        title = "the authors' faces (first 32) with it"
        authors = measured(title, few, few.present, np.ones_like(few.present))
    present = measured("faces with it, as in the paper", readings, there, there)
    absent = measured("faces without it", readings, ~there, ~there)
    every = measured("all faces", readings, there | ~there, there | ~there)
    mean = measured("all faces, mean of z", means, there | ~there, there | ~there)
    assert every is not None
    assert mean is not None
    return (
        Table(
            f"Table 1: {name}",
            ("faces", "n", "MSE", "Class0", "Class1", "edit effect"),
            rows,
            "Class k: share of the faces that, decoded with y = k, the classifier reads as k. "
            "Where Class0 and Class1 add up to 1, y has no effect. MSE of reconstructions on [0, "
            "1], of the authors' faces over all 32. z is sampled, as in the paper, but in the last "
            "row. Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. The "
            "paper's classifier was another network; its n, not stated, follows from its shares, "
            "multiples of 1/16.",
            beside(published, every, present),
        ),
        Protocols(every=every, mean=mean, present=present, absent=absent, authors=authors),
    )


def share(right: np.ndarray) -> Interval:
    """The share of True with its interval."""
    return proportion_interval(int(right.sum()), len(right))


def reader_table(
    readings: Readings, labels: np.ndarray, names: Sequence[str]
) -> tuple[Table, Readers]:
    """How well the classifier and E's y-head read the attribute, and the classifier the others.

    Args:
        readings: of the faces.
        labels: all attributes that the classifier reads, bool `[N, J]`.
        names: theirs.

    Returns:
        The table, and the share of right answers of each reader.
    """
    true, column = readings.present, readings.answer
    shown = {"real faces": readings.read_real, "reconstructions": readings.read_rebuilt}
    readers = {f"the classifier, {images}": read[:, column] for images, read in shown.items()}
    readers["E's y-head, real faces"] = readings.faces.codes.attributes[:, readings.column] > 0.5
    found = {name: accuracy(read, true) for name, read in readers.items()}
    rows: list[list[Cell]] = [[name, found[name], f1(readers[name], true)] for name in readers]
    rows.append(["always the more frequent answer", majority(true), None])
    if "Male" in names and names[column] != "Male":
        male = names.index("Male")
        for images, read in shown.items():
            right, score = (rate(read[:, male], labels[:, male]) for rate in (accuracy, f1))
            rows.append([f"the classifier on Male, {images}", right, score])
    if len(names) > 1:
        for images, read in shown.items():
            right = np.delete(read == labels, column, axis=1).mean(axis=1)
            rows.append([f"the classifier on all others, {images}", mean_interval(right), None])
    real, rebuilt, y_head = found.values()
    return (
        Table("Who reads the attribute how well", ("reader", "accuracy", "F1"), rows),
        Readers(classifier_real=real, classifier_rebuilt=rebuilt, y_head=y_head),
    )


def leak_table(
    train: Encoded, dev: Encoded, measured: Encoded, column: int, seed: int
) -> tuple[Table, Leaks]:
    """How well fresh readers find y in z: the table, and the shares of right answers."""
    known, choosers, unknown = (
        (faces.means, faces.records.attributes[:, column] > 0.5) for faces in (train, dev, measured)
    )
    present = unknown[1]
    frequency = present.mean()
    uncertainty = float(scipy.stats.entropy([frequency, 1.0 - frequency]))
    rows: list[list[Cell]] = []
    found: dict[str, Interval] = {}
    for kind in ("linear", "network"):
        cells: list[Cell] = []
        for name, sampled in {"means": False, "latents": True}.items():
            logits = probes.read(known, choosers, unknown[0], kind, sampled=sampled, seed=seed)
            right = ((logits > 0.0) == present).mean(axis=0)  # share of the draws of each face
            found[f"{kind}_{name}"] = share_interval(right) if sampled else share(right > 0.5)
            loss = (np.logaddexp(0.0, logits) - present * logits).mean(axis=0)
            cells += [found[f"{kind}_{name}"], mean_interval(uncertainty - loss)]
        rows.append([f"{kind} reader", *cells])
    base = majority(present)
    rows.append(["base rate", base, 0.0, base, 0.0])
    return (
        Table(
            "What z tells about y",
            ("reader", "mean of z: right", "nats", "z: right", "nats"),
            rows,
            f"Fresh readers trained on the codes of {len(known[1]):,} training faces, with new "
            f"noise in each epoch, until they read those of {len(choosers[1]):,} dev faces no "
            f"better; right on so many of the {len(present):,} faces ({probes.DRAWS} samples of z "
            "each), and the nats by which their answers beat the base rate, of H(y) = "
            f"{uncertainty:.3f}. A lower bound of what z tells. Where few or most faces have the "
            "attribute, only the nats tell: 0 or less is nothing.",
        ),
        Leaks(**found),
    )


def kept_table(readings: Readings, names: Sequence[str], seed: int) -> tuple[Table, list[Kept]]:
    """What an edit leaves as it was: the face, and the other attributes.

    Args:
        readings: of the faces.
        names: of all columns of the classifier's answers.
        seed: of the other face.

    Returns:
        The table, and the figures of y = 0 and of y = 1.
    """
    images = readings.faces.records.images
    another = images[other_rows(len(images), seed)]
    male = names.index("Male") if "Male" in names and names[readings.answer] != "Male" else None
    hair = [names.index(name) for name in HAIR if name in names]
    shown = {
        "reconstruction": (readings.rebuilt, readings.read_rebuilt),
        **{f"y = {value}": (readings.edits[value], readings.read_edits[value]) for value in (0, 1)},
    }
    rows: list[list[Cell]] = []
    kept: list[Kept] = []
    for title, (made, read) in shown.items():
        values: dict[str, Interval] = {"nearer": share(mse(made, images) < mse(made, another))}
        for than, other in (("", readings.read_rebuilt), ("_photo", readings.read_real)):
            same = read == other
            rest = np.delete(same, readings.answer, axis=1).mean(axis=1)
            values[f"others{than}"] = share_interval(rest)
            if male is not None:
                values[f"male{than}"] = share(same[:, male])
            if hair and not than:
                values["hair"] = share(same[:, hair].all(axis=1))
        rows.append([title, *values.values()])
        if title != "reconstruction":
            kept.append(Kept(**values))
    titles = ["images", "nearer to its own face"]
    for than in ("as in the reconstruction", "as in the photo"):
        titles += [f"others {than}", *([f"Male {than}"] if male is not None else [])]
        titles += [f"hair colour {than}"] if hair and "photo" not in than else []
    answer = np.delete(readings.read_real, readings.answer, axis=1).mean(axis=0)
    constant = float(np.maximum(answer, 1.0 - answer).mean())
    return (
        Table(
            "What an edit leaves as it was",
            titles,
            rows,
            "Nearer: a smaller MSE to its own input than to another random face. Others: the "
            "classifier's answers for the other attributes, the mean share that is equal; one "
            f"answer for all faces would agree with the photos' in {constant:.1%}. Hair colour: no "
            "answer for black, blond, brown or gray hair differs; the paper's naive model "
            "changes that in place of the smile (Fig. 3). z is sampled.",
        ),
        kept,
    )


def arithmetic_table(
    train: Encoded, dev: Encoded, readings: Readings, classifier: FaceClassifier, seed: int
) -> tuple[Table, Moved]:
    """Latent arithmetic (Larsen et al. 2016) on the same autoencoder, beside the change of y.

    z moves along the difference of the means of z with and without the attribute, y stays as E
    reads it; the amount is the one that is best on `dev`.

    Args:
        train: training faces, of which the direction is taken.
        dev: by which the amount is chosen.
        readings: of the faces.
        classifier: reads attributes.
        seed: of the other face.

    Returns:
        The table, and the shares of the moved faces.
    """
    present = train.records.attributes[:, readings.column] > 0.5
    vector = attribute_vector(train.means.latent, present)
    images = readings.faces.records.images
    another = images[other_rows(len(images), seed)]

    def edited(faces: Encoded, amount: float) -> list[np.ndarray]:
        """The faces with z moved backwards and forwards."""
        z = faces.codes.latent
        return [faces.moved(moved(z, vector, sign * amount)) for sign in (-1, 1)]

    def right(read: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Class0 and Class1."""
        return [~read[0][:, readings.answer], read[1][:, readings.answer]]

    def on_dev(amount: float) -> float:
        return float(np.mean(right([classifier.read(some) for some in edited(dev, amount)])))

    def measured(edits: Sequence[np.ndarray], read: Sequence[np.ndarray]) -> dict[str, Interval]:
        """Both edits of a face are one unit of an interval, as they are alike."""
        near = np.mean([mse(some, images) < mse(some, another) for some in edits], axis=0)
        same = np.mean([some == readings.read_rebuilt for some in read], axis=0)
        others = np.delete(same, readings.answer, axis=1).mean(axis=1)
        return {
            **{f"class{value}": share(one) for value, one in enumerate(right(read))},
            "nearer": share_interval(near),
            "others": share_interval(others),
        }

    best = max(AMOUNTS, key=on_dev)
    edits = edited(readings.faces, best)
    of_z = measured(edits, [classifier.read(some) for some in edits])
    of_y = measured(list(readings.edits.values()), list(readings.read_edits.values()))
    titles = ("Class0", "Class1", "nearer to its own face", "others as in the reconstruction")
    return (
        Table(
            "Beside latent arithmetic on the same autoencoder",
            ("edit of all faces", *titles),
            [
                ["y set (this paper)", *of_y.values()],
                [f"z moved by {best:g} attribute vectors", *of_z.values()],
            ],
            f"The amount is the best of {', '.join(f'{amount:g}' for amount in AMOUNTS)} on dev; "
            "y stays as E reads it, and holds the decoder back. Where L_aux has taken the "
            "attribute out of z, little is left to move along: compare with a model without it. "
            "Nearer and others: of both edits, as in the table on what an edit leaves.",
        ),
        Moved(**of_z),
    )


def code_table(codes: Codes) -> Table:
    """What the codes of faces, with the means of z, look like."""
    means, log_variance = codes.latent, codes.log_variance
    assert log_variance is not None
    kl = 0.5 * (np.square(means) + np.exp(log_variance) - 1.0 - log_variance).sum(axis=1)
    active = int((means.var(axis=0) > ACTIVE).sum())
    rows: list[list[Cell]] = [
        ["KL to N(0, I), nats", mean_interval(kl)],
        ["dimensions in use", active],
        ["dimensions", means.shape[1]],
        ["largest mean", float(np.abs(means).max())],
    ]
    return Table(
        "The codes",
        ("what", "value"),
        rows,
        f"A dimension is in use when the variance of its mean over the faces exceeds {ACTIVE:g}.",
    )
