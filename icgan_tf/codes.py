"""Codes of images, requests for edits, and what each does to y.

Perarnau et al. 2016, Sec. 3.3, and the scripts of its authors: single attributes, each attribute in
turn, y swapped between two images, interpolation; the report, Sec. 6.2: digit + k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from common.editor import Control, Rows, indexed
from common.errors import UserError
from icgan_tf.config import ALL, Config

EXCLUSIVE = (  # setting one of a group clears the others (the authors' code)
    ("Bald", "Bangs", "Receding_Hairline"),
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Straight_Hair", "Wavy_Hair"),
)
SHIFT = Control(
    name="shift",
    meaning="added to the digit, modulo ten",
    low=-9,
    high=9,
    default=0,
    step=1,
)
LARGEST_VALUE = 3.0  # of an attribute that is set; 1 is what the networks know
TOGGLED = ("Male",)  # in `variations`, turned over instead of set (the authors' code)


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]`, float32.
        attributes: y `[N, A]`, 0 for absent and 1 for present.
        read: what E_y reads `[N, A]` on the same scale, not binary; None of codes that were not
            encoded.
    """

    latent: np.ndarray
    attributes: np.ndarray
    read: np.ndarray | None = None

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)

    def with_attributes(self, attributes: np.ndarray) -> Codes:
        """The same z with another y `[N, A]`."""
        return Codes(self.latent, attributes)


@dataclass(frozen=True, slots=True)
class Shift:
    """Digits: add k, modulo ten; without `wrap`, past 9 there is no digit, as in the baseline."""

    k: int
    wrap: bool = True


@dataclass(frozen=True, slots=True)
class Set:
    """Set attributes: name -> value, 1 for present and -1 for absent; none: the reconstruction.

    With `exclusive`, one that becomes present clears those that exclude it.
    """

    values: dict[str, float] = field(default_factory=dict)
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Swap:
    """Take the attributes of another image, uint8 `[H, W, C]`."""

    other: np.ndarray


@dataclass(frozen=True, slots=True)
class Interpolate:
    """Go half-way to another image, uint8 `[H, W, C]`; the sheet has `steps` images between."""

    other: np.ndarray
    steps: int = 4


@dataclass(frozen=True, slots=True)
class Each:
    """The reconstruction; the sheet has each attribute, or each class, in turn."""

    exclusive: bool = True


Request: TypeAlias = Shift | Set | Swap | Interpolate | Each


def attribute_names(config: Config) -> tuple[str, ...]:
    """The names of the columns of y, in order."""
    if config.dataset == "mnist":
        return tuple(str(digit) for digit in range(10))
    if config.data.attributes != ALL:
        return config.data.attributes
    from common.datasets import drawn
    from common.datasets.celeba import loader as celeba

    return drawn.ATTRIBUTES if config.dataset == "drawn" else celeba.ATTRIBUTES


def controls_of(names: Sequence[str], digits: bool) -> tuple[Control, ...]:
    """What a person may turn: the attributes; of digits the number that is added, too."""
    attributes = tuple(
        Control(
            name=name,
            meaning="1 present, -1 absent",
            low=-LARGEST_VALUE,
            high=LARGEST_VALUE,
            off=-1.0,
        )
        for name in names
    )
    return (SHIFT, *attributes) if digits else attributes


def turned(values: Mapping[str, float], digits: bool) -> Shift | Set:
    """The request that turns controls: a shift of digits, which stands alone, or attributes.

    Raises:
        UserError: a shift and other digits at once.
    """
    if not digits or "shift" not in values:
        return Set(dict(values))
    if others := [name for name in values if name != SHIFT.name]:
        raise UserError(f"shift and {', '.join(others)} both say which digit to make.")
    return Shift(int(values["shift"]))


