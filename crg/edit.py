"""`python -m crg.edit`: attribute editing of an image or a folder, along directions from pairs.

What Eqs. 3 and 4 do is in `crg.codes`.

    python -m crg.edit IMAGES --without A.png --with B.png --strength 1 --out DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.cli.commands import carry_out
from common.cli.images import ImagesCommand, one_image, write_edits
from common.datasets.folder import check_inputs
from common.errors import UserError, exits_cleanly
from crg.codes import Along, Norm

if TYPE_CHECKING:
    from crg.editor import CRGEditor


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand(ImagesCommand):
    """Edits images along directions that pairs of images define."""

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
    invert_pairs: bool = False
    """The images of --without and --with are black on white."""


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten, counts that differ,
            amounts that lead nowhere.
    """
    import numpy as np

    from crg import editor

    check(command)
    model = editor.load(command.run)
    stems, images = model.kind.read(command.images, command.invert, "--invert or --invert-pairs")
    request = request_of(command, model)
    edited = model.edit(images, request)
    pairs = zip(command.without, command.with_, request.ks(), strict=True)
    details = {
        "directions": [
            {"without": str(a), "with": str(b), "k": float(k), "norm": command.norm}
            for a, b, k in pairs
        ],
        "share_outside_cube": float(np.mean(np.abs(edited.codes.latent) > 1.0)),
    }
    return write_edits(command.out, stems, images, edited, model, details)


def request_of(command: EditCommand, model: CRGEditor) -> Along:
    """The directions of the pairs, and how far to go along each.

    Raises:
        UserError: a side of a pair is not one image, or both have the same code.
    """

    def side(path: Path):
        flag = "--invert or --invert-pairs"
        why = "a direction needs one on each side"
        return one_image(model, path, why, invert=command.invert_pairs, flag=flag)

    pairs = zip(command.without, command.with_, strict=True)
    return Along(
        directions=[model.direction(side(a), side(b), command.norm) for a, b in pairs],
        amounts=amounts_of(command),
        unit="strength" if command.k is None else "k",
        clip=command.clip,
    )


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


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: counts that do not match, images that are missing or would be overwritten, or no
            trained model.
    """
    from crg import editor

    amounts_of(command)
    check_inputs(command.out, command.images, *command.without, *command.with_)
    editor.outline(command.run)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    carry_out(EditCommand, "python -m crg.edit", apply, arguments, check)


if __name__ == "__main__":
    main()
