"""All rows of the paper's Table 1 side by side: the report that an ablation ends with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.config import read_config
from common.document import Figure, Report
from common.errors import UserError
from common.files import atomic_path
from common.metrics.intervals import Interval
from common.tables import Cell, Table
from ifcvaegan.config import PRESETS, TABLE_1, Config, attribute_names

if TYPE_CHECKING:
    from ifcvaegan.ablation import AblationCommand

COLUMNS = {  # of the table -> of a run's report
    "Class0, all": "class0",
    "Class1, all": "class1",
    "edit effect": "edit_effect",
    "z tells y": "network, latents",
    "nearer, y = 0": "nearer 0",
    "nearer, y = 1": "nearer 1",
    "Male kept, y = 1": "male 1",
    "z moved: Class0": "moved: class0",
    "z moved: Class1": "moved: class1",
    "judge, real": "the judge, real faces",
    "judge, rebuilt": "the judge, reconstructions",
}


def report(command: AblationCommand, out: Path) -> Report:
    """The report on all rows, from the report of each.

    Args:
        command: names the rows, the base and the data.
        out: folder of the rows.

    Raises:
        UserError: the rows were measured on different faces, or on none with the attribute.
    """
    from common.provenance import command_line, facts

    found: dict[str, dict[str, Interval]] = {}
    counts: dict[str, int] = {}
    name = attribute_names(read_config(Config, out / command.rows[0]))[0]
    base = 0.0
    for row in command.rows:
        told = json.loads((out / row / "report" / "report.json").read_text("utf-8"))
        details = told["details"][name]
        found[row] = {
            key: Interval(**value) for key, value in details.items() if isinstance(value, dict)
        }
        base, counts[row] = details["base rate"], told["n"]
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{row}: {n:,}" for row, n in counts.items())
        raise UserError(
            f"The rows were measured on different numbers of faces ({told}); measure all alike."
        )
    n = counts[command.rows[0]]
    if not all("with: class0" in values for values in found.values()):
        raise UserError(f"None of the {n:,} test faces has {name}: measure more of them.")
    papers = (command.dataset, command.attributes) == ("celeba", ("Smiling",))
    published = TABLE_1 if papers else {}
    return Report(
        title=f"IFcVAEGAN: the rows of Table 1 on {command.base}, {name}",
        n=n,
        summary=f"{len(found)} models on {n:,} test faces each",
        tables=[paper_table(found, published), table(found, base)],
        figures=[draw(found, published, out / "report" / "table-1.png")],
        findings=findings(found, base),
        facts=facts(
            out / command.rows[-1],
            command.seed,
            command_line("ifcvaegan.evaluate --ablation", command),
        ),
    )


def paper_table(
    found: dict[str, dict[str, Interval]], published: Mapping[str, Sequence[float]]
) -> Table:
    """The paper's Table 1 beside ours: faces with the attribute, MSE of all, as [C] measures.

    Args:
        found: row -> the figures of its report by their names.
        published: row -> the paper's MSE, Class0 and Class1; empty where it has none.
    """
    rows: list[list[Cell]] = []
    few = all("authors: class0" in values for values in found.values())
    for name, values in found.items():
        mine: list[Cell] = [values[key] for key in ("mse", "with: class0", "with: class1")]
        mine.append(values["with: class0"].mean + values["with: class1"].mean)
        mine += [values[f"authors: class{k}"] for k in (0, 1) if few]
        of_paper: list[Cell] = [*published.get(name, (None, None, None))]
        of_paper.append(sum(published[name][1:]) if name in published else None)
        rows.append([name, *(of_paper if published else ()), *mine])
    titles = ("MSE", "Class0", "Class1", "sum")
    first = next(iter(found.values()))
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
        f"ours of {first['with: class0'].n:,} test faces"
        + (", the paper's of 16, as its shares tell" if published else "")
        + (f", of the authors' first 32 faces {first['authors: class0'].n}" if few else "")
        + ". MSE of all faces. z is sampled. A sum of 1: y has no effect. ±: 95 % interval over "
        "the test faces, for this one training.",
    )


def table(found: dict[str, dict[str, Interval]], base: float) -> Table:
    """What the paper does not show, of all test faces; `base` is the share of the base rate."""
    shown = {title: key for title, key in COLUMNS.items() if all(key in v for v in found.values())}
    rows: list[list[Cell]] = [
        [name, *(values[key] for key in shown.values())] for name, values in found.items()
    ]
    return Table(
        "What z tells, and what edits leave as it was",
        ("row", *shown),
        rows,
        "Edit effect: mean absolute difference of D(1, z) and D(0, z) on [0, 1]. z tells y: a "
        f"fresh network reads y in z; the base rate is {base:.1%}. Nearer: to its own face than to "
        "another's. Male kept: read as in the reconstruction. z moved: latent arithmetic instead "
        "of a change of y. Judge: how often it is right about "
        "the attribute itself, on real faces and on this row's reconstructions.",
    )


def findings(found: dict[str, dict[str, Interval]], base: float) -> list[str]:
    """What the rows say about the paper's claim; `base` is the share of the base rate."""
    sums = {name: values["class0"].mean + values["class1"].mean for name, values in found.items()}
    groups = {
        "With L_aux": [name for name in found if PRESETS[name]().loss.gamma],
        "Without L_aux": [name for name in found if not PRESETS[name]().loss.gamma],
    }
    told = []
    for title, names in groups.items():
        if names:
            shares = ", ".join(f"{name} {sums[name]:.2f}" for name in names)
            leaks = ", ".join(f"{found[name]['network, latents'].mean:.1%}" for name in names)
            told.append(
                f"{title}: Class0 + Class1 is {shares} (2 at best, 1 where y has no effect); a "
                f"fresh network reads y in z with {leaks} (base rate {base:.1%})."
            )
    return told


def draw(
    found: dict[str, dict[str, Interval]], published: Mapping[str, Sequence[float]], path: Path
) -> Figure:
    """Class0 and Class1 of each row with their intervals, the paper's as open marks."""
    import matplotlib.figure
    import numpy as np

    from common.plots import OKABE_ITO

    figure = matplotlib.figure.Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(found))
    for shift, (key, column) in zip(
        (-0.18, 0.18), (("with: class0", 1), ("with: class1", 2)), strict=True
    ):
        values = [row[key] for row in found.values()]
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
