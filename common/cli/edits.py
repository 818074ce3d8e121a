"""What `edit` of all packages shares: images, sheets and codes are written, and an animation."""

from __future__ import annotations

import dataclasses
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.cli.images import Inputs, TunableCommand, check_images, write_results
from common.datasets.alignment import Alignment, Photo, smaller
from common.datasets.celeba.faces import HEIGHT, WIDTH
from common.datasets.folder import as_mode, check_inputs, image_files
from common.datasets.warping import moved
from common.editor import SHOWN, Edited, Editor, path_of
from common.errors import UserError
from common.files import atomic_path, called, check_writable, refuse_overwriting, write_json
from common.kinds import Faces
from common.transfer.pasting import Paste, changes, pasted

logger = logging.getLogger(__name__)

ANIMATIONS = (".gif", ".webp")
STEPS = 9  # images of an animation from nothing to all of an edit; the way back makes it 16 frames
PERIOD = 80  # milliseconds a frame
ROW = 8  # images side by side in an animation, at most
LARGEST = 512  # pixels of the longer side of an animated photograph
SIDE = 10  # images that stand side by side on a sheet, at most; of more each is a row
CLOSE = 320  # pixels of the longer side of a face before and after, on the sheet of a photograph
LONGEST = 255  # bytes of the name of a folder, on all common file systems


@dataclass(frozen=True, slots=True, kw_only=True)
class EditImagesCommand(TunableCommand):
    """What every command that edits images takes."""

    animate: Path | None = None
    """A file for an animation from no edit to the full edit and back, `.gif` or `.webp`; for a
    folder it shows the first eight images, for a photograph it has at most 512 pixels."""


def check_edits(command: EditImagesCommand, *others: Path | None) -> None:
    """Refuses what `check_images` does, and an animation that cannot be written.

    Args:
        command: names images or a photograph, and the animation.
        *others: further images that it reads.

    Raises:
        UserError: naming what is wrong.
    """
    check_images(command, *others)
    if command.animate is None:
        return
    if command.animate.suffix.lower() not in ANIMATIONS:
        raise UserError(f"--animate {command.animate}: end the name in {' or '.join(ANIMATIONS)}.")
    if command.animate.is_dir():
        raise UserError(f"--animate {command.animate} is a folder; name a file in it.")
    folders = [path for path in (command.images, *others) if path is not None]
    files = [file for path in folders for file in image_files(path)]
    files += [command.photo] if command.photo is not None else []
    if command.animate.exists() and any(command.animate.samefile(file) for file in files):
        raise UserError(f"--animate {command.animate} is one of the inputs; name another file.")
    check_writable(command.animate.parent)


def check_several(command: EditImagesCommand, names: Sequence[str], *others: Path | None) -> None:
    """Refuses several edits that cannot be written beside each other; one alone needs nothing.

    Args:
        command: names images or a photograph, and the folder.
        names: of the edits, and of their folders in it.
        *others: further images that it reads.

    Raises:
        UserError: an edit twice or with too long a name, an animation of several, or a folder of an
            edit that holds images of the inputs or cannot be written into.
    """
    if len(names) < 2:
        return
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"The edit {name} is asked for {names.count(name)} times; once is enough."
            )
        if len(name.encode()) > LONGEST:
            raise UserError(f"The edit {name} sets too much to name a folder by; edit it alone.")
    if command.animate is not None:
        raise UserError(f"--animate shows one edit; give one of {', '.join(names)}.")
    for name in names:
        folder = command.out / name
        check_inputs(folder, command.images, *others)
        if command.photo is not None:
            refuse_overwriting([command.photo], folder)
        check_writable(folder)


def name_of(values: Mapping[str, float]) -> str:
    """What to call an edit that sets these: `Smiling=1+Male=0`, also as a folder."""
    return "+".join(f"{name}={value:g}" for name, value in values.items())


def write_each(
    command: EditImagesCommand,
    inputs: Inputs,
    edits: Mapping[str, Edited],
    editor: Editor,
    details: Sequence[Mapping[str, Any]],
) -> Path:
    """Writes one edit as `write_edits` does; of several each into a folder, and a sheet of all.

    Each folder `OUT/<name>/` holds what the edit alone would write into OUT; the sheet with a
    column for each edit is `OUT/sheets/edits.png`.

    Args:
        command: names the folder.
        inputs: what was edited.
        edits: name, as of `check_several` -> what became of it.
        editor: the trained model.
        details: what else the `edits.json` of each edit tells.

    Returns:
        The folder.

    Raises:
        UserError: a folder cannot be written into.
    """
    for (name, edited), told in zip(edits.items(), details, strict=True):
        if len(edits) == 1:
            return write_edits(command, inputs, edited, editor, told)
        its_own = dataclasses.replace(command, out=command.out / name)
        write_edits(its_own, inputs, edited, editor, told)
    columns = {"input": inputs.images[:SHOWN]}
    for same in zip(*(edited.columns.items() for edited in edits.values()), strict=False):
        (label, images), *others = same
        if any(one != label or not np.array_equal(images, its) for one, its in others):
            break  # up to here, such as the reconstruction, they have the same columns
        columns[label] = images
    columns |= {name.replace("+", "\n"): one.images[:SHOWN] for name, one in edits.items()}
    draw_sheet(command.out / "sheets" / "edits.png", columns, inputs.stems[:SHOWN])
    logger.info(
        "%d edits, each in a folder of its own, side by side in %s",
        len(edits),
        command.out / "sheets",
    )
    return command.out


