"""Drawn faces: cartoons with known attributes, which stand in where no photographs are at hand.

Nothing is downloaded and no person is shown, so tests, `smoke` runs and first steps need no data.
A face is a function of its number and its attributes alone; whatever is not an attribute (the shape
and place of the head, tones of skin and background, the direction of the eyes) varies by chance, so
that an encoder has something to find. The attributes are 18 of CelebA's, by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from common.datasets.celeba.faces import HEIGHT, WHOLE_WIDTH, WIDTH, Crop, face
from common.datasets.celeba.loader import ALL, SPLITS
from common.datasets.celeba.loader import ATTRIBUTES as CELEBA
from common.datasets.records import Records
from common.errors import UserError, did_you_mean

ATTRIBUTES = (
    "Bald",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Gray_Hair",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Pale_Skin",
    "Receding_Hairline",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Hat",
)
COUNTS = {"train": 8_192, "dev": 128, "test": 128}  # faces a split
FIRST = {"train": 0, "dev": 100_000, "test": 200_000}  # number of its first face
HAIR = {
    "Black_Hair": (32, 28, 30),
    "Blond_Hair": (222, 188, 104),
    "Brown_Hair": (110, 70, 40),
    "Gray_Hair": (160, 160, 165),
}
RED_HAIR = (170, 74, 40)  # of those who have none of these colours
INK = (40, 30, 30)


def load(
    split: str,
    size: int = 64,
    attributes: Sequence[str] = ALL,
    crop: Crop = WHOLE_WIDTH,
    limit: int | None = None,
) -> Records:
    """Draws one split.

    Args:
        split: `train` (8,192 faces, drawn in some 5 s), `dev` or `test` (128 each).
        size: side of the images.
        attributes: some of `ATTRIBUTES` in the order of the columns to deliver, or ("all",).
        crop: what is kept, as of CelebA's images.
        limit: draw only the first so many.

    Returns:
        Records with images `[N, size, size, 3]` and attributes `[N, A]` of 0 and 1.

    Raises:
        UserError: the split or an attribute is unknown.
    """
    if split not in COUNTS:
        raise UserError(f"Drawn faces have no split {split!r}; choose one of {', '.join(COUNTS)}.")
    names = check_attributes(attributes)
    numbers = range(FIRST[split], FIRST[split] + COUNTS[split])[:limit]
    drawn = [random_attributes(number) for number in numbers]
    images = [
        face(draw(number, one), size, crop) for number, one in zip(numbers, drawn, strict=True)
    ]
    return Records(
        images=np.stack(images),
        attributes=np.array([[one[name] for name in names] for one in drawn], np.float32),
        attribute_names=names,
        name="drawn",
        source=f"faces drawn by {__name__}, split {split}",
    )


def check_attributes(names: Sequence[str]) -> tuple[str, ...]:
    """The attributes that are meant: all of them, or those named.

    Raises:
        UserError: an unknown name, with the nearest one.
    """
    if tuple(names) == ALL:
        return ATTRIBUTES
    if unknown := [name for name in names if name not in ATTRIBUTES]:
        raise UserError(
            f"Drawn faces have no attributes {unknown}; they have {', '.join(ATTRIBUTES)}."
            f"{did_you_mean(unknown[0], ATTRIBUTES)}"
        )
    return tuple(names)


def random_attributes(number: int) -> dict[str, bool]:
    """The attributes of the face of that number: about as they go together in people."""
    rng = np.random.default_rng((number, 1))
    has = {name: bool(rng.random() < 0.3) for name in ATTRIBUTES}
    has["Male"], has["Smiling"] = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    has["Bald"] &= has["Male"]
    has["Mustache"] &= has["Male"]
    has["Heavy_Makeup"] &= not has["Male"]
    colour = rng.choice([*HAIR, ""])  # at most one colour, one form, one hairline
    has |= {name: name == colour and not has["Bald"] for name in HAIR}
    form = rng.choice(["Straight_Hair", "Wavy_Hair"])
    has |= {name: name == form and not has["Bald"] for name in ("Straight_Hair", "Wavy_Hair")}
    has["Bangs"] &= not has["Bald"] and not has["Receding_Hairline"]
    has["Receding_Hairline"] &= not has["Bald"]
    return has


def draw(number: int, has: Mapping[str, bool]) -> Image.Image:
    """Draws a face of CelebA's size, 178x218.

    Args:
        number: keys all that is not an attribute.
        has: attribute -> whether the face has it; what is missing it has not.

    Returns:
        An RGB image.
    """
    rng = np.random.default_rng((number, 2))
    on = {name: bool(has.get(name)) for name in ATTRIBUTES}
    tone = rng.uniform(0.75, 1.0)
    skin = tuple(int(tone * c) for c in ((246, 226, 216) if on["Pale_Skin"] else (224, 172, 132)))
    background = tuple(int(c) for c in rng.uniform(60, 200, 3))
    hair = next((HAIR[name] for name in HAIR if on[name]), RED_HAIR)
    x, y = rng.uniform(84, 94), rng.uniform(112, 120)  # middle of the face
    wide = rng.uniform(39, 43) + (4 if on["Male"] else 0)
    high = rng.uniform(52, 58)
    image = Image.new("RGB", (WIDTH, HEIGHT), background)
    pen = ImageDraw.Draw(image)

    if not on["Bald"]:  # the hair behind the face: long without Male
        _oval(pen, x, y - 14, wide + 10, high + 4, hair)
        if not on["Male"]:
            pen.rectangle((x - wide - 10, y - 14, x + wide + 10, y + 62), hair)
        if on["Wavy_Hair"]:
            for dy in range(-40, 64 if not on["Male"] else 10, 13):
                for side in (-1, 1):
                    _oval(pen, x + side * (wide + 9), y + dy, 8, 8, hair)
    pen.rectangle((x - 16, y + high - 14, x + 16, HEIGHT), skin)  # neck
    if on["Male"]:  # a square jaw
        pen.rounded_rectangle((x - wide, y - 6, x + wide, y + high), 22, skin)
    _oval(pen, x, y, wide, high, skin)
    if not on["Bald"]:  # the hair above the forehead
        line = y - high * (0.92 if on["Receding_Hairline"] else 0.72)
        top = (x - wide - 2, y - high - 8, x + wide + 2, line)
        pen.chord((top[0], top[1], top[2], 2 * line - top[1]), 180, 360, hair)
    if on["Bangs"]:
        pen.chord((x - wide, y - high - 8, x + wide, y + 18), 180, 360, hair)
    _draw_eyes(pen, on, x, y, rng.uniform(-2, 2))
    pen.line((x, y - 4, x - 4, y + 10, x + 3, y + 11), tuple(int(0.75 * c) for c in skin), 2)
    if on["Mustache"]:
        pen.chord((x - 18, y + 12, x + 18, y + 30), 180, 360, INK)
    lips = (196, 30, 60) if on["Heavy_Makeup"] else (176, 80, 80)
    mouth = y + 28
    if on["Mouth_Slightly_Open"]:
        depth = 12 if on["Smiling"] else 6
        shape = (x - 15, mouth - depth, x + 15, mouth + depth)
        if on["Smiling"]:
            pen.chord(shape, 0, 180, (250, 250, 250), lips, 3)
        else:
            pen.ellipse(shape, (90, 20, 30), lips, 3)
    elif on["Smiling"]:
        pen.arc((x - 18, mouth - 20, x + 18, mouth + 8), 25, 155, lips, 4)
    else:
        pen.line((x - 13, mouth, x + 13, mouth), lips, 4)
    if on["Wearing_Hat"]:
        hat = tuple(int(c) for c in rng.uniform(20, 150, 3))
        pen.rounded_rectangle((x - wide - 4, y - high - 26, x + wide + 4, y - high + 20), 16, hat)
        pen.rectangle((x - wide - 18, y - high + 14, x + wide + 18, y - high + 22), hat)
    return image


def _draw_eyes(
    pen: ImageDraw.ImageDraw, on: Mapping[str, bool], x: float, y: float, look: float
) -> None:
    """Eyes, brows, make-up and glasses of a face in the middle (x, y) that looks aside."""
    for side in (-1, 1):
        eye = x + side * 17
        _oval(pen, eye, y - 10, 8, 5, (250, 250, 250))
        _oval(pen, eye + look, y - 10, 3.5, 4, INK)
        brow = 5 if on["Bushy_Eyebrows"] else 2
        pen.line((eye - 9, y - 21, eye + 9, y - 22), INK, brow)
        if on["Heavy_Makeup"]:
            pen.arc((eye - 10, y - 18, eye + 10, y - 2), 180, 360, (90, 40, 120), 4)
            _oval(pen, x + side * 26, y + 12, 8, 5, (232, 120, 130))
        if on["Eyeglasses"]:
            _oval(pen, eye, y - 10, 14, 12, None, (20, 20, 20), 3)
    if on["Eyeglasses"]:
        pen.line((x - 4, y - 11, x + 4, y - 11), (20, 20, 20), 3)


def _oval(
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    rx: float,
    ry: float,
    fill,
    outline=None,
    width: int = 1,
) -> None:
    """An ellipse around (x, y)."""
    pen.ellipse((x - rx, y - ry, x + rx, y + ry), fill, outline, width)


def write_celeba(folder: Path, counts: Mapping[str, int], width: int = WIDTH) -> None:
    """Writes drawn faces in CelebA's official layout, for tests and to try things out.

    Args:
        folder: to write into.
        counts: split -> number of faces.
        width: of the images; the height follows CelebA's proportion.
    """
    images = folder / "img_align_celeba"
    images.mkdir(parents=True)
    rows, parts = [], []
    for split, count in counts.items():
        for number in range(FIRST[split], FIRST[split] + count):
            name = f"{len(rows) + 1:06d}.jpg"
            has = random_attributes(number)
            image = draw(number, has)
            if width != WIDTH:
                image = image.resize((width, round(width * HEIGHT / WIDTH)))
            image.save(images / name, quality=95)
            values = " ".join(" 1" if has.get(attribute) else "-1" for attribute in CELEBA)
            rows.append(f"{name} {values}\n")
            parts.append(f"{name} {SPLITS[split]}\n")
    header = f"{len(rows)}\n{' '.join(CELEBA)} \n"
    (folder / "list_attr_celeba.txt").write_text(header + "".join(rows), encoding="utf-8")
    (folder / "list_eval_partition.txt").write_text("".join(parts), encoding="utf-8")
