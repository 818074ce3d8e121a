"""Evaluates an IFcVAEGAN: Table 1 and Figures 2 to 6 of the paper, and what they do not show.

    python -m ifcvaegan.evaluate RUN [--out DIR] [--limit N]
    python -m ifcvaegan.evaluate --ablation ...     # all rows of Table 1, see `ablation`

Writes `RUN/report/report.{json,csv,md,html}`. All images are compared as 8-bit images.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common import run as runs
from common.commands import EvaluateCommand, carry_out, check_evaluation, to_measure
from common.config import differences
from common.errors import exits_cleanly
from common.history import read_history

if TYPE_CHECKING:
    import numpy as np

    from common.datasets.records import Records
    from common.document import Report
    from common.metrics.face_classifier import Judge
    from common.metrics.intervals import Interval
    from common.tables import Table
    from ifcvaegan.config import Config, LossConfig
    from ifcvaegan.judged import Codes
    from ifcvaegan.trained import Trained

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
    from common.publish import publish
    from ifcvaegan import trained

    model, config = to_measure(command, trained.load)
    out = command.out or runs.output_folder(model.folder, "report")
    return publish(measure(model, config, out, command), out)


def measure(model: Trained, config: Config, out: Path, command: EvaluateCommand) -> Report:
    """All tables of the report, and its figures, drawn into `out`.

    Args:
        model: E and D.
        config: the run's settings, with the folders that the command names.
        out: folder of the pictures.
        command: names the images and the seed.
    """
    import numpy as np

    from common.document import Report
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
    from ifcvaegan import data, tables
    from ifcvaegan.codes import decode
    from ifcvaegan.figures import figures
    from ifcvaegan.judged import Codes

    seed = command.seed
    every = data.load(config, "test")
    test = every.spaced(config.report_images if command.limit is None else command.limit)
    train, dev = (data.load(config, split) for split in ("train", "dev"))
    logger.info("evaluating %s on %d test images", model.folder, len(test))
    first_faces = data.first_faces(config)
    faces = Faces(  # each with noise of its own
        test=Codes(model, test, seed),
        train=Codes(model, train.spaced(READERS), seed + 1),
        dev=Codes(model, dev.spaced(CHOOSERS), seed + 2),
        authors=None if first_faces is None else Codes(model, first_faces, seed + 3),
    )
    codes = faces.test
    judge, names, space = faces_judge(config, data.load)
    everything = dataclasses.replace(config.data, attributes=names)
    labels = data.load(dataclasses.replace(config, data=everything), "test")
    labels = labels.spaced(len(test)).attributes > 0.5  # [N, J]
    rebuilt = codes.reconstructions(codes.means)
    bits, values = metrics_of(test.images, rebuilt, cache_dir=config.run.cache_dir)
    metrics = intervals(values)
    baselines = baseline_table(metrics, train.images, test.images, bits[0], seed, "face")
    z = np.random.default_rng(seed).standard_normal(codes.means.shape, np.float32)
    generated = decode(model, test.attributes, z)
    others = train.spaced(len(test)).images
    found: list[Table] = []
    findings: list[str] = []
    details: dict[str, object] = {"test_images": len(test)}
    for column, name in enumerate(model.attribute_names):
        some, details[name], told = attribute_part(
            config, faces, column, judge, names, labels, seed
        )
        found += some
        findings += told
    spaced = "" if len(test) == len(every) else f", evenly spaced of {len(every):,}"
    return Report(
        title=f"IFcVAEGAN on {config.dataset}: {model.folder.name}",
        n=len(test),
        metrics=metrics,
        summary=f"{len(test):,} real test faces{spaced}, encoded and decoded with the mean of z",
        tables=[
            *found,
            tables.code_table(codes),
            *generated_table(space, test.images, generated, others, seed),
            baselines,
            hash_table(*bits, metrics, seed),
        ],
        figures=figures(codes, seed, out),
        findings=[
            *findings,
            *alarm_findings(model.folder, config.loss.gamma, train),
            *without_a_model(baselines),
        ],
        facts=facts(model.folder, config.run.seed, command_line("ifcvaegan.evaluate", command)),
        details=details,
    )


@dataclass(frozen=True, slots=True)
class Faces:
    """The codes of the faces of an evaluation; `authors` are those of the paper's Table 1."""

    test: Codes
    train: Codes
    dev: Codes
    authors: Codes | None


