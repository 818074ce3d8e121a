"""Evaluates an IFcVAEGAN: Table 1 and Figures 2 to 6 of the paper, and what they do not show.

    python -m ifcvaegan.evaluate RUN [--out DIR] [--limit N]

Writes `RUN/report/report.{json,csv,md,html}`. All images are compared as 8-bit images. All rows of
Table 1 at once: `ifcvaegan.ablation`.
"""

from __future__ import annotations

import dataclasses
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
    split_images,
)
from common.errors import exits_cleanly
from common.files import called
from common.settings.config import differences, to_json

if TYPE_CHECKING:
    import numpy as np

    from common.classifiers.faces import FaceClassifier
    from common.datasets.records import Records
    from common.reporting.document import Report
    from common.reporting.identity import Person
    from common.reporting.tables import Table
    from ifcvaegan.config import Config, LossConfig
    from ifcvaegan.editor import IFcVAEGANEditor
    from ifcvaegan.readings import Encoded
    from ifcvaegan.results import AttributeResult

logger = logging.getLogger(__name__)

CHOOSERS = 2_000  # dev faces by which the amount of latent arithmetic is chosen, at most
READERS = 20_000  # training faces on whose codes the readers of z are trained, at most


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    from ifcvaegan import data, editor

    work = begin_evaluation(command, "ifcvaegan", editor.load, data.load)
    return finish_evaluation(work, measure(work))


def measure(work: Evaluation[IFcVAEGANEditor]) -> Report:
    """All tables of the report, and its figures, drawn into `work.out`."""
    import numpy as np

    from common.classifiers import features
    from common.classifiers.faces import load_classifier
    from common.reporting.document import Report
    from common.reporting.sections import grid_table, reconstruction_section
    from common.reporting.unpaired import generated_table
    from ifcvaegan import data, tables
    from ifcvaegan.editor import Codes
    from ifcvaegan.figures import figures

    model, config, real, seed = work.editor, work.config, work.real, work.seed
    faces = encoded(work)
    classifier = load_classifier(config.dataset, config.source)
    everything = dataclasses.replace(config.data, attributes=classifier.names)
    labels = split_images(data.load, dataclasses.replace(config, data=everything), work.split)
    labels = labels.spaced(len(real)).attributes > 0.5  # [N, J]
    means = faces.measured.without_noise()
    found = reconstruction_section(
        real.images,
        means.reconstructions(),
        work.train.images,
        seed=seed,
        noun=model.kind.noun,
    )
    z = np.random.default_rng(seed).standard_normal(faces.measured.means.latent.shape, np.float32)
    generated = model.decode(Codes(z, real.attributes))
    others = work.train.spaced(len(real)).images
    parts: list[Table] = []
    findings: list[str] = []
    results: dict[str, object] = {}
    for column, name in enumerate(model.attribute_names):
        some, result, told = attribute_part(config, faces, column, classifier, labels, seed)
        parts += some
        results[name] = to_json(result)
        findings += told
    person = person_part(work, means)
    logger.info("drawing the figures")
    return Report(
        title=f"IFcVAEGAN on {config.dataset}: {called(model.folder)}",
        n=len(real),
        metrics=found.metrics,
        summary=work.summary("encoded and decoded with the mean of z"),
        tables=[
            *parts,
            *person.tables,
            grid_table({"real": real.images, "reconstructions": means.reconstructions()}),
            tables.code_table(faces.measured.means),
            *generated_table(features.faces(classifier), real.images, generated, others, seed),
            found.baselines,
            found.hashes,
        ],
        figures=[*figures(faces.measured, seed, work.out), *person.figures],
        findings=[
            *findings,
            *person.findings,
            *alarm_findings(model.folder, config.loss.gamma, work.train),
            *found.warnings,
        ],
        facts=work.facts,
        details={"images": len(real), "attributes": results, **person.details},
    )


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of an evaluation with their codes; `authors` are those of the paper's Table 1."""

    measured: Encoded
    train: Encoded
    dev: Encoded
    authors: Encoded | None


def encoded(work: Evaluation[IFcVAEGANEditor]) -> Faces:
    """Encodes the faces, each set with noise of its own."""
    from ifcvaegan import data
    from ifcvaegan.readings import Encoded

    model, seed = work.editor, work.seed
    dev, first = data.load(work.config, "dev"), data.first_faces(work.config)
    return Faces(
        measured=Encoded(model, work.real, seed),
        train=Encoded(model, work.train.spaced(READERS), seed + 1),
        dev=Encoded(model, dev.spaced(CHOOSERS), seed + 2),
        authors=None if first is None else Encoded(model, first, seed + 3),
    )


