"""Evaluates a CRG: the paper's tables and figures beside ours.

    python -m crg.evaluate [RUN] [--out DIR] [--limit N] [--comparators RUN [RUN ...]]

Of digits Tables 3 and 4, here; of faces Tables 2 and 5, in `crg.faces.evaluate`. Writes
`RUN/report/report.{json,csv,md,html}`: reconstruction of real images and of generated ones,
baselines, what the generator makes, and edits along directions. All images are compared as 8-bit
images, errors stated on [0, 1] and, of digits, on [-1, 1]. With --comparators also every system
that the paper compares with, in one table (`crg.comparison`, `crg.faces.comparison`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.cli import evaluation
from common.cli.commands import carry_out
from common.cli.evaluation import Evaluation, begin_evaluation, check_before, finish_evaluation
from common.editor import editor_of
from common.errors import UserError, exits_cleanly
from common.files import called
from common.settings.config import check_setting

if TYPE_CHECKING:
    from common.reporting.document import Report
    from common.reporting.tables import Table
    from crg.comparison import Comparison
    from crg.editor import CRGEditor

logger = logging.getLogger(__name__)

GENERATED = 10_000  # images by which the generator is measured, at most as many as real ones
INVERTED, HYBRIDS = 500, 2_000  # images for inversion and for the hybrid, which are slow
PART = 5  # a fifth of the former is inverted in several ways, for the figures


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateCommand(evaluation.EvaluateCommand):
    """Measures a trained CRG on images of dev or test, beside the published numbers."""

    comparators: tuple[Path, ...] | None = None
    """Runs of other systems on the same kind of images, to stand in one table with this model; of
    digits also with inversion by gradient descent, which takes about two hours on two CPU cores, or
    with that alone where none is named."""
    inverted: int | None = None
    """Digits for inversion, with --comparators; 500 by default."""
    hybrids: int | None = None
    """Digits for the hybrid, with --comparators; 2,000 by default."""
    inception: Path | None = None
    """The graph `classify_image_graph_def.pb` of 2015, for the FID of faces (Table 2)."""
    pose: bool = False
    """Of faces: also measure how far directions turn heads, by landmarks; needs
    `requirements-photo.txt`."""


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from crg import data, editor

    work = begin_evaluation(command, "crg", editor.load, data.load)
    if work.editor.kind.noun == "face":
        from crg.faces.evaluate import measure as measure_faces

        options = command.inception, command.comparators, command.pose
        return finish_evaluation(work, measure_faces(work, *options))
    return finish_evaluation(work, measure(work, command))


def measure(work: Evaluation[CRGEditor], command: EvaluateCommand | None = None) -> Report:
    """All tables of the report, and its figures, drawn into `work.out`."""
    from common.classifiers import features
    from common.reporting.document import Report
    from common.reporting.sections import reconstruction_section
    from common.reporting.unpaired import generated_table
    from crg import tables
    from crg.figures import edit_table, figures

    model, real, out, seed = work.editor, work.real, work.out, work.seed
    codes = model.encode(real.images)
    reconstructions = model.decode(codes)
    found = reconstruction_section(real.images, reconstructions, work.train.images, seed=seed)
    shipped = tables.shipped_metrics(model, real, found.bits[0])
    logger.info("measuring generated digits, and what they become when encoded again")
    generated, cycle = tables.generated_table(model, min(len(real), GENERATED), seed)
    made, digits = tables.digits_table(real, reconstructions, generated)
    logger.info("measuring edits along directions of pairs")
    edits, edit_figures = edit_table(model, real, out)
    others = work.train.spaced(len(generated)).images
    sets = generated_table(features.digits(), real.images, generated, others, seed)
    systems = None
    if command is not None and command.comparators is not None:
        systems = compared(work, command, found.baselines)
    logger.info("drawing the figures")
    return Report(
        title=f"CRG on MNIST: {called(model.folder)}",
        n=len(real),
        metrics=found.metrics,
        summary=work.summary("encoded and generated anew by the encoder alone"),
        tables=[
            *(systems.tables if systems else ()),
            tables.paper_table(found.metrics, shipped),
            found.baselines,
            found.hashes,
            cycle,
            made,
            *sets,
            edits,
        ],
        figures=[
            *(systems.figures if systems else ()),
            *figures(model, real, reconstructions, generated, found.values["mse"], out),
            *edit_figures,
        ],
        findings=[
            *(systems.findings if systems else ()),
            *tables.table_3_findings(found.metrics),
            *(digits, *found.warnings),
        ],
        facts=work.facts,
        details={
            "images": len(real),
            "code_mean": float(codes.latent.mean()),
            "code_std": float(codes.latent.std()),
            "mean_l2": float(found.values["rmse"].mean() * np.sqrt(real.images[0].size)),
        },
    )


def compared(work: Evaluation[CRGEditor], command: EvaluateCommand, baselines: Table) -> Comparison:
    """Every system in one table, and how inversion goes on."""
    from crg import descents
    from crg.comparison import Comparison, compare

    model, real, out, seed = work.editor, work.real, work.out, work.seed
    counts = command.inverted or INVERTED, command.hybrids or HYBRIDS
    found = compare(model, real, baselines, command.comparators or (), counts, out, seed)
    few = max(2, counts[0] // PART)
    lines = {
        str(name): mse
        for name, _, _, mse, *_ in found.tables[0].rows
        if name in ("mean image", "PCA-100") and isinstance(mse, float)
    }
    course = descents.progress(model, real.spaced(few), lines, out, seed)
    recovered, figure = descents.recovery(model, few, out, seed)
    return Comparison([*found.tables, recovered], [*found.figures, course, figure], found.findings)


def check_comparators(command: EvaluateCommand) -> None:
    """Refuses runs that cannot stand in one table with the model, without TensorFlow.

    Raises:
        UserError: other images than the model's, none of faces, or inversion of faces.
    """
    from crg import editor

    if command.comparators is None:
        return
    kind = editor.outline(command.run).kind
    if kind.noun == "face" and (command.inverted or command.hybrids or not command.comparators):
        raise UserError(
            "--comparators of a model of faces names runs of other systems; there is no inversion "
            "in its table, so --inverted and --hybrids are for digits."
        )
    for run in command.comparators:
        other = editor_of(run).outline(run)
        if other.kind != kind:
            raise UserError(
                f"{other.folder} is a model of {other.kind.text}; --comparators compares models of "
                f"what this one knows, {kind.text}."
            )


def check_pose(command: EvaluateCommand) -> None:
    """Refuses to measure a pose that nothing can read, without TensorFlow.

    Raises:
        UserError: of digits, or the weights of the detector are not installed.
    """
    from common.datasets import detection
    from crg import editor

    if command.pose and editor.outline(command.run).kind.noun != "face":
        raise UserError("--pose is for a model of faces; digits have none.")
    if command.pose and not detection.installed():
        raise UserError(
            "--pose finds landmarks by weights that are not installed: .venv/bin/python -m pip "
            "install -r requirements-photo.txt."
        )


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    from crg import editor

    def check(command: EvaluateCommand) -> None:
        for name in ("inverted", "hybrids"):
            value = getattr(command, name)
            right = value is None or (value > 1 and command.comparators is not None)
            check_setting(name, value, right, "at least 2, with --comparators")
        check_before(command, editor.outline)
        check_comparators(command)
        check_pose(command)

    carry_out(EvaluateCommand, "python -m crg.evaluate", evaluate, arguments, check)


if __name__ == "__main__":
    main()
