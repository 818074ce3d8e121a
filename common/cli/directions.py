"""How directions in the latent space of any trained editor are found, by a command.

`python -m common.directions` is it, and `crg.directions` with the norm of that paper's Eq. 3.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import tyro

from common.cli.evaluation import with_folders
from common.datasets.folder import image_files
from common.directions import files
from common.directions.layers import of_activations, of_weights
from common.directions.vectors import (
    Direction,
    Method,
    Norm,
    moved,
    of_labels,
    of_pairs,
    principal,
)
from common.editor import Tunable, editor_of
from common.errors import UserError, did_you_mean
from common.files import called
from common.settings.config import check_setting

logger = logging.getLogger(__name__)

MOST = 100  # directions at once
SHOWN = 4  # images of a sheet
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
Found: TypeAlias = tuple[list[Direction], Any, np.ndarray | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionsCommand:
    """Finds directions from images, from labels, or from a model alone."""

    run: Path
    """A run or a folder of weights."""
    out: Path
    """The file to write, such as smile.json; of --pca and --sefa numbered, pca-1.json and on.
    `sheets/` beside it shows what each direction does to four images."""
    without: Path | None = None
    """An image, or a folder of images, without something."""
    with_: Annotated[Path | None, tyro.conf.arg(name="with")] = None
    """An image, or a folder of images, with it."""
    attribute: str | None = None
    """Instead: an attribute of the model's own training data, such as Smiling; of digits a class,
    such as 8."""
    method: Method = "mean"
    """From labels: the difference of both means, or the normal of a logistic regression."""
    pca: Literal["images", "data", "random"] | None = None
    """Instead: principal components (GANSpace) of the codes of --images, of those of the training
    data, or of what random latents are in the decoder's first layer."""
    images: Path | None = None
    """The folder of --pca images; of --sefa and --pca random, what their sheets show."""
    sefa: bool = False
    """Instead: the closed-form factorisation of the decoder's first layer (SeFa)."""
    count: int = 5
    """Directions of --pca and --sefa."""
    limit: int | None = None
    """Use only this many of the training images, evenly spaced; all by default."""
    data_dir: Path | None = None
    """The folder of the data; by default that of the training."""
    source: Literal["tfds"] | None = None
    """`tfds`: what tensorflow-datasets has prepared; by default as in the training."""
    cache_dir: Path | None = None
    """Where decoded images are kept; by default that of the training."""


def find(command: DirectionsCommand, model: Any = None, norm: Norm = "squared") -> list[Path]:
    """Carries the command out.

    Args:
        command: as read.
        model: the loaded editor; by default that of `command.run`.
        norm: goes into the files, see `Direction`.

    Returns:
        The files.

    Raises:
        UserError: images or data that are missing, an unknown attribute, codes that are equal.
    """
    check(command)
    model = model or editor_of(command.run).load(command.run)
    directions, codes, images = found(command, model)
    numbered = command.sefa or command.pca is not None
    paths = []
    for number, direction in enumerate(directions, start=1):
        stem = f"{command.out.stem}-{number}" if numbered else command.out.stem
        path = command.out.with_name(f"{stem}.json")
        files.write(path, dataclasses.replace(direction, norm=norm), model.folder)
        sheet = path.parent / "sheets" / f"{stem}.png"
        draw_sheet(sheet, model, direction, codes[:SHOWN], images)
        logger.info("%s: %s; the sheet in %s", path, direction.origin, sheet)
        paths.append(path)
    return paths


def found(command: DirectionsCommand, model: Any) -> Found:
    """The directions, and codes for their sheets with the images that they are of."""
    if command.sefa:
        return of_weights(model, command.count), *drawn(command, model)
    if command.pca == "random":
        return of_activations(model, command.count), *drawn(command, model)
    if command.pca == "images":
        assert command.images is not None
        images = model.kind.read(command.images)[1]
        codes = model.encode(images)
        return principal(codes.latent, command.count), codes, images
    if command.pca == "data" or command.attribute is not None:
        return from_data(command, model)
    sides = [model.kind.read(path)[1] for path in (command.without, command.with_)]
    without, with_ = (model.encode(images) for images in sides)
    direction = of_pairs(without.latent, with_.latent)
    origin = f"{len(sides[0])} images without, {len(sides[1])} with: {command.without}, "
    return [dataclasses.replace(direction, origin=f"{origin}{command.with_}")], without, sides[0]


def drawn(command: DirectionsCommand, model: Any) -> tuple[Any, np.ndarray | None]:
    """Codes for sheets: of --images, else random ones, which no image was encoded to."""
    if command.images is None:
        return model.random(SHOWN, 0), None
    images = model.kind.read(command.images)[1][:SHOWN]
    return model.encode(images), images


def from_data(command: DirectionsCommand, model: Any) -> Found:
    """Directions of the training data: of an attribute, or principal components."""
    package = type(model).__module__.rpartition(".")[0]
    load = importlib.import_module(f"{package}.data").load
    records = load(with_folders(model.config, command), "train").spaced(command.limit)
    told = f"{len(records):,} images of {records.name}"
    if command.attribute is None:
        codes = model.encode(records.images)
        return principal(codes.latent, command.count), codes, records.images
    names = records.attribute_names
    if command.attribute not in names:
        raise UserError(
            f"{records.name} has no attribute {command.attribute!r}."
            f"{did_you_mean(command.attribute, names)} It has {', '.join(names)}."
        )
    present = records.attributes[:, names.index(command.attribute)] > 0.5
    codes = model.encode(records.images)
    direction = of_labels(codes.latent, present, command.method)
    origin = f"{command.method} of {command.attribute} in {told}"
    shown = np.flatnonzero(~present)[:SHOWN]
    return [dataclasses.replace(direction, origin=origin)], codes[shown], records.images[shown]


def draw_sheet(
    path: Path, model: Any, direction: Direction, codes: Any, images: np.ndarray | None
) -> None:
    """A row an image, a column a strength; before them the images that the codes are of."""
    from common.reporting.sheets import grid

    columns = {} if images is None else {"image": images[: len(codes.latent)]}
    for strength in STRENGTHS:
        label = f"{strength:+g}" if strength else "0"
        columns[label] = model.decode(moved(codes, [direction], [strength]))
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    grid(rows, path, column_labels=list(columns))


def check(command: DirectionsCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: no source of directions or several, images that are missing, no trained model or
            one without a latent, or a file that is not JSON by its name.
    """
    sides = [path for path in (command.without, command.with_) if path is not None]
    given = [bool(sides), command.attribute is not None, command.pca is not None, command.sefa]
    if sum(given) != 1 or len(sides) == 1:
        raise UserError(
            "A direction comes from images --without and --with something, from the labels of "
            "--attribute NAME, or from the model, by --pca or --sefa; give one of these, and of "
            "images both."
        )
    if command.pca == "images" and command.images is None:
        raise UserError("--pca images needs the folder of --images DIR.")
    if command.images is not None and command.pca in (None, "data") and not command.sefa:
        raise UserError("--images is for --pca images, --pca random and --sefa; leave it out.")
    if command.out.suffix != ".json":
        raise UserError(f"--out {command.out}: a direction is written as JSON, such as smile.json.")
    check_setting("--count", command.count, 0 < command.count <= MOST, f"from 1 to {MOST}")
    check_setting("--limit", command.limit, (command.limit or 1) > 0, "at least 1")
    for path in (*sides, *([command.images] if command.images else [])):
        image_files(path)
    outline = editor_of(command.run).outline(command.run)
    if not isinstance(outline, Tunable):
        raise UserError(f"{called(command.run)} is of a package that edits no latent.")
