"""What a user draws, as vectors, and the images and masks that become of it [R, Sec. 4.2.2].

Points are shares of the image's side, (0, 0) at its top left, so that strokes mean the same at any
size of the screen; widths are pixels of the model's image. A later stroke paints over earlier ones,
and an eraser takes away what was painted there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from common.errors import UserError

Kind = Literal["colour", "sketch", "erase", "keep", "warp"]
WIDTHS = {
    "colour": 2,
    "sketch": 1,
    "erase": 4,
    "keep": 4,
    "warp": 24,
}  # pixels [C]; erase, keep: ours
WIDEST = 1024  # pixels of a brush; ours
FARTHEST = 2.0  # a stroke may leave the image by so many of its sides; ours
WARP_SIDE = 64  # of the image to which [C]'s width of a warp belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One stroke of a brush.

    Attributes:
        kind: `colour` asks for a colour, `sketch` for an edge, `keep` for what is there now;
            `erase` takes these back; `warp` moves the square around the first point to the last.
        points: x and y from 0 to 1, at least one.
        colour: RGB from 0 to 255, of `colour`.
        width: of the brush in pixels of the model's image, or the side of the square of `warp`; by
            default as in `WIDTHS`.
    """

    kind: Kind
    points: tuple[tuple[float, float], ...]
    colour: tuple[int, int, int] = (0, 0, 0)
    width: float | None = None

    def __post_init__(self) -> None:
        points = tuple((float(x), float(y)) for x, y in self.points)
        object.__setattr__(self, "points", points)
        if self.kind not in WIDTHS:
            raise UserError(f"There is no brush {self.kind!r}; there are {', '.join(WIDTHS)}.")
        if not points or not all(np.isfinite(points).ravel()):
            raise UserError(
                f"A stroke of {self.kind} has the points {list(points)}; it needs some."
            )
        if max(abs(value) for point in points for value in point) > 1.0 + FARTHEST:
            raise UserError(f"A stroke of {self.kind} leads far out of the image.")
        if self.width is not None and not 0 < self.width <= WIDEST:
            raise UserError(f"A brush cannot be {self.width:g} pixels wide; at most {WIDEST} are.")
        if not all(0 <= value <= 255 for value in self.colour):
            raise UserError(f"The colour {self.colour} is not three numbers from 0 to 255.")


@dataclass(frozen=True, slots=True)
class Drawing:
    """Strokes as images of the model's size S.

    Attributes:
        colour: wanted colours, uint8 `[S, S, 3]`.
        colour_mask: where they are wanted, `[S, S]` of False and True.
        sketch: white lines on black, uint8 `[S, S]`.
        keep_mask: what is to stay, `[S, S]`.
        warps: source (top, left), target (top, left), height and width, in pixels, of each warp.
    """

    colour: np.ndarray
    colour_mask: np.ndarray
    sketch: np.ndarray
    keep_mask: np.ndarray
    warps: tuple[tuple[int, int, int, int, int, int], ...] = field(default=())


def blank(size: int) -> Drawing:
    """A drawing without a stroke."""
    none = np.zeros((size, size), bool)
    return Drawing(
        colour=np.zeros((size, size, 3), np.uint8),
        colour_mask=none,
        sketch=np.zeros((size, size), np.uint8),
        keep_mask=none,
    )


def drawn(strokes: Sequence[Stroke], size: int, base: Drawing | None = None) -> Drawing:
    """All strokes, one after the other.

    Args:
        strokes: in the order in which they were drawn.
        size: S, side of the model's image.
        base: what they are drawn on; nothing by default.
    """
    drawing = base or blank(size)
    for stroke in strokes:
        drawing = _with(drawing, stroke, size)
    return drawing


def framed(stroke: Stroke, size: int, visible: int) -> Stroke:
    """A stroke on the `visible` pixels that are shown, as one on the model's `size` pixels.

    What is around them is a black border.
    """
    border = (size - visible) / 2
    points = [
        ((x * visible + border) / size, (y * visible + border) / size) for x, y in stroke.points
    ]
    return replace(stroke, points=tuple(points))


def _with(drawing: Drawing, stroke: Stroke, size: int) -> Drawing:
    """The drawing with one more stroke."""
    if stroke.kind == "warp":
        return replace(drawing, warps=(*drawing.warps, _square(stroke, size)))
    width = WIDTHS[stroke.kind] if stroke.width is None else stroke.width
    line = rasterised(stroke.points, max(1, round(width)), size)
    match stroke.kind:
        case "colour":
            colour = np.where(line[..., None], np.array(stroke.colour, np.uint8), drawing.colour)
            return replace(drawing, colour=colour, colour_mask=drawing.colour_mask | line)
        case "sketch":
            return replace(drawing, sketch=np.where(line, np.uint8(255), drawing.sketch))
        case "keep":
            return replace(drawing, keep_mask=drawing.keep_mask | line)
    return replace(
        drawing,
        colour_mask=drawing.colour_mask & ~line,
        sketch=np.where(line, np.uint8(0), drawing.sketch),
        keep_mask=drawing.keep_mask & ~line,
    )


def rasterised(points: Sequence[tuple[float, float]], width: int, size: int) -> np.ndarray:
    """The pixels `[size, size]` that a round brush of that width paints, without anti-aliasing."""
    image = Image.new("1", (size, size))
    draw = ImageDraw.Draw(image)
    places = [(int(np.floor(x * size)), int(np.floor(y * size))) for x, y in points]
    if len(places) > 1:
        draw.line(places, fill=1, width=width, joint="curve")
    for x, y in places:
        if width < 3:
            draw.rectangle((x, y, x + width - 1, y + width - 1), fill=1)
        else:
            low, high = width // 2, width - width // 2 - 1
            draw.ellipse((x - low, y - low, x + high, y + high), fill=1)
    return np.asarray(image)


def _square(stroke: Stroke, size: int) -> tuple[int, int, int, int, int, int]:
    """Where the square of a warp comes from and goes to, cut to what lies inside at both.

    Without height or width where nothing does.
    """
    side = WIDTHS["warp"] * size / WARP_SIDE if stroke.width is None else stroke.width
    side = max(1, round(side))
    (x0, y0), (x1, y1) = stroke.points[0], stroke.points[-1]
    source, target = (
        (round(y * size - side / 2), round(x * size - side / 2)) for x, y in ((x0, y0), (x1, y1))
    )
    spans = []
    for a, b in zip(source, target, strict=True):
        low = max(0, -a, -b)
        high = min(side, size - a, size - b)
        spans.append((a + low, b + low, max(0, high - low)))
    (top, new_top, height), (left, new_left, width) = spans
    return top, left, new_top, new_left, height, width
