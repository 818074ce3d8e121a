"""Evaluates a CRG on faces: the paper's Tables 2 and 5 and its figures beside ours, and edits.

The paper has no numbers of edits. Here a classifier reads them that no generator was trained with;
its own accuracy on real faces and on reconstructions stands beside.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.cli.evaluation import Evaluation, split_images
from common.files import called

if TYPE_CHECKING:
    import numpy as np

    from common.classifiers.faces import FaceClassifier
    from common.datasets.records import Records
    from common.reporting.document import Report
    from common.reporting.tables import Table
    from crg.editor import CRGEditor
    from crg.faces.edits import Edits

logger = logging.getLogger(__name__)

COMPONENTS = (32, 128, 512)  # of PCA; 128 as z has
GENERATED = 10_000  # generated images, at most as many as real ones


def measure(
    work: Evaluation[CRGEditor],
    inception: Path | None = None,
    comparators: Sequence[Path] | None = None,
    pose: bool = False,
) -> Report:
    """All tables of the report, and its figures, drawn into `work.out`.

    Args:
        work: the model and the faces.
        inception: the graph of 2015, for FID.
        comparators: runs of other systems; None for no table of them.
        pose: measure turned heads, too.
    """
    from common.classifiers.faces import load_classifier
    from common.reporting.document import Report
    from common.reporting.sections import reconstruction_section
    from crg import data
    from crg.faces import tables
    from crg.faces.comparison import compare
    from crg.figures import figures
    from crg.tables import generated_table as cycle_table

    model, config, real, seed = work.editor, work.config, work.real, work.seed
    codes = model.encode(real.images)
    reconstructions = model.decode(codes)
    found = reconstruction_section(
        real.images,
        reconstructions,
        work.train.images,
        seed=seed,
        noun=model.kind.noun,
        components=COMPONENTS,
    )
    logger.info("measuring generated faces, and what they become when encoded again")
    generated, cycle = cycle_table(model, min(len(real), GENERATED), seed)
    classifier = load_classifier(config.dataset, config.source)
    everything = dataclasses.replace(config.data, attributes=classifier.names)
    labelled = dataclasses.replace(config, data=everything)
    train = data.load(labelled, "train")
    faces = split_images(data.load, labelled, work.split).spaced(len(real))
    edited = all_edits(work, train, faces, classifier, pose)
    systems = compare(model, real, found.baselines, comparators, work.out) if comparators else None
    logger.info("drawing the figures")
    return Report(
        title=f"CRG on {config.dataset}: {called(model.folder)}",
        n=len(real),
        metrics=found.metrics,
        summary=work.summary("encoded and generated anew by the encoder alone"),
        tables=[
            *(systems.tables if systems else ()),
            tables.table_5(found, real.images, found.bits[0], config.image_size),
            found.baselines,
            found.hashes,
            *distances(work, classifier, inception, generated),
            tables.table_2(),
            cycle,
            tables.reader_table(classifier, faces, reconstructions),
            *edited.tables,
        ],
        figures=[
            *(systems.figures if systems else ()),
            *figures(model, real, reconstructions, generated, found.values["mse"], work.out),
            *edited.figures,
        ],
        findings=[
            *(systems.findings if systems else ()),
            *tables.table_5_findings(found.metrics),
            *edited.findings,
            *found.warnings,
        ],
        facts=work.facts,
        details={
            "images": len(real),
            "code_mean": float(codes.latent.mean()),
            "code_std": float(codes.latent.std()),
        },
    )


def all_edits(
    work: Evaluation[CRGEditor],
    train: Records,
    faces: Records,
    classifier: FaceClassifier,
    pose: bool,
) -> Edits:
    """What directions do to attributes and, where `pose` asks for it, to how heads are turned."""
    from crg.faces.edits import Edits, edits
    from crg.faces.turns import turns

    found = edits(work.editor, train, faces, classifier, work.out, work.seed)
    if not pose:
        return found
    turned = turns(work.editor, train, faces, classifier, work.out)
    return Edits(
        found.tables + turned.tables,
        found.figures + turned.figures,
        found.findings + turned.findings,
    )


def distances(
    work: Evaluation[CRGEditor],
    classifier: FaceClassifier,
    inception: Path | None,
    generated: np.ndarray,
) -> list[Table]:
    """How far generated faces, uint8 `[M, S, S, 3]`, are from real ones, as sets."""
    from common.classifiers import features
    from common.reporting.unpaired import generated_table

    spaces = [features.faces(classifier)]
    if inception is not None:
        spaces.append(features.inception(inception))
    others = work.train.spaced(len(generated)).images
    return [
        part
        for space in spaces
        for part in generated_table(space, work.real.images, generated, others, work.seed)
    ]
