"""Encodes and decodes faces: x -> D(E_y(x), E_z(x)).

python -m ifcvaegan.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from common.commands import carry_out
from common.datasets.folder import check_inputs
from common.errors import exits_cleanly


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand:
    """Encodes faces and generates them anew."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """A face or a folder of faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; the sheet goes to `OUT/sheets/`."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def reconstruct(command: ReconstructCommand) -> Path:
    """Carries the command out, with the mean of z and y as E reads it.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.reconstructions import write_reconstructions
    from ifcvaegan import trained
    from ifcvaegan.codes import decode, encode
    from ifcvaegan.edit import read

    check(command)
    model = trained.load(command.run)
    stems, images = read(command.images, model)
    means, _, attributes = encode(model, images)
    write_reconstructions(command.out, stems, images, decode(model, attributes, means))
    return command.out


def check(command: ReconstructCommand) -> None:
    """Refuses images that are missing or would be overwritten."""
    check_inputs(command.out, command.images)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    program = "python -m ifcvaegan.reconstruct"
    carry_out(ReconstructCommand, program, reconstruct, arguments, check)


if __name__ == "__main__":
    main()
