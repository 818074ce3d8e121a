"""Sheets of images: rows and columns of small pictures in one PNG, with labels."""

from __future__ import annotations

import importlib.util
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError
from common.files import atomic_path, shown

if TYPE_CHECKING:
    from PIL import Image, ImageFont

CELL = 96  # pixels: small images are enlarged to about this height
MARGIN = 10  # pixels around the sheet
LABEL_WIDTH = 150  # pixels: a wider row label is broken into lines
LONGEST = 40  # characters of a word in a label
LABEL_GAP = 8  # pixels beside a label, at least
HEADER_GAP = 6  # pixels below the column labels
FONT_SIZE = 13
GRAY = (95, 99, 104)  # of the labels


def alternating(above: np.ndarray, below: np.ndarray, columns: int = 10) -> list[list[np.ndarray]]:
    """Rows of the images `above`, each followed by the row of those that belong `below` them."""
    pairs = zip(in_rows(above, columns), in_rows(below, columns), strict=True)
    return [row for pair in pairs for row in pair]


def in_rows(images: np.ndarray, columns: int = 10) -> list[list[np.ndarray]]:
    """The images `[N, H, W, K]` in rows of so many, the last one perhaps shorter."""
    return [list(images[start : start + columns]) for start in range(0, len(images), columns)]


def grid(
    images: np.ndarray | Sequence[Sequence[np.ndarray | None]],
    path: str | os.PathLike[str],
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> None:
    """Writes a sheet of images as PNG, each pixel enlarged to a square.

    Args:
        images: uint8 `[R, C, H, W, K]`, or a list of rows of images `[H, W, K]`, with K = 1 (gray)
            or 3 (RGB). Rows may differ in length and images in size; None leaves a cell empty.
        path: the PNG to write. Small images are enlarged to a height of about 96 pixels.
        row_labels: a text per row, to its left; long ones are broken into lines.
        column_labels: a text per column, above it.

    Raises:
        UserError: no images, labels that do not fit their number, or `path` cannot be written.
        ValueError: an image is not uint8 `[H, W, 1 or 3]`.
    """
    from PIL import Image, ImageDraw

    rows = [list(row) for row in images]
    columns = max(map(len, rows), default=0)
    shown = [image for row in rows for image in row if image is not None]
    _check(
        Path(path).name, shown, (row_labels, len(rows), "rows"), (column_labels, columns, "columns")
    )

    font = _font()
    height, width = (max(image.shape[axis] for image in shown) for axis in (0, 1))
    scale = max(1, round(CELL / height))
    gap = max(2, scale)
    above = [_wrapped(text, font, width * scale) for text in column_labels or ()]
    beside = [_wrapped(text, font, LABEL_WIDTH) for text in row_labels or ()]
    above_sizes = [_text_size(text, font) for text in above]
    beside_sizes = [_text_size(text, font) for text in beside]
    # From one cell to the next, and where the first one begins.
    across = max([width * scale + gap, *(wide + LABEL_GAP for wide, _ in above_sizes)])
    down = max([height * scale + gap, *(high + gap for _, high in beside_sizes)])
    left = MARGIN + max([wide + LABEL_GAP for wide, _ in beside_sizes], default=0)
    top = MARGIN + max([high + HEADER_GAP for _, high in above_sizes], default=0)

    size = (left + columns * across - gap + MARGIN, top + len(rows) * down - gap + MARGIN)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(above):
        place = (left + column * across + (across - gap) // 2, top - HEADER_GAP)
        draw.multiline_text(place, text, fill=GRAY, font=font, anchor="md", align="center")
    for row, text in enumerate(beside):
        place = (left - LABEL_GAP, top + row * down + (down - gap) // 2)
        draw.multiline_text(place, text, fill=GRAY, font=font, anchor="rm", align="right")
    for row, cells in enumerate(rows):
        for column, image in enumerate(cells):
            if image is not None:
                picture = _enlarged(image, scale)
                x = left + column * across + (across - gap - picture.width) // 2
                y = top + row * down + (down - gap - picture.height) // 2
                sheet.paste(picture, (x, y))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")


def _check(
    name: str, shown: Sequence[np.ndarray], *labelled: tuple[Sequence[str] | None, int, str]
) -> None:
    """Refuses a sheet of no images, labels of another number, and arrays that are no images."""
    if not shown:
        raise UserError(f"No images to draw in {name}.")
    for labels, count, what in labelled:
        if labels is not None and len(labels) != count:
            raise UserError(f"{name}: {len(labels)} labels for {count} {what}.")
    for image in shown:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
            raise ValueError(f"expected uint8 [H, W, 1 or 3], received {image.dtype} {image.shape}")


def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along; Pillow's own font knows few characters.

    It is found without importing matplotlib, which takes longer than drawing a sheet.
    """
    from PIL import ImageFont

    found = importlib.util.find_spec("matplotlib")
    assert found is not None  # a requirement
    assert found.origin is not None
    file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, FONT_SIZE)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Breaks `text` at spaces and after underscores into lines of at most `width` pixels.

    Of a part without such a place at most 40 characters are left; line ends in `text` stay.
    """
    lines = []
    for whole in text.split("\n"):
        line = ""
        for part in re.findall(r"[^\s_]*_|[^\s_]+|\s+", whole.strip()):
            part = shown(part, LONGEST)
            if line and font.getlength(line + part.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += part if line else part.lstrip()
        lines.append(line)
    return "\n".join(lines)


def _text_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Width and height of a text of several lines, in pixels."""
    from PIL import Image, ImageDraw

    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    _, _, right, bottom = draw.multiline_textbbox((0, 0), text, font=font)
    return math.ceil(right), math.ceil(bottom)


def _enlarged(image: np.ndarray, scale: int) -> Image.Image:
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    size = (picture.width * scale, picture.height * scale)
    return picture.resize(size, Image.Resampling.NEAREST)