def write_edits(
    command: EditImagesCommand,
    inputs: Inputs,
    edited: Edited,
    editor: Editor,
    details: Mapping[str, Any],
) -> Path:
    """Writes each edited image as `OUT/<stem>.png`, a sheet and the codes to `OUT/sheets/`.

    Of a photograph a second sheet shows its face before and after.

    Args:
        command: names the folder, and an animation where one is wanted.
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

    out, stems, images = command.out, inputs.stems, inputs.images
    path = images[:1]
    if inputs.photo is not None:
        from common.transfer.motion import FRAMES  # with SciPy's filters, a tenth of a second

        path = path_of(editor, edited, 0, FRAMES)
    results = write_results(command, editor.kind, inputs, edited.images, path)
    folder = out / "sheets"
    columns = {"input": images[:SHOWN], **edited.columns}
    labels = list(stems[:SHOWN])
    if edited.readings:
        labels = [f"{stem} {text}" for stem, text in zip(labels, edited.readings, strict=False)]
    draw_sheet(folder / "edits.png", columns, labels)
    if inputs.photo is not None and inputs.alignment is not None and command.paste != "none":
        pair = [close(pixels, inputs.alignment) for pixels in (inputs.photo.pixels, results[0])]
        grid([pair], folder / "photo.png", column_labels=["before", "after"])
        logger.info("the face before and after: %s", folder / "photo.png")
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
    if inputs.photo is None:
        sheet = folder / "edits.png"
        logger.info("edited images: %d in %s; side by side: %s", len(stems), out, sheet)
    else:
        made = "face" if command.paste == "none" else "photograph"
        logger.info("the edited %s: %s", made, out / f"{stems[0]}.png")
    if len(stems) > SHOWN:
        logger.info("the sheet shows the first %d", SHOWN)
    if command.animate is not None:
        write_animation(command.animate, frames_of(command, inputs, edited, editor))
        logger.info("the animation: %s", command.animate)
    return out


def draw_sheet(path: Path, columns: Mapping[str, np.ndarray], labels: Sequence[str]) -> None:
    """Writes what became of N images: a row an image, or side by side where that is wider.

    Args:
        path: the PNG.
        columns: what was done -> uint8 `[N, H, W, C]`.
        labels: of the N images.
    """
    from common.reporting.sheets import grid

    if len(columns) < len(labels) <= SIDE:
        rows = [list(images) for images in columns.values()]
        grid(rows, path, row_labels=list(columns), column_labels=labels)
    else:
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        grid(rows, path, row_labels=labels, column_labels=list(columns))


def close(pixels: np.ndarray, alignment: Alignment) -> np.ndarray:
    """The face of a photograph with what CelebA's frame has around it, uint8 `[H, W, 3]`.

    Args:
        pixels: of the photograph, uint8 `[H, W, 3 or 4]`.
        alignment: where the face is.
    """
    ends = np.array([(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)], float)
    corners = moved(ends, alignment.matrix)
    left, top = np.maximum(corners.min(axis=0), 0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    face = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right, :3]))
    face.thumbnail((CLOSE, CLOSE), Image.Resampling.LANCZOS)
    return np.asarray(face)


def frames_of(
    command: EditImagesCommand, inputs: Inputs, edited: Edited, editor: Editor
) -> Sequence[np.ndarray]:
    """Nine images from nothing to all of an edit, uint8 `[H, W, C]` each.

    Of several images the first eight are side by side; a photograph is made smaller first, and its
    face pasted into it.
    """
    if inputs.photo is None or inputs.alignment is None or command.paste == "none":
        rows = range(min(ROW, len(inputs.images)))
        paths = [path_of(editor, edited, row, STEPS) for row in rows]
        return list(np.concatenate(paths, axis=2))
    return frames_in(inputs.photo, inputs.alignment, command.paste, edited, editor)


def frames_in(
    photo: Photo, alignment: Alignment, paste: Paste, edited: Edited, editor: Editor
) -> list[np.ndarray]:
    """Nine images of a photograph from nothing to all of its face's edit, uint8 `[H, W, C]`."""
    assert isinstance(editor.kind, Faces)
    photo, alignment = smaller(photo, alignment, LARGEST)
    along = changes(path_of(editor, edited, 0, STEPS), paste)
    return [pasted(photo, alignment, editor.kind, change) for change in along]


def write_animation(file: Path, frames: Sequence[np.ndarray]) -> None:
    """Writes images there and back as an animation that goes on, atomically.

    Args:
        file: ends in `.gif` or `.webp`.
        frames: as of `animation`.

    Raises:
        UserError: it cannot be written.
    """
    content = animation(frames, file.suffix.lower())
    with atomic_path(file) as temporary:
        temporary.write_bytes(content)


def animation(frames: Sequence[np.ndarray], form: str) -> bytes:
    """Images there and back as the file of an animation that goes on.

    Args:
        frames: uint8 `[H, W, C]`, gray, RGB or RGB with alpha, whose transparent parts are black.
        form: `.gif` or `.webp`.
    """
    there = [as_mode(Image.fromarray(frame.squeeze()), "RGB") for frame in frames]
    if form == ".gif":  # one palette for all, or what does not change would flicker
        palette = Image.fromarray(np.concatenate([np.asarray(one) for one in there])).quantize()
        there = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in there]
    first, *others = [*there, *there[-2:0:-1]]
    held = io.BytesIO()
    more = {"save_all": True, "append_images": others, "duration": PERIOD, "loop": 0}
    first.save(held, format=form.removeprefix(".").upper(), **more)
    return held.getvalue()


def _fields(codes: Any) -> dict[str, Any]:
    """The arrays of a paper's codes by name."""
    return {
        one.name: value
        for one in dataclasses.fields(codes)
        if (value := getattr(codes, one.name)) is not None
    }
