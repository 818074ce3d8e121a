"""The figures of an evaluation: the report's Figures 3 to 5 again, and what edits look like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.editor import between
from common.files import atomic_path
from common.reporting.curves import OKABE_ITO
from common.reporting.document import Figure
from common.reporting.samples import loss_figures
from common.reporting.sheets import alternating, grid
from common.runs.history import COUNTERS, History, history_files, read_run
from icgan_tf.codes import variations, with_values
from icgan_tf.digits import one_of_each, plus
from icgan_tf.editor import Codes

if TYPE_CHECKING:
    from icgan_tf.editor import IcGANEditor

PANELS = (  # as the report lays out its Figures 3 and 4: title, stage, column
    ("a) discriminator", "gan", "discriminator_loss"),
    ("b) generator", "gan", "generator_loss"),
    ("c) encoder z", "encoder_z", "encoder_z_loss"),
    ("d) encoder y", "encoder_y", "encoder_y_loss"),
)
SHOWN = ("Eyeglasses", "Smiling", "Male", "Blond_Hair")  # edits of faces, each in a figure
FACES = 8  # a figure
SIDE = 8  # rows and columns of the digits' grid


def figures(
    model: IcGANEditor,
    real: Records,
    codes: Codes,
    seed: int,
    out: Path,
) -> list[Figure]:
    """All figures, drawn into `out`.

    Args:
        model: the trained networks, and the folder whose histories are drawn if it has any.
        real: real images.
        codes: of them.
        seed: of random latents.
        out: folder of the pictures.
    """
    drawn = [reconstructions(model, real, codes, out)]
    if model.digits:
        drawn.insert(0, plus_one(model, real, codes, out))
    else:
        drawn[:0] = face_edits(model, real, codes, out)
    drawn.append(all_attributes(model, real, codes, out))
    drawn.append(samples(model, seed, out))
    drawn.append(interpolations(model, real, codes, out))
    return [*drawn, *curves(model.folder, out)]


def curves(run: Path, out: Path) -> list[Figure]:
    """Loss curves as the report's Figures 3 and 4, and all losses; none without histories."""
    if not history_files(run):
        return []
    report = out / "figure-3.png"
    four_panels(read_run(run), report)
    return [
        Figure(
            "Losses as in the report's Figures 3 and 4",
            report,
            "Means over each period. Dashed: on images of `dev`.",
        ),
        *loss_figures(run, out),
    ]


def four_panels(histories: dict[str, History], path: Path) -> None:
    """D, G, E_z and E_y in four panels over the steps."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(10, 6.4), layout="constrained")
    for axes, (title, stage, name) in zip(canvas.subplots(2, 2).flat, PANELS, strict=True):
        history = histories.get(stage, {})
        for column, style in ((name, "solid"), (f"val_{name}", "dashed")):
            if column in history and column not in COUNTERS:
                marker = "o" if len(history["step"]) < 4 else None
                axes.plot(
                    history["step"], history[column], color=OKABE_ITO[0], ls=style, marker=marker
                )
        if not history:
            axes.text(0.5, 0.5, "not trained in this run", ha="center", transform=axes.transAxes)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0.0)
    with atomic_path(path) as temporary:
        canvas.savefig(temporary, dpi=110)


def reconstructions(model: IcGANEditor, real: Records, codes: Codes, out: Path) -> Figure:
    """The first images, each row above that of their reconstructions."""
    count = 40 if model.digits else 20
    sheet = out / "reconstructions.png"
    rows = alternating(real.images[:count], model.decode(codes[:count]))
    grid(rows, sheet, row_labels=["real", "ours"] * (len(rows) // 2))
    return Figure(
        "Real images and reconstructions",
        sheet,
        f"The first {min(count, len(real))} of the images that were measured, not chosen.",
    )


def plus_one(model: IcGANEditor, real: Records, codes: Codes, out: Path) -> Figure:
    """The report's Figure 5a: real digits on the left, each plus one on the right."""
    count = min(SIDE * SIDE, len(real))
    edited = plus(model, codes[:count], 1)
    sheet = out / "figure-5a.png"
    rows = []
    for start in range(0, count, SIDE):
        part = slice(start, min(start + SIDE, count))
        left = [*real.images[part], *[None] * (SIDE - (part.stop - start))]
        rows.append([*left, None, *edited[part]])
    grid(rows, sheet)
    return Figure(
        "Digits plus one (the report's Figure 5a)",
        sheet,
        f"Left: the first {count} digits, not chosen. Right: each plus one, 9 becoming 0.",
    )


