"""`python -m igan.project`: projects images onto the manifold of a generator (Sec. 4.1).

    python -m igan.project IMAGES --out DIR [--run RUN] [--method cnn_opt]
    python -m igan.project IMAGES --out DIR --generator G.keras [--predictor E.keras]

The second form inverts any generator that Keras has saved, such as `networks/generator.keras` of a
run of CRG or IcGAN.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.cli.commands import carry_out
from common.cli.images import check_images, check_takes_photos, read_inputs, write_results
from common.errors import UserError, exits_cleanly
from common.settings.config import check_seed, check_setting
from igan.codes import ITERATIONS, POOL, Method
from igan.foreign import GeneratorCommand, check_generator

if TYPE_CHECKING:
    from common.kinds import Kind
    from igan.projection import Projector

logger = logging.getLogger(__name__)

SHEET_IMAGES = 40  # at most so many rows on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCommand(GeneratorCommand):
    """Finds for each image the latents whose image is closest."""

    method: Method = "cnn_opt"
    """`opt`: L-BFGS-B from random starts; `cnn`: the predictor; `cnn_opt`: from the predictor."""
    starts: int | None = None
    """Starts of `opt`, 8 by default, or of `cnn_opt`, by default the predictor's answer alone."""
    iterations: int = ITERATIONS
    """Iterations of L-BFGS-B, at most."""
    mask: Path | None = None
    """An image of weights for the pixels: white counts, black does not."""
    seed: int = 0
    """Of the random starts."""


def apply(command: ProjectCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the projections.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    import numpy as np

    from common.datasets.folder import read_images
    from common.files import write_json
    from common.images import cropped, padded, to_range, to_uint8
    from common.reporting.sheets import grid

    check(command)
    kind, projector = subject(command)
    manifold = projector.manifold
    size = manifold.image_shape[0]
    inputs = read_inputs(command, kind)
    stems, images = inputs.stems, inputs.images
    mask = None
    if command.mask is not None:
        weights = read_images(command.mask, (kind.size, kind.size), "L")[1]
        mask = np.repeat(padded(weights[:1], size) / np.float32(255), len(images), axis=0)
    shown = np.asarray(to_range(padded(images, size), manifold.pixel_range))
    started = time.monotonic()
    found = projector.project(
        shown,
        command.method,
        starts=command.starts,
        iterations=command.iterations,
        mask=mask,
        seed=command.seed,
    )
    seconds = (time.monotonic() - started) / len(images)
    made = to_uint8(manifold.rendered(found.latent), manifold.pixel_range)
    made = cropped(made, kind.size)
    write_results(command, kind, inputs, made, np.stack([images[0], made[0]]))
    rows = [list(pair) for pair in zip(images[:SHEET_IMAGES], made[:SHEET_IMAGES], strict=True)]
    labels = [f"{stem}: {cost:.4f}" for stem, cost in zip(stems, found.cost, strict=True)]
    grid(
        rows,
        command.out / "sheets" / "projections.png",
        row_labels=labels[:SHEET_IMAGES],
        column_labels=["input", command.method],
    )
    write_json(
        command.out / "sheets" / "projections.json",
        {
            "method": command.method,
            "images": stems,
            "cost": found.cost,
            "costs": found.costs,
            "iterations": found.iterations,
            "latent": found.latent,
        },
    )
    error = np.square((made.astype(np.float32) - images) / 255).mean()
    logger.info(
        "%d projections in %s: L %.4f, MSE %.4f on [0, 1], %.2f s an image",
        *(len(stems), command.out, found.cost.mean(), error, seconds),
    )
    return command.out


def subject(command: ProjectCommand) -> tuple[Kind, Projector]:
    """The kind of images, and what projects them."""
    if command.generator is not None:
        from igan.foreign import projector_of

        return projector_of(command)
    from igan import editor

    model = editor.load(command.run)
    return model.kind, model.projector


def check(command: ProjectCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: numbers that cannot be, images that are missing or would be overwritten, a
            method without its predictor, or no trained model.
    """
    from igan import editor

    check_setting("--iterations", command.iterations, command.iterations > 0, "at least 1")
    right = command.starts is None or 0 < command.starts <= POOL
    check_setting("--starts", command.starts, right, f"from 1 to {POOL}")
    check_seed(command.seed)
    check_images(command)
    if command.generator is None:
        check_takes_photos(command, editor.outline(command.run).kind)
        return
    if command.run is not None:
        raise UserError("Name either --run or --generator.")
    if command.photo is not None:
        raise UserError(
            "--photo needs a model that is known to be one of faces; name it by --run, not its "
            "--generator."
        )
    check_generator(command)
    if command.method != "opt" and command.predictor is None:
        raise UserError(f"--method {command.method} needs --predictor; use --method opt without.")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and projects."""
    carry_out(ProjectCommand, "python -m igan.project", apply, arguments, check)


if __name__ == "__main__":
    main()
