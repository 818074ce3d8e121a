"""Encodes and decodes images: x -> G(E_z(x), E_y(x)).

python -m icgan_tf.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common import commands
from common.commands import carry_out, check_reconstruction
from common.errors import exits_cleanly


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand(commands.ReconstructCommand):
    """Encodes images and generates them anew."""

    attributes: Literal["binary", "raw"] = "binary"
    """What E_y reads, made binary as for an edit, or as it is."""
    invert: bool = False
    """The inputs are digits, black on white."""


def reconstruct(command: ReconstructCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from common.reconstructions import write_reconstructions
    from icgan_tf import trained
    from icgan_tf.codes import binary, decode, encode
    from icgan_tf.edit import read

    check_reconstruction(command)
    model = trained.load(command.run)
    stems, images = read(command.images, model, command.invert)
    latents, answers = encode(model, images)
    raw = command.attributes == "raw"
    attributes = answers if raw else binary(answers, model.digits)
    reconstructions = decode(model, latents, attributes)
    write_reconstructions(command.out, stems, images, reconstructions)
    return command.out


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    program = "python -m icgan_tf.reconstruct"
    carry_out(ReconstructCommand, program, reconstruct, arguments, check_reconstruction)


if __name__ == "__main__":
    main()
