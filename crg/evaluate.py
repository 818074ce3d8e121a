"""Evaluates a CRG on MNIST: the paper's Tables 3 and 4 and its figures beside ours.

    python -m crg.evaluate [RUN] [--out DIR] [--limit N]

Writes `RUN/report/report.{json,csv,md,html}`: reconstruction of real test images and of generated
ones, what needs no model at all, what the generator makes, and edits along directions from one
pair of images. All images are compared as 8-bit images, errors stated on [0, 1] and on [-1, 1].
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common import device
from common import run as runs
from common.config import check_setting
from common.errors import exits_cleanly
from common.tables import Table, show

if TYPE_CHECKING:
    from common.datasets.records import Records
    from common.document import Figure
    from common.metrics.intervals import Interval
    from crg.trained import Trained

logger = logging.getLogger(__name__)

PAPER = {  # Tables 3 and 4, MNIST test images; the value range of MAE and MSE is not stated
    "BiGAN": {"mae": 0.268, "mse": 0.187, "dhash": 0.749, "phash": 0.766, "whash": 0.832},
    "LR": {"mae": 0.119, "mse": 0.118, "dhash": 0.823, "phash": 0.866, "whash": 0.838},
    "CRG": {"mae": 0.006, "mse": 0.021, "dhash": 0.979, "phash": 0.977, "whash": 0.964},
}
PAIRS = {  # name -> images without and with the attribute, and the digit it is meant for
    "slant": ("upright", "slanted", None),
    "thickness": ("thin", "thick", None),
    "three to eight": ("three", "eight", 3),
    "four to nine": ("four", "nine", 4),
}
STRENGTHS = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)
GENERATED = 10_000  # images to judge the generator by, at most as many as test images
SURE = 0.9  # a generated image counts as a digit when the classifier is this sure
MADE = 0.01  # a digit counts as made when it has this share of the generated images
EDITED = 500  # test images a direction is measured on


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateCommand:
    """Measures a trained CRG on MNIST test images, beside the paper's numbers."""

    run: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]", name="run")
    ] = None
    """A run or a folder of weights; by default the model that comes with the project."""
    out: Path | None = None
    """Folder of the report; `RUN/report` by default, `runs/<weights>-report` for weights."""
    limit: int | None = None
    """Use so many test images only, evenly spaced."""
    data_dir: Path | None = None
    """A folder of MNIST files; by default the copy in this repository."""
    seed: int = 0
    """Of the generated images and of the random baselines."""


def evaluate(command: EvaluateCommand) -> Path:
    """Measures, writes the report and shows its main table.

    Returns:
        The report's HTML page.

    Raises:
        UserError: the run is not trained yet, the data cannot be read, or fewer than two images.
    """
    import keras

    from common import datasets
    from common.document import Report, write
    from common.metrics.hashes import library_versions
    from common.report import hash_table, intervals, metrics_of
    from crg import trained
    from crg.edit import decode, encode

    keras.config.set_dtype_policy("float32")  # after a bfloat16 training too
    limit = command.limit
    check_setting("limit", limit, limit is None or limit > 1, "at least 2")
    model = trained.load(command.run)
    data_dir = command.data_dir or model.config.run.data_dir
    test = spaced(datasets.load(model.config.dataset, "test", data_dir), limit)
    train = datasets.load(model.config.dataset, "train", data_dir)
    out = report_folder(command.out, model.folder)
    n = len(test)
    logger.info("evaluating %s on %d test images", model.folder, n)

    codes = encode(model.encoder, test.images)
    reconstructions = decode(model.generator, codes)
    bits, values = metrics_of(test.images, reconstructions)
    metrics = intervals(values)
    shipped = shipped_metrics(model, test, bits[0])
    generated, cycle = generated_table(model, min(n, GENERATED), command.seed)
    made, findings = digits_table(model, test, reconstructions, generated)
    edits, edit_figures = edit_tables(model, test, out)
    report = Report(
        title=f"CRG on MNIST: {model.folder.name}",
        n=n,
        metrics=metrics,
        summary=f"{n:,} real test images, encoded and generated anew by the encoder alone",
        tables=[
            paper_table(metrics, shipped),
            baseline_table(metrics, train, test, bits[0], command.seed),
            hash_table(*bits, metrics, command.seed),
            cycle,
            made,
            *edits,
        ],
        figures=[
            *figures(model, test, reconstructions, generated, values["mse"], out),
            *edit_figures,
        ],
        findings=[*table_3_findings(metrics), *findings],
        facts=[
            *run_facts(model, command),
            ("machine", f"{platform.system()} {platform.machine()}, {device.cores()} cores"),
            *library_versions().items(),
        ],
        details={
            "test_images": n,
            "code_mean": float(codes.mean()),
            "code_std": float(codes.std()),
            "mean_l2": float(values["rmse"].mean() * np.sqrt(test.images[0].size)),
        },
    )
    page = write(report, out)
    show(report.tables[0])
    for finding in report.findings:
        logger.info("- %s", finding)
    logger.info("the whole report: %s", page)
    return page


