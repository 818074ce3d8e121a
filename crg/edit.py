"""`python -m crg.edit`: attribute editing of an image or a folder, along directions from pairs.

What Eqs. 3 and 4 do is in `crg.codes`; directions from more than a pair are in `crg.directions`.

    python -m crg.edit IMAGES --without A.png --with B.png --strength 1 --out DIR
    python -m crg.edit IMAGES --direction smile.json --strength 1 --out DIR
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from common.cli.commands import carry_out
from common.cli.edits import EditImagesCommand, check_edits, check_several, write_each
from common.cli.images import (
    check_fits,
    one_image,
    read_inputs,
)
from common.cli.tuning import edited
from common.directions import files
from common.errors import UserError, exits_cleanly
from crg import directions, shipped
from crg.codes import Along, Norm

if TYPE_CHECKING:
    import numpy as np

    from common.editor import Edited
    from crg.editor import CRGEditor


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand(EditImagesCommand):
    """Edits images along directions that pairs of images define, or files of directions hold."""

    without: tuple[Path, ...] = ()
    """Images without the attributes, one a direction."""
    with_: Annotated[tuple[Path, ...], tyro.conf.arg(name="with")] = ()
    """Images with them, in the same order."""
    direction: tuple[Path, ...] = ()
    """Files of directions, which `python -m common.directions` writes; after those of pairs."""
    strength: tyro.conf.UseAppendAction[tuple[tuple[float, ...], ...]] = ()
    """Shares of each pair's own step; 1, the default, adds the attribute, -1 takes it away. One
    for all directions, or one each. --strength again, as in `--strength 0.5 --strength 1`, is a
    further edit: each has a folder in OUT, and all are side by side on the sheet."""
    k: tyro.conf.UseAppendAction[tuple[tuple[float, ...], ...]] = ()
    """The paper's k of Eq. 4 instead of strengths (its positive k takes the attribute away); again
    for a further edit, too."""
    norm: Norm = "squared"
    """How Eq. 3 divides z_1 - z_2: by its squared norm as written, by its norm, or not; files of
    directions have theirs."""
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
    from crg import editor

    check(command)
    model = editor.load(shipped.run_for(command))
    inputs = read_inputs(command, model.kind, "--invert or --invert-pairs")
    requests = requests_of(command, model)

    def edit(request: Along, editor: CRGEditor, images: np.ndarray) -> Edited:
        return editor.edit(images, request)

    each = [functools.partial(edit, request) for request in requests]
    edits, told = edited(command.tuning, model, inputs.stems, inputs.images, each)
    details = [
        {**details_of(command, request, done), **told}
        for request, done in zip(requests, edits, strict=True)
    ]
    named = dict(zip(names_of(command), edits, strict=True))
    return write_each(command, inputs, named, model, details)


def details_of(command: EditCommand, request: Along, done: Edited) -> dict[str, Any]:
    """What `edits.json` tells of an edit."""
    import numpy as np

    sources = [{"without": str(a), "with": str(b)} for a, b in pairs_of(command)]
    sources += [{"file": str(file)} for file in command.direction]
    taken = zip(sources, request.directions, request.ks(), strict=True)
    return {
        "directions": [{**source, "k": float(k), "norm": one.norm} for source, one, k in taken],
        "share_outside_cube": float(np.mean(np.abs(done.codes.latent) > 1.0)),
    }


def requests_of(command: EditCommand, model: CRGEditor) -> list[Along]:
    """The directions of the pairs, and how far each edit goes along each.

    Raises:
        UserError: a side of a pair is not one image, or both have the same code.
    """

    def side(path: Path):
        flag = "--invert or --invert-pairs"
        why = "a direction needs one on each side"
        return one_image(model, path, why, invert=command.invert_pairs, flag=flag)

    size = model.encoder.output_shape[-1]
    found = [model.direction(side(a), side(b), command.norm) for a, b in pairs_of(command)]
    found += [directions.read(file, size) for file in command.direction]
    unit = "k" if command.k else "strength"
    return [
        Along(directions=found, amounts=amounts, unit=unit, clip=command.clip)
        for amounts in amounts_of(command)
    ]


def names_of(command: EditCommand) -> list[str]:
    """What to call edits where there are several: `strength=0.5`, or `k=-6+2` along two."""
    unit = "k" if command.k else "strength"
    return [f"{unit}={'+'.join(f'{one:g}' for one in some)}" for some in amounts_of(command)]


def pairs_of(command: EditCommand) -> list[tuple[Path, Path]]:
    """The images without and with each attribute."""
    return list(zip(command.without, command.with_, strict=True))


def amounts_of(command: EditCommand) -> list[tuple[float, ...]]:
    """The strengths or ks of each edit, one a direction.

    Raises:
        UserError: both are given, or the counts of images and amounts differ.
    """
    if command.k and command.strength:
        raise UserError("--k and --strength are two ways to say the same; give one of them.")
    pairs, files = len(command.without), len(command.direction)
    found = []
    for given in command.k or command.strength or ((1.0,),):
        amounts = given * (pairs + files) if len(given) == 1 else given
        if not pairs + files or len(command.with_) != pairs or len(amounts) != pairs + files:
            told = f", files in --direction: {files}" if files else ""
            raise UserError(
                f"Images in --without: {pairs}, in --with: {len(command.with_)}{told}, amounts: "
                f"{len(amounts)}; each direction needs one of each{' or a file' if files else ''}."
            )
        found.append(amounts)
    return found


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: counts that do not match, images that are missing or would be overwritten, or no
            trained model.
    """
    from crg import editor

    amounts_of(command)
    check_edits(command, *command.without, *command.with_)
    check_several(command, names_of(command), *command.without, *command.with_)
    for file in command.direction:
        files.read(file)
    check_fits(command, editor.outline(shipped.run_for(command)))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    several = ("--strength", "--k")
    carry_out(EditCommand, "python -m crg.edit", apply, arguments, check, repeatable=several)


if __name__ == "__main__":
    main()
