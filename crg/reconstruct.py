"""Encodes and decodes images: x -> g(e(x)).

python -m crg.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common import commands
from common.commands import carry_out, check_reconstruction
from common.errors import exits_cleanly


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand(commands.ReconstructCommand):
    """Encodes digits and generates them anew."""

    invert: bool = False
    """The inputs are black on white."""


def reconstruct(command: ReconstructCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.reconstructions import write_reconstructions
    from crg import trained
    from crg.codes import decode, encode
    from crg.edit import read

    check_reconstruction(command)
    model = trained.load(command.run)
    stems, images = read(command.images, command.invert)
    reconstructions = decode(model.generator, encode(model.encoder, images))
    write_reconstructions(command.out, stems, images, reconstructions)
    return command.out


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    program = "python -m crg.reconstruct"
    carry_out(ReconstructCommand, program, reconstruct, arguments, check_reconstruction)


if __name__ == "__main__":
    main()
