"""The tables of an evaluation: the paper's Tables 3 and 4 beside ours, and what explains them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from common.classifiers.digits import load_classifier, predict_probabilities
from common.datasets.records import Records
from common.metrics.hashes import HASHES
from common.metrics.intervals import Interval, mean_interval, proportion_interval
from common.metrics.pairs import Bits, intervals, metrics_of, pair_metrics
from common.metrics.reconstruction import DOUBLED, impossibility
from common.reporting.tables import Published, Table
from common.runs.weights import default_weights
from crg import editor
from crg.editor import Codes, CRGEditor

PAPER = {  # Tables 3 and 4, MNIST test images; the value range of MAE and MSE is not stated
    "BiGAN": {"mae": 0.268, "mse": 0.187, "dhash": 0.749, "phash": 0.766, "whash": 0.832},
    "LR": {"mae": 0.119, "mse": 0.118, "dhash": 0.823, "phash": 0.866, "whash": 0.838},
    "CRG": {"mae": 0.006, "mse": 0.021, "dhash": 0.979, "phash": 0.977, "whash": 0.964},
}
FIGURES = (  # title, metric, factor: the paper's one error stands beside ours in both ranges
    *(
        (f"{name.upper()} {label}", name, factor)
        for name in ("mae", "mse")
        for label, factor in (("[0, 1]", 1.0), ("[-1, 1]", DOUBLED[name]))
    ),
    *((name, name, 1.0) for name in HASHES),
)
SURE = 0.9  # a generated image counts as a digit when the classifier is this sure
MADE = 0.01  # a digit counts as made when it has this share of the generated images


def paper_table(metrics: Mapping[str, Interval], shipped: Mapping[str, Interval] | None) -> Table:
    """Tables 3 and 4 of the paper beside ours, errors in both ranges."""
    rows = []
    for title, name, factor in FIGURES:
        ours = metrics[name].times(factor)
        row = [title, *(values[name] for values in PAPER.values()), ours]
        row.append(ours.mean - PAPER["CRG"][name])
        if shipped is not None:
            row.append(factor * shipped[name].mean)
        rows.append(row)
    columns = ["metric", *PAPER, "ours", "ours - CRG"]
    note = ""
    if shipped is not None:
        columns.append("shipped")
        note = (
            " Shipped: the model in weights/, means; it was trained on all 60,000 training digits, "
            "so on those of dev too."
        )
    return Table(
        "Tables 3 and 4: the paper's BiGAN, LR and CRG, and ours",
        columns,
        rows,
        "BiGAN, LR and CRG: as published. MAE and MSE: lower is better; hashes, the share of equal "
        "bits of 64 (Eq. 5): higher is better. The paper does not say in which range its MAE and "
        "MSE are, so its one value stands in both rows; it used all 10,000 test images. ±: 95 % "
        f"interval over the images, for this one training; other seeds may differ by more.{note}",
        beside("CRG", metrics),
    )


def beside(row: str, metrics: Mapping[str, Interval], label: str = "") -> list[Published]:
    """A row of the paper's Tables 3 and 4, each figure with ours.

    Args:
        row: BiGAN, LR or CRG.
        metrics: ours, errors on [0, 1].
        label: which system of ours, behind the name of each figure; empty for the encoder alone.
    """
    return [
        Published(
            table=f"CRG, Tables 3 and 4, its row {row}",
            figure=f"{title} ({label})" if label else title,
            paper=PAPER[row][name],
            ours=metrics[name].times(factor),
            n=metrics[name].n,
            better="higher" if name in HASHES else "lower",
        )
        for title, name, factor in FIGURES
    ]


def table_3_findings(metrics: Mapping[str, Interval]) -> list[str]:
    """Whether the rows of Table 3, and ours, are possible at all: MSE <= range x MAE."""
    found = []
    for method, row in PAPER.items():
        wrong = impossibility(row["mae"], row["mse"], value_range=2.0)
        if wrong:
            found.append(f"The paper's {method} row of Table 3 is impossible: {wrong}")
    if wrong := impossibility(metrics["mae"].mean, metrics["mse"].mean, value_range=1.0):
        found.append(f"Our own row is impossible, which is a defect of this program: {wrong}")
    better = [
        name for name in HASHES if metrics[name].low > max(PAPER["BiGAN"][name], PAPER["LR"][name])
    ]
    below = [name for name in HASHES if metrics[name].high < PAPER["CRG"][name]]
    if better:
        found.append(f"Above the paper's BiGAN and LR rows in {', '.join(better)}.")
    if below:
        found.append(f"Below the paper's CRG row in {', '.join(below)}.")
    return found


def shipped_metrics(model: CRGEditor, real: Records, bits: Bits) -> dict[str, Interval] | None:
    """The same metrics of the model in `weights/`, or None when it is the model itself."""
    folder = default_weights(editor.SHIPPED)
    if not folder.is_dir() or model.folder.resolve() == folder.resolve():
        return None
    images = editor.load(folder).reconstruct(real.images)
    return intervals(metrics_of(real.images, images, bits)[1])


def generated_table(model: CRGEditor, count: int, seed: int) -> tuple[np.ndarray, Table]:
    """Eq. 1's side: generated images, uint8 `[count, ...]`, and how well e finds them again."""
    latents = model.draw(count, seed)
    images = model.decode(Codes(latents))
    codes = model.encode(images)
    metrics = pair_metrics(images, model.decode(codes))
    error = mean_interval(np.square(codes.latent - latents).mean(axis=1))
    rows = [["latent z, mean squared error", error]]
    rows += [[f"image, {name}", value] for name, value in metrics.items()]
    prior, zero = ("U[-1, 1]", "1/3") if model.kind.noun == "digit" else ("N(0, 1)", "1")
    return images, Table(
        "Generated images, encoded and generated anew",
        ("what is compared", "mean"),
        rows,
        f"{count:,} draws of z from {prior}. Answering z = 0 has a latent error of {zero}; image "
        "errors on [0, 1].",
    )


