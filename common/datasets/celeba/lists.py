"""CelebA's lists: the attributes and the splits of its images, as text or as Kaggle's tables."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.datasets.folder import listed
from common.errors import UserError

logger = logging.getLogger(__name__)

ALL_IMAGES = 202_599
ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)


def read_attributes(file: Path) -> dict[str, np.ndarray]:
    """Reads `list_attr_celeba.txt`, or Kaggle's `.csv`: name -> bool `[40]`.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    lines = _lines(file)
    if file.suffix == ".csv":
        header, told, words = _csv_header(lines), None, map(_csv_words, lines[1:])
        known, first = header[1:] == list(ATTRIBUTES), 2
        rule = "its first line must be image_id and the 40 names, with commas"
    else:
        told = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        words = (line.split() for line in lines[2:])
        known = told is not None and len(lines) > 1 and tuple(lines[1].split()) == ATTRIBUTES
        first = 3
        rule = "its first line must be the number of images and its second one the 40 names"
    if not known:
        raise UserError(f"{file} is not CelebA's list of attributes: {rule}; take the original.")
    rows = {}
    for number, row in enumerate(words, start=first):
        name, *values = row or [""]
        wrong = set(values) - {"1", "-1", "0"}
        if len(values) != len(ATTRIBUTES) or wrong:
            raise UserError(
                f"{file}, line {number}: expected a name and 40 values of 1 and -1, but it has "
                f"{listed(sorted(wrong)) or f'{len(values)} values'}; take the original file."
            )
        stem = Path(name).stem
        if stem in rows:
            raise UserError(f"{file}, line {number}: {name} a second time; take the original file.")
        rows[stem] = np.array([value == "1" for value in values])
    if told is not None and told != len(rows):
        logger.warning(
            "%s says that it has %s rows, but it has %s: it may be cut off.",
            *(file, f"{told:,}", f"{len(rows):,}"),
        )
    return rows


def read_partition(file: Path) -> dict[str, int]:
    """Reads `list_eval_partition.txt`, or Kaggle's `.csv`: name -> 0, 1 or 2.

    Raises:
        UserError: it is not such a list; the message names the line.
    """
    lines, comma = _lines(file), file.suffix == ".csv"
    if comma and len(_csv_header(lines)) != 2:
        raise UserError(f"{file}: its first line must be image_id,partition; take the original.")
    parts = {}
    rows = map(_csv_words, lines[1:]) if comma else (line.split() for line in lines)
    for number, words in enumerate(rows, start=1 + comma):
        if len(words) != 2 or words[1] not in ("0", "1", "2"):
            raise UserError(
                f"{file}, line {number}: expected a file name and 0, 1 or 2, but it is "
                f"{lines[number - 1]!r}."
            )
        parts[Path(words[0]).stem] = int(words[1])
    return parts


def _csv_header(lines: Sequence[str]) -> list[str]:
    return _csv_words(lines[0]) if lines else []


def _csv_words(line: str) -> list[str]:
    """A line by itself, so that a stray quotation mark does not reach into the next ones."""
    return next(csv.reader([line]), [])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as text ({error}); take the original.") from error