def binary(attributes: np.ndarray, one_hot: bool) -> np.ndarray:
    """What E_y reads as attributes that are there or not.

    Args:
        attributes: `[N, A]` on the scale of 0 and 1.
        one_hot: they are classes, of which each image has one.

    Returns:
        float32 `[N, A]` of 0 and 1.
    """
    if one_hot:
        return np.eye(attributes.shape[1], dtype=np.float32)[attributes.argmax(axis=1)]
    return (attributes > 0.5).astype(np.float32)


def shifted(attributes: np.ndarray, k: int, wrap: bool = True) -> np.ndarray:
    """Classes plus k: "the real MNIST digits ... added with one" (the report, Sec. 6.2).

    Args:
        attributes: one-hot `[N, A]`.
        k: any integer.
        wrap: count modulo A. The baseline's code does not: past the last class it asks for none.

    Returns:
        `[N, A]`, one-hot; without `wrap` a row may be all 0.
    """
    count = attributes.shape[1]
    classes = attributes.argmax(axis=1) + k
    moved = np.eye(count, dtype=np.float32)[classes % count]
    if not wrap:
        moved[(classes < 0) | (classes >= count)] = 0.0
    return moved


def with_values(
    attributes: np.ndarray,
    names: Sequence[str],
    values: Mapping[str, float],
    exclusive: bool = True,
) -> np.ndarray:
    """Attributes with some of them set.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the A columns.
        values: attribute -> value, -1 for absent and 1 for present.
        exclusive: an attribute that becomes present clears the others of its group, unless they are
            set themselves.

    Returns:
        `[N, A]`.
    """
    edited = np.array(attributes, np.float32)
    for name, value in values.items():
        groups = [group for group in EXCLUSIVE if name in group] if exclusive and value > 0 else []
        for other in (other for group in groups for other in group):
            if other in names and other not in values:
                edited[:, names.index(other)] = 0.0
    for name, value in values.items():
        edited[:, names.index(name)] = (value + 1.0) / 2.0
    return edited


def variations(
    attributes: np.ndarray, names: Sequence[str], one_hot: bool, exclusive: bool = True
) -> dict[str, np.ndarray]:
    """Every attribute in turn: label -> `[N, A]`. Classes: every class.

    Args:
        attributes: `[N, A]` of 0 and 1.
        names: of the columns.
        one_hot: they are classes.
        exclusive: as for `with_values`.
    """
    if one_hot:
        rows = np.eye(len(names), dtype=np.float32)
        return {
            name: np.repeat(row[None], len(attributes), axis=0)
            for name, row in zip(names, rows, strict=True)
        }
    varied = {}
    for column, name in enumerate(names):
        if name in TOGGLED:
            varied[f"{name} toggled"] = np.array(attributes, np.float32)
            varied[f"{name} toggled"][:, column] = 1.0 - attributes[:, column]
        else:
            varied[name] = with_values(attributes, names, {name: 1.0}, exclusive)
    return varied


def refuse_clashes(request: Set, names: Sequence[str], one_hot: bool) -> None:
    """Refuses attributes that exclude each other, and a digit that is only taken away.

    Raises:
        UserError: naming them.
    """
    present = [name for name, value in request.values.items() if value > 0]
    if one_hot and request.values and not present:
        raise UserError("--set of a digit says which digit to make, such as --set 7=1.")
    groups = EXCLUSIVE if request.exclusive else ()
    for group in (names,) if one_hot else groups:
        clash = [name for name in present if name in group]
        if len(clash) > 1:
            raise UserError(
                f"{' and '.join(clash)} exclude each other; set one of them"
                + ("." if one_hot else ", or add --no-exclusive.")
            )


def reading(row: np.ndarray, names: Sequence[str], told: Sequence[int]) -> str:
    """What E_y reads in an image, of the columns `told`: `(7)`, `(Smiling)`, or `(-)` for none."""
    if not len(told):
        return ""
    return f"({', '.join(names[column] for column in told if row[column] > 0.5) or '-'})"