def spaced(records: Records, limit: int | None) -> Records:
    """At most `limit` records, evenly spaced: MNIST's first test images are the easier ones."""
    if limit is None or limit >= len(records):
        return records
    return records.take(np.linspace(0, len(records) - 1, limit).astype(np.int64))


def report_folder(out: Path | None, model: Path) -> Path:
    """Where the report goes: beside a run's files, and never into `weights/`."""
    if out is not None:
        return out
    if model.resolve().parent == runs.ROOT / "weights":
        return Path("runs") / f"{model.name}-report"
    return model / "report"


def paper_table(metrics: Mapping[str, Interval], shipped: Mapping[str, Interval] | None) -> Table:
    """Tables 3 and 4 of the paper beside ours, errors in both ranges."""
    from common.metrics.reconstruction import DOUBLED

    rows = []
    for name in ("mae", "mse", "dhash", "phash", "whash"):
        ranges = {"": 1.0}
        if name in DOUBLED:
            ranges = {" [0, 1]": 1.0, " [-1, 1]": DOUBLED[name]}
        for label, factor in ranges.items():
            ours = metrics[name].times(factor)
            published = [PAPER[method][name] for method in PAPER]
            row = [name.upper() + label if label else name, *published, ours]
            row.append(ours.mean - PAPER["CRG"][name])
            if shipped is not None:
                row.append(factor * shipped[name].mean)
            rows.append(row)
    columns = ["metric", *PAPER, "ours", "ours - CRG"]
    if shipped is not None:
        columns.append("shipped model")
    return Table(
        "Tables 3 and 4: the paper's BiGAN, LR and CRG, and ours",
        columns,
        rows,
        "MAE and MSE: lower is better; hashes, the share of equal bits of 64 (Eq. 5): higher is "
        "better. The paper does not say in which range its MAE and MSE are, so its one value "
        "stands in both rows; it used all 10,000 test images. ±: 95 % interval over the test "
        "images, for this one training; other seeds may differ by more.",
    )


def table_3_findings(metrics: Mapping[str, Interval]) -> list[str]:
    """Whether the rows of Table 3, and ours, are possible at all: MSE <= range x MAE."""
    from common.metrics.reconstruction import impossibility

    found = []
    for method, row in PAPER.items():
        wrong = impossibility(row["mae"], row["mse"], value_range=2.0)
        if wrong:
            found.append(f"The paper's {method} row of Table 3 is impossible: {wrong}")
    if wrong := impossibility(metrics["mae"].mean, metrics["mse"].mean, value_range=1.0):
        found.append(f"Our own row is impossible, which is a defect of this program: {wrong}")
    better = [
        name
        for name in ("dhash", "phash", "whash")
        if metrics[name].low > max(PAPER["BiGAN"][name], PAPER["LR"][name])
    ]
    below = [
        name for name in ("dhash", "phash", "whash") if metrics[name].high < PAPER["CRG"][name]
    ]
    if better:
        found.append(f"Above the paper's BiGAN and LR rows in {', '.join(better)}.")
    if below:
        found.append(f"Below the paper's CRG row in {', '.join(below)}.")
    return found


def baseline_table(
    metrics: Mapping[str, Interval],
    train: Records,
    test: Records,
    bits: dict[str, np.ndarray],
    seed: int,
) -> Table:
    """What needs no model beside ours, all metrics; `bits` are the hashes of the test images."""
    from common.metrics.baselines import trivial_baselines
    from common.report import metrics_of

    rows = [["this model", *metrics.values()]]
    for name, images in trivial_baselines(train.images, test.images, seed).items():
        values = metrics_of(test.images, images, bits)[1]
        rows.append([name, *(float(value.mean()) for value in values.values())])
    return Table(
        "Beside answers that need no model",
        ("reconstruction", *metrics),
        rows,
        "Errors on [0, 1]. PCA-k is the projection on the k first principal components of the "
        "training images: linear, and not confined to images that a generator can make.",
    )


def shipped_metrics(
    model: Trained, test: Records, bits: dict[str, np.ndarray]
) -> dict[str, Interval] | None:
    """The same metrics of the model in `weights/`, or None when it is the model itself."""
    from common.report import intervals, metrics_of
    from crg import trained
    from crg.edit import decode, encode

    folder = runs.default_weights(trained.SHIPPED)
    if not folder.is_dir() or model.folder.resolve() == folder.resolve():
        return None
    shipped = trained.load(folder)
    images = decode(shipped.generator, encode(shipped.encoder, test.images))
    return intervals(metrics_of(test.images, images, bits)[1])