def face_edits(model: IcGANEditor, real: Records, codes: Codes, out: Path) -> list[Figure]:
    """As the report's Figure 5b: an attribute set and cleared, on faces with and without it."""
    drawn = []
    names = model.attribute_names
    for name in (name for name in SHOWN if name in names):
        column = names.index(name)
        there = real.attributes[:, column] > 0.5
        rows, labels = [], []
        for present in (True, False):
            chosen = np.flatnonzero(there == present)[:FACES]
            if not len(chosen):
                continue
            some, y = codes[chosen], codes.attributes[chosen]
            cleared, set_ = (
                model.decode(some.with_attributes(with_values(y, names, {name: value})))
                for value in (-1.0, 1.0)
            )
            rows += [real.images[chosen], model.decode(some), cleared, set_]
            kind = "with" if present else "without"
            labels += [f"{kind} {name}", "reconstruction", "cleared", "set"]
        sheet = out / f"edit-{name}.png"
        grid([list(row) for row in rows], sheet, row_labels=labels)
        drawn.append(
            Figure(
                f"Edit: {name}" + (" (the report's Figure 5b)" if name == "Eyeglasses" else ""),
                sheet,
                f"The first {FACES} faces with and without {name} by their labels, not "
                "chosen: real, reconstructed, with the attribute at -1 and at 1.",
            )
        )
    return drawn


def all_attributes(model: IcGANEditor, real: Records, codes: Codes, out: Path) -> Figure:
    """A row an image: itself, its reconstruction, and each attribute or class in turn."""
    if model.digits:
        chosen = np.array(one_of_each(real.labels))
    else:
        chosen = np.arange(min(FACES, len(real)))
    some = codes[chosen]
    varied = variations(some.attributes, model.attribute_names, model.digits)
    columns = {"input": real.images[chosen], "rec.": model.decode(some)}
    columns |= {
        label: model.decode(some.with_attributes(wanted)) for label, wanted in varied.items()
    }
    sheet = out / "all-attributes.png"
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    grid(rows, sheet, column_labels=list(columns))
    what = "class" if model.digits else "attribute"
    caption = "The z of the input with every class."
    if not model.digits:
        caption = (
            "The input's own attributes with one more set each (Male turned over); those that "
            "exclude it are cleared."
        )
    return Figure(f"Each {what} in turn", sheet, caption)


def samples(model: IcGANEditor, seed: int, out: Path) -> Figure:
    """Random z in rows, a class or a single attribute in each column."""
    names = model.attribute_names
    latent_size = model.generator.input_shape[0][-1]
    latents = np.random.default_rng(seed).standard_normal((8, latent_size), np.float32)
    alone = np.eye(len(names), dtype=np.float32)
    rows = [
        list(model.decode(Codes(np.repeat(z[None], len(names), axis=0), alone))) for z in latents
    ]
    grid(rows, out / "samples.png", column_labels=names)
    return Figure(
        "Generated images",
        out / "samples.png",
        "A row has one random z, a column one class or one attribute alone; not chosen.",
    )


def interpolations(model: IcGANEditor, real: Records, codes: Codes, out: Path) -> Figure:
    """From one image to the next along a straight line in z and y."""
    first = np.arange(0, min(10, len(real) - 1), 2)
    shares = np.linspace(0.0, 1.0, 8)
    line = [model.decode(between(codes[first], codes[first + 1], share)) for share in shares]
    columns = [real.images[first], *line, real.images[first + 1]]
    rows = [list(row) for row in zip(*columns, strict=True)]
    sheet = out / "interpolations.png"
    labels = ["real", *(f"{share:.0%}" for share in shares), "real"]
    grid(rows, sheet, column_labels=labels)
    return Figure("Interpolations", sheet, "Straight lines in z and y between two images.")
