"""All rows of the paper's Table 1 side by side: the report that an ablation ends with."""

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
from common.settings.config import from_json, read_config
from ifcvaegan.config import Config, attribute_names
from ifcvaegan.presets import PRESETS, TABLE_1
from ifcvaegan.results import AttributeResult, Shares

COLUMNS: dict[str, Callable[[AttributeResult], Interval | None]] = {
    "Class0, all": lambda found: found.protocols.every.class0,
    "Class1, all": lambda found: found.protocols.every.class1,
    "edit effect": lambda found: found.protocols.every.edit_effect,
    "z tells y": lambda found: found.leaks.network_latents,
    "nearer, y = 0": lambda found: found.kept0.nearer,
    "nearer, y = 1": lambda found: found.kept1.nearer,
    "Male kept, y = 1": lambda found: found.kept1.male,
    "z moved: Class0": lambda found: found.moved.class0,
    "z moved: Class1": lambda found: found.moved.class1,
    "classifier, real": lambda found: found.readers.classifier_real,
    "classifier, rebuilt": lambda found: found.readers.classifier_rebuilt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a comparison is about.

    Attributes:
        folders: name of a row -> its run, with a report.
        base: the preset that the rows vary.
        published: whether the paper's Table 1 is about such models.
        facts: where the numbers come from, for the report.
    """

    folders: Mapping[str, Path]
    base: str
    published: bool
    facts: Sequence[tuple[str, str]]


def report(rows: Rows, out: Path) -> Report:
    """The report on all rows, from the report of each.

    Args:
        rows: what to compare.
        out: folder of the report.

    Raises:
        UserError: the rows were measured on different faces, or on none with the attribute.
    """
    found: dict[str, AttributeResult] = {}
    counts: dict[str, int] = {}
    name = ""
    for row, folder in rows.folders.items():
        file = folder / "report" / "report.json"
        told = json.loads(file.read_text("utf-8"))
        name = attribute_names(read_config(Config, folder))[0]
        found[row] = from_json(AttributeResult, told["details"]["attributes"][name], str(file))
        counts[row] = told["n"]
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{row}: {n:,}" for row, n in counts.items())
        raise UserError(
            f"The rows were measured on different numbers of faces ({told}); measure all alike."
        )
    n = next(iter(counts.values()))
    if not all(one.protocols.present for one in found.values()):
        raise UserError(f"None of the {n:,} test faces has {name}: measure more of them.")
    published = TABLE_1 if rows.published else {}
    return Report(
        title=f"IFcVAEGAN: the rows of Table 1 on {rows.base}, {name}",
        n=n,
        summary=f"{len(found)} models on {n:,} test faces each",
        tables=[paper_table(found, published), table(found)],
        figures=[draw(found, published, out / "table-1.png")],
        findings=findings(found),
        facts=rows.facts,
    )


def with_attribute(found: AttributeResult) -> Shares:
    """The figures of the faces with the attribute, the paper's protocol."""
    shares = found.protocols.present
    assert shares is not None
    return shares


def paper_table(
    found: Mapping[str, AttributeResult], published: Mapping[str, Sequence[float]]
) -> Table:
    """The paper's Table 1 beside ours: faces with the attribute, MSE of all, as [C] measures.

    Args:
        found: row -> what its report says.
        published: row -> the paper's MSE, Class0 and Class1; empty where it has none.
    """
    rows: list[list[Cell]] = []
    authors = {name: one.protocols.authors for name, one in found.items()}
    few = all(authors.values())
    for name, one in found.items():
        shares, theirs = with_attribute(one), authors[name]
        mine: list[Cell] = [one.protocols.every.mse, shares.class0, shares.class1]
        mine.append(shares.class0.mean + shares.class1.mean)
        mine += [theirs.class0, theirs.class1] if few and theirs else []
        of_paper: list[Cell] = [*published.get(name, (None, None, None))]
        of_paper.append(sum(published[name][1:]) if name in published else None)
        rows.append([name, *(of_paper if published else ()), *mine])
    titles = ("MSE", "Class0", "Class1", "sum")
    first = next(iter(found.values()))
    count = first.protocols.authors.class0.n if first.protocols.authors else 0
    return Table(
        "Table 1 of the paper, and ours" if published else "As the paper's Table 1",
        (
            "row",
            *(f"paper: {title}" for title in titles if published),
            *titles,
            *(f"authors' faces: Class{k}" for k in (0, 1) if few),
        ),
        rows,
        "Class k: share of the faces with the attribute that, decoded with y = k, are read as k; "
        f"ours of {with_attribute(first).class0.n:,} test faces"
        + (", the paper's of 16, as its shares tell" if published else "")
        + (f", of the authors' first 32 faces {count}" if few else "")
        + ". MSE of all faces. z is sampled. A sum of 1: y has no effect. ±: 95 % interval over "
        "the test faces, for this one training.",
    )


def table(found: Mapping[str, AttributeResult]) -> Table:
    """What the paper does not show, of all test faces."""
    columns = {title: [of(one) for one in found.values()] for title, of in COLUMNS.items()}
    shown = {title: cells for title, cells in columns.items() if all(cells)}
    rows: list[list[Cell]] = [
        [name, *(cells[row] for cells in shown.values())] for row, name in enumerate(found)
    ]
    base = next(iter(found.values())).base_rate
    return Table(
        "What z tells, and what edits leave as it was",
        ("row", *shown),
        rows,
        "Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. z tells y: a "
        f"fresh network reads y in z; the base rate is {base:.1%}. Nearer: to its own face than to "
        "another's. Male kept: read as in the reconstruction. z moved: latent arithmetic instead "
        "of a change of y. Classifier: how often it is right about "
        "the attribute itself, on real faces and on this row's reconstructions.",
    )


def findings(found: Mapping[str, AttributeResult]) -> list[str]:
    """What the rows say about the paper's claim."""
    every = {name: one.protocols.every for name, one in found.items()}
    sums = {name: shares.class0.mean + shares.class1.mean for name, shares in every.items()}
    base = next(iter(found.values())).base_rate
    groups = {
        "With L_aux": [name for name in found if PRESETS[name]().loss.gamma],
        "Without L_aux": [name for name in found if not PRESETS[name]().loss.gamma],
    }
    told = []
    for title, names in groups.items():
        if names:
            shares = ", ".join(f"{name} {sums[name]:.2f}" for name in names)
            leaks = ", ".join(f"{found[name].leaks.network_latents.mean:.1%}" for name in names)
            told.append(
                f"{title}: Class0 + Class1 is {shares} (2 at best, 1 where y has no effect); a "
                f"fresh network reads y in z with {leaks} (base rate {base:.1%})."
            )
    return told


def draw(
    found: Mapping[str, AttributeResult], published: Mapping[str, Sequence[float]], path: Path
) -> Figure:
    """Class0 and Class1 of each row with their intervals, the paper's as open marks."""
    import matplotlib.figure
    import numpy as np

    from common.reporting.curves import OKABE_ITO

    figure = matplotlib.figure.Figure(figsize=(9, 4.2), layout="constrained")
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
        paper = [published[name][column] if name in published else np.nan for name in found]
        axes.plot(
            *(places + shift, paper, "o"),
            markerfacecolor="white",
            markeredgecolor="black",
            label=f"{label}, the paper (16 faces)",
        )
    axes.axhline(0.5, color="#5f6368", linewidth=0.8, linestyle="dotted")
    axes.set(ylim=(0, 1.05), ylabel="share read as wanted", xticks=places)
    axes.set_xticklabels(list(found))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return Figure(
        "Class0 and Class1 of each row",
        path,
        "Of the test faces with the attribute, with 95 % intervals.",
    )
