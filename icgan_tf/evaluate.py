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
    from common.classifiers.faces import FaceClassifier
    from common.datasets.records import Records
    from common.reporting.document import Report
    from common.reporting.tables import Table
    from icgan_tf.config import Config
    from icgan_tf.data import Split
    from icgan_tf.editor import Codes, IcGANEditor

logger = logging.getLogger(__name__)


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from icgan_tf import editor

    work = begin_evaluation(command, "icgan_tf", editor.load, images)
    return finish_evaluation(work, measure(work))


def images(config: Config, split: Split) -> Records:
    """One split of the data as it is measured: digits without their border."""
    from common.images import cropped
    from icgan_tf import data

    records = data.load(config, split)
    if config.dataset != "mnist":
        return records
    return dataclasses.replace(records, images=cropped(records.images, 28))


def measure(work: Evaluation[IcGANEditor]) -> Report:
    """All tables of the report, and its figures, drawn into `work.out`."""
    from common.classifiers import features
    from common.classifiers.faces import load_classifier
    from common.reporting.document import Report
    from common.reporting.identity import identity_section
    from common.reporting.sections import reconstruction_section
    from common.reporting.unpaired import generated_table
    from icgan_tf.config import CROPS
    from icgan_tf.editor import Codes
    from icgan_tf.figures import figures
    from icgan_tf.tables import collapse_findings, encoder_table

    model, real, seed = work.editor, work.real, work.seed
    codes = model.encode(real.images)
    rebuilt = model.decode(codes)
    found = reconstruction_section(
        real.images,
        rebuilt,
        work.train.images,
        seed=seed,
        noun=model.kind.noun,
    )
    logger.info("measuring edits")
    if model.digits:
        tables, findings = digits_part(model, real, codes, seed)
        space = features.digits()
    else:
        classifier = load_classifier(work.config.dataset, work.config.source)
        tables, findings = faces_part(model, classifier, real, codes)
        space = features.faces(classifier)
    person = identity_section(
        work.config.dataset,
        real.images,
        {"reconstruction": rebuilt},
        work.train.images,
        CROPS[work.config.data.crop],
        work.out,
    )
    logger.info("measuring the encoders, then drawing the figures")
    z = np.random.default_rng(seed).standard_normal(codes.latent.shape, np.float32)
    generated = model.decode(Codes(z, real.attributes))
    others = work.train.spaced(len(real)).images
    return Report(
        title=f"IcGAN on {model.config.dataset}: {called(model.folder)}",
        n=len(real),
        metrics=found.metrics,
        summary=work.summary("encoded by E_z and E_y and generated anew by G"),
        tables=[
            *tables,
            *person.tables,
            encoder_table(model, real, codes, seed),
            *generated_table(space, real.images, generated, others, seed),
            found.baselines,
            found.hashes,
        ],
        figures=[*figures(model, real, codes, seed, work.out), *person.figures],
        findings=[*findings, *person.findings, *found.warnings, *collapse_findings(model.folder)],
        facts=work.facts,
        details={"images": len(real), "attribute_names": list(model.attribute_names)}
        | dict(person.details),
    )


def digits_part(
    model: IcGANEditor, real: Records, codes: Codes, seed: int
) -> tuple[list[Table], list[str]]:
    """The tables of digits, and what they say."""
    from icgan_tf import digits

    edits, shares, sure = digits.edit_table(model, real, codes, seed)
    style, kept = digits.style_table(model, real, codes, seed)
    by_digit = digits.digit_table(model, real, codes)
    sentences = [
        f"{shares['+1'].mean:.2%} of {len(real):,} digits read as the next digit after +1, "
        f"{sure.mean:.2%} surely so (the report: {digits.REPORT:.2%} of one batch clear and right, "
        "by eye).",
        f"{shares['+0, reconstruction'].mean:.2%} of the reconstructions keep their digit.",
        f"The ink of an edited digit correlates with its input's by {kept.mean:.2f} within the "
        "digits of one class.",
    ]
    return [edits, by_digit, style], sentences


def faces_part(
    model: IcGANEditor, classifier: FaceClassifier, real: Records, codes: Codes
) -> tuple[list[Table], list[str]]:
    """The tables of faces, and what they say."""
    from icgan_tf import faces
    from icgan_tf.tables import epoch_findings

    edits, means = faces.edit_table(model, classifier, codes)
    reading = faces.reading_table(model, classifier, real, codes)
    own = dict(zip(reading.columns, reading.rows[-1], strict=True))
    sentences = [
        f"An attribute that is set is read in {means['set: there']:.1%} of the faces without it "
        f"({means['before set']:.1%} without the edit), one that is cleared is gone in "
        f"{means['cleared: gone']:.1%} of those with it ({means['before cleared']:.1%}); means "
        f"over {len(model.attribute_names)} attributes.",
        f"{means['others kept']:.1%} of the other attributes are read as before the edit.",
        f"The classifier itself is right on {own['classifier']:.1%} of the attributes of real test "
        f"faces, with a mean F1 of {own['classifier F1']:.2f}: what it says of edits is no surer.",
        *epoch_findings(model.folder, model.config),
    ]
    return [edits, reading], sentences


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    from icgan_tf import editor

    def check(command: EvaluateCommand) -> None:
        check_before(command, editor.outline)

    carry_out(EvaluateCommand, "python -m icgan_tf.evaluate", evaluate, arguments, check)


if __name__ == "__main__":
    main()
