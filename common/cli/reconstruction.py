"""What `reconstruct` of all packages does: files in, what an editor makes of them out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.cli.commands import carry_out
from common.cli.images import (
    ImagesCommand,
    TunableCommand,
    check_fits,
    check_images,
    read_inputs,
    write_results,
)
from common.cli.tuning import TuneOptions, each_tuned, record
from common.editor import Reconstructor
from common.files import write_json

logger = logging.getLogger(__name__)

SHEET_IMAGES = 100  # at most so many pairs on the sheet of reconstructions


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand(TunableCommand):
    """Encodes images and decodes the codes."""


def reconstruct(
    command: ImagesCommand,
    editor: Reconstructor,
    apply: Callable[[Any, np.ndarray], np.ndarray] | None = None,
    tuning: TuneOptions | None = None,
) -> Path:
    """Writes each reconstruction as `OUT/<stem>.png`, and a sheet of pairs to `OUT/sheets/`.

    Args:
        command: names the images and the folder.
        editor: the trained model.
        apply: makes reconstructions of an editor and images, if not the editor's own `reconstruct`.
        tuning: whether the decoder is fitted to each image first.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.metrics.pairs import pair_values
    from common.reporting import sheets

    check_images(command)
    inputs = read_inputs(command, editor.kind)
    stems, images = inputs.stems, inputs.images
    make = apply or (lambda model, some: model.reconstruct(some))
    if tuning is not None and tuning.tune:
        done = list(each_tuned(tuning, editor, stems, images))
        each = [make(one.editor, images[row : row + 1]) for row, one in enumerate(done)]
        reconstructions = np.concatenate(each)
        told = [{"image": stem, **record(one)} for stem, one in zip(stems, done, strict=True)]
        write_json(command.out / "sheets" / "tuning.json", told)
    else:
        reconstructions = make(editor, images)
    path = np.stack([images[0], reconstructions[0]])
    write_results(command, editor.kind, inputs, reconstructions, path)
    rows = sheets.alternating(images[:SHEET_IMAGES], reconstructions[:SHEET_IMAGES])
    sheet = command.out / "sheets" / "reconstructions.png"
    sheets.grid(rows, sheet, row_labels=["input", "reconstruction"] * (len(rows) // 2))
    values = pair_values(images, reconstructions)
    logger.info(
        "%d reconstructions in %s, the sheet in %s; mean MSE %.4f, MAE %.4f on [0, 1], dhash %.3f",
        *(len(stems), command.out, sheet),
        *(np.mean(values[name]) for name in ("mse", "mae", "dhash")),
    )
    return command.out


def run_reconstruct(
    package: str,
    editor: Any,
    arguments: Sequence[str] | None,
    run_for: Callable[[ImagesCommand], Path | None] = lambda command: command.run,
) -> None:
    """The whole command `python -m <package>.reconstruct`.

    Args:
        package: its name.
        editor: its module of that name, or something else with `load` and `outline`.
        arguments: the words after the program; those of the process by default.
        run_for: the run of a command; None for the editor's own model.
    """

    def check(command: ReconstructCommand) -> None:
        check_images(command)
        check_fits(command, editor.outline(run_for(command)))

    def work(command: ReconstructCommand) -> Path:
        return reconstruct(command, editor.load(run_for(command)), tuning=command.tuning)

    carry_out(
        ReconstructCommand,
        f"python -m {package}.reconstruct",
        work,
        arguments,
        check,
    )