def digits_table(
    real: Records, reconstructions: np.ndarray, generated: np.ndarray
) -> tuple[Table, str]:
    """What a classifier of real digits reads in generated and reconstructed images; a finding."""
    classifier = load_classifier()
    made = predict_probabilities(classifier, generated)
    sure = made.max(axis=1) >= SURE
    labels = real.labels
    read_real = predict_probabilities(classifier, real.images).argmax(axis=1)
    read_again = predict_probabilities(classifier, reconstructions).argmax(axis=1)
    rows, shares = [], []
    for digit in range(10):
        share = proportion_interval(int((sure & (made.argmax(axis=1) == digit)).sum()), len(made))
        shares.append(share.mean)
        mine = labels == digit
        cells = []
        for read in (read_real, read_again):
            right = int((read[mine] == digit).sum())
            cells.append(proportion_interval(right, int(mine.sum())) if mine.any() else None)
        rows.append([str(digit), share, *cells])
    total = [
        proportion_interval(int((read == labels).sum()), len(real))
        for read in (read_real, read_again)
    ]
    rows.append(["all", proportion_interval(int(sure.sum()), len(made)), *total])
    count = sum(share >= MADE for share in shares)
    table = Table(
        "Digits, as a classifier of real digits reads them",
        ("digit", "share of generated", "real images read right", "reconstructions read right"),
        rows,
        f"A generated image counts where the classifier is at least {SURE:.0%} sure.",
    )
    sentence = (
        f"The generator makes {count} of 10 digits (at least {MADE:.0%} of {len(made):,} images "
        f"each; {sure.mean():.0%} of all are surely a digit); reconstructions keep their digit in "
        f"{total[1].mean:.1%} of the cases."
    )
    return table, sentence
