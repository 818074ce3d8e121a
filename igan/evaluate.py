"""Evaluates an iGAN: the report's Chapter 6, and what it leaves to the eye, as numbers.

    python -m igan.evaluate [RUN] [--out DIR] [--limit N] [--beside RUN ...]

Writes `RUN/report/report.{json,csv,md,html}`: projections by every method, class against class,
edits, and times.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.cli.commands import carry_out
from common.cli.evaluation import (
    EvaluateCommand,
    Evaluation,
    begin_evaluation,
    check_before,
    finish_evaluation,
)
from common.errors import UserError, exits_cleanly
from common.files import called, called_apart
from common.settings.config import check_setting
from igan.codes import POOL

if TYPE_CHECKING:
    from common.reporting.document import Report
    from igan.editor import IGANEditor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionEvaluateCommand(EvaluateCommand):
    """Measures a trained iGAN on images of dev or test, beside the report's figures."""

    starts: tuple[int, ...] = (1, 8)
    """Starts of the projection by optimisation alone."""
    iterations: int = 50
    """Iterations of L-BFGS-B, at most; the authors' code takes 200."""
    beside: tuple[Path, ...] = ()
    """Further runs or folders of weights of the same data set, for the table of classes."""


def evaluate(command: ProjectionEvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from igan import data, editor

    work = begin_evaluation(command, "igan", editor.load, data.load)
    every = [work.editor.folder, *command.beside]
    models = [work.editor, *(editor.load(run) for run in command.beside)]
    named = dict(zip(called_apart(every), models, strict=True))
    return finish_evaluation(work, measure(work, command, named))


def measure(
    work: Evaluation[IGANEditor], command: ProjectionEvaluateCommand, models: dict[str, IGANEditor]
) -> Report:
    """All tables of the report, and its figures, drawn into `work.out`.

    Args:
        work: the model and the images.
        command: how they are projected.
        models: name -> model, for the table of classes; the first is that of `work`.
    """
    from common.images import cropped
    from common.reporting.document import Report
    from common.reporting.sections import reconstruction_section
    from igan import data, tables
    from igan.figures import figures
    from igan.session import EditSession

    model, out, seed, iterations = work.editor, work.out, work.seed, command.iterations
    images, train = (cropped(one.images, model.kind.size) for one in (work.real, work.train))
    logger.info("projecting %d images by every method", len(images))
    found = tables.projected(model, images, command.starts, iterations, seed)
    best = found["cnn_opt"]
    section = reconstruction_section(images, best.images, train, seed=seed, noun=model.kind.noun)
    classes, told = [], []
    if work.config.dataset == "fashion":
        logger.info("measuring class against class")
        split = "test" if work.split == "test" else "dev"
        sets = tables.class_sets(
            work.config, model.kind.size, lambda config: data.load(config, split), len(images)
        )
        table, told = tables.class_table(models, sets, iterations)
        classes = [table]
    logger.info("measuring edits, and times")
    session = EditSession(model, seed=seed)
    edits, sentence = tables.edit_table(session, images)
    return Report(
        title=f"iGAN on {work.real.name}: {called(model.folder)}",
        n=len(images),
        metrics=section.metrics,
        summary=work.summary("projected by the hybrid method"),
        tables=[
            tables.projection_table(images, found),
            *classes,
            edits,
            tables.recovery_table(model, iterations, seed),
            section.baselines,
            section.hashes,
            tables.time_table(session, images, iterations),
        ],
        figures=figures(session, images, found, out, seed),
        findings=[tables.hybrid_finding(found), *told, sentence, *section.warnings],
        facts=work.facts,
        details={"features": work.config.features.space, "iterations": iterations},
    )


def check(command: ProjectionEvaluateCommand) -> None:
    """Refuses, before TensorFlow starts, what cannot be.

    Raises:
        UserError: as `common.cli.evaluation.check_before`; other runs of another data set.
    """
    from igan import editor

    check_before(command, editor.outline)
    right = bool(command.starts) and 0 < min(command.starts) <= max(command.starts) <= POOL
    check_setting("--starts", command.starts, right, f"some numbers from 1 to {POOL}")
    check_setting("--iterations", command.iterations, command.iterations > 0, "at least 1")
    own = editor.outline(command.run).config
    for run in command.beside:
        other = editor.outline(run).config
        if (other.dataset, other.data.image_size) != (own.dataset, own.data.image_size):
            raise UserError(f"--beside {run} was trained on other images than the run itself.")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    carry_out(ProjectionEvaluateCommand, "python -m igan.evaluate", evaluate, arguments, check)


if __name__ == "__main__":
    main()