def generated_table(model: Trained, count: int, seed: int) -> tuple[np.ndarray, Table]:
    """Eq. 1's side: generated images, uint8 `[count, ...]`, and how well e finds them again."""
    from common.metrics.intervals import mean_interval
    from common.report import pair_metrics
    from crg.edit import decode, encode

    latents = np.random.default_rng(seed).uniform(-1, 1, (count, model.generator.input_shape[-1]))
    latents = latents.astype(np.float32)
    images = decode(model.generator, latents)
    codes = encode(model.encoder, images)
    metrics = pair_metrics(images, decode(model.generator, codes))
    error = mean_interval(np.square(codes - latents).mean(axis=1))
    rows = [["latent z, mean squared error", error]]
    rows += [[f"image, {name}", value] for name, value in metrics.items()]
    return images, Table(
        "Generated images, encoded and generated anew",
        ("what is compared", "mean"),
        rows,
        f"{count:,} draws of z from U[-1, 1]. Answering z = 0 has a latent error of 1/3; image "
        "errors on [0, 1].",
    )


def digits_table(
    model: Trained, test: Records, reconstructions: np.ndarray, generated: np.ndarray
) -> tuple[Table, list[str]]:
    """What a classifier of real digits reads in generated and in reconstructed images."""
    from common.metrics.classifier import load_classifier, predict_probabilities
    from common.metrics.intervals import proportion_interval

    judge = load_classifier()
    made = predict_probabilities(judge, generated)
    sure = made.max(axis=1) >= SURE
    labels = test.labels
    read_real = predict_probabilities(judge, test.images).argmax(axis=1)
    read_again = predict_probabilities(judge, reconstructions).argmax(axis=1)
    rows = []
    shares = []
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
        proportion_interval(int((read == labels).sum()), len(test))
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
        f"each); reconstructions keep their digit in {total[1].mean:.1%} of the cases."
    )
    return table, [sentence]


def edit_tables(model: Trained, test: Records, out: Path) -> tuple[list[Table], list[Figure]]:
    """Directions from one pair each: what they do to measured attributes, and sheets of edits."""
    from common.attributes import ink, slant
    from common.datasets.folder import read_images
    from common.document import Figure
    from common.metrics.classifier import load_classifier, predict_labels
    from common.metrics.intervals import mean_interval, proportion_interval
    from common.sheets import grid
    from crg.edit import decode, direction, edit, encode, steps

    judge = load_classifier()
    rows, sheets = [], []
    for name, (without, with_, digit) in PAIRS.items():
        files = [runs.ROOT / "examples" / "pairs" / f"{stem}.png" for stem in (without, with_)]
        pair = np.concatenate([read_images(file, (28, 28), "L")[1] for file in files])
        z_1, z_2 = encode(model.encoder, pair)
        z_f, k = direction(z_1, z_2), steps(z_1, z_2, "squared", "without")
        chosen = test if digit is None else test.take(np.flatnonzero(test.labels == digit))
        chosen = spaced(chosen, EDITED)
        if not len(chosen):
            continue
        latents = encode(model.encoder, chosen.images)
        edited = {s: decode(model.generator, edit(latents, [z_f], [s * k])) for s in STRENGTHS}
        before = predict_labels(judge, edited[0.0])
        wanted = predict_labels(judge, pair[1:])[0]
        for strength, images in edited.items():
            read = predict_labels(judge, images)
            rows.append(
                [
                    f"{name}, {strength:+.2f}" if strength else f"{name}, 0 (reconstruction)",
                    len(chosen),
                    mean_interval(slant(images)),
                    mean_interval(ink(images)),
                    proportion_interval(int((read == before).sum()), len(chosen)),
                    proportion_interval(int((read == wanted).sum()), len(chosen))
                    if digit is not None
                    else None,
                ]
            )
        shown = one_of_each_digit(chosen) if digit is None else np.arange(min(10, len(chosen)))
        sheet = out / f"edit-{name.replace(' ', '-')}.png"
        grid(
            [
                [pair[0], pair[1]],
                *([chosen.images[i], *(edited[s][i] for s in STRENGTHS)] for i in shown),
            ],
            sheet,
            row_labels=["pair: without, with", *(f"digit {chosen.labels[i]}" for i in shown)],
            column_labels=["input", *(f"{s:+.2f}" if s else "0 (rec.)" for s in STRENGTHS)],
        )
        sheets.append(
            Figure(
                f"Edit: {name}",
                sheet,
                "First row: the pair that defines the direction. Below: an input, and it at these "
                "strengths, shares of the pair's own step (Eq. 4).",
            )
        )
    table = Table(
        "Edits along directions from one pair",
        ("direction, strength", "images", "slant in degrees", "ink", "digit kept", "digit reached"),
        rows,
        "Means over edited test images: slant (positive leans right) and share of white are "
        'measured on the pixels; digits are read by the classifier, "kept" against the '
        "reconstruction. Strength 1 is the step from the pair's first image to its second.",
    )
    return [table], sheets


