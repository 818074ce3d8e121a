"""Tables of an evaluation of digits and of faces alike, and the report on a training alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common.datasets.records import Records
from common.files import called
from common.metrics.attributes import f1
from common.metrics.intervals import mean_interval, proportion_interval, share_interval
from common.reporting.document import Figure, Report
from common.reporting.provenance import facts
from common.reporting.publish import publish
from common.reporting.tables import Cell, Table
from common.runs.directory import Run
from common.runs.history import COUNTERS, last_rows, read_history, read_run
from icgan_tf import collapse
from icgan_tf.config import SPLITS, Config
from icgan_tf.editor import Codes, IcGANEditor
from icgan_tf.figures import curves

REPORT_IMAGES = SPLITS["report"]  # in an epoch of the report
GENERATED = 5_000  # images on which E_z is measured, at most as many as real ones


def encoder_table(
    model: IcGANEditor,
    real: Records,
    codes: Codes,
    seed: int,
) -> Table:
    """How well E_z and E_y do their own tasks, and what the codes of real images look like."""
    latents, answers = codes.latent, codes.read
    assert answers is not None
    count = min(len(real), GENERATED)
    z = np.random.default_rng(seed).standard_normal((count, latents.shape[1]), np.float32)
    found = model.found_again(Codes(z, real.attributes[:count]))
    error = mean_interval(np.square(found - z).mean(axis=1))
    live = found.std(axis=0) > 0  # a dimension that E_z does not use has no correlation
    pairs = zip(found.T[live], z.T[live], strict=True)
    agreeing = float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])) if live.any() else 0.0
    true, read = real.attributes > 0.5, codes.attributes > 0.5
    if model.digits:
        right = proportion_interval(int((read & true).any(axis=1).sum()), len(real))
    else:
        right = share_interval((read == true).mean(axis=1))
    scores = np.array([f1(a, b) for a, b in zip(read.T, true.T, strict=True)])
    known = np.isfinite(scores)
    scale = 4.0 if model.config.data.condition_values == "signed" else 1.0
    rows: list[list[Cell]] = [
        ["E_y, accuracy on real images", right],
        ["E_y, mean F1", float(scores[known].mean()) if known.any() else None],
        [
            "E_y, squared error per attribute (Eq. 3)",
            float(scale * np.square(answers - real.attributes).mean()),
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
        f"E_z on {count:,} images of fresh z ~ N(0, I) and y of the real ones, as G makes them; "
        "answering 0 has an error of 1. N(0, I) has a standard deviation of 1: codes of real "
        "images that have less are drawn towards the mean.",
    )


def epoch_findings(run: Path, config: Config) -> list[str]:
    """How long an epoch of the report's 196,608 faces takes at the rate of a run on CelebA."""
    row = last_rows(run).get("gan")
    if not row or config.dataset != "celeba":
        return []
    hours = float(row["seconds"]) / int(row["images"]) * REPORT_IMAGES / 3600
    return [
        f"An epoch of the GAN on the report's {REPORT_IMAGES:,} faces takes {hours:.1f} hours at "
        "the rate of this run (the report: 17)."
    ]


def report_training(run: Path, config: Config) -> Path:
    """Reports on the training of a run that lacks networks: curves, samples, findings.

    Returns:
        The report's HTML page.
    """
    out = run / "report"
    rows: list[list[Cell]] = [
        [f"{stage}, {name}", float(values[0]), float(values[-1])]
        for stage, history in read_run(run).items()
        for name, values in history.items()
        if name not in COUNTERS
    ]
    drawn = sorted((run / "samples").glob("gan-*.png"))
    report = Report(
        title=f"IcGAN on {config.dataset}, trained in part: {called(run)}",
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
    file = Run(run).history_file("gan")
    if not file.is_file():
        return []
    return [collapse.sentence(stretch) for stretch in collapse.collapses(read_history(file))]
