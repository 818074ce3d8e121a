"""The tables of an evaluation: projections, class against class, edits, times."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from common.images import cropped
from common.metrics.intervals import mean_interval
from common.metrics.reconstruction import reconstruction_metrics
from common.reporting.tables import Published, Table
from igan.codes import Codes
from igan.config import GROUPS, Config
from igan.projection import joined
from igan.strokes import Stroke
from igan.weights import Weights

if TYPE_CHECKING:
    from common.datasets.records import Records
    from igan.editor import IGANEditor
    from igan.projection import Projection
    from igan.session import EditSession

REPORTED = {"shoes": 0.140, "bags": 0.398, "shirts": 0.451}  # L of the shoes' model [R, Ch. 6]
SMOOTHNESS = (0.0, 1.0, 5.0, 25.0)  # lambda_s of the sweep
PAINTED = 20  # images that are edited for the table of edits
RECOVERED = 100  # generated images that are projected
TIMED_STEPS, TIMED_IMAGES = 20, 5  # of the table of times
BAND = ((0.25, 0.5), (0.75, 0.5))  # a stroke across the middle, as both brushes draw it
CHANGED = (210, 40, 40)  # a red that few faces have there


@dataclass(frozen=True, slots=True)
class Found:
    """What a method of projection found.

    Attributes:
        projection: latents and costs.
        images: G(z*), uint8 `[N, H, W, C]`.
        seconds: of each image.
    """

    projection: Projection
    images: np.ndarray
    seconds: float


def projected(
    model: IGANEditor, images: np.ndarray, starts: Sequence[int], iterations: int, seed: int
) -> dict[str, Found]:
    """Every method of the report on the same images, uint8 `[N, H, W, C]`.

    `opt` runs once with the most starts; with fewer, the first of them count.
    """
    found: dict[str, Found] = {}

    def add(name: str, projection: Projection, seconds: float) -> None:
        made = model.decode(Codes(projection.latent))
        found[name] = Found(projection, made, seconds / len(images))

    several, seconds = timed(
        lambda: model.project(images, "opt", starts=max(starts), iterations=iterations, seed=seed)
    )
    for count in sorted(starts):
        name = f"opt, {count} {'start' if count == 1 else 'starts'}"
        add(name, several.first(count), seconds * count / max(starts))
    add("cnn", *timed(lambda: model.project(images, "cnn")))
    hybrid, hybrid_seconds = timed(lambda: model.project(images, "cnn_opt", iterations=iterations))
    add("cnn_opt", hybrid, hybrid_seconds)
    for count in sorted(starts):
        if count > 1:  # P's answer, and one start fewer of the others
            share = seconds * (count - 1) / max(starts)
            name = f"cnn_opt, {count} starts"
            add(name, joined(hybrid, several.first(count - 1)), hybrid_seconds + share)
    return found


def projection_table(images: np.ndarray, found: Mapping[str, Found]) -> Table:
    """Sec. 4.1.1 to 4.1.3 side by side."""
    rows = []
    for name, one in found.items():
        values = reconstruction_metrics(images, one.images)
        measured = [mean_interval(values[metric]) for metric in ("mse", "psnr", "ssim")]
        rows.append([name, mean_interval(one.projection.cost), *measured, one.seconds])
    return Table(
        "Projection by optimisation, by the predictor, and by both",
        ("method", "L", "MSE", "PSNR", "SSIM", "s an image"),
        rows,
        "L: what is minimised, pixels on [-1, 1] and features; MSE, PSNR and SSIM on [0, 1], of "
        "8-bit images. Seconds: many images in a batch; of fewer starts their share.",
    )


def hybrid_finding(found: Mapping[str, Found]) -> str:
    """How the hybrid method compares with the others, in a sentence."""
    costs = {name: one.projection.cost.mean() for name, one in found.items()}
    told = []
    for name, hybrid in costs.items():
        other = name.replace("cnn_opt", "opt") if "," in name else "opt, 1 start"
        if name.startswith("cnn_opt") and other in costs:
            told.append(f"{hybrid:.4f} ({other}: {costs[other]:.4f})")
    return (
        f"L of the hybrid projection, beside as many starts without the predictor: "
        f"{', '.join(told)}; the predictor alone: {costs['cnn']:.4f}."
    )


def class_table(
    models: Mapping[str, IGANEditor], sets: Mapping[str, np.ndarray], iterations: int
) -> tuple[Table, list[str]]:
    """The report's class against class: what each model makes of each class of images.

    Args:
        models: name -> model; L is that of the first one for all.
        sets: class -> uint8 images `[N, H, W, C]`.
        iterations: of L-BFGS-B.
    """
    judge = next(iter(models.values()))
    counts = {kind: len(images) for kind, images in sets.items()}
    rows, shoes, joint = [], {}, {}
    for name, model in models.items():
        classes = {*model.config.data.classes}
        for kind, images in sets.items():
            latent = model.project(images, "cnn_opt", iterations=iterations).latent
            made = np.asarray(model.manifold.rendered(latent))
            costs = _judged(judge, images, made)
            mse = reconstruction_metrics(images, model.decode(Codes(latent)))["mse"]
            published = REPORTED[kind] if classes == {"shoes"} else None
            rows.append([name, kind, mean_interval(costs), mean_interval(mse), published])
            if model is judge and classes == {"shoes"}:
                shoes[kind] = costs.mean()
            elif kind == "shoes" and classes == {*sets}:
                joint[name] = costs.mean()
    table = Table(
        "Class against class",
        ("model", "images", "L", "MSE", "L of the report's shoes model"),
        rows,
        "The report's L is in a feature space that is not ours: only ratios compare. L here is "
        "that of the first model, for all.",
        _beside(shoes, counts),
    )
    return table, _class_findings(shoes, joint)


def _beside(shoes: Mapping[str, float], counts: Mapping[str, int]) -> list[Published]:
    """How much farther other classes are than shoes, for the report's shoes model and ours.

    Args:
        shoes: class -> L of the shoes model, if the first model is one.
        counts: class -> images.
    """
    return [
        Published(
            table="iGAN, the report, Ch. 6, its shoes model",
            figure=f"L on {kind} by that on shoes",
            paper=REPORTED[kind] / REPORTED["shoes"],
            ours=shoes[kind] / shoes["shoes"],
            n=counts[kind],
            better=None,
        )
        for kind in ("bags", "shirts")
        if kind in shoes
    ]


def _class_findings(shoes: Mapping[str, float], joint: Mapping[str, float]) -> list[str]:
    """The ratios beside the report's.

    Args:
        shoes: class -> L of the shoes model, if the first model is one.
        joint: model of all these classes -> its L on shoes.
    """
    if "bags" not in shoes:
        return []
    bags, shirts = (shoes[kind] / shoes["shoes"] for kind in ("bags", "shirts"))
    told = [
        f"The first model's L is {bags:.1f} times as large on bags and {shirts:.1f} times on "
        "shirts as on shoes; the report's shoes model has 2.8 and 3.2."
    ]
    told += [
        f"On shoes {name}, a model of all three classes, has {value / shoes['shoes'] - 1:+.0%} of "
        "the first model's L; the report has about 10 % more."
        for name, value in joint.items()
    ]
    return told


def _judged(judge: IGANEditor, images: np.ndarray, made: np.ndarray) -> np.ndarray:
    """L of images `[N, H, W, C]` to what was made of them, in the judge's feature space."""
    import tensorflow as tf

    distance = judge.projector.distance
    targets = distance.targets(tf.constant(judge.shown(images)))
    return np.asarray(distance(tf.constant(made), targets))


