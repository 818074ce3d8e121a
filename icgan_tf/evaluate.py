"""Evaluates an IcGAN: edits, reconstructions, encoders, beside the report's figures and number.

    python -m icgan_tf.evaluate [RUN] [--out DIR] [--limit N]

Writes `RUN/report/report.{json,csv,md,html}`. Digits: `icgan_tf.digits`; faces: `icgan_tf.faces`.
All images are compared as 8-bit images, digits in 28x28 without their border.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import run as runs
from common.commands import EvaluateCommand, carry_out, check_evaluation, to_measure
from common.errors import exits_cleanly
from common.history import COUNTERS, last_rows, read_history, read_run
from common.tables import Cell, Table

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.document import Report
    from common.metrics.face_classifier import Judge
    from icgan_tf.config import Config
    from icgan_tf.trained import Trained

logger = logging.getLogger(__name__)

GENERATED = 5_000  # images on which E_z is measured, at most as many as test images


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from common.publish import publish
    from icgan_tf import data, trained

    model, config = to_measure(command, trained.load)
    train, every = data.load(config, "train"), data.load(config, "test")
    test = every.spaced(config.report_images if command.limit is None else command.limit)
    if model.digits:
        from common.images import cropped

        train, test = (
            dataclasses.replace(records, images=cropped(records.images, 28))
            for records in (train, test)
        )
    out = command.out or runs.output_folder(model.folder, "report")
    logger.info("evaluating %s on %d test images", model.folder, len(test))
    return publish(measure(model, config, train, test, len(every), out, command), out)


def measure(
    model: Trained,
    config: Config,
    train: Records,
    test: Records,
    total: int,
    out: Path,
    command: EvaluateCommand,
) -> Report:
    """All tables of the report, and its figures, drawn into `out`; `test` are some of `total`."""
    from common.document import Report
    from common.metrics import features
    from common.metrics.face_classifier import faces_judge
    from common.metrics.pairs import (
        baseline_table,
        hash_table,
        intervals,
        metrics_of,
        without_a_model,
    )
    from common.provenance import command_line, facts
    from common.unpaired import generated_table
    from icgan_tf import data
    from icgan_tf.codes import binary, decode, encode
    from icgan_tf.figures import figures

    n, seed = len(test), command.seed
    spaced = "" if n == total else f", evenly spaced of {total:,}"
    latents, answers = encode(model, test.images)
    attributes = binary(answers, model.digits)
    reconstructions = decode(model, latents, attributes)
    bits, values = metrics_of(test.images, reconstructions, cache_dir=config.run.cache_dir)
    metrics = intervals(values)
    if model.digits:
        tables, findings = digits_part(model, test, latents, attributes, seed)
        space = features.digits()
    else:
        judge, _, space = faces_judge(config, data.load, model.attribute_names)
        tables, findings = faces_part(model, judge, test, latents, attributes)
    z = np.random.default_rng(seed).standard_normal(latents.shape, np.float32)
    generated = decode(model, z, test.attributes)
    others = train.spaced(n).images
    what = "digit" if model.digits else "face"
    baselines = baseline_table(metrics, train.images, test.images, bits[0], seed, what)
    return Report(
        title=f"IcGAN on {model.config.dataset}: {model.folder.name}",
        n=n,
        metrics=metrics,
        summary=f"{n:,} real test images{spaced}, encoded by E_z and E_y and generated anew by G",
        tables=[
            *tables,
            encoder_table(model, test, latents, answers, attributes, seed),
            *generated_table(space, test.images, generated, others, seed),
            baselines,
            hash_table(*bits, metrics, seed),
        ],
        figures=figures(model, test, latents, attributes, seed, out),
        findings=[*findings, *without_a_model(baselines), *collapse_findings(model.folder)],
        facts=facts(
            model.folder, model.config.run.seed, command_line("icgan_tf.evaluate", command)
        ),
        details={"test_images": n, "attribute_names": list(model.attribute_names)},
    )


def digits_part(
    model: Trained, test: Records, latents: np.ndarray, attributes: np.ndarray, seed: int
) -> tuple[list[Table], list[str]]:
    """The tables of digits, and what they say."""
    from icgan_tf import digits

    edits, shares, sure = digits.edit_table(model, test, latents, attributes, seed)
    style, kept = digits.style_table(model, test, latents, attributes, seed)
    by_digit = digits.digit_table(model, test, latents, attributes)
    sentences = [
        f"{shares['+1'].mean:.2%} of {len(test):,} test digits read as the next digit after +1, "
        f"{sure.mean:.2%} surely so (the report: {digits.REPORT:.2%} of one batch clear and right, "
        "by eye).",
        f"{shares['+0, reconstruction'].mean:.2%} of the reconstructions keep their digit.",
        f"The ink of an edited digit correlates with its input's by {kept.mean:.2f} within the "
        "digits of one class.",
    ]
    return [edits, by_digit, style], sentences


def faces_part(
    model: Trained,
    judge: Judge,
    test: Records,
    latents: np.ndarray,
    attributes: np.ndarray,
) -> tuple[list[Table], list[str]]:
    """The tables of faces, and what they say."""
    from icgan_tf import faces

    edits, means = faces.edit_table(model, judge, latents, attributes)
    reading = faces.reading_table(model, judge, test, latents, attributes)
    own = dict(zip(reading.columns, reading.rows[-1], strict=True))
    sentences = [
        f"An attribute that is set is read in {means['set: there']:.1%} of the faces without it "
        f"({means['before set']:.1%} without the edit), one that is cleared is gone in "
        f"{means['cleared: gone']:.1%} of those with it ({means['before cleared']:.1%}); means "
        f"over {len(model.attribute_names)} attributes.",
        f"{means['others kept']:.1%} of the other attributes are read as before the edit.",
        f"The judge itself is right on {own['judge']:.1%} of the attributes of real test faces, "
        f"with a mean F1 of {own['judge F1']:.2f}: what it says of edits is no surer.",
        *epoch_findings(model.folder, model.config),
    ]
    return [edits, reading], sentences


def epoch_findings(run: Path, config: Config) -> list[str]:
    """How long an epoch of the report's 196,608 faces takes at the rate of a run on CelebA."""
    from common.datasets.celeba import REPORT_TRAIN

    row = last_rows(run).get("gan")
    if not row or config.dataset != "celeba":
        return []
    hours = float(row["seconds"]) / int(row["images"]) * REPORT_TRAIN / 3600
    return [
        f"An epoch of the GAN on the report's {REPORT_TRAIN:,} faces takes {hours:.1f} hours at "
        "the rate of this run (the report: 17)."
    ]


