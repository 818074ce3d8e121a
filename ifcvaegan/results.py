"""What an evaluation finds about one attribute, typed: it goes into report.json and comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.metrics.intervals import Interval
from common.reporting.tables import Cell, Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The columns of Table 1, of some faces.

    Attributes:
        mse: of the reconstructions, on [0, 1].
        class0: share of the faces that, decoded with y = 0, are read as without the attribute.
        class1: share of those that, decoded with y = 1, are read as with it.
        edit_effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1].
    """

    mse: Interval
    class0: Interval
    class1: Interval
    edit_effect: Interval


def beside(
    published: tuple[str, Sequence[Cell]] | None, every: Shares, present: Shares | None
) -> list[Published]:
    """A row of the paper's Table 1 beside ours.

    Args:
        published: what to call the row, and its MSE, Class0 and Class1; None without one.
        every: of all faces, of which the MSE is.
        present: of those with the attribute, of which the classes are.
    """
    if published is None or present is None:
        return []
    ours = {"MSE": every.mse, "Class0": present.class0, "Class1": present.class1}
    return [
        Published(
            table=f"IFcVAEGAN, Table 1: {published[0]}",
            figure=name,
            paper=theirs,
            ours=mine,
            n=mine.n,
            better="lower" if name == "MSE" else "higher",
        )
        for (name, mine), theirs in zip(ours.items(), published[1], strict=True)
        if isinstance(theirs, float)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocols:
    """Table 1 by several protocols; None where there are no such faces.

    Attributes:
        every: all faces, z sampled.
        mean: all faces, with the mean of z.
        present: those with the attribute, as in the paper.
        absent: those without it.
        authors: the authors' first 32 faces with it, the MSE of all 32.
    """

    every: Shares
    mean: Shares
    present: Shares | None = None
    absent: Shares | None = None
    authors: Shares | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Shares of the faces whose attribute a fresh reader finds in z, or in its mean."""

    linear_means: Interval
    linear_latents: Interval
    network_means: Interval
    network_latents: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an edit leaves as it was.

    Attributes:
        nearer: share of the edits that are nearer to their own face than to another's.
        others: share of the other attributes that are read as in the reconstruction.
        others_photo: as in the photograph.
        male: share read as Male or not as in the reconstruction; None without Male.
        male_photo: as in the photograph.
        hair: share with the hair colour that is read in the reconstruction; None without such
            attributes.
    """

    nearer: Interval
    others: Interval
    others_photo: Interval
    male: Interval | None = None
    male_photo: Interval | None = None
    hair: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """How often each reader is right about the attribute.

    Attributes:
        classifier_real: the classifier, on real faces.
        classifier_rebuilt: the classifier, on their reconstructions.
        y_head: E's own answer, on real faces.
    """

    classifier_real: Interval
    classifier_rebuilt: Interval
    y_head: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Latent arithmetic instead of a change of y; see `Shares` and `Kept`."""

    class0: Interval
    class1: Interval
    nearer: Interval
    others: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeResult:
    """Everything about one attribute; `kept0` and `kept1` are of y = 0 and y = 1."""

    base_rate: float
    protocols: Protocols
    leaks: Leaks
    kept0: Kept
    kept1: Kept
    readers: Readers
    moved: Moved
