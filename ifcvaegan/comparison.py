"""Models of Table 1 side by side: the report that an ablation ends with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.files import atomic_path
from common.metrics.intervals import Interval
from common.reporting.document import Figure, Report
from common.reporting.tables import Cell, Table
from common.settings.config import from_json
from ifcvaegan.presets import ROWS, TABLE_1, Variant
from ifcvaegan.results import AttributeResult, Shares

READS = 0.85  # share of the faces whose attribute E itself must read, or its y edits nothing
PAIRS = (("best", "no_aux"), ("with_rec_class", "no_aux_rec_class"))  # with and without L_aux
COLUMNS: dict[str, Callable[[AttributeResult], Interval | None]] = {
    "Class0, all": lambda found: found.protocols.every.class0,
    "Class1, all": lambda found: found.protocols.every.class1,
    "edit effect": lambda found: found.protocols.every.edit_effect,
    "z tells y": lambda found: found.leaks.network_latents,
    "nearer, y = 0": lambda found: found.kept0.nearer,
    "nearer, y = 1": lambda found: found.kept1.nearer,
    "Male kept, y = 1": lambda found: found.kept1.male,
    "hair kept, y = 0": lambda found: found.kept0.hair,
    "hair kept, y = 1": lambda found: found.kept1.hair,
    "z moved: Class0": lambda found: found.moved.class0,
    "z moved: Class1": lambda found: found.moved.class1,
    "classifier, real": lambda found: found.readers.classifier_real,
    "classifier, rebuilt": lambda found: found.readers.classifier_rebuilt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison is about.

    Attributes:
        reports: each model -> its report.json.
        attribute: of which they tell.
        split: of the faces that were measured.
        published: whether the paper's Table 1 is about such models.
        facts: where the numbers come from, for the report.
        further: tables that follow.
    """

    reports: Mapping[Variant, Path]
    attribute: str
    split: str
    published: bool
    facts: Sequence[tuple[str, str]]
    further: Sequence[Table] = ()


Found = Mapping[Variant, AttributeResult]


def report(work: Comparison, out: Path) -> Report:
    """The report on all models, from the report of each.

    Args:
        work: what to compare.
        out: folder of the report.

    Raises:
        UserError: the models were measured on different faces, or on none with the attribute.
    """
    found: dict[Variant, AttributeResult] = {}
    counts: dict[str, int] = {}
    for variant, file in work.reports.items():
        found[variant], counts[variant.label] = result_of(file, work.attribute)
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{label}: {n:,}" for label, n in counts.items())
        raise UserError(
            f"The models were measured on different numbers of faces ({told}); measure all alike."
        )
    n = next(iter(counts.values()))
    if not all(one.protocols.present for one in found.values()):
        raise UserError(f"None of the {n:,} faces has {work.attribute}: measure more of them.")
    published = TABLE_1 if work.published else {}
    claim = claim_table(found)
    return Report(
        title=f"IFcVAEGAN: the rows of Table 1, {work.attribute}",
        n=n,
        summary=f"{len(found)} models on {n:,} {work.split} faces each",
        tables=[
            *([claim] if claim.rows else []),
            paper_table(found, published),
            table(found),
            *work.further,
        ],
        figures=[draw(found, published, out / "table-1.png")],
        findings=findings(found),
        facts=work.facts,
    )


def result_of(report: Path, attribute: str) -> tuple[AttributeResult, int]:
    """What a model's report.json has of an attribute, and of how many faces."""
    told = json.loads(report.read_text("utf-8"))
    values = told["details"]["attributes"][attribute]
    return from_json(AttributeResult, values, str(report)), told["n"]


def total(found: AttributeResult) -> float:
    """Class0 + Class1 of all faces: 2 at best, 1 where y has no effect."""
    return found.protocols.every.class0.mean + found.protocols.every.class1.mean


def claim_table(found: Found) -> Table:
    """What L_aux changes: each base and seed with it and without, nothing else different."""
    rows: list[list[Cell]] = []
    for with_aux, without in PAIRS:
        for variant, one in found.items():
            other = found.get(Variant(variant.base, without, variant.seed))
            if variant.row != with_aux or other is None:
                continue
            read = min(model.readers.y_head.mean for model in (one, other))
            rows.append(
                [
                    f"{variant.label}; {without}",
                    f"{read:.1%}" + ("" if read >= READS else ", too few"),
                    total(one),
                    total(other),
                    total(one) - total(other),
                    one.leaks.network_latents,
                    other.leaks.network_latents,
                ]
            )
    return Table(
        "What L_aux changes",
        (
            "with it; without it",
            "E reads y",
            "sum with",
            "sum without",
            "difference",
            "z tells y, with",
            "z tells y, without",
        ),
        rows,
        "Sum: Class0 + Class1 of all faces; 2 at best, 1 where y has no effect. E reads y: in how "
        f"many faces, the lower of the two models; below {READS:.0%} the pair tests nothing, since "
        "what is not in y cannot be edited by y. z tells y: what a fresh network reads in it.",
    )


def with_attribute(found: AttributeResult) -> Shares:
    """The figures of the faces with the attribute, the paper's protocol."""
    shares = found.protocols.present
    assert shares is not None
    return shares


