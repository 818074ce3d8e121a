"""Evaluates a CRG on MNIST: the paper's Tables 3 and 4 and its figures beside ours.

    python -m crg.evaluate [RUN] [--out DIR] [--limit N]

Writes `RUN/report/report.{json,csv,md,html}`: reconstruction of real images and of generated
ones, baselines, what the generator makes, and edits along directions from one pair of images. All
images are compared as 8-bit images, errors stated on [0, 1] and on [-1, 1].
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.cli.commands import carry_out
from common.cli.evaluation import (
    EvaluateCommand,
    Evaluation,
    begin_evaluation,
    check_before,
    finish_evaluation,
)
from common.errors import exits_cleanly
from common.files import called

if TYPE_CHECKING:
    from common.reporting.document import Report
    from crg.editor import CRGEditor

logger = logging.getLogger(__name__)

GENERATED = 10_000  # images by which the generator is measured, at most as many as real ones


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from crg import data, editor

    work = begin_evaluation(command, "crg", editor.load, data.load)
    return finish_evaluation(work, measure(work))


def measure(work: Evaluation[CRGEditor]) -> Report:
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
    logger.info("drawing the figures")
    return Report(
        title=f"CRG on MNIST: {called(model.folder)}",
        n=len(real),
        metrics=found.metrics,
        summary=work.summary("encoded and generated anew by the encoder alone"),
        tables=[
            tables.paper_table(found.metrics, shipped),
            found.baselines,
            found.hashes,
            cycle,
            made,
            *sets,
            edits,
        ],
        figures=[
            *figures(model, real, reconstructions, generated, found.values["mse"], out),
            *edit_figures,
        ],
        findings=[*tables.table_3_findings(found.metrics), digits, *found.warnings],
        facts=work.facts,
        details={
            "images": len(real),
            "code_mean": float(codes.latent.mean()),
            "code_std": float(codes.latent.std()),
            "mean_l2": float(found.values["rmse"].mean() * np.sqrt(real.images[0].size)),
        },
    )


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    from crg import editor

    def check(command: EvaluateCommand) -> None:
        check_before(command, editor.outline)

    carry_out(EvaluateCommand, "python -m crg.evaluate", evaluate, arguments, check)


if __name__ == "__main__":
    main()
