"""Directions from many images instead of one pair, and files of them.

    python -m crg.directions --without CALM --with SMILING --out smile.json
    python -m crg.directions --attribute Smiling --method logistic --out smile.json
    python -m crg.edit IMAGES --direction smile.json --strength 1 --out DIR

One pair is the paper's Sec. 3.3; a mean over many leaves out what single pairs differ in besides.
From labels: the difference of the means, or the normal of a logistic regression, as InterFaceGAN
(Shen et al. 2020) takes that of a linear SVM. Strength 1 is the mean step from without to with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import tyro

from common.cli.commands import carry_out
from common.cli.evaluation import with_folders
from common.errors import UserError, did_you_mean, exits_cleanly
from common.files import called, write_json
from crg.codes import Direction, Norm

if TYPE_CHECKING:
    from crg.editor import CRGEditor

PENALTY = 1e-3  # of the squared weights of the regression, a mean over the images; ours
Method: TypeAlias = Literal["mean", "logistic"]


def of_means(without: np.ndarray, with_: np.ndarray, norm: Norm = "squared") -> Direction:
    """From the mean of some codes to the mean of others; of pairs, the mean of their steps.

    Args:
        without: codes of images without the attribute `[N, Z]`.
        with_: of images with it `[M, Z]`.
        norm: how Eq. 3 divides.
    """
    return Direction(without.mean(axis=0), with_.mean(axis=0), norm)


def of_labels(
    latents: np.ndarray, present: np.ndarray, method: Method = "mean", norm: Norm = "squared"
) -> Direction:
    """A direction from labelled codes.

    Args:
        latents: codes `[N, Z]`.
        present: whether each image has the attribute, bool `[N]`.
        method: "mean", or "logistic": along the normal of a logistic regression, as far as the
            means of both sides are apart along it.
        norm: how Eq. 3 divides.

    Raises:
        UserError: all images have the attribute, or none has.
    """
    if present.all() or not present.any():
        raise UserError(
            f"Of {len(present):,} images, {int(present.sum()):,} have the attribute: a direction "
            "needs images with it and without it."
        )
    means = of_means(latents[~present], latents[present], norm)
    if method == "mean":
        return means
    normal = regression(latents, present)
    step = normal * float(means.step @ normal) / float(normal @ normal)
    return Direction(np.zeros_like(step), step.astype(np.float32), norm)


def regression(latents: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The weights `[Z]` of a logistic regression with a small penalty on their squares."""
    import scipy.optimize

    mean, spread = latents.mean(axis=0), latents.std(axis=0) + 1e-6
    x = (latents - mean).astype(np.float64) / spread
    signs = np.where(present, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margins = signs * (x @ weights + bias)
        pulls = -signs / (1.0 + np.exp(np.clip(margins, -500, 500))) / len(x)
        value = np.logaddexp(0.0, -margins).mean() + PENALTY * weights @ weights
        return value, np.append(x.T @ pulls + 2 * PENALTY * weights, pulls.sum())

    found = scipy.optimize.minimize(
        loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}
    )
    return found.x[:-1] / spread


def write(path: Path, direction: Direction, model: CRGEditor, how: str) -> None:
    """Writes a direction as JSON: its step of strength 1, its norm, and whence it is."""
    values = {"step": direction.step, "norm": direction.norm}
    write_json(path, {**values, "model": called(model.folder), "from": how})


def read(path: Path, size: int) -> Direction:
    """Reads what `write` wrote.

    Args:
        path: the file.
        size: Z of the model.

    Raises:
        UserError: it is missing, no such file, or of a model with other codes.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        step, norm = np.array(values["step"], np.float32), values["norm"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no file of a direction ({error}); python -m crg.directions writes them."
        ) from error
    if step.shape != (size,) or norm not in ("squared", "unit", "none"):
        raise UserError(
            f"The direction in {path} has the shape {list(step.shape)}, the model's codes "
            f"[{size}]; it belongs to {values.get('model', 'another model')}."
        )
    return Direction(np.zeros_like(step), step, norm)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionsCommand:
    """Finds a direction from images without and with an attribute, or from labels."""

    out: Path
    """The file to write, such as smile.json."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""
    without: Path | None = None
    """An image, or a folder of images, without the attribute."""
    with_: Annotated[Path | None, tyro.conf.arg(name="with")] = None
    """An image, or a folder of images, with it."""
    attribute: str | None = None
    """Instead: an attribute of the model's own training data, such as Smiling; of digits a class,
    such as 8."""
    method: Method = "mean"
    """From labels: the difference of both means, or the normal of a logistic regression."""
    norm: Norm = "squared"
    """How Eq. 3 divides z_1 - z_2: by its squared norm as written, by its norm, or not."""
    limit: int | None = None
    """Of the training images so many, evenly spaced; all by default."""
    data_dir: Path | None = None
    """The folder of the data; by default that of the training."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared; by default as in the training."""
    cache_dir: Path | None = None
    """Where decoded images are kept; by default that of the training."""


def find(command: DirectionsCommand) -> Path:
    """Carries the command out.

    Returns:
        The file.

    Raises:
        UserError: images or data that are missing, an unknown attribute, codes that are equal.
    """
    from crg import editor

    check(command)
    model = editor.load(command.run)
    if command.attribute is None:
        assert command.without is not None
        assert command.with_ is not None
        sides = [model.kind.read(path)[1] for path in (command.without, command.with_)]
        without, with_ = (model.encode(images).latent for images in sides)
        direction = of_means(without, with_, command.norm)
        how = (
            f"{len(without)} images without, {len(with_)} with: {command.without}, {command.with_}"
        )
    else:
        direction, how = from_data(command, model)
    write(command.out, direction, model, how)
    return command.out


def from_data(command: DirectionsCommand, model: CRGEditor) -> tuple[Direction, str]:
    """The direction of an attribute of the training data, and in words whence it is."""
    from crg import data

    records = data.load(with_folders(model.config, command), "train").spaced(command.limit)
    names = records.attribute_names
    if command.attribute not in names:
        raise UserError(
            f"{records.name} has no attribute {command.attribute!r}."
            f"{did_you_mean(str(command.attribute), names)} It has {', '.join(names)}."
        )
    present = records.attributes[:, names.index(command.attribute)] > 0.5
    latents = model.encode(records.images).latent
    direction = of_labels(latents, present, command.method, command.norm)
    how = f"{command.method} of {command.attribute} in {len(records):,} images of {records.name}"
    return direction, how


def check(command: DirectionsCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: neither both folders nor an attribute, or both; no trained model; a file that is
            not JSON by its name.
    """
    from crg import editor

    sides = [path for path in (command.without, command.with_) if path is not None]
    if len(sides) != (0 if command.attribute else 2):
        raise UserError(
            "A direction comes from images --without and --with an attribute, or from the labels "
            "of --attribute NAME; give either both folders or a name."
        )
    if command.out.suffix != ".json":
        raise UserError(f"--out {command.out}: a direction is written as JSON, such as smile.json.")
    for path in sides:
        if not path.exists():
            raise UserError(f"There is no {path}.")
    editor.outline(command.run)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and finds the direction."""
    carry_out(DirectionsCommand, "python -m crg.directions", find, arguments, check)


if __name__ == "__main__":
    main()