def encoder_table(
    model: Trained,
    test: Records,
    latents: np.ndarray,
    answers: np.ndarray,
    attributes: np.ndarray,
    seed: int,
) -> Table:
    """How well E_z and E_y do their own tasks, and what the codes of real images look like."""
    from common.metrics.attributes import f1
    from common.metrics.intervals import mean_interval, proportion_interval
    from icgan_tf.codes import found_again

    count = min(len(test), GENERATED)
    z = np.random.default_rng(seed).standard_normal((count, latents.shape[1]), np.float32)
    found = found_again(model, z, test.attributes[:count])
    error = mean_interval(np.square(found - z).mean(axis=1))
    live = found.std(axis=0) > 0  # a dimension that E_z does not use has no correlation
    pairs = zip(found.T[live], z.T[live], strict=True)
    agreeing = float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])) if live.any() else 0.0
    true, read = test.attributes > 0.5, attributes > 0.5
    if model.digits:
        right = proportion_interval(int((read & true).any(axis=1).sum()), len(test))
    else:
        right = mean_interval((read == true).mean(axis=1))
    scores = np.array([f1(a, b) for a, b in zip(read.T, true.T, strict=True)])
    known = np.isfinite(scores)
    scale = 4.0 if model.config.data.condition_values == "signed" else 1.0
    rows: list[list[Cell]] = [
        ["E_y, accuracy on real images", right],
        ["E_y, mean F1", float(scores[known].mean()) if known.any() else None],
        [
            "E_y, squared error per attribute (Eq. 3)",
            float(scale * np.square(answers - test.attributes).mean()),
        ],
        ["E_z, squared error per dimension on generated images (Eq. 2)", error],
        ["E_z, mean correlation with the true z", agreeing],
        ["codes of real images, mean", float(latents.mean())],
        ["codes of real images, standard deviation", float(latents.std())],
        ["codes of real images, smallest", float(latents.min())],
        ["codes of real images, largest", float(latents.max())],
    ]
    return Table(
        "The encoders",
        ("what", "value"),
        rows,
        f"E_z on {count:,} images of fresh z ~ N(0, I) and the y of test images, as G makes them; "
        "answering 0 has an error of 1. N(0, I) has a standard deviation of 1: codes of real "
        "images that have less are drawn towards the mean.",
    )


def report_training(run: Path, config: Config) -> Path:
    """Reports on the training of a run that lacks networks: curves, samples, findings.

    Returns:
        The report's HTML page.
    """
    from common.document import Figure, Report
    from common.provenance import facts
    from common.publish import publish
    from icgan_tf.figures import curves

    out = run / "report"
    rows: list[list[Cell]] = [
        [f"{stage}, {name}", float(values[0]), float(values[-1])]
        for stage, history in read_run(run).items()
        for name, values in history.items()
        if name not in COUNTERS
    ]
    drawn = sorted((run / "samples").glob("gan-*.png"))
    report = Report(
        title=f"IcGAN on {config.dataset}, trained in part: {run.name}",
        n=0,
        summary="Without E_z and E_y there is nothing to edit or to reconstruct yet",
        tables=[Table("Losses", ("stage and loss", "first period", "last period"), rows)],
        figures=[
            *curves(run, out),
            *(Figure("Generated images", file, "After the last period.") for file in drawn[-1:]),
        ],
        findings=[*epoch_findings(run, config), *collapse_findings(run)],
        facts=facts(run, config.run.seed),
    )
    return publish(report, out)


def collapse_findings(run: Path) -> list[str]:
    """When D's loss fell to zero, if it did; from the history."""
    from icgan_tf import collapse

    file = runs.Run(run).history_file("gan")
    if not file.is_file():
        return []
    return [collapse.sentence(stretch) for stretch in collapse.collapses(read_history(file))]


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    carry_out(EvaluateCommand, "python -m icgan_tf.evaluate", evaluate, arguments, check_evaluation)


if __name__ == "__main__":
    main()