def recovery_table(model: IGANEditor, iterations: int, seed: int) -> Table:
    """Generated images projected again: is their z found?"""
    latents = model.manifold.draw(RECOVERED, np.random.default_rng(seed))
    images = model.decode(Codes(latents))
    rows = []
    for method in ("cnn", "cnn_opt"):
        found = model.project(images, method, iterations=iterations).latent
        mse = reconstruction_metrics(images, model.decode(Codes(found)))["mse"]
        rows.append([method, mean_interval(mse), mean_interval(_squared(found - latents))])
    zero = mean_interval(_squared(latents))
    return Table(
        "Generated images, projected again",
        ("method", "MSE of the image", "mean squared error of z"),
        [*rows, ["z = 0", None, zero]],
        f"{RECOVERED} draws of z from U[-1, 1], for which z = 0 has an error of 1/3.",
    )


def edit_table(session: EditSession, images: np.ndarray) -> tuple[Table, str]:
    """Strokes before and after, while lambda_s grows."""
    model = session.editor
    channels = images.shape[3]
    colour = CHANGED if channels == 3 else (255, 255, 255)
    brushes = {
        "colour": Stroke(kind="colour", points=BAND, colour=colour),
        "sketch": Stroke(kind="sketch", points=BAND),
    }
    latents = model.encode(images[:PAINTED]).latent
    rows, halved = [], []
    for name, stroke in brushes.items():
        column = 0 if name == "colour" else 1
        for smoothness in SMOOTHNESS:
            session.weigh(Weights(smoothness=smoothness))
            measured = []
            for latent in latents:
                session.restart(latent)
                session.add_stroke(stroke)
                before = session.costs.terms[0, column]
                session.run()
                best = int(session.order[0])
                after = session.costs.terms[best, column]
                moved = np.sqrt(_squared(session.latents[best : best + 1] - latent)[0])
                measured.append((before, after, moved))
            before, after, moved = np.array(measured).T
            rows.append([name, smoothness, *(mean_interval(one) for one in (before, after, moved))])
            halved.append(1.0 - after.mean() / before.mean())
    table = Table(
        "Strokes across the middle, before and after 40 steps",
        ("brush", "lambda_s", "error before", "error after", "distance from z0"),
        rows,
        f"The first {len(latents)} images, the cheapest of {session.manipulator.count} candidates. "
        "Errors are the weighted terms of the objective; the distance is a root mean square.",
    )
    session.weigh(Weights())
    default = [halved[SMOOTHNESS.index(5.0) + row * len(SMOOTHNESS)] for row in range(2)]
    sentence = (
        f"With lambda_s = 5 a stroke's error falls by {default[0]:.0%} (colour) and "
        f"{default[1]:.0%} (sketch) in 40 steps."
    )
    return table, sentence


