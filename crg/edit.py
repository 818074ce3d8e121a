"""`python -m crg.edit`: attribute editing of an image or a folder, along directions from pairs.

What Eqs. 3 and 4 do is in `crg.codes`.

    python -m crg.edit IMAGES --without A.png --with B.png --strength 1 --out DIR
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common.commands import carry_out
from common.datasets.folder import check_inputs
from common.errors import UserError, exits_cleanly
from crg.codes import Norm, decode, direction, edit, encode, steps

if TYPE_CHECKING:
    from crg.trained import Trained

logger = logging.getLogger(__name__)

SHEET_ROWS = 40  # at most so many images on the sheet
SHEET_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the amounts, on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand:
    """Edits images along directions that pairs of images define."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """An image or a folder of images: digits, white on black."""
    out: Path
    """Folder for one `<name>.png` an input; sheets and codes go to `OUT/sheets/`."""
    without: tuple[Path, ...]
    """Images without the attributes, one a direction."""
    with_: Annotated[tuple[Path, ...], tyro.conf.arg(name="with")]
    """Images with them, in the same order."""
    strength: tuple[float, ...] | None = None
    """Shares of each pair's own step; 1, the default, adds the attribute, -1 takes it away. One
    for all directions, or one each."""
    k: tuple[float, ...] | None = None
    """The paper's k of Eq. 4 instead of strengths (its positive k takes the attribute away)."""
    norm: Norm = "squared"
    """How Eq. 3 divides z_1 - z_2: by its squared norm as written, by its norm, or not."""
    clip: bool = False
    """Keep edited codes within [-1, 1], where the generator was trained."""
    invert: bool = False
    """The inputs are black on white."""
    invert_pairs: bool = False
    """The images of --without and --with are black on white."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten, counts that differ,
            amounts that lead nowhere.
    """
    from common.datasets.folder import write_images
    from common.files import write_json
    from crg import trained

    amounts = amounts_of(command)
    check_inputs(command.out, command.images, *command.without, *command.with_)
    model = trained.load(command.run)
    stems, images = read(command.images, command.invert)
    pairs = [
        (code(without, model, command.invert_pairs), code(with_, model, command.invert_pairs))
        for without, with_ in zip(command.without, command.with_, strict=True)
    ]
    directions = [direction(*pair, norm=command.norm) for pair in pairs]
    if command.k is None:
        shares = zip(amounts, pairs, strict=True)
        amounts = [s * steps(*pair, norm=command.norm, toward="without") for s, pair in shares]
    latents = encode(model.encoder, images)

    def edited(share: float) -> np.ndarray:
        changed = edit(latents, directions, [share * k for k in amounts])
        return np.clip(changed, -1.0, 1.0) if command.clip else changed

    with np.errstate(over="ignore", invalid="ignore"):
        codes = edited(1.0)
    if not np.isfinite(codes).all():
        raise UserError(
            f"The amounts {list(command.k or command.strength or ())} lead to codes that are not "
            "finite numbers; strengths are usually between -2 and 2."
        )
    write_images(command.out, stems, decode(model.generator, codes))
    sheets = command.out / "sheets"
    sweep = [decode(model.generator, edited(share)[:SHEET_ROWS]) for share in SHEET_SHARES]
    labels = [amount_label(command, share) if share else "0 (rec.)" for share in SHEET_SHARES]
    shown = slice(SHEET_ROWS)
    draw_sweep(sheets / "edits.png", stems[shown], images[shown], sweep, ["input", *labels])
    write_json(
        sheets / "edits.json",
        {
            "model": model.folder.name,
            "directions": [
                {"without": str(a), "with": str(b), "k": float(k), "norm": command.norm}
                for a, b, k in zip(command.without, command.with_, amounts, strict=True)
            ],
            "images": stems,
            "codes": latents,
            "edited_codes": codes,
            "share_outside_cube": float(np.mean(np.abs(codes) > 1.0)),
        },
    )
    logger.info("edited images: %d in %s, all on %s", len(stems), command.out, sheets / "edits.png")
    return command.out


def amounts_of(command: EditCommand) -> tuple[float, ...]:
    """The strengths or ks of the command, one a direction.

    Raises:
        UserError: both are given, or the counts of images and amounts differ.
    """
    if command.k is not None and command.strength is not None:
        raise UserError("--k and --strength are two ways to say the same; give one of them.")
    amounts = command.strength if command.k is None else command.k
    amounts = (1.0,) if amounts is None else amounts
    pairs = len(command.without)
    amounts = amounts * pairs if len(amounts) == 1 else amounts
    if not pairs or not len(command.with_) == len(amounts) == pairs:
        raise UserError(
            f"Images in --without: {pairs}, in --with: {len(command.with_)}, amounts: "
            f"{len(amounts)}; each direction needs one of each."
        )
    return amounts


def read(path: Path, invert: bool) -> tuple[list[str], np.ndarray]:
    """An image or a folder of images as the model takes them: stems and uint8 `[N, 28, 28, 1]`."""
    from common.datasets.folder import read_digits

    return read_digits(path, invert, "--invert or --invert-pairs")


def code(path: Path, model: Trained, invert: bool) -> np.ndarray:
    """The latent `[Z]` of one image, a side of a pair.

    Raises:
        UserError: the path holds several images.
    """
    images = read(path, invert)[1]
    if len(images) > 1:
        raise UserError(f"{path} holds {len(images)} images; a direction needs one on each side.")
    return encode(model.encoder, images)[0]


def amount_label(command: EditCommand, share: float) -> str:
    """What a share of the amounts is: `strength 0.5`, `k -6`, or `50% of each` of several."""
    amount, *others = amounts_of(command)
    if others:
        return f"{share:.0%} of each"
    return f"{'strength' if command.k is None else 'k'} {share * amount:.3g}"


def draw_sweep(
    path: Path,
    stems: Sequence[str],
    images: np.ndarray,
    sweep: Sequence[np.ndarray],
    columns: Sequence[str],
) -> None:
    """A sheet with a row an image `[N, H, W, C]`: itself, and it in each image of the sweep."""
    from common.sheets import grid

    rows = [list(row) for row in zip(images, *sweep, strict=True)]
    grid(rows, path, row_labels=stems, column_labels=columns)


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: counts that do not match, or images that are missing or would be overwritten.
    """
    amounts_of(command)
    check_inputs(command.out, command.images, *command.without, *command.with_)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    carry_out(EditCommand, "python -m crg.edit", apply, arguments, check)


if __name__ == "__main__":
    main()
