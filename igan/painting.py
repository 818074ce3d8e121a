"""What `igan.edit` and `igan.transfer` take of strokes: files and flags become a `Paint`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.datasets.folder import image_files
from common.errors import UserError
from common.settings.config import check_setting, from_json
from igan.strokes import Stroke
from igan.weights import Weights

if TYPE_CHECKING:
    from igan.codes import Paint
    from igan.editor import IGANEditor
    from igan.strokes import Drawing


@dataclass(frozen=True, kw_only=True)  # slots would exclude a second base class
class PaintCommand:
    """Strokes, as images or as vectors, and how they are followed."""

    colour: Path | None = None
    """An image of colours, as the colouring brush paints them."""
    colour_mask: Path | None = None
    """Where --colour counts: white. Without it, where that image is not black or is opaque."""
    sketch: Path | None = None
    """White lines on black, as the sketching brush draws them."""
    strokes: Path | None = None
    """Strokes as vectors, a JSON file: a list of {"kind", "points", "colour", "width"}, or the
    session.json that a session has saved. Points are shares of the image's side."""
    steps: int = 40
    """Steps of gradient descent, at most."""
    candidates: int = 16
    """Latents that move together; the authors' code takes 64."""
    smoothness: float = 5.0
    """lambda_s, what a step away from the original costs (Sec. 4.1.4)."""
    colour_weight: float = 1.0
    """Weight of the colouring brush."""
    edge_weight: float = 0.2
    """Weight of the sketching brush."""
    realism: float = 0.0
    """lambda_D of E_D, the discriminator's judgement; off, as in the report."""
    seed: int = 0
    """Of the candidates."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def check_paint(command: PaintCommand) -> None:
    """Refuses files that are missing, and numbers that cannot be.

    Raises:
        UserError: naming them.
    """
    for path in (command.colour, command.colour_mask, command.sketch):
        if path is not None:
            image_files(path)
    if command.colour_mask and not command.colour:
        raise UserError("--colour-mask says where --colour counts, which is missing.")
    strokes_of(command.strokes)
    for name in ("steps", "candidates"):
        check_setting(f"--{name}", getattr(command, name), getattr(command, name) > 0, "at least 1")
    for name in ("smoothness", "colour_weight", "edge_weight", "realism"):
        value = getattr(command, name)
        check_setting(f"--{name.replace('_', '-')}", value, value >= 0, "at least 0")


def strokes_of(file: Path | None) -> tuple[Stroke, ...]:
    """The strokes of a JSON file; none of none.

    Raises:
        UserError: it is missing, or does not hold strokes.
    """
    if file is None:
        return ()
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"--strokes {file} is no JSON file that can be read ({error}).") from error
    values = values.get("strokes") if isinstance(values, dict) else values
    if not isinstance(values, list):
        raise UserError(f"--strokes {file} holds no list of strokes.")
    return tuple(
        from_json(Stroke, value, f"{file}, stroke {number}")
        for number, value in enumerate(values, start=1)
    )


def request_of(command: PaintCommand, model: IGANEditor) -> Paint:
    """The request of a command.

    Raises:
        UserError: files that cannot be read.
    """
    from igan.codes import Paint

    return Paint(
        strokes=strokes_of(command.strokes),
        base=_base(command, model),
        weights=Weights(
            colour=command.colour_weight,
            edge=command.edge_weight,
            smoothness=command.smoothness,
            realism=command.realism,
        ),
        steps=command.steps,
        count=command.candidates,
        seed=command.seed,
    )


def _base(command: PaintCommand, model: IGANEditor) -> Drawing | None:
    """The images of strokes, resized to the model's."""
    import numpy as np
    from PIL import Image

    from common.datasets.folder import decode
    from igan.strokes import blank

    if command.colour is None and command.sketch is None:
        return None
    size, visible = model.config.data.image_size, model.kind.size
    border = (size - visible) // 2
    inside = slice(border, border + visible)
    drawing = blank(size)
    colour, mask, sketch = drawing.colour, drawing.colour_mask.copy(), drawing.sketch

    def small(path: Path, mode: str) -> np.ndarray:
        image = decode(path).convert(mode)
        return np.asarray(image.resize((visible, visible), Image.Resampling.BOX))

    if command.colour is not None:
        pixels = small(command.colour, "RGBA")
        colour[inside, inside] = pixels[..., :3]
        if command.colour_mask is not None:
            mask[inside, inside] = small(command.colour_mask, "L") > 127
        else:
            clear = decode(command.colour).has_transparency_data
            seen = pixels[..., 3] > 127 if clear else pixels[..., :3].any(axis=2)
            mask[inside, inside] = seen
    if command.sketch is not None:
        # A line that covers a tenth of a pixel is drawn: thin lines of large images stay whole.
        sketch[inside, inside] = np.where(small(command.sketch, "L") > 25, 255, 0)
    return type(drawing)(colour, mask, sketch, drawing.keep_mask)