def time_table(session: EditSession, images: np.ndarray, iterations: int) -> Table:
    """What a person waits for."""
    model = session.editor
    session.restart(model.predict(images[:1]).latent[0])
    session.add_stroke(Stroke(kind="colour", points=BAND, colour=CHANGED))
    session.step()
    _, edit = timed(lambda: session.step(TIMED_STEPS))
    model.project(images[:1], iterations=2)  # compiles
    seconds = [
        timed(lambda row=row: model.project(images[row : row + 1], iterations=iterations))[1]
        for row in range(min(TIMED_IMAGES, len(images)))
    ]
    return Table(
        "Times",
        ("what", "seconds"),
        [
            [f"an edit step of {session.manipulator.count} candidates", edit / TIMED_STEPS],
            [f"a cnn_opt projection, at most {iterations} iterations", float(np.mean(seconds))],
        ],
        "On this machine, one image at a time; the authors aim at 33 ms a step on a GPU.",
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the seconds that it took."""
    started = time.monotonic()
    result = work()
    return result, time.monotonic() - started


def class_sets(
    config: Config, size: int, load: Callable[[Config], Records], count: int
) -> dict[str, np.ndarray]:
    """The report's three classes of Fashion-MNIST, uint8 `[<=count, 28, 28, 1]` each.

    Args:
        config: whose data they are.
        size: of the images without their border.
        load: from settings to records.
        count: of images of a class, at most.
    """
    sets = {}
    for name in GROUPS:
        chosen = replace(config, data=replace(config.data, classes=(name,)))
        sets[name] = cropped(load(chosen).spaced(count).images, size)
    return sets


def _squared(difference: np.ndarray) -> np.ndarray:
    """The mean square of each row."""
    return np.square(difference).mean(axis=1)
