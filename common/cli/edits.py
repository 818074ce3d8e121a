"""What `edit` of all packages writes: images, a sheet, and codes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.cli.images import ImagesCommand, Inputs, write_results
from common.editor import SHOWN, Edited, Editor, path_of
from common.files import called, write_json

logger = logging.getLogger(__name__)


def write_edits(
    command: ImagesCommand,
    inputs: Inputs,
    edited: Edited,
    editor: Editor,
    details: Mapping[str, Any],
) -> Path:
    """Writes each edited image as `OUT/<stem>.png`, a sheet and the codes to `OUT/sheets/`.

    Args:
        command: names the folder.
        inputs: what was edited.
        edited: what became of it.
        editor: the trained model.
        details: what else `edits.json` tells.

    Returns:
        The folder.

    Raises:
        UserError: the folder cannot be written into.
    """
    from common.reporting.sheets import grid
    from common.transfer.motion import FRAMES

    out, stems, images = command.out, inputs.stems, inputs.images
    path = images[:1] if inputs.photo is None else path_of(editor, edited, 0, FRAMES)
    write_results(command, editor.kind, inputs, edited.images, path)
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
