"""Encodes and decodes images: x -> G(E_z(x), E_y(x)).

python -m icgan_tf.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.cli import reconstruction as shared
from common.cli.commands import carry_out
from common.cli.images import check_fits, check_images
from common.errors import exits_cleanly


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructCommand(shared.ReconstructCommand):
    """Encodes images and decodes the codes."""

    attributes: Literal["binary", "raw"] = "binary"
    """What E_y reads, made binary as for an edit, or as it is."""


def reconstruct(command: ReconstructCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from icgan_tf import editor

    model = editor.load(command.run)

    def with_raw_attributes(model, images):
        codes = model.encode(images)
        assert codes.read is not None
        return model.decode(codes.with_attributes(codes.read))

    apply = with_raw_attributes if command.attributes == "raw" else None
    return shared.reconstruct(command, model, apply, command.tuning)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    from icgan_tf import editor

    def check(command: ReconstructCommand) -> None:
        check_images(command)
        check_fits(command, editor.outline(command.run))

    program = "python -m icgan_tf.reconstruct"
    carry_out(ReconstructCommand, program, reconstruct, arguments, check)


if __name__ == "__main__":
    main()