def attribute_part(
    config: Config,
    faces: Faces,
    column: int,
    judge: Judge,
    names: Sequence[str],
    labels: np.ndarray,
    seed: int,
) -> tuple[list[Table], dict[str, object], list[str]]:
    """What the report has of one attribute.

    Args:
        config: of the run.
        faces: their codes.
        column: of the attribute in y.
        judge: reads attributes.
        names: of the columns of its answers.
        labels: the true ones of the test faces, bool `[N, J]`.
        seed: of readers and of other faces.

    Returns:
        The tables, the figures by their names, and the sentences.
    """
    from common.metrics.attributes import majority
    from ifcvaegan import tables
    from ifcvaegan.judged import Judged

    name = faces.test.model.attribute_names[column]

    def judged(codes: Codes) -> Judged:
        return Judged(codes, column, judge, names.index(name))

    test, means = judged(faces.test), judged(faces.test.without_noise())
    authors = None if faces.authors is None else judged(faces.authors)
    first, shares = tables.table_1(name, test, means, authors, published_row(config, name))
    reader, accuracies = tables.judge_table(test, labels, names)
    leak, leaks = tables.leak_table(faces.train, faces.test, column, seed)
    kept, unchanged = tables.kept_table(test, names, seed)
    arithmetic, by_z = tables.arithmetic_table(faces.train, faces.dev, test, judge, seed)
    base = majority(test.present)
    details: dict[str, object] = {
        key: value.as_dict()
        for key, value in (shares | leaks | unchanged | accuracies | by_z).items()
    }
    return (
        [first, kept, leak, reader, arithmetic],
        details | {"base rate": base},
        sentences(name, shares, leaks, unchanged, accuracies, base),
    )


def sentences(
    name: str,
    shares: dict[str, Interval],
    leaks: dict[str, Interval],
    unchanged: dict[str, Interval],
    accuracies: dict[str, Interval],
    base: float,
) -> list[str]:
    """What the tables of one attribute say."""
    zero, one = shares["class0"].mean, shares["class1"].mean
    nearer = (unchanged["nearer 0"].mean + unchanged["nearer 1"].mean) / 2
    return [
        f"{name}: of {shares['class0'].n:,} test faces, decoded with sampled z, {zero:.1%} read as "
        f"without it at y = 0 and {one:.1%} as with it at y = 1; together {zero + one:.2f}, where "
        f"1 means that y has no effect (with the mean of z {shares['mean: class0'].mean:.1%} and "
        f"{shares['mean: class1'].mean:.1%}). The judge itself is right on "
        f"{accuracies['the judge, real faces'].mean:.1%} of real faces and "
        f"{accuracies['the judge, reconstructions'].mean:.1%} of reconstructions.",
        f"{name}: a fresh reader finds it in z with {leaks['network, latents'].mean:.1%} (linear: "
        f"{leaks['linear, latents'].mean:.1%}); the base rate is {base:.1%}.",
        f"{name}: {nearer:.1%} of the edits of sampled z are nearer to their own face than "
        "to another's.",
        *(
            [f"{name}: all test faces have or lack it, which tells little; use more of them."]
            if base == 1.0
            else []
        ),
    ]


def alarm_findings(run: Path, gamma: float, train: Records) -> list[str]:
    """What the auxiliary loss at the end of the training says, where a term acts on it."""
    import numpy as np

    from ifcvaegan import alarms
    from ifcvaegan.losses import entropy

    file = runs.Run(run).history_file("vaegan")
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
    from ifcvaegan.config import PRESETS, TABLE_1

    def terms(loss: LossConfig) -> tuple[float, bool, bool]:
        return loss.alpha, bool(loss.beta), bool(loss.gamma)

    if (config.dataset, config.data.attributes, attribute) != ("celeba", ("Smiling",), "Smiling"):
        return None
    for name, values in TABLE_1.items():
        preset = PRESETS[name]()
        if terms(preset.loss) == terms(config.loss):
            changed = differences(preset, dataclasses.replace(config, run=preset.run))
            other = " (other settings)" if changed or config.run.limit else ""
            return f"the paper's row {name}{other}", values
    return None


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates; `--ablation` hands over to `ifcvaegan.ablation`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--ablation" in words:
        from ifcvaegan import ablation

        words.remove("--ablation")
        ablation.main(words)
        return
    carry_out(
        EvaluateCommand,
        "python -m ifcvaegan.evaluate",
        evaluate,
        words,
        check_evaluation,
        "Measures a trained model on test faces, beside the paper's Table 1. With --ablation, "
        "trains and measures all rows of that table: see --ablation --help.",
    )


if __name__ == "__main__":
    main()
