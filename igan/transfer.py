"""`python -m igan.transfer`: an edit on the manifold, done to the photo at its own resolution.

    python -m igan.transfer PHOTO --colour COLOURS.png --out DIR
    python -m igan.transfer PHOTO --like OTHER --out DIR

Sec. 4.2 of the report: `common.transfer.motion` estimates what happens along the path,
`common.transfer.photo` does it to the photo.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.commands import carry_out
from common.datasets.folder import check_inputs
from common.errors import UserError, exits_cleanly
from igan.codes import Method
from igan.painting import PaintCommand, check_paint, request_of

if TYPE_CHECKING:
    import numpy as np

    from igan.editor import IGANEditor

logger = logging.getLogger(__name__)

PREVIEW = 256  # side of the frames on the way, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCommand(PaintCommand):
    """Edits a photo, or makes it look like another one, and keeps its resolution."""

    photo: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PHOTO")]
    """The photo, of any size; its middle square is what the model sees."""
    out: Path
    """Folder for `<name>.png` at the photo's resolution; the frames between, the baseline and a
    sheet go to `OUT/sheets/`."""
    like: Path | None = None
    """A photo that it is to look more like, in place of strokes."""
    share: float = 1.0
    """How far to go: 1 for the whole way."""
    method: Method = "cnn_opt"
    """How photos are projected."""


def apply(command: TransferCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the results.

    Raises:
        UserError: files that are missing, unreadable or to be overwritten; no program for flow.
    """
    import numpy as np

    from igan import editor
    from igan.codes import Codes

    check(command)
    model = editor.load(command.run)
    photo = read_photo(command.photo)
    frames = model.decode(Codes(path_of(command, model, photo)))
    write(command, photo, np.repeat(frames, 3 // frames.shape[3], axis=3))
    return command.out


def path_of(command: TransferCommand, model: IGANEditor, photo: np.ndarray) -> np.ndarray:
    """Latents `[8, Z]` from the photo's projection to the edited one, or to the other photo's."""
    from common.transfer.motion import FRAMES
    from igan.candidates import between
    from igan.codes import ITERATIONS
    from igan.session import EditSession

    request = request_of(command, model)
    session = EditSession(model, count=request.count, weights=request.weights, seed=request.seed)
    session.set_photo(photo, command.method, ITERATIONS)
    start = session.projected
    if command.like is not None:
        session.set_photo(read_photo(command.like), command.method, ITERATIONS)
        end = session.projected
    else:
        session.paint(request, start)
        end = session.latents[session.order[0]]
    assert start is not None
    assert end is not None
    return between(start, start + command.share * (end - start), FRAMES)


def write(command: TransferCommand, photo: np.ndarray, frames: np.ndarray) -> None:
    """Does what happens along the frames, uint8 `[8, S, S, 3]`, to the photo, and writes it."""
    import numpy as np

    from common.datasets.folder import write_images
    from common.reporting.sheets import grid
    from common.transfer.guided import resized
    from common.transfer.motion import fields_along
    from common.transfer.photo import changed, gradient_energy
    from igan.photo import middle_square, naive, pasted

    left, top, right, bottom = box = middle_square(photo)
    square = photo[top:bottom, left:right]

    def sized(image: np.ndarray, side: int) -> np.ndarray:
        return resized(image.astype(np.float32), (side, side)).round().astype(np.uint8)

    changes = fields_along(frames.astype(np.float32) / 255)
    edited = changed(square, changes[-1])
    stem, sheets = command.photo.stem, command.out / "sheets"
    write_images(command.out, [stem], pasted(photo, edited, box)[None])
    small = min(PREVIEW, len(square))
    preview = sized(square, small)
    names = [f"{stem}-{place}" for place in range(len(changes))]
    write_images(sheets, names, np.stack([changed(preview, change) for change in changes]))
    baseline = naive(square, frames[0], frames[-1])
    write_images(sheets, [f"{stem}-naive"], baseline[None])
    tiles = {
        "photo": preview,
        "projection": sized(frames[0], small),
        "edited": sized(frames[-1], small),
        "transferred": sized(edited, small),
        "naive difference": sized(baseline, small),
    }
    grid([list(tiles.values())], sheets / f"{stem}-sheet.png", column_labels=list(tiles))
    upsampled = gradient_energy(sized(frames[-1], len(square)))
    sharpness = gradient_energy(edited) / max(upsampled, 1e-12)
    logger.info("%s: %.1f times as sharp as the upsampled edit", command.out, sharpness)


def read_photo(path: Path) -> np.ndarray:
    """A photo at its own size, uint8 `[H, W, 3]`.

    Raises:
        UserError: it cannot be read.
    """
    from common.datasets.folder import as_array, as_mode, decode

    return as_array(as_mode(decode(path), "RGB"))


def check(command: TransferCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: files that are missing or would be overwritten, nothing to do, no program for
            flow, or no trained model.
    """
    from common.transfer.flow import check_flow
    from igan import editor

    check_paint(command)
    for path in (command.photo, command.like):
        if path is not None and path.is_dir():
            raise UserError(f"{path} is a folder; name one photo.")
    check_inputs(command.out, command.photo, command.like, command.colour, command.sketch)
    drawn = command.colour or command.sketch or command.strokes
    if bool(drawn) == bool(command.like):
        raise UserError("Give strokes (--colour, --sketch, --strokes), or --like; one of both.")
    check_flow()
    editor.outline(command.run)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and transfers."""
    carry_out(TransferCommand, "python -m igan.transfer", apply, arguments, check)


if __name__ == "__main__":
    main()
