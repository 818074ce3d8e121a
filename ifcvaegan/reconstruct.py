"""Encodes and decodes faces: x -> D(E_y(x), E_z(x)).

python -m ifcvaegan.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common.commands import ReconstructCommand, carry_out, check_reconstruction
from common.errors import exits_cleanly


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

    check_reconstruction(command)
    model = trained.load(command.run)
    stems, images = read(command.images, model)
    means, _, attributes = encode(model, images)
    write_reconstructions(command.out, stems, images, decode(model, attributes, means))
    return command.out


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    program = "python -m ifcvaegan.reconstruct"
    carry_out(ReconstructCommand, program, reconstruct, arguments, check_reconstruction)


if __name__ == "__main__":
    main()
