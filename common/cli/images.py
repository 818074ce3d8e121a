"""What `reconstruct` and `edit` of all packages do: files in, an editor's images out."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from common.cli.commands import carry_out
from common.datasets.folder import check_inputs, write_images
from common.editor import SHOWN, Edited, Editor, Reconstructor
from common.errors import UserError
from common.files import called, write_json

logger = logging.getLogger(__name__)

SHEET_IMAGES = 100  # at most so many pairs on the sheet of reconstructions


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesCommand:
    """What every command on images takes."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """An image or a folder of images, such as the model was trained on: digits, white on black, or
    faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; sheets and codes go to `OUT/sheets/`."""
    invert: bool = False
    """The inputs are digits, black on white; without it, that is found out for each."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand(ImagesCommand):
    """Encodes images and decodes the codes."""


def check_images(command: ImagesCommand) -> None:
    """Refuses images that are missing or might be overwritten.

    Raises:
        UserError: naming them.
    """
    check_inputs(command.out, command.images)


def reconstruct(
    command: ImagesCommand,
    editor: Reconstructor,
    apply: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Path:
    """Writes each reconstruction as `OUT/<stem>.png`, and a sheet of pairs to `OUT/sheets/`.

    Args:
        command: names the images and the folder.
        editor: the trained model.
        apply: makes the reconstructions, if not `editor.reconstruct`.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.metrics.pairs import pair_values
    from common.reporting import sheets

    check_images(command)
    stems, images = editor.kind.read(command.images, command.invert)
    reconstructions = (apply or editor.reconstruct)(images)
    write_images(command.out, stems, reconstructions)
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


def one_image(editor: Editor, path: Path, why: str, **options: Any) -> np.ndarray:
    """A file with one image, uint8 `[H, W, C]`.

    Args:
        editor: knows the kind of images.
        path: the file, or a folder with one image.
        why: what to do where there are several.
        **options: of the kind's `read`.

    Raises:
        UserError: the path holds several images.
    """
    images = editor.kind.read(path, **options)[1]
    if len(images) > 1:
        raise UserError(f"{path} holds {len(images)} images; {why}.")
    return images[0]


def write_edits(
    out: Path,
    stems: Sequence[str],
    images: np.ndarray,
    edited: Edited,
    editor: Editor,
    details: Mapping[str, Any],
) -> Path:
    """Writes each edited image as `out/<stem>.png`, a sheet and the codes to `out/sheets/`.

    Args:
        out: the folder.
        stems: N different names.
        images: the inputs, uint8 `[N, H, W, C]`.
        edited: what became of them.
        editor: the trained model.
        details: what else `edits.json` tells.

    Returns:
        The folder.

    Raises:
        UserError: the folder cannot be written into.
    """
    from common.reporting.sheets import grid

    write_images(out, stems, edited.images)
    folder = out / "sheets"
    columns = {"input": images[:SHOWN], **edited.columns}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    labels = list(stems[:SHOWN])
    if edited.readings:
        labels = [f"{stem} {text}" for stem, text in zip(labels, edited.readings, strict=False)]
    grid(rows, folder / "edits.png", row_labels=labels, column_labels=list(columns))
    write_json(
        folder / "edits.json",
        {
            "model": called(editor.folder),
            **details,
            "images": list(stems),
            "codes": _fields(edited.inputs),
            "edited_codes": _fields(edited.codes),
        },
    )
    logger.info("edited images: %d in %s, the sheet in %s", len(stems), out, folder)
    if len(stems) > SHOWN:
        logger.info("the sheet shows the first %d", SHOWN)
    return out


def _fields(codes: Any) -> dict[str, Any]:
    """The arrays of a paper's codes by name."""
    return {
        one.name: value
        for one in dataclasses.fields(codes)
        if (value := getattr(codes, one.name)) is not None
    }


def run_reconstruct(
    package: str,
    editor: Any,
    arguments: Sequence[str] | None,
    fitting: Callable[[Path], Path | None] = lambda _: None,
) -> None:
    """The whole command `python -m <package>.reconstruct`.

    Args:
        package: its name.
        editor: its module of that name, or something else with `load` and `outline`.
        arguments: the words after the program; those of the process by default.
        fitting: from the images to the folder of weights that is taken where no run is named; None
            for the editor's own.
    """

    def check(command: ReconstructCommand) -> None:
        check_images(command)
        editor.outline(command.run or fitting(command.images))

    def work(command: ReconstructCommand) -> Path:
        return reconstruct(command, editor.load(command.run or fitting(command.images)))

    carry_out(
        ReconstructCommand,
        f"python -m {package}.reconstruct",
        work,
        arguments,
        check,
    )