def paper_table(found: Found, published: Mapping[str, Sequence[float]]) -> Table:
    """The paper's Table 1 beside ours: faces with the attribute, MSE of all, as [C] measures.

    Args:
        found: model -> what its report says.
        published: row -> the paper's MSE, Class0 and Class1; empty where it has none.
    """
    rows: list[list[Cell]] = []
    authors = {variant: one.protocols.authors for variant, one in found.items()}
    few = all(authors.values())
    for variant, one in found.items():
        shares, theirs = with_attribute(one), authors[variant]
        mine: list[Cell] = [one.protocols.every.mse, shares.class0, shares.class1]
        mine.append(shares.class0.mean + shares.class1.mean)
        mine += [theirs.class0, theirs.class1] if few and theirs else []
        row = published.get(variant.row)
        of_paper: list[Cell] = [*(row or (None, None, None)), sum(row[1:]) if row else None]
        rows.append([variant.label, *(of_paper if published else ()), *mine])
    titles = ("MSE", "Class0", "Class1", "sum")
    first = next(iter(found.values()))
    count = first.protocols.authors.class0.n if first.protocols.authors else 0
    return Table(
        "Table 1 of the paper, and ours" if published else "As the paper's Table 1",
        (
            "model",
            *(f"paper: {title}" for title in titles if published),
            *titles,
            *(f"authors' faces: Class{k}" for k in (0, 1) if few),
        ),
        rows,
        "Class k: share of the faces with the attribute that, decoded with y = k, are read as k; "
        f"ours of {with_attribute(first).class0.n:,} faces"
        + (", the paper's of 16, as its shares tell" if published else "")
        + (f", of the authors' first 32 faces {count}" if few else "")
        + ". MSE of all faces. z is sampled. A sum of 1: y has no effect. ±: 95 % interval over "
        "the faces, for this one training.",
    )


def table(found: Found) -> Table:
    """What the paper does not show, of all faces."""
    columns = {title: [of(one) for one in found.values()] for title, of in COLUMNS.items()}
    shown = {title: cells for title, cells in columns.items() if all(cells)}
    rows: list[list[Cell]] = [
        [variant.label, *(cells[row] for cells in shown.values())]
        for row, variant in enumerate(found)
    ]
    base = next(iter(found.values())).base_rate
    return Table(
        "What z tells, and what edits leave as it was",
        ("model", *shown),
        rows,
        "Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. z tells y: a "
        f"fresh network reads y in z; the base rate is {base:.1%}. Nearer: to its own face than to "
        "another's. Male and hair (its colour) kept: read as in the reconstruction. z moved: "
        "latent arithmetic instead of a change of y. Classifier: how often it is right about the "
        "attribute itself, on real faces and on this model's reconstructions.",
    )


def findings(found: Found) -> list[str]:
    """What the models say about the paper's claim."""
    base = next(iter(found.values())).base_rate
    groups = {
        "With L_aux": [variant for variant in found if ROWS[variant.row][2]],
        "Without L_aux": [variant for variant in found if not ROWS[variant.row][2]],
    }
    told = []
    for title, variants in groups.items():
        if variants:
            sums = ", ".join(f"{one.label} {total(found[one]):.2f}" for one in variants)
            leaks = ", ".join(f"{found[one].leaks.network_latents.mean:.1%}" for one in variants)
            told.append(
                f"{title}: Class0 + Class1 is {sums} (2 at best, 1 where y has no effect); a "
                f"fresh network reads y in z with {leaks} (base rate {base:.1%})."
            )
    return told


def draw(found: Found, published: Mapping[str, Sequence[float]], path: Path) -> Figure:
    """Class0 and Class1 of each model with their intervals, the paper's as open marks."""
    import matplotlib.figure
    import numpy as np

    from common.reporting.curves import OKABE_ITO

    width = max(9.0, 1.2 * len(found))
    figure = matplotlib.figure.Figure(figsize=(width, 4.2), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(found))
    shares = [with_attribute(one) for one in found.values()]
    classes = {1: [one.class0 for one in shares], 2: [one.class1 for one in shares]}
    for shift, (column, values) in zip((-0.18, 0.18), classes.items(), strict=True):
        means = np.array([value.mean for value in values])
        ends = np.array([[v.mean - v.low, v.high - v.mean] for v in values]).T
        colour = OKABE_ITO[column - 1]
        label = f"Class{column - 1}"
        axes.bar(places + shift, means, 0.34, yerr=ends, color=colour, capsize=3, label=label)
        if not published:
            continue
        paper = [published.get(one.row, (np.nan,) * 3)[column] for one in found]
        axes.plot(
            *(places + shift, paper, "o"),
            markerfacecolor="white",
            markeredgecolor="black",
            label=f"{label}, the paper (16 faces)",
        )
    axes.axhline(0.5, color="#5f6368", linewidth=0.8, linestyle="dotted")
    axes.set(ylim=(0, 1.05), ylabel="share read as wanted", xticks=places)
    axes.set_xticklabels([f"{one.base}\n{one.row}\nseed {one.seed}" for one in found])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return Figure(
        "Class0 and Class1 of each model",
        path,
        "Of the faces with the attribute, with 95 % intervals.",
    )
