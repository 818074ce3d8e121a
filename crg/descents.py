"""How inversion goes on: errors against steps and seconds, and whether z is found again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.figure
import numpy as np

from common.files import atomic_path
from common.images import to_range
from common.metrics.intervals import mean_interval
from common.reporting.curves import OKABE_ITO
from common.reporting.document import Figure
from common.reporting.tables import Table
from crg.inversion import Descent, Inversion, invert, random_starts

if TYPE_CHECKING:
    from common.datasets.records import Records
    from crg.editor import CRGEditor

logger = logging.getLogger(__name__)

LOOKS = (0, 5, 10, 20, 50, 100, 200, 350, 500)  # steps
STEPS = LOOKS[-1]
RESTARTS = (1, 2, 4)  # of the search for z
FOUND = 0.01  # mean squared error of z below which it counts as found; answering 0 has 1/3


def progress(
    model: CRGEditor, real: Records, lines: dict[str, float], out: Path, seed: int
) -> Figure:
    """Draws errors against steps and against seconds, with clipping of z on and off.

    Args:
        model: g and e.
        real: the images.
        lines: MSEs on [0, 1] to compare with, by name.
        out: folder of the figure.
        seed: of the random starts and of what clipping draws.
    """
    images = np.asarray(to_range(real.images))
    size = model.generator.input_shape[-1]
    starts = {
        "hybrid": model.encode(real.images).latent[:, None],
        "random start": random_starts(len(images), 1, size, "uniform", seed),
    }
    courses = {}
    for clip in ("none", "hard", "stochastic"):
        descent = Descent(steps=STEPS, schedule="constant", clip=clip, seed=seed)
        for name, points in starts.items():
            logger.info("descent from the %s, clipping: %s", name, clip)
            courses[name, clip] = invert(model.generator, images, points, descent, LOOKS)
    file = out / "inversion.png"
    draw_progress(courses, lines, file)
    return Figure(
        "Inversion: error against steps and seconds",
        file,
        f"Adam, learning rate {Descent().learning_rate} throughout; the smallest error so far, "
        f"mean over {len(images):,} images. Clipping of components of z that leave [-1, 1]: none, "
        "at the edge, or drawn anew. Seconds include all other work of the machine.",
    )


def draw_progress(
    courses: dict[tuple[str, str], Inversion], lines: dict[str, float], file: Path
) -> None:
    """The figure of `progress`: a colour is a kind of clipping, dashed is a random start."""
    figure = matplotlib.figure.Figure(figsize=(13, 4.5), layout="constrained")
    by_steps, by_seconds = figure.subplots(1, 2, sharey=True)
    clips = list(dict.fromkeys(clip for _, clip in courses))
    for (start, clip), course in courses.items():
        colour = OKABE_ITO[clips.index(clip)]
        style = "solid" if start == "hybrid" else "dashed"
        look = {"color": colour, "linestyle": style, "marker": "o", "markersize": 3}
        error = course.errors.min(axis=2).mean(axis=1)
        label = f"{start}, clipping {clip}"
        by_steps.plot(course.steps, error, label=label, **look)
        by_seconds.plot(course.seconds / course.errors.shape[1], error, **look)
    for axes in (by_steps, by_seconds):
        for name, value in lines.items():
            axes.axhline(value, color="#777777", linewidth=0.8, linestyle="dotted")
            axes.annotate(name, (0.99, value), xycoords=("axes fraction", "data"), ha="right")
        axes.set_yscale("log")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    by_steps.set_xscale("symlog", linthresh=5, linscale=0.3)
    by_steps.set_xlim(left=0)
    by_steps.set_xlabel("steps")
    by_seconds.set_xlabel("seconds an image")
    by_steps.set_ylabel("MSE on [0, 1]")
    by_steps.legend(loc="lower left", frameon=False, fontsize=9)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=120)


def recovery(model: CRGEditor, count: int, out: Path, seed: int) -> tuple[Table, Figure]:
    """Whether inversion finds the z of generated digits again, by restarts and steps.

    Args:
        model: g and e.
        count: generated digits.
        out: folder of the figure.
        seed: of their latents, of the starts and of what clipping draws.
    """
    size = model.generator.input_shape[-1]
    true = random_starts(count, 1, size, "uniform", seed)[:, 0]
    images = np.asarray(model.generator(true, training=False))
    descent = Descent(steps=STEPS, schedule="constant", clip="stochastic", seed=seed + 1)
    points = random_starts(count, max(RESTARTS), size, "uniform", seed + 1)
    logger.info("searching the z of %d generated digits from %d starts", count, max(RESTARTS))
    random = invert(model.generator, images, points, descent, LOOKS)
    codes = np.asarray(model.encoder(images, training=False))
    hybrid = invert(model.generator, images, codes[:, None], descent, LOOKS)
    ways = {
        f"random, best of {restarts}" if restarts > 1 else "random": (random, restarts)
        for restarts in RESTARTS
    } | {"hybrid": (hybrid, 1)}
    errors = {
        name: [
            np.square(course.best(at, restarts) - true).mean(axis=1)
            for at in range(len(course.steps))
        ]
        for name, (course, restarts) in ways.items()
    }
    rows = []
    for name, (course, restarts) in ways.items():
        image = course.errors[-1, :, :restarts].min(axis=1)
        last = errors[name][-1]
        rows.append([name, mean_interval(image), mean_interval(last), float((last < FOUND).mean())])
    table = Table(
        f"The z of generated digits, after {STEPS} steps",
        ("start", "image, MSE on [0, 1]", "z, mean squared error", "share found"),
        rows,
        f"{count:,} draws of z from U[-1, 1], their images not rounded; descent by Adam with "
        f"stochastic clipping, of several starts that of the smallest image error. Found: error of "
        f"z below {FOUND}; answering 0 has 1/3.",
    )
    file = out / "recovery.png"
    draw_recovery(errors, random.steps, file)
    caption = f"Mean over {count:,} generated digits of the squared error of z; 0 would be found."
    return table, Figure("Inversion of generated digits: error of z", file, caption)


def draw_recovery(errors: dict[str, list[np.ndarray]], steps: tuple[int, ...], file: Path) -> None:
    """The figure of `recovery`: name -> the errors `[N]` at each number of steps."""
    figure = matplotlib.figure.Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    for colour, (name, values) in zip(OKABE_ITO, errors.items(), strict=False):
        means = [value.mean() for value in values]
        axes.plot(steps, means, label=name, color=colour, marker="o", markersize=3)
    axes.set_xscale("symlog", linthresh=5, linscale=0.3)
    axes.set_xlim(left=0)
    axes.set_yscale("log")
    axes.set_xlabel("steps")
    axes.set_ylabel("mean squared error of z")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", frameon=False, fontsize=9)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=120)
