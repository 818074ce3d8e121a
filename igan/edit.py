"""`python -m igan.edit`: edits images by strokes, or generates images from scribbles alone.

    python -m igan.edit [IMAGES] --colour COLOURS.png --sketch LINES.png --out DIR
    python -m igan.edit --photo FILE --strokes STROKES.json --run RUN --out DIR
    python -m igan.edit IMAGES --direction pca-1.json --strength 1 --tune --out DIR

What the strokes ask for is in `igan.constraints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.along import AlongOptions, check_along, edited_along
from common.cli.commands import carry_out
from common.cli.edits import EditImagesCommand, check_edits, write_edits
from common.cli.images import check_fits, check_photo, read_inputs
from common.datasets.folder import check_inputs
from common.errors import UserError, exits_cleanly
from common.settings.config import check_setting, to_json
from igan.painting import PaintCommand, check_paint, request_of

if TYPE_CHECKING:
    from igan.codes import Paint
    from igan.editor import IGANEditor


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand(PaintCommand, EditImagesCommand):
    """Edits images by strokes; without IMAGES it generates from the strokes alone."""

    images: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[IMAGES]", name="images")
    ] = None
    """An image or a folder of images, such as the model was trained on."""
    invert: bool = False
    """The inputs are black on white."""
    shown: int = 16
    """Without IMAGES or --photo: the largest number of candidates that are written."""
    along: Annotated[AlongOptions, tyro.conf.arg(name="")] = field(default_factory=AlongOptions)


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the results.

    Raises:
        UserError: files that are missing, unreadable or to be overwritten.
    """
    from igan import editor

    check(command)
    model = editor.load(command.run)
    request = request_of(command, model)
    if command.images is None and command.photo is None:
        return generate(command, model, request)
    inputs = read_inputs(command, model.kind)
    (edited,), told = edited_along(
        command.tuning, command.along, model, inputs.stems, inputs.images, [request]
    )
    strokes = [to_json(stroke) for stroke in request.strokes]
    return write_edits(command, inputs, edited, model, {"strokes": strokes, **told})


def generate(command: EditCommand, model: IGANEditor, request: Paint) -> Path:
    """Candidates from scratch, and a strip of colours, mask, sketch and candidates."""
    import logging

    import numpy as np

    from common.images import cropped
    from common.reporting.sheets import grid
    from igan.saved import save
    from igan.session import EditSession
    from igan.strokes import drawn

    session = EditSession(
        model,
        count=request.count,
        most=command.shown,
        weights=request.weights,
        seed=request.seed,
    )
    session.paint(request, None)
    save(session, command.out)
    drawing = drawn(request.strokes, model.config.data.image_size, request.base)
    asked = {
        "colours": drawing.colour,
        "mask": np.repeat(drawing.colour_mask[..., None] * np.uint8(255), 3, axis=2),
        "sketch": np.repeat(drawing.sketch[..., None], 3, axis=2),
    }
    shown = session.candidates()
    made = np.repeat(shown.images, 3 // shown.images.shape[3], axis=3)
    tiles = [cropped(image[None], model.kind.size)[0] for image in asked.values()] + list(made)
    labels = [*asked, *(f"cost {cost:.3f}" for cost in shown.costs)]
    grid([tiles], command.out / "sheets" / "candidates.png", column_labels=labels)
    logging.getLogger(__name__).info("%d candidates in %s", len(made), command.out)
    return command.out


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: files that are missing or would be overwritten, nothing to do, or no trained
            model.
    """
    from igan import editor

    check_paint(command)
    check_setting("--shown", command.shown, command.shown > 0, "at least 1")
    drawings = command.colour, command.colour_mask, command.sketch
    if command.images is not None or command.photo is not None:
        check_edits(command, *drawings)
    elif command.animate is not None:
        raise UserError("--animate shows an edit of an image; give IMAGES or --photo.")
    elif not (command.colour or command.sketch or command.strokes):
        raise UserError("Give images to edit, or --colour, --sketch or --strokes to follow.")
    else:
        check_inputs(command.out, *drawings)
        check_photo(command)
        if command.along.direction or command.tuning.tune:
            raise UserError("--direction and --tune start from an image; give IMAGES or --photo.")
    check_along(command.along)
    check_fits(command, editor.outline(command.run))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    carry_out(EditCommand, "python -m igan.edit", apply, arguments, check)


if __name__ == "__main__":
    main()