def one_of_each_digit(records: Records) -> list[int]:
    """The first record of each class that is there, in order of the classes."""
    labels = records.labels
    return [int(np.argmax(labels == digit)) for digit in range(10) if (labels == digit).any()]


def figures(
    model: Trained,
    test: Records,
    reconstructions: np.ndarray,
    generated: np.ndarray,
    errors: np.ndarray,
    out: Path,
) -> list[Figure]:
    """Loss curves, reconstructions (Figs. 6 and 9), samples and interpolations (Fig. 3)."""
    from common.document import Figure
    from common.history import history_files, read_run
    from common.plots import loss_curves
    from common.sheets import grid
    from crg.edit import decode, encode

    drawn = []
    if history_files(model.folder):
        curves = out / "losses.png"
        loss_curves({model.folder.name: read_run(model.folder)}, curves)
        drawn.append(Figure("Losses", curves, "Means over each period, linear and symlog."))

    rows = []
    for start in range(0, min(40, len(test)), 10):
        rows += [list(test.images[start : start + 10]), list(reconstructions[start : start + 10])]
    grid(rows, out / "reconstructions.png", row_labels=["real", "ours"] * (len(rows) // 2))
    drawn.append(
        Figure(
            "Real images and reconstructions",
            out / "reconstructions.png",
            f"The first {min(40, len(test))} test images, not chosen (the paper's Figure 6).",
        )
    )
    order = np.argsort(errors, kind="stable")
    middle = len(order) // 2
    ends = np.concatenate([order[:4], order[max(0, middle - 2) : middle + 2], order[-4:]])
    grid(
        np.stack([test.images[ends], reconstructions[ends]]),
        out / "best-median-worst.png",
        row_labels=["real", "ours"],
        column_labels=[f"MSE {errors[i]:.3f}" for i in ends],
    )
    drawn.append(
        Figure("Best, median and worst reconstructions", out / "best-median-worst.png", "By MSE.")
    )
    again = decode(model.generator, encode(model.encoder, generated[:20]))
    rows = [generated[:10], again[:10], generated[10:20], again[10:20]]
    grid(
        [list(row) for row in rows if len(row)],
        out / "generated-reconstructions.png",
        row_labels=["generated", "ours"] * (sum(map(bool, map(len, rows))) // 2),
    )
    drawn.append(
        Figure(
            "Generated images and reconstructions",
            out / "generated-reconstructions.png",
            "The paper's Figure 9.",
        )
    )
    samples = generated[: len(generated) // 10 * 10][:100]
    if len(samples):
        shape = (-1, 10, *samples.shape[1:])
        grid(samples.reshape(shape), out / "samples.png")
        drawn.append(Figure("Generated digits", out / "samples.png", "Random z, not chosen."))
    ends = encode(model.encoder, test.images[:10])
    rows = [
        [*decode(model.generator, np.linspace(ends[i], ends[i + 1], 9, dtype=np.float32))]
        for i in range(0, len(ends) - 1, 2)
    ]
    if rows:
        grid(rows, out / "interpolations.png")
        drawn.append(
            Figure(
                "Interpolations",
                out / "interpolations.png",
                "Straight lines between the codes of two test images (the paper's Figure 3).",
            )
        )
    return drawn


def run_facts(model: Trained, command: EvaluateCommand) -> list[tuple[str, str]]:
    """Where the model and the numbers come from."""
    words = ["python", "-m", "crg.evaluate", *([str(command.run)] if command.run else [])]
    words += ["--limit", str(command.limit)] if command.limit else []
    facts = [
        ("command", " ".join([*words, "--seed", str(command.seed)])),
        ("model", model.folder.name),
        ("seed of the training", str(model.config.run.seed)),
    ]
    for name, label in (("command.txt", "training"), ("environment.json", "training device")):
        file = model.folder / name
        if file.is_file():
            text = file.read_text(encoding="utf-8").strip()
            facts.append((label, json.loads(text)["device"] if name.endswith("json") else text))
    return facts


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and evaluates."""
    command = tyro.cli(EvaluateCommand, prog="python -m crg.evaluate", args=arguments)
    runs.log_to(None)
    device.choose()
    evaluate(command)


if __name__ == "__main__":
    main()
