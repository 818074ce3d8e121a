"""Evaluates a CRG on MNIST: the paper's Tables 3 and 4 and its figures beside ours.

    python -m crg.evaluate [RUN] [--out DIR] [--limit N]

Writes `RUN/report/report.{json,csv,md,html}`: reconstruction of real test images and of generated
ones, what needs no model at all, what the generator makes, and edits along directions from one
pair of images. All images are compared as 8-bit images, errors stated on [0, 1] and on [-1, 1].
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import run as runs
from common.commands import EvaluateCommand, carry_out, check_evaluation, to_measure
from common.errors import exits_cleanly

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.document import Report
    from crg.trained import Trained

logger = logging.getLogger(__name__)

GENERATED = 10_000  # images to judge the generator by, at most as many as test images


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from common import datasets
    from common.publish import publish
    from crg import trained

    model, config = to_measure(command, trained.load)
    train, every = (datasets.load(config.dataset, name, config.run) for name in ("train", "test"))
    test = every.spaced(config.report_images if command.limit is None else command.limit)
    out = command.out or runs.output_folder(model.folder, "report")
    minutes = "; this takes minutes" if len(test) > 2_000 else ""
    logger.info("evaluating %s on %d test images%s", model.folder, len(test), minutes)
    return publish(measure(model, train, test, len(every), out, command), out)


def measure(
    model: Trained, train: Records, test: Records, total: int, out: Path, command: EvaluateCommand
) -> Report:
    """All tables of the report, and its figures, drawn into `out`; `test` are some of `total`."""
    from common.document import Report
    from common.metrics import features
    from common.metrics.pairs import (
        baseline_table,
        hash_table,
        intervals,
        metrics_of,
        without_a_model,
    )
    from common.provenance import command_line, facts
    from common.unpaired import generated_table
    from crg import tables
    from crg.codes import decode, encode
    from crg.figures import edit_table, figures

    n = len(test)
    spaced = "" if n == total else f", evenly spaced of {total:,}"
    codes = encode(model.encoder, test.images)
    reconstructions = decode(model.generator, codes)
    cache = command.cache_dir or model.config.run.cache_dir
    bits, values = metrics_of(test.images, reconstructions, cache_dir=cache)
    metrics = intervals(values)
    shipped = tables.shipped_metrics(model, test, bits[0])
    generated, cycle = tables.generated_table(model, min(n, GENERATED), command.seed)
    made, digits = tables.digits_table(test, reconstructions, generated)
    edits, edit_figures = edit_table(model, test, out)
    others = train.spaced(len(generated)).images
    sets = generated_table(features.digits(), test.images, generated, others, command.seed)
    baselines = baseline_table(metrics, train.images, test.images, bits[0], command.seed)
    return Report(
        title=f"CRG on MNIST: {model.folder.name}",
        n=n,
        metrics=metrics,
        summary=f"{n:,} real test images{spaced}, encoded and generated anew by the encoder alone",
        tables=[
            tables.paper_table(metrics, shipped),
            baselines,
            hash_table(*bits, metrics, command.seed),
            cycle,
            made,
            *sets,
            edits,
        ],
        figures=[
            *figures(model, test, reconstructions, generated, values["mse"], out),
            *edit_figures,
        ],
        findings=[*tables.table_3_findings(metrics), digits, *without_a_model(baselines)],
        facts=facts(model.folder, model.config.run.seed, command_line("crg.evaluate", command)),
        details={
            "test_images": n,
            "code_mean": float(codes.mean()),
            "code_std": float(codes.std()),
            "mean_l2": float(values["rmse"].mean() * np.sqrt(test.images[0].size)),
        },
    )


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    carry_out(EvaluateCommand, "python -m crg.evaluate", evaluate, arguments, check_evaluation)


if __name__ == "__main__":
    main()