def attribute_part(
    config: Config,
    faces: Faces,
    column: int,
    classifier: FaceClassifier,
    labels: np.ndarray,
    seed: int,
) -> tuple[list[Table], AttributeResult, list[str]]:
    """What the report has of one attribute.

    Args:
        config: of the run.
        faces: with their codes.
        column: of the attribute in y.
        classifier: reads attributes.
        labels: the true ones of the faces, bool `[N, J]`.
        seed: of readers and of other faces.

    Returns:
        The tables, the figures, and the sentences.
    """
    from common.metrics.attributes import majority
    from ifcvaegan import tables
    from ifcvaegan.readings import Readings
    from ifcvaegan.results import AttributeResult

    name = faces.measured.model.attribute_names[column]
    logger.info("measuring %s: edits, then readers of z, then latent arithmetic", name)

    def readings(some: Encoded) -> Readings:
        return Readings(some, column, classifier)

    sampled, means = readings(faces.measured), readings(faces.measured.without_noise())
    authors = None if faces.authors is None else readings(faces.authors)
    first, protocols = tables.table_1(name, sampled, means, authors, published_row(config, name))
    reader, readers = tables.reader_table(sampled, labels, classifier.names)
    leak, leaks = tables.leak_table(faces.train, faces.dev, faces.measured, column, seed)
    kept, (kept0, kept1) = tables.kept_table(sampled, classifier.names, seed)
    arithmetic, moved = tables.arithmetic_table(faces.train, faces.dev, sampled, classifier, seed)
    result = AttributeResult(
        base_rate=majority(sampled.present),
        protocols=protocols,
        leaks=leaks,
        kept0=kept0,
        kept1=kept1,
        readers=readers,
        moved=moved,
    )
    return [first, kept, leak, reader, arithmetic], result, sentences(name, result)


def person_part(work: Evaluation[IFcVAEGANEditor], means: Encoded) -> Person:
    """Whether reconstructions, and edits of the first attribute, show the same person."""
    from common.reporting.identity import identity_section

    name = work.editor.attribute_names[0]
    edits = {f"{name} {value}": means.edited(0, float(value)) for value in (0, 1)}
    return identity_section(
        work.config.dataset,
        work.real.images,
        {"reconstruction": means.reconstructions()} | edits,
        work.train.images,
        work.editor.kind.crop,
        work.out,
    )


def sentences(name: str, found: AttributeResult) -> list[str]:
    """What the tables of one attribute say."""
    every, mean, base = found.protocols.every, found.protocols.mean, found.base_rate
    zero, one = every.class0.mean, every.class1.mean
    nearer = (found.kept0.nearer.mean + found.kept1.nearer.mean) / 2
    leaks, readers = found.leaks, found.readers
    return [
        f"{name}: of {every.class0.n:,} faces, decoded with sampled z, {zero:.1%} read as "
        f"without it at y = 0 and {one:.1%} as with it at y = 1; together {zero + one:.2f}, where "
        f"1 means that y has no effect (with the mean of z {mean.class0.mean:.1%} and "
        f"{mean.class1.mean:.1%}). The classifier itself is right on "
        f"{readers.classifier_real.mean:.1%} of real faces and "
        f"{readers.classifier_rebuilt.mean:.1%} of reconstructions.",
        f"{name}: a fresh reader finds it in z with {leaks.network_latents.mean:.1%} (linear: "
        f"{leaks.linear_latents.mean:.1%}); the base rate is {base:.1%}.",
        f"{name}: {nearer:.1%} of the edits of sampled z are nearer to their own face than "
        "to another's.",
        *(
            [f"{name}: all faces have or lack it, which tells little; use more of them."]
            if base == 1.0
            else []
        ),
    ]


def alarm_findings(run: Path, gamma: float, train: Records) -> list[str]:
    """What the auxiliary loss at the end of the training says, where a term acts on it."""
    import numpy as np

    from common.runs.directory import Run
    from common.runs.history import read_history
    from ifcvaegan import alarms
    from ifcvaegan.losses import entropy

    file = Run(run).history_file("vaegan")
    if not (gamma and file.is_file()):
        return []
    rows = read_history(file)
    if rows["step"][-1] < alarms.EARLY:
        return []
    last = float(rows["auxiliary_loss"][-1])
    told = alarms.auxiliary_warning(last, float(np.mean(entropy(train.attributes.mean(axis=0)))))
    return [told] if told else []


def published_row(config: Config, attribute: str) -> tuple[str, tuple[float, ...]] | None:
    """What Table 1 has of such a model, Smiling alone on CelebA: the row's name, and its values.

    It is the row with this alpha and with the same of L^_class and L_aux; "other settings" says
    that something else differs from its preset, such as the width or the number of images.
    """
    from ifcvaegan.presets import TABLE_1, as_row, paper

    def terms(loss: LossConfig) -> tuple[float, bool, bool]:
        return loss.alpha, bool(loss.beta), bool(loss.gamma)

    if (config.dataset, config.data.attributes, attribute) != ("celeba", ("Smiling",), "Smiling"):
        return None
    for name, values in TABLE_1.items():
        preset = as_row(paper(), name)
        if terms(preset.loss) == terms(config.loss):
            changed = differences(
                preset, dataclasses.replace(config, run=preset.run, source=preset.source)
            )
            other = " (other settings)" if changed or config.source.limit else ""
            return f"the paper's row {name}{other}", values
    return None


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    from ifcvaegan import editor

    def check(command: EvaluateCommand) -> None:
        check_before(command, editor.outline)

    carry_out(EvaluateCommand, "python -m ifcvaegan.evaluate", evaluate, arguments, check)


if __name__ == "__main__":
    main()
