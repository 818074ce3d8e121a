"""Table 5 of the paper with every system in it, on the same faces by the same metrics.

The systems are known by what `common.editor` promises, as in `crg.comparison`. Of those that the
paper names for faces there are AGE and PIONEER, in `comparators`; its Table 5 has PIONEER and CRG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.editor import editor_of
from common.files import called_apart
from common.metrics.hashes import HASHES
from common.metrics.intervals import Interval
from common.reporting.tables import Cell, Table
from common.runs.history import minutes
from crg.comparison import (
    COLUMNS,
    Comparison,
    System,
    baseline_row,
    measure,
    sheet,
    system_of,
)
from crg.faces.tables import PAPER

if TYPE_CHECKING:
    from common.datasets.records import Records
    from crg.editor import CRGEditor

SHOWN = 8  # faces of the figure


def compare(
    model: CRGEditor, real: Records, baselines: Table, runs: Sequence[Path], out: Path
) -> Comparison:
    """Measures this model and the runs on the same images.

    Args:
        model: g and e.
        real: N images.
        baselines: those without a model, as `common.reporting.sections.baseline_table` has them.
        runs: of other systems, on faces of the same size and crop.
        out: folder of the figure.

    Raises:
        UserError: a run is not trained yet.
    """
    trained = [editor_of(run).load(run) for run in runs]
    name, *names = called_apart([one.folder for one in (model, *trained)])
    own = System(
        name=f"{model.title}: {name}",
        reconstruct=model.reconstruct,
        count=len(real),
        minutes=minutes(model.folder),
    )
    systems = [own, *(system_of(*one, len(real)) for one in zip(trained, names, strict=True))]
    measured, found = measure(systems, real)
    rows = [
        *(published_row(name) for name in PAPER),
        *measured,
        *(baseline_row(baselines, line, len(real)) for line in baselines.rows[1:]),
    ]
    table = Table(
        "Table 5 with every system in it",
        COLUMNS,
        rows,
        f"Lower errors and higher hashes are better. The paper's rows are of 128 pixels, ours of "
        f"{model.kind.size}; it does not say which images they are of, nor how many. ±: 95 % "
        "interval over the images, for one training each. Seconds: on this machine, beside "
        "whatever else it did; minutes of training: as each run counted them, of this machine or "
        "another, without that of a generator that came by --init.",
    )
    figure = sheet(systems, real.spaced(SHOWN), out, model.kind.noun)
    return Comparison([table], [figure], [order({one.name: values for one, values in found})])


def published_row(name: str) -> list[Cell]:
    """A row as the paper has it: hashes alone."""
    hashes = [PAPER[name][kind] for kind in HASHES]
    return [f"{name}, published", None, *[None] * 4, *hashes, None, None]


def order(found: Mapping[str, Mapping[str, Interval]]) -> str:
    """The systems by their means, from worst to best."""
    orders = []
    for name in ("mse", *HASHES):
        worst = sorted(found, key=lambda one: found[one][name].mean, reverse=name == "mse")
        orders.append(f"{name} {' < '.join(worst)}")
    return f"From worst to best by the means: {'; '.join(orders)}."
